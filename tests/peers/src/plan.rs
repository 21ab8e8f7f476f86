//! What is installed where, as `cargo xtask peers` tells it. It must not know how it came there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The input of this program.
#[derive(Debug, Deserialize)]
pub(crate) struct Plan {
    /// The folder of each peer that is installed.
    parts: BTreeMap<String, PathBuf>,
    /// The folder of our scripts that drive them.
    scripts: PathBuf,
    /// The built binary.
    pub(crate) manyhands: PathBuf,
    /// The built command whose `serve` is every server here.
    pub(crate) testkit: PathBuf,
    /// How often each program has its turn.
    pub(crate) rounds: usize,
}

impl Plan {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("`{}` cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("`{}` is no plan", path.display()))
    }

    /// The Python of a peer, if it is installed.
    pub(crate) fn python(&self, part: &str) -> Option<PathBuf> {
        Some(self.parts.get(part)?.join("bin/python"))
    }

    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.scripts.join(name)
    }
}
