//! The Inspector's command line, which does one thing at a time: several runs make up what a client script prints.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::bench::Bench;
use crate::clients::at_home;
use crate::plan::Plan;
use crate::process::{self, Ended};

/// Runs one method after the other.
pub(crate) async fn drive(plan: &Plan, bench: &Bench, orders: &Value) -> Result<Value, String> {
    let order = |name: &str| orders.get(name).and_then(Value::as_str).unwrap_or_default();
    // It would take our own options for its own, so that it finds the command in a file.
    let config = bench.path("inspector.json");
    let servers =
        json!({"mcpServers": {"all": {"command": orders["command"], "args": orders["args"]}}});
    std::fs::write(&config, servers.to_string()).map_err(|error| error.to_string())?;
    let run = async |words: &[&str]| {
        let mut command = Command::new(&plan.node);
        command
            .arg(plan.file("inspector", "node_modules/.bin/mcp-inspector"))
            .args(["--cli", "--server", "all", "--format", "json", "--quiet"])
            .args(["--protocol-era", "auto", "--config"])
            .arg(&config)
            .arg("--method")
            .args(words);
        process::run(at_home(&mut command, &bench.path("home"))).await
    };
    let tools = result(run(&["tools/list"]).await?)?;
    let tools = tools
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let tools: Vec<&Value> = tools.filter_map(|tool| tool.get("name")).collect();
    if orders.get("listOnly") == Some(&Value::Bool(true)) {
        return Ok(json!({"tools": tools}));
    }
    let arguments = orders.get("arguments").unwrap_or(&Value::Null).to_string();
    let call = [
        "tools/call",
        "--tool-name",
        order("tool"),
        "--tool-args-json",
        &arguments,
    ];
    let unknown = run(&["tools/call", "--tool-name", order("unknown")]).await?;
    Ok(json!({
        "tools": tools,
        "call": result(run(&call).await?)?,
        "prompt": result(run(&["prompts/get", "--prompt-name", order("prompt")]).await?)?,
        "resource": result(run(&["resources/read", "--uri", order("resource")]).await?)?,
        "unknown": {"isError": unknown.code != Some(0), "text": unknown.err},
    }))
}

fn result(ended: Ended) -> Result<Value, String> {
    let out = ended.success()?;
    let envelope: Value = serde_json::from_str(&out)
        .map_err(|error| format!("expected JSON ({error}); came {out:?}"))?;
    Ok(envelope.get("result").unwrap_or(&Value::Null).clone())
}
