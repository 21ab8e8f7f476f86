//! The servers that everybody gets, and what a library's program is told to do with them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// How many servers there are.
pub(crate) const SERVERS: usize = 5;
/// How many tools each has.
pub(crate) const TOOLS: usize = 2;
/// The server that is killed.
pub(crate) const VICTIM: &str = "s3";

/// What a library's program reads.
#[derive(Debug, Deserialize)]
pub(crate) struct Orders {
    /// `speed`, `dead` or `killed`.
    pub(crate) scene: String,
    /// As in an `mcp.json`.
    pub(crate) servers: Value,
    /// Stands in the victim's command line.
    pub(crate) victim: String,
    pub(crate) sequential: usize,
    pub(crate) parallel: usize,
    pub(crate) in_flight: usize,
    /// Each of the two phases ends after so long, whatever was done.
    pub(crate) seconds: u64,
}

impl Orders {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        serde_json::from_str(&text).with_context(|| format!("`{}` holds no orders", path.display()))
    }
}

/// Five servers, each the testkit's command with a script of its own.
#[derive(Debug)]
pub(crate) struct Servers {
    folder: TempDir,
    testkit: PathBuf,
}

impl Servers {
    pub(crate) fn new(testkit: &Path) -> Result<Self> {
        let servers = Self {
            folder: tempfile::tempdir()?,
            testkit: testkit.to_owned(),
        };
        for number in 0..SERVERS {
            let name = format!("s{number}");
            std::fs::write(servers.script(&name), script(&name).to_string())?;
        }
        Ok(servers)
    }

    /// The script of one; its path is in that server's command line and in no other.
    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.json"))
    }

    /// The `mcpServers` of an `mcp.json`, the last of them dead where that is wanted.
    pub(crate) fn entries(&self, one_is_dead: bool) -> Value {
        let mut entries = Map::new();
        for number in 0..SERVERS {
            let name = format!("s{number}");
            let dead = one_is_dead && number + 1 == SERVERS;
            let command = if dead {
                Path::new("no-such-server-anywhere")
            } else {
                &self.testkit
            };
            let arguments = json!(["serve", "--script", self.script(&name)]);
            entries.insert(name, json!({"command": command, "args": arguments}));
        }
        entries.into()
    }

    /// Writes a file into the same folder, and gives its path.
    pub(crate) fn write(&self, name: &str, content: &Value) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content.to_string())?;
        Ok(path)
    }
}

fn script(name: &str) -> Value {
    let tool = |tool: &str| {
        json!({
            "definition": {
                "name": tool,
                "description": "Says which server it is on",
                "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
            },
            "result": {"content": [{"type": "text", "text": format!("{name} is here")}]},
        })
    };
    json!({"name": name, "tools": [tool("echo"), tool("other")]})
}
