//! Real clients, each of which starts `manyhands serve --stdio` as its one server.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::Instant;

use crate::bench::Bench;
use crate::outcome::{Check, Kind, Row, contains, equal, holds, texts};
use crate::plan::{Plan, manyhands};
use crate::{inspector, process, servers};

const THROUGH: &str = "serve";
/// The servers behind the one that the clients see.
const SERVERS: &[&str] = &["everything", "memory", "time"];
/// A server beside one whose tool schemas lack their type, which strict clients refuse.
const BROKEN: &[&str] = &["gitlab", "time"];
/// A tool of each of [`SERVERS`].
const LISTED: &[&str] = &[
    "everything__echo",
    "memory__read_graph",
    "time__convert_time",
];

/// How a client is run.
#[derive(Debug, Clone, Copy)]
enum Runs {
    /// Its venv's Python with our script.
    Python(&'static str),
    /// Node with our script, in this negotiation mode.
    TypeScript(&'static str),
    Inspector,
}

#[derive(Debug)]
struct Client {
    name: &'static str,
    part: &'static str,
    runs: Runs,
    /// What it agrees on; none for one that does not tell.
    protocol: Option<&'static str>,
    /// What a call of an unknown tool says there.
    refusal: &'static str,
}

const fn client(
    name: &'static str,
    part: &'static str,
    runs: Runs,
    protocol: &'static str,
) -> Client {
    Client {
        name,
        part,
        runs,
        protocol: Some(protocol),
        refusal: "offers no such tool; did you mean time__convert_time?",
    }
}

const CLIENTS: &[Client] = &[
    client(
        "mcp 2 ClientSession",
        "python-2",
        Runs::Python("python_session.py"),
        "2025-11-25",
    ),
    client(
        "mcp 2 Client",
        "python-2",
        Runs::Python("python_client.py"),
        "2026-07-28",
    ),
    client(
        "mcp 1 ClientSession",
        "python-1",
        Runs::Python("python_session.py"),
        "2025-11-25",
    ),
    client(
        "client, legacy",
        "typescript",
        Runs::TypeScript("legacy"),
        "2025-11-25",
    ),
    client(
        "client, auto",
        "typescript",
        Runs::TypeScript("auto"),
        "2026-07-28",
    ),
    Client {
        name: "inspector --cli",
        part: "inspector",
        runs: Runs::Inspector,
        protocol: None,
        // It looks the name up in the list and does not ask.
        refusal: "not found",
    },
];

/// Runs them one after the other.
pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for client in CLIENTS.iter().filter(|client| plan.runs(client.part)) {
        rows.push(client.run(plan).await?);
    }
    Ok(rows)
}

/// What a client told of itself.
struct Told {
    seen: Value,
    /// Whether it ended as it should after that.
    closed: Result<(), String>,
}

impl Told {
    fn whole(seen: Value) -> Self {
        Self {
            seen,
            closed: Ok(()),
        }
    }
}

impl Client {
    async fn run(&self, plan: &Plan) -> Result<Row> {
        let bench = Bench::new()?;
        let mut row = Row::new(Kind::Client, Some(self.part), self.name);
        let begin = Instant::now();
        match self.drive(plan, &bench, SERVERS, false).await? {
            Ok(told) => {
                self.judge(&told.seen, &mut row);
                row.checks.push(Check::new("close", THROUGH, told.closed));
            }
            Err(failure) => row.checks.push(Check::new("run", THROUGH, Err(failure))),
        }
        let does = "list tools beside a server with broken schemas";
        match self.drive(plan, &bench, BROKEN, true).await? {
            Ok(told) => {
                let listed = lists(&told.seen, &["time__convert_time"]);
                row.checks.push(Check::new(does, THROUGH, listed));
                row.checks
                    .push(Check::new("close after a list", THROUGH, told.closed));
            }
            Err(failure) => row.checks.push(Check::new(does, THROUGH, Err(failure))),
        }
        row.seconds = Some(begin.elapsed().as_secs_f64());
        Ok(row)
    }

