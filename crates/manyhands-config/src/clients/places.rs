//! Where the clients keep their files.
//!
//! The places are those that the clients' own documentation names; `docs/configuration.md` lists them.

use std::path::PathBuf;

use super::Client;

/// An operating system, as far as it decides where files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum System {
    /// Linux, and whatever keeps files as Linux does.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The one that this program runs on.
    #[must_use]
    pub fn this() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }
}

/// The folders in which files are looked for. What is not known is not looked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Places {
    /// The system whose rules count.
    pub system: System,
    /// The user's own folder.
    pub home: Option<PathBuf>,
    /// The folder for configurations: `~/.config` and its like, or `%APPDATA%`.
    pub config: Option<PathBuf>,
    /// What `CODEX_HOME` says.
    pub codex: Option<PathBuf>,
    /// The project: where the command is run.
    pub folder: PathBuf,
}

impl Places {
    /// Knows only the project.
    #[must_use]
    pub fn new(system: System, folder: PathBuf) -> Self {
        Self {
            system,
            home: None,
            config: None,
            codex: None,
            folder,
        }
    }

    /// The files of `client`, whether or not they are there. The first is its user's own.
    #[must_use]
    pub fn files(&self, client: Client) -> Vec<PathBuf> {
        let home = |path: &str| self.home.as_ref().map(|it| it.join(path));
        let config = |path: &str| self.config.as_ref().map(|it| it.join(path));
        // What macOS keeps apart from `~/.config`, other systems keep in their folder for configurations.
        let support = |path: &str| match self.system {
            System::MacOs => home("Library/Application Support").map(|it| it.join(path)),
            _ => config(path),
        };
        let project = |path: &str| Some(self.folder.join(path));
        let files = match client {
            Client::ClaudeDesktop => vec![support("Claude/claude_desktop_config.json")],
            Client::ClaudeCode => vec![home(".claude.json"), project(".mcp.json")],
            Client::Cursor => vec![home(".cursor/mcp.json"), project(".cursor/mcp.json")],
            Client::VsCode => vec![support("Code/User/mcp.json"), project(".vscode/mcp.json")],
            Client::Codex => {
                let own = self.codex.clone().or_else(|| home(".codex"));
                let own = own.map(|it| it.join("config.toml"));
                vec![own, project(".codex/config.toml")]
            }
            Client::Goose => vec![match self.system {
                System::Windows => config("Block/goose/config/config.yaml"),
                System::MacOs => home(".config/goose/config.yaml"),
                System::Linux => config("goose/config.yaml"),
            }],
            Client::Zed => {
                let own = match self.system {
                    System::Windows => config("Zed/settings.json"),
                    System::MacOs => home(".config/zed/settings.json"),
                    System::Linux => config("zed/settings.json"),
                };
                vec![own, project(".zed/settings.json")]
            }
        };
        let mut files: Vec<PathBuf> = files.into_iter().flatten().collect();
        files.dedup();
        files
    }
}
