//! All servers in one toolkit, asked as a program would that embeds it.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use manyhands::prelude::*;
use manyhands::{ErrorKind, Report, ServerReport};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::bench::Bench;
use crate::facts::{Fact, Question, ask_all};
use crate::outcome::{Check, Kind, Row, contains, equal, holds, texts};
use crate::plan::Plan;
use crate::servers::{SLOW_SECONDS, Server};

const THROUGH: &str = "facade";
/// The toolkit's own default, written out because a check depends on it.
const GRACE: Duration = Duration::from_secs(2);
/// What two busy cores may add to the grace.
const SLACK: Duration = Duration::from_secs(8);

/// Runs every check, and gives a row for each server and one for all together.
pub(crate) async fn run(plan: &Plan, servers: &[&'static Server]) -> Result<Vec<Row>> {
    let bench = Bench::new()?;
    let config = bench.config(
        plan,
        servers.iter().copied(),
        &format!("{}s", GRACE.as_secs()),
    );
    let begin = Instant::now();
    let kit = Toolkit::from_json(&config)?.connect().await?;
    let mut together = Row::new(Kind::Toolkit, None, "all together");
    together
        .checks
        .push(connected(begin.elapsed(), &kit.report()));

    let mut rows: Vec<Row> = servers
        .iter()
        .map(|server| Row::new(Kind::Server, Some(server.part), server.name))
        .collect();
    let asked = kit.clone();
    ask_all(&bench, THROUGH, &mut rows, move |fact| {
        ask(asked.clone(), fact)
    })
    .await?;

    kit.all_started().await;
    let report = kit.report();
    together.seconds = Some(begin.elapsed().as_secs_f64());
    together.tools = Some(kit.catalogue().tools().count());
    for row in &mut rows {
        if let Some(server) = report.server(row.name) {
            describe(row, server);
        }
    }
    together.checks.push(unknown_tool(&kit, servers).await);
    if let Some(row) = rows.iter_mut().find(|row| row.name == "everything") {
        let does = "take up a resource that it announces";
        row.checks
            .push(Check::new(does, THROUGH, announced(&kit).await));
    }
    kit.close().await;
    together.checks.push(gone(&report).await);
    rows.push(together);
    Ok(rows)
}

/// A server that makes a resource says that its list has changed; the catalogue follows, and the resource can be read.
async fn announced(kit: &Toolkit) -> Result<(), String> {
    let told = |error: CallError| format!("expected an answer; came failed to {error}");
    let arguments =
        json!({"name": "note.gz", "data": "data:text/plain,hello", "outputType": "resourceLink"});
    let made = kit.call("everything.gzip-file-as-resource", arguments);
    let made = made.await.map_err(told)?;
    let uri = made
        .parsed()
        .pointer("/content/0/uri")
        .and_then(|uri| uri.as_str());
    let uri = uri.ok_or("expected a link")?.to_owned();
    let end = Instant::now() + SLACK;
    while !kit.catalogue().resources().any(|it| it.uri() == uri) {
        holds(Instant::now() < end, "that it is listed soon", &uri)?;
        sleep(Duration::from_millis(50)).await;
    }
    let read = kit.read_resource(uri).await.map_err(told)?;
    contains(&read.parsed().to_string(), "application/gzip")
}

async fn ask(kit: Toolkit, fact: Fact) -> Result<(), String> {
    let ask = match &fact.question {
        Question::Tool(name, arguments) => kit.call(fact.name(name), arguments.clone()),
        Question::Prompt(name, arguments) => kit.get_prompt(fact.name(name), arguments.clone()),
        Question::Resource(uri) => kit.read_resource(fact.uri(uri)),
    };
    let reply = ask
        .await
        .map_err(|error| format!("expected an answer; came failed to {error}"))?;
    holds(!reply.is_error(), "no error", &reply.text())?;
    contains(&texts(reply.parsed()), fact.answer)
}

/// Connecting waits for nobody longer than the grace.
fn connected(took: Duration, report: &Report) -> Check {
    let slow = report.server("slow");
    let mut does = format!("connect within {} s", GRACE.as_secs());
    if slow.is_some() {
        does += &format!(", one taking {SLOW_SECONDS} s");
    }
    let on_time = holds(
        took < GRACE + SLACK,
        &format!("less than {:?}", GRACE + SLACK),
        &format!("{took:?}"),
    );
    let starting = slow.map_or(Ok(()), |slow| equal(&slow.status, &ServerStatus::Starting));
    Check::new(does, THROUGH, on_time.and(starting))
}

/// What the report says of a server that has been started.
fn describe(row: &mut Row, server: &ServerReport) {
    row.seconds = server.took.map(|took| took.as_secs_f64());
    row.tools = Some(server.tools);
    row.protocol = server.info.as_ref().map(|info| info.protocol.clone());
    let ready = equal(&server.status, &ServerStatus::Ready);
    row.checks.insert(0, Check::new("start", THROUGH, ready));
    let listed = holds(server.tools > 0, "at least one tool", &server.to_string());
    row.checks
        .insert(1, Check::new("list tools", THROUGH, listed));
    row.notes.extend(
        server
            .notices
            .iter()
            .map(|notice| format!("notice: {notice}")),
    );
    let stray = &server.diagnostics;
    if let Some(sample) = &stray.stray_sample {
        let count = stray.stray_lines;
        row.notes.push(format!(
            "{count} lines on stdout were not MCP, the first one: {sample:?}"
        ));
    }
    if row.name == "office-word" {
        let counted = holds(stray.stray_lines > 0, "stray lines", "none");
        row.checks
            .push(Check::new("count its stray lines", THROUGH, counted));
    }
}

async fn unknown_tool(kit: &Toolkit, servers: &[&'static Server]) -> Check {
    let server = servers.first().map_or("none", |server| server.name);
    let result = match kit.call(format!("{server}.no-such-tool"), json!({})).await {
        Ok(reply) => holds(false, "an error", &reply.text()),
        Err(error) => equal(&error.kind(), &ErrorKind::NotFound)
            .and_then(|()| equal(&error.delivery(), &Delivery::NotSent))
            .and_then(|()| contains(&error.to_string(), "offers no such tool")),
    };
    Check::new("refuse an unknown tool", THROUGH, result)
}

/// No process of a server outlives the toolkit.
async fn gone(report: &Report) -> Check {
    let pids = report
        .servers
        .iter()
        .filter_map(|server| Some((&server.id, server.diagnostics.pid?)));
    let mut alive = String::new();
    for (id, pid) in pids {
        if !ends(pid).await {
            alive.push_str(&format!("{id} (process {pid}) is still there; "));
        }
    }
    let result = holds(alive.is_empty(), "that all processes are gone", &alive);
    Check::new("end every process", THROUGH, result)
}

/// Polls until a process is gone; real ones know no paused clock. Where there is no /proc, each seems gone.
async fn ends(pid: u32) -> bool {
    for _ in 0..100 {
        if !Path::new(&format!("/proc/{pid}")).exists() {
            return true;
        }
        sleep(Duration::from_millis(20)).await;
    }
    false
}
