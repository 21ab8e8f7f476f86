//! The same servers through the built binary, as a person in a terminal would use them.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;
use tokio::process::Command;

use crate::bench::Bench;
use crate::facts::{Fact, Question, ask_all};
use crate::outcome::{Check, Kind, Row, contains, equal, holds};
use crate::plan::{Plan, manyhands};
use crate::process::{self, Ended};
use crate::servers::Server;

const THROUGH: &str = "binary";

#[derive(Debug, Clone)]
struct Binary {
    program: PathBuf,
    config: PathBuf,
}

/// Adds the checks to the rows that the facade made.
pub(crate) async fn run(plan: &Plan, servers: &[&'static Server], rows: &mut [Row]) -> Result<()> {
    let bench = Bench::new()?;
    let config = bench.config_file("mcp.json", plan, servers.iter().copied(), "2s")?;
    let binary = Binary {
        program: manyhands()?,
        config,
    };
    let tools = binary.list(&["tools", "--wait", "60s"]).await;
    // The slow one offers neither; without it these two are quick.
    let quick = servers
        .iter()
        .copied()
        .filter(|server| server.name != "slow");
    let quick = Binary {
        config: bench.config_file("quick.json", plan, quick, "2s")?,
        ..binary.clone()
    };
    let prompts = quick.list(&["prompts", "--wait", "60s"]).await;
    let resources = quick.list(&["resources", "--wait", "60s"]).await;
    for row in rows.iter_mut() {
        match row.kind {
            Kind::Server => row.checks.push(counted(row, &tools)),
            _ => row.checks.extend([
                Check::new("list tools", THROUGH, complete(&tools)),
                Check::new("list prompts", THROUGH, complete(&prompts)),
                Check::new("list resources", THROUGH, complete(&resources)),
                binary.unknown_tool(servers).await,
            ]),
        }
    }
    ask_all(&bench, THROUGH, rows, move |fact| binary.clone().ask(fact)).await
}

/// Whether the list has as many tools of the server as the facade saw.
fn counted(row: &Row, list: &Result<Value, String>) -> Check {
    let count = |list: &Value| {
        let tools = list
            .get("tools")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        tools
            .filter(|tool| tool.get("server").and_then(Value::as_str) == Some(row.name))
            .count()
    };
    let result = list.as_ref().map_err(Clone::clone);
    let result = result.and_then(|list| equal(&Some(count(list)), &row.tools));
    Check::new("list tools", THROUGH, result)
}

/// Whether the list is there, and no server is missing in it.
fn complete(list: &Result<Value, String>) -> Result<(), String> {
    let missing = list.as_ref().map_err(Clone::clone)?.get("missing");
    let missing = missing.unwrap_or(&Value::Null).to_string();
    holds(missing == "[]", "that no server is missing", &missing)
}

impl Binary {
    async fn run(&self, words: &[&str]) -> Result<Ended, String> {
        process::run(
            Command::new(&self.program)
                .arg("--config")
                .arg(&self.config)
                .args(words),
        )
        .await
    }

    async fn list(&self, words: &[&str]) -> Result<Value, String> {
        let words = [words, &["--json"]].concat();
        let out = self.run(&words).await?.success()?;
        serde_json::from_str(&out).map_err(|error| format!("expected JSON; {error}"))
    }

    async fn ask(self, fact: Fact) -> Result<(), String> {
        let words = match &fact.question {
            Question::Tool(name, arguments) => {
                vec!["call".to_owned(), fact.name(name), arguments.to_string()]
            }
            Question::Prompt(name, arguments) => {
                vec!["prompts".to_owned(), fact.name(name), arguments.to_string()]
            }
            Question::Resource(uri) => vec!["resources".to_owned(), fact.uri(uri)],
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        contains(&self.run(&words).await?.success()?, fact.answer)
    }

    async fn unknown_tool(&self, servers: &[&'static Server]) -> Check {
        let server = servers.first().map_or("none", |server| server.name);
        let name = format!("{server}.no-such-tool");
        let result = self.run(&["call", &name]).await.and_then(|ended| {
            equal(&ended.code, &Some(2))?;
            contains(&ended.err, "offers no such tool")
        });
        Check::new("refuse an unknown tool", THROUGH, result)
    }
}
