//! What comes after a server was killed: it is left alone, and a tool of another server stands in for its own.

use std::time::{Duration, Instant};

use manyhands::{CallError, Changes, Reply, ServerStatus, Toolkit};
use manyhands_demo::DemoServer;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::show::{Show, millis};

/// How long the killed server may take to be up again, and known as one that is left alone.
const PATIENCE: Duration = Duration::from_secs(10);

/// A tool of the killed server, and the one of another that stands in for it.
struct Pair {
    wanted: &'static str,
    arguments: Value,
    used: &'static str,
    program: &'static str,
    /// What both are asked about.
    about: &'static str,
}

/// What else is asked, once a server is left alone.
pub(super) struct Other {
    pub(super) server: DemoServer,
    pub(super) about: &'static str,
    wanted: &'static str,
    status: Option<ServerStatus>,
    took: Duration,
    pub(super) result: Result<Reply, CallError>,
}

impl Pair {
    fn of(server: DemoServer) -> Self {
        let (wanted, used, program) = match server {
            DemoServer::Slack => (
                "slack.search_messages",
                "calendar.search_messages",
                "{query}",
            ),
            DemoServer::Calendar => (
                "calendar.search_messages",
                "slack.search_messages",
                "{query, limit: 3}",
            ),
            DemoServer::Jira => (
                "jira.search_issues",
                "slack.search_messages",
                "{query, limit: 3}",
            ),
            DemoServer::Salesforce => (
                "salesforce.top_leads",
                "calendar.search_messages",
                "{query: \"proposal\"}",
            ),
        };
        let (about, arguments) = match server {
            DemoServer::Salesforce => ("your leads", json!({})),
            _ => ("the deployment", json!({"query": "deployment"})),
        };
        Self {
            wanted,
            arguments,
            used,
            program,
            about,
        }
    }
}

/// What the configuration says of both.
pub(super) fn groups(server: DemoServer) -> Value {
    let pair = Pair::of(server);
    json!({"what-is-new": [pair.wanted, {"tool": pair.used, "arguments": pair.program}]})
}

/// Waits until the server is left alone, then calls one of its tools.
pub(super) async fn ask(
    kit: &Toolkit,
    server: DemoServer,
    mut changes: Changes,
    show: &Show,
) -> Other {
    let pair = Pair::of(server);
    show.heading(&format!("Question: What is new about {}?", pair.about));
    let status = timeout(PATIENCE, left_alone(kit, server, &mut changes))
        .await
        .ok();
    if let Some(cause) = status.as_ref().and_then(ServerStatus::cause) {
        show.line(&format!(
            "  {server} is left alone for now, its breaker is open: {}",
            crate::output::printable(cause)
        ));
    }
    let Pair {
        wanted,
        arguments,
        about,
        ..
    } = pair;
    show.line(&format!("  call {wanted} {arguments}"));
    let started = Instant::now();
    let result = kit.call(wanted, arguments).await;
    let took = started.elapsed();
    match &result {
        Ok(reply) => {
            let told = reply.substitution().map(ToString::to_string);
            show.line(&format!(
                "  {}",
                told.unwrap_or_else(|| "it answered after all".to_owned())
            ));
        }
        Err(error) => show.line(&format!("  failed to {error}")),
    }
    Other {
        server,
        about,
        wanted,
        status,
        took,
        result,
    }
}

async fn left_alone(kit: &Toolkit, server: DemoServer, changes: &mut Changes) -> ServerStatus {
    loop {
        let report = kit.report();
        let status = report.server(server.name()).map(|it| it.status.clone());
        if let Some(status @ ServerStatus::OpenUntil { .. }) = status {
            return status;
        }
        if changes.next().await.is_none() {
            // Nothing more is told, and so nothing more will happen.
            return std::future::pending().await;
        }
    }
}

impl Other {
    pub(super) fn as_json(&self) -> Value {
        let reply = self.result.as_ref().ok();
        json!({
            "tool": self.wanted,
            "state": self.status.as_ref().map(ServerStatus::word),
            "took_ms": millis(self.took),
            "substitution": reply.and_then(Reply::substitution),
            "result": reply.map(Reply::value),
            "error": self.result.as_ref().err(),
        })
    }
}
