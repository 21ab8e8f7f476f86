//! What is installed where, as `cargo xtask interop` tells it. It must not know how it came there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The input of this program.
#[derive(Debug, Deserialize)]
pub(crate) struct Plan {
    /// The folder of each part that is installed.
    parts: BTreeMap<String, PathBuf>,
    /// The part that alone is wanted; all without it.
    only: Option<String>,
    /// A Node that is new enough for all parts.
    pub(crate) node: PathBuf,
    /// The folder of our scripts.
    scripts: PathBuf,
}

impl Plan {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("`{}` cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("`{}` is no plan", path.display()))
    }

    /// Whether a part is there and wanted.
    pub(crate) fn runs(&self, part: &str) -> bool {
        self.has(part) && self.only.as_deref().is_none_or(|only| only == part)
    }

    pub(crate) fn has(&self, part: &str) -> bool {
        self.parts.contains_key(part)
    }

    /// A script of ours.
    pub(crate) fn script(&self, path: &str) -> PathBuf {
        self.scripts.join(path)
    }

    /// A file of a part. One that is not there is found out by who uses it.
    pub(crate) fn file(&self, part: &str, path: &str) -> PathBuf {
        self.parts
            .get(part)
            .map_or_else(|| Path::new(part).join(path), |folder| folder.join(path))
    }
}

/// The built binary, which cargo puts beside this one.
pub(crate) fn manyhands() -> Result<PathBuf> {
    let here = std::env::current_exe().context("this program does not know its own path")?;
    let path = here.with_file_name(format!("manyhands{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        anyhow::bail!(
            "`{}` is missing; run `cargo build -p manyhands-cli`",
            path.display()
        );
    }
    Ok(path)
}
