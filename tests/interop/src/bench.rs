//! A folder with what the servers work on: a note, a repository, places for a graph, a database and a document.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::plan::Plan;
use crate::servers::Server;

/// What stands in the note.
pub(crate) const NOTE: &str = "written by the interop run";
/// The message of the repository's one commit.
pub(crate) const COMMIT: &str = "the only commit";

/// The folder; gone when this is dropped, unless somebody else keeps it.
#[derive(Debug)]
pub(crate) struct Bench {
    root: PathBuf,
    _ours: Option<TempDir>,
}

impl Bench {
    pub(crate) fn new() -> Result<Self> {
        let ours = TempDir::with_prefix("manyhands-interop-")?;
        let bench = Self {
            root: ours.path().to_owned(),
            _ours: Some(ours),
        };
        bench.filled()
    }

    /// In an empty folder that outlives this.
    pub(crate) fn within(root: PathBuf) -> Result<Self> {
        Self { root, _ours: None }.filled()
    }

    fn filled(self) -> Result<Self> {
        for folder in ["files", "home", "repo"] {
            std::fs::create_dir(self.path(folder))?;
        }
        std::fs::write(self.path("files/note.txt"), NOTE)?;
        self.git(&["init", "--quiet"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", COMMIT])?;
        Ok(self)
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub(crate) fn text(&self, relative: &str) -> String {
        self.path(relative).to_string_lossy().into_owned()
    }

    /// Runs git in the repository, with nobody's own settings.
    fn git(&self, arguments: &[&str]) -> Result<()> {
        let ended = Command::new("git")
            .args(arguments)
            .current_dir(self.path("repo"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Interop")
            .env("GIT_AUTHOR_EMAIL", "interop@localhost")
            .env("GIT_COMMITTER_NAME", "Interop")
            .env("GIT_COMMITTER_EMAIL", "interop@localhost")
            .output()
            .context("git cannot be run; install it")?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(
            ended.status.success(),
            "`git {}` failed: {said}",
            arguments.join(" ")
        );
        Ok(())
    }

    /// An `mcp.json` with these servers.
    pub(crate) fn config<'a>(
        &self,
        plan: &Plan,
        servers: impl IntoIterator<Item = &'a Server>,
        grace: &str,
    ) -> String {
        let entries: Map<String, Value> = servers
            .into_iter()
            .map(|server| (server.name.to_owned(), server.entry(plan, self)))
            .collect();
        json!({"mcpServers": entries, "manyhands": {"grace": grace}}).to_string()
    }

    /// Writes such a file and gives its path.
    pub(crate) fn config_file<'a>(
        &self,
        name: &str,
        plan: &Plan,
        servers: impl IntoIterator<Item = &'a Server>,
        grace: &str,
    ) -> Result<PathBuf> {
        let path = self.path(name);
        std::fs::write(&path, self.config(plan, servers, grace))?;
        Ok(path)
    }
}