    /// Compares what the client saw with what there is.
    fn judge(&self, seen: &Value, row: &mut Row) {
        let field = |name: &str| seen.get(name).unwrap_or(&Value::Null);
        let says = |name: &str, text: &str| contains(&texts(field(name)), text);
        row.protocol = field("protocol").as_str().map(str::to_owned);
        row.tools = field("tools").as_array().map(Vec::len);
        let unknown = field("unknown");
        let mut check = |does: &str, result| row.checks.push(Check::new(does, THROUGH, result));
        if let Some(wanted) = self.protocol {
            check(
                "agree on a version",
                equal(&field("protocol").as_str(), &Some(wanted)),
            );
        }
        check("list tools", lists(seen, LISTED));
        check("call one", says("call", "T15:30:00+09:00"));
        check(
            "get a prompt",
            says("prompt", "a simple prompt without arguments"),
        );
        check("read a resource", says("resource", "entities"));
        let refused = holds(
            unknown.get("isError") == Some(&Value::Bool(true)),
            "an error",
            &unknown.to_string(),
        );
        check(
            "call an unknown tool",
            refused.and_then(|()| says("unknown", self.refusal)),
        );
    }

    /// Runs the client with `manyhands serve` over these servers, and gives what it printed.
    async fn drive(
        &self,
        plan: &Plan,
        bench: &Bench,
        names: &[&str],
        list_only: bool,
    ) -> Result<Result<Told, String>> {
        let config = bench.config_file("serve.json", plan, servers::named(names), "30s")?;
        let orders = json!({
            "command": manyhands()?,
            "args": ["--config", config, "serve", "--stdio"],
            "listOnly": list_only,
            "tool": "time__convert_time",
            "arguments": {"source_timezone": "Asia/Kolkata", "time": "12:00", "target_timezone": "Asia/Tokyo"},
            "prompt": "everything__simple-prompt",
            "resource": "memory+memory://knowledge-graph",
            "unknown": "time__convert_tim",
            "packages": plan.file(self.part, ""),
        });
        let path = bench.path("orders.json");
        std::fs::write(&path, orders.to_string())?;
        let (mut command, arguments) = match self.runs {
            Runs::Inspector => {
                return Ok(inspector::drive(plan, bench, &orders)
                    .await
                    .map(Told::whole));
            }
            Runs::Python(script) => {
                let python = plan.file(self.part, "bin/python");
                (
                    Command::new(python),
                    [plan.script("clients").join(script), path],
                )
            }
            Runs::TypeScript(mode) => {
                let mut node = Command::new(&plan.node);
                node.arg(plan.script("clients/typescript.mjs"));
                (node, [path, PathBuf::from(mode)])
            }
        };
        command.args(arguments);
        Ok(told(at_home(&mut command, &bench.path("home"))).await)
    }
}

/// Whether the client's list has these tools in it.
fn lists(seen: &Value, wanted: &[&str]) -> Result<(), String> {
    let tools = seen.get("tools").unwrap_or(&Value::Null);
    let listed = |name: &&str| {
        let mut names = tools.as_array().into_iter().flatten();
        names.any(|tool| tool.as_str() == Some(name))
    };
    let expected = format!("a list with {}", wanted.join(", "));
    holds(wanted.iter().all(listed), &expected, &tools.to_string())
}

/// Runs a script. One that printed what it saw has done its work, whatever happened afterwards.
async fn told(command: &mut Command) -> Result<Told, String> {
    let ended = process::run(command).await?;
    let seen = serde_json::from_str(&ended.out);
    let closed = ended.success().map(drop);
    match seen {
        Ok(seen) => Ok(Told { seen, closed }),
        Err(error) => {
            closed?;
            Err(format!("expected JSON; {error}"))
        }
    }
}

/// Lets a program leave its traces in a folder that goes away.
pub(crate) fn at_home<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command
        .env("HOME", home)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("MCP_INSPECTOR_SECRET_STORE", "memory")
}
