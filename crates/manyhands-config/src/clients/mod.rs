//! The files in which other MCP clients keep their servers: where they lie, what is in them, and one entry of ours in them.
//!
//! It reads texts and makes texts. What becomes of them, and of the secrets in them, the program decides.

mod codex;
mod convert;
mod goose;
mod install;
mod json;
mod places;
mod yaml;
mod zed;

use std::path::Path;

use serde_json::Value;

use crate::edit::EditError;

pub use install::installed;
pub use places::{Places, System};

/// A program whose configuration can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Client {
    /// Claude Desktop.
    ClaudeDesktop,
    /// Claude Code.
    ClaudeCode,
    /// Cursor.
    Cursor,
    /// Visual Studio Code.
    VsCode,
    /// OpenAI's Codex.
    Codex,
    /// goose.
    Goose,
    /// Zed.
    Zed,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ClaudeDesktop,
        Self::ClaudeCode,
        Self::Cursor,
        Self::VsCode,
        Self::Codex,
        Self::Goose,
        Self::Zed,
    ];

    /// The name that commands know it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "claude-desktop",
            Self::ClaudeCode => "claude-code",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
            Self::Codex => "codex",
            Self::Goose => "goose",
            Self::Zed => "zed",
        }
    }

    /// The client with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.name() == name)
    }

    /// Reads the servers in one of its files, as entries of an `mcp.json`. `folder` is where the file's projects begin.
    ///
    /// # Errors
    /// [`EditError`] when the file as a whole cannot be read. What is wrong with one server is in its [`Found::entry`].
    pub fn read(self, label: &str, text: &str, folder: &Path) -> Result<Vec<Found>, EditError> {
        let mut found = match self {
            Self::Codex => codex::read(label, text)?,
            Self::Goose => goose::read(label, text)?,
            Self::Zed => zed::read(label, text)?,
            _ => json::read(self, label, text, folder)?,
        };
        for server in &mut found {
            server.refuse_references_of_ours();
        }
        Ok(found)
    }
}

/// Everything in one of a client's files, such as for [`Hidden`](crate::Hidden).
///
/// # Errors
/// [`EditError`] when the file cannot be read.
pub fn document(client: Client, label: &str, text: &str) -> Result<Value, EditError> {
    match client {
        Client::Codex => Ok(codex::to_json(codex::parsed(label, text)?.as_item())),
        Client::Goose => goose::parsed(label, text),
        _ => json::parsed(label, text),
    }
}

/// A server that another client knows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// Its name there.
    pub name: String,
    /// Its entry here, or why there can be none.
    pub entry: Result<Value, String>,
    /// What is different here, in words.
    pub notes: Vec<String>,
    /// What the entry needs and the file does not have, as the references in the entry name it.
    pub wanted: Vec<String>,
}

impl Found {
    /// No client knows `${secret:..}`: in a file that came with a project, it would only be meant to read ours.
    fn refuse_references_of_ours(&mut self) {
        let ours: Vec<String> = self.wanted.iter().map(|it| format!("${{{it}}}")).collect();
        let Ok(entry) = &self.entry else { return };
        let mut text = entry.to_string();
        for wanted in &ours {
            text = text.replace(wanted, "");
        }
        if text.contains("${secret:") {
            let why = "it has a `${secret:..}`, which that client does not know and which would be read here";
            self.entry = Err(why.to_owned());
        }
    }

    fn refused(name: &str, why: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            entry: Err(why.into()),
            notes: Vec::new(),
            wanted: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
