//! One of the servers: it writes each call down as it acts on it, and gives the call's number back. It must not know
//! what stands between it and its callers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use manyhands_testkit::{HttpServer, ScriptedServer};
use serde_json::{Value, json};
use tokio::io::{join, sink, stdin, stdout};

use crate::journal::Journal;

/// How long a call takes, so that connections end under calls.
const WORK: Duration = Duration::from_millis(5);
pub(crate) const READ: &str = "read";
pub(crate) const WRITE: &str = "write";

/// Serves until standard input ends.
pub(crate) async fn run(journal: &Path, http: bool) -> Result<()> {
    let server = server(Journal::open(journal)?);
    if http {
        let http = HttpServer::start(&server).await?;
        println!("{}", http.address());
        // Whoever started it and was killed cannot end it.
        tokio::io::copy(&mut stdin(), &mut sink()).await?;
    } else {
        server.serve(join(stdin(), stdout())).await;
    }
    Ok(())
}

fn server(journal: Journal) -> ScriptedServer {
    let journal = Arc::new(journal);
    let server = ScriptedServer::new("storm").latency(WORK);
    [READ, WRITE].into_iter().fold(server, |server, name| {
        let tool = json!({
            "name": name,
            "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": name == READ},
        });
        let journal = journal.clone();
        server.tool_definition(tool, move |arguments| act(&journal, arguments))
    })
}

fn act(journal: &Journal, arguments: &Value) -> Value {
    let call = arguments.get("call").and_then(Value::as_u64);
    let written = call.map(|call| journal.write(call));
    let (text, failed) = match written {
        Some(Ok(())) => (call.unwrap_or_default().to_string(), false),
        Some(Err(error)) => (error.to_string(), true),
        None => ("no number".to_owned(), true),
    };
    json!({"content": [{"type": "text", "text": text}], "isError": failed})
}
