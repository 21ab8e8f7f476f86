//! Many servers as an `mcp.json`: scripted ones, and those that a file names. It must not know how they are timed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use manyhands::{Builder, FromConfig as _, ServerId, Toolkit};
use serde_json::{Map, Value, json};

use super::server::Scripted;

const SERVERS: usize = 40;
const TOOLS: usize = 10;
const BOOT: Duration = Duration::from_secs(1);
/// Enough to go the whole way.
const QUICK_SERVERS: usize = 4;

/// Servers that are started together.
pub(super) struct Fleet {
    pub(super) name: &'static str,
    /// What the servers are, for people.
    pub(super) what: String,
    config: String,
    /// Where they are remembered.
    pub(super) memory: PathBuf,
    /// The file that keeps its servers from answering, where there is one.
    pub(super) hangs_by: Option<PathBuf>,
}

impl Fleet {
    pub(super) fn scripted(work: &Path, quick: bool) -> Result<Self> {
        let (servers, boot) = if quick {
            (QUICK_SERVERS, Duration::ZERO)
        } else {
            (SERVERS, BOOT)
        };
        let hangs_by = work.join("hangs");
        let scripted = Scripted {
            tools: TOOLS,
            boot,
            hangs_by: hangs_by.clone(),
        };
        let program = std::env::current_exe().context("this program does not know its own path")?;
        let words = scripted.words();
        let words = words.iter().map(|word| word.to_string_lossy());
        let entry = json!({"command": program, "args": words.collect::<Vec<_>>()});
        let entries = (0..servers).map(|n| (format!("scripted-{n}"), entry.clone()));
        let entries: Map<String, Value> = entries.collect();
        Ok(Self {
            name: "scripted",
            what: format!(
                "{servers} scripted servers that boot in {} ms",
                boot.as_millis()
            ),
            config: json!({"mcpServers": entries}).to_string(),
            memory: work.join("scripted"),
            hangs_by: Some(hangs_by),
        })
    }

    pub(super) fn real(work: &Path, config: &Path) -> Result<Self> {
        let text = fs::read_to_string(config)
            .with_context(|| format!("`{}` cannot be read", config.display()))?;
        let fleet = Self {
            name: "real",
            what: String::new(),
            config: text,
            memory: work.join("real"),
            hangs_by: None,
        };
        let builder = fleet.builder()?;
        let names: Vec<&str> = builder.ids().map(ServerId::as_str).collect();
        let what = format!("{} real servers ({})", names.len(), names.join(", "));
        Ok(Self { what, ..fleet })
    }

    pub(super) fn builder(&self) -> Result<Builder> {
        Toolkit::from_json(&self.config).context("the servers' mcp.json cannot be used")
    }
}
