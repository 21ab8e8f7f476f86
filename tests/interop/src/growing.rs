//! Servers that come while others are in use: one that a person adds, and those of other clients' files.

use anyhow::Result;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::Instant;

use crate::bench::Bench;
use crate::clients::at_home;
use crate::outcome::{Check, Kind, Row, contains, holds, texts};
use crate::plan::{Plan, manyhands};
use crate::{process, servers};

/// The client that looks on.
const CLIENT: &str = "python-2";
/// The server that comes, by its part.
const COMES: &str = "time";
const TOOL: &str = "time__convert_time";

/// Gives a row for a client of a `serve` that grows, and one for imported files.
pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if plan.runs(CLIENT) && plan.has(COMES) && plan.has("memory") {
        rows.push(serve(plan).await?);
    }
    if plan.runs(COMES) {
        rows.push(import(plan).await?);
    }
    Ok(rows)
}

/// A server is added to the file of a running `serve`, used, and removed.
async fn serve(plan: &Plan) -> Result<Row> {
    let bench = Bench::new()?;
    let config = bench.config_file("grow.json", plan, servers::named(&["memory"]), "30s")?;
    let (program, comes) = (manyhands()?, plan.file(COMES, "bin/mcp-server-time"));
    let orders = json!({
        "command": program,
        "args": ["--config", config, "serve", "--stdio"],
        "add": [program, "--config", config, "add", "time", "--", comes],
        "remove": [program, "--config", config, "remove", "time"],
        "tool": TOOL,
        "arguments": {"source_timezone": "Asia/Kolkata", "time": "12:00", "target_timezone": "Asia/Tokyo"},
    });
    let path = bench.path("orders.json");
    std::fs::write(&path, orders.to_string())?;
    let mut row = Row::new(Kind::Client, Some(CLIENT), "mcp 2, a growing serve");
    let begin = Instant::now();
    let mut client = Command::new(plan.file(CLIENT, "bin/python"));
    client.args([plan.script("clients/python_growing.py"), path]);
    let ended = process::run(at_home(&mut client, &bench.path("home"))).await;
    row.seconds = Some(begin.elapsed().as_secs_f64());
    let seen = ended.and_then(|ended| {
        let out = ended.success()?;
        serde_json::from_str::<Value>(&out).map_err(|error| format!("expected JSON; {error}"))
    });
    let lists = |field: &str, wanted: bool| {
        let list = seen.as_ref().map_err(Clone::clone)?.get(field);
        let list = list.unwrap_or(&Value::Null).to_string();
        let has = |name: &str| list.contains(&format!("{name:?}"));
        let expected = format!("memory's tools, and {TOOL}: {wanted}");
        holds(
            has("memory__read_graph") && has(TOOL) == wanted,
            &expected,
            &list,
        )
    };
    let called = || {
        let seen = seen.as_ref().map_err(Clone::clone)?;
        contains(
            &texts(seen.get("call").unwrap_or(&Value::Null)),
            "T15:30:00+09:00",
        )
    };
    row.checks = vec![
        Check::new(
            "list before a server is added",
            "serve",
            lists("before", false),
        ),
        Check::new(
            "be told of it, and list again",
            "serve",
            lists("after", true),
        ),
        Check::new("call it", "serve", called()),
        Check::new("be told when it is removed", "serve", lists("end", false)),
    ];
    Ok(row)
}

/// The files of other clients, in the forms that they write, lead to a real server.
async fn import(plan: &Plan) -> Result<Row> {
    let bench = Bench::new()?;
    let program = manyhands()?;
    let comes = plan
        .file(COMES, "bin/mcp-server-time")
        .to_string_lossy()
        .into_owned();
    let mut row = Row::new(Kind::Server, Some(COMES), "time, imported");
    let begin = Instant::now();
    for (client, ending, text) in files(&comes) {
        let file = bench.path(&format!("{client}.{ending}"));
        std::fs::write(&file, text)?;
        let config = bench.path(&format!("{client}-imported.json"));
        let manyhands = |words: &[&str]| {
            let mut command = Command::new(&program);
            command.arg("--config").arg(&config).args(words);
            at_home(&mut command, &bench.path("home"));
            command
        };
        let mut imports = manyhands(&["import", "--from", client, "--file"]);
        let imported = process::run(imports.arg(&file)).await;
        let used = match imported.and_then(process::Ended::success) {
            Ok(_) => process::run(&mut manyhands(&["tools"])).await,
            Err(why) => Err(why),
        };
        let listed = used.and_then(process::Ended::success);
        let listed = listed.and_then(|out| contains(&out, "time.convert_time"));
        row.checks.push(Check::new(
            format!("import from {client}"),
            "binary",
            listed,
        ));
    }
    row.seconds = Some(begin.elapsed().as_secs_f64());
    Ok(row)
}

/// One server as each client has it in its file.
fn files(comes: &str) -> [(&'static str, &'static str, String); 7] {
    let zone = "--local-timezone";
    let entry = json!({"command": comes, "args": [zone, "UTC"], "env": {"TZ": "UTC"}});
    let typed = json!({"type": "stdio", "command": comes, "args": [zone, "UTC"], "env": {}});
    [
        (
            "claude-desktop",
            "json",
            json!({"mcpServers": {"time": entry}}).to_string(),
        ),
        (
            "claude-code",
            "json",
            json!({"mcpServers": {"time": typed}}).to_string(),
        ),
        (
            "cursor",
            "json",
            json!({"mcpServers": {"time": entry}}).to_string(),
        ),
        (
            "vscode",
            "json",
            json!({"servers": {"time": typed}, "inputs": []}).to_string(),
        ),
        (
            "codex",
            "toml",
            format!(
                "[mcp_servers.time]\ncommand = {comes:?}\nargs = [{zone:?}, \"UTC\"]\n\n[mcp_servers.time.env]\nTZ = \"UTC\"\n"
            ),
        ),
        (
            "goose",
            "yaml",
            format!(
                "extensions:\n  time:\n    enabled: true\n    type: stdio\n    name: time\n    cmd: {comes:?}\n    args:\n    - {zone}\n    - UTC\n    envs: {{}}\n    timeout: 300\n"
            ),
        ),
        (
            "zed",
            "json",
            json!({"context_servers": {"time": entry}}).to_string(),
        ),
    ]
}
