//! Libraries, each in a small program of its own that does the same steps and prints its figures.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::figures::together;
use crate::middle::{IN_FLIGHT, PARALLEL, PHASE, SEQUENTIAL};
use crate::orders::{Servers, VICTIM};
use crate::plan::Plan;

/// Both phases, starting and ending, on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A library in one way of using it.
#[derive(Debug, Clone, Copy)]
struct Library {
    name: &'static str,
    /// The peer that must be installed; none for ours.
    part: Option<&'static str>,
    /// The failures in which it has a say; in the others its user's code decides.
    scenes: &'static [&'static str],
}

const LIBRARIES: [Library; 4] = [
    Library {
        name: "toolkit",
        part: None,
        scenes: &["dead", "killed"],
    },
    Library {
        name: "langchain-sessions",
        part: Some("langchain"),
        scenes: &["killed"],
    },
    Library {
        name: "langchain",
        part: Some("langchain"),
        scenes: &["dead", "killed"],
    },
    Library {
        name: "mcp",
        part: Some("python-2"),
        scenes: &[],
    },
];

/// All of them, taking turns.
pub(crate) async fn run(plan: &Plan, servers: &Servers) -> Result<Value> {
    let mut turns: Vec<Vec<Value>> = vec![Vec::new(); LIBRARIES.len()];
    for round in 0..plan.rounds {
        for (library, turns) in LIBRARIES.iter().zip(&mut turns) {
            if let Some(mut command) = library.command(plan, servers, "speed")? {
                eprintln!("round {}: {}", round + 1, library.name);
                let figures = figures(&mut command).await.with_context(|| library.name)?;
                turns.push(figures);
            }
        }
    }
    let mut rows = Vec::new();
    for (library, turns) in LIBRARIES
        .iter()
        .zip(&turns)
        .filter(|(_, turns)| !turns.is_empty())
    {
        let mut row = json!({"name": library.name, "figures": together(turns)});
        for scene in library.scenes {
            let command = library.command(plan, servers, scene)?;
            let (Some(mut command), Some(fields)) = (command, row.as_object_mut()) else {
                continue;
            };
            eprintln!("{scene}: {}", library.name);
            let seen = figures(&mut command)
                .await
                .unwrap_or_else(|error| json!({"tools": 0, "said": format!("{error:#}")}));
            fields.insert((*scene).to_owned(), seen);
        }
        rows.push(row);
    }
    Ok(rows.into())
}

impl Library {
    fn command(&self, plan: &Plan, servers: &Servers, scene: &str) -> Result<Option<Command>> {
        let orders = json!({
            "scene": scene,
            "servers": servers.entries(scene == "dead"),
            "victim": servers.script(VICTIM),
            "sequential": SEQUENTIAL,
            "parallel": PARALLEL,
            "in_flight": IN_FLIGHT,
            "seconds": PHASE.as_secs(),
        });
        let path = servers.write(&format!("{}-{scene}.json", self.name), &orders)?;
        let Some(part) = self.part else {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("toolkit").arg(path);
            return Ok(Some(command));
        };
        Ok(plan.python(part).map(|python| {
            let mut command = Command::new(python);
            command
                .args([plan.script("library.py").as_path(), Path::new(self.name)])
                .arg(path);
            command
        }))
    }
}

/// Runs a program to its end; the last line that it prints is its figures.
async fn figures(command: &mut Command) -> Result<Value> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(LIMIT, command.output())
        .await
        .context("it did not end")??;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = || {
        said.trim()
            .lines()
            .next_back()
            .unwrap_or("it said nothing")
            .to_owned()
    };
    anyhow::ensure!(output.status.success(), "{}", last());
    let out = String::from_utf8_lossy(&output.stdout);
    let line = out.trim().lines().next_back().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("it printed no figures: {}", last()))
}
