//! `demo`: four servers, one question, one answer, and nothing to set up.

mod briefing;
mod fallback;
mod servers;
mod show;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use manyhands::{CallError, FromConfig as _, Reply, Toolkit};
use manyhands_demo::DemoServer;
use serde_json::json;
use tokio::task::JoinSet;

use crate::args::{DemoArgs, Options};
use crate::failure::Failure;
use crate::progress;
use servers::Processes;
use show::Show;

/// What the demo is asked.
const QUESTION: &str = "Give me my daily briefing.";
/// How long the calls have been under way when `--fail` strikes; the server that is killed takes far longer.
const MIDWAY: Duration = Duration::from_millis(60);

/// One of the calls that the question needs.
pub(super) struct Outcome {
    pub(super) server: DemoServer,
    pub(super) tool: &'static str,
    pub(super) took: Duration,
    pub(super) result: Result<Reply, CallError>,
}

/// Starts the servers, asks the question, and shows how it is answered.
pub(crate) async fn run(args: DemoArgs, options: &Options) -> Result<ExitCode, Failure> {
    let show = Show::new(options.json);
    let mut processes = Processes::start(args.fail).await?;
    let kit = Toolkit::from_json(&processes.config())?.start();
    show.heading("Starting four MCP servers, each a process of its own");
    progress::show_each(&kit, |text| show.line(&format!("  {text}"))).await;
    show.toolkit(&kit);

    show.heading(&format!("Question: {QUESTION}"));
    show.line("  needs four servers; all are called at once");
    let started = Instant::now();
    let changes = kit.changes();
    let calls = briefing_calls(&kit);
    if let Some(server) = args.fail {
        tokio::time::sleep(MIDWAY).await;
        processes.kill(server, &kit).await?;
        show.line(&format!(
            "  (killed the {server} server while its call was under way)"
        ));
    }
    let outcomes = collect(calls).await;
    let took = started.elapsed();
    show.calls(&outcomes, took);
    let other = match args.fail {
        Some(server) => Some(fallback::ask(&kit, server, changes, &show).await),
        None => None,
    };

    let answer = briefing::write(&outcomes, other.as_ref());
    show.heading("Answer");
    show.line(&answer);
    show.document(|| {
        json!({
            "question": QUESTION,
            "servers": show::servers_json(&kit),
            "tools": kit.catalogue().tools().map(|tool| tool.name().to_string()).collect::<Vec<_>>(),
            "collisions": show::collisions_json(&kit),
            "calls": outcomes.iter().map(show::call_json).collect::<Vec<_>>(),
            "took_ms": show::millis(took),
            "gaps": briefing::gaps(&outcomes),
            "fallback": other.as_ref().map(fallback::Other::as_json),
            "answer": answer,
        })
    });
    kit.close().await;
    processes.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Sends every call that the question needs, at once.
fn briefing_calls(kit: &Toolkit) -> JoinSet<Outcome> {
    let mut calls = JoinSet::new();
    for (server, tool) in [
        (DemoServer::Calendar, "calendar.list_events"),
        (DemoServer::Jira, "jira.list_recent_comments"),
        (DemoServer::Salesforce, "salesforce.top_leads"),
        (DemoServer::Slack, "slack.get_unread"),
    ] {
        let ask = kit.call(tool, json!({}));
        calls.spawn(async move {
            let started = Instant::now();
            let result = ask.await;
            Outcome {
                server,
                tool,
                took: started.elapsed(),
                result,
            }
        });
    }
    calls
}

/// Waits for all calls, and puts them into the order of the briefing.
async fn collect(mut calls: JoinSet<Outcome>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some(joined) = calls.join_next().await {
        outcomes.extend(joined);
    }
    outcomes.sort_by_key(|outcome| outcome.tool);
    outcomes
}
