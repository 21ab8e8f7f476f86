//! `doctor`: every server probed, with cause and mend.

use std::process::ExitCode;

use manyhands::{ServerReport, ServerStatus};
use serde_json::{Value, json};

use crate::args::Options;
use crate::failure::{Failure, UNAVAILABLE};
use crate::output::{self, dim, stdout_has_colour};
use crate::{load, progress};

/// Probes every server of the configuration.
pub(crate) async fn run(options: &Options) -> Result<ExitCode, Failure> {
    let kit = load::builder(options)?.start();
    // On a terminal the findings below say the same, in more words and in order.
    match options.wait {
        Some(limit) => drop(tokio::time::timeout(limit, kit.all_started()).await),
        None => kit.all_started().await,
    }
    let report = kit.report();
    kit.close().await;
    if options.json {
        let servers: Vec<Value> = report.servers.iter().map(as_json).collect();
        output::json(&json!({"servers": servers}));
    } else {
        report.servers.iter().for_each(print);
        summarize(&report.servers);
    }
    let unwell = report
        .servers
        .iter()
        .any(|it| it.status.is_failure() || it.status == ServerStatus::Starting);
    Ok(if unwell {
        ExitCode::from(UNAVAILABLE)
    } else {
        ExitCode::SUCCESS
    })
}

fn print(server: &ServerReport) {
    let colour = stdout_has_colour();
    let detail = |label: &str, text: &str| {
        output::line(&format!(
            "    {} {}",
            dim(&format!("{label:<8}"), colour),
            output::printable(text)
        ));
    };
    match server.status.cause() {
        Some(cause) => {
            output::line(progress::one_line_of_state(server, colour).trim_end());
            detail("cause", cause);
            server
                .status
                .mend()
                .into_iter()
                .for_each(|mend| detail("mend", mend));
        }
        None => output::line(&progress::one_line(server, colour)),
    }
    if let Some(title) = &server.title {
        detail("key", title);
    }
    if let Some(info) = &server.info {
        detail(
            "server",
            &format!("{} {}, protocol {}", info.name, info.version, info.protocol),
        );
    }
    for notice in &server.notices {
        detail("notice", notice);
    }
    let seen = &server.diagnostics;
    if let Some(sample) = &seen.stray_sample {
        detail(
            "stdout",
            &format!(
                "{} lines that are not MCP, such as {sample:?}; it should log to stderr",
                seen.stray_lines
            ),
        );
    }
    if seen.oversized > 0 {
        detail(
            "dropped",
            &format!("{} messages over 16 MiB", seen.oversized),
        );
    }
    if server.status.is_failure() {
        let last = seen.stderr.len().saturating_sub(5);
        seen.stderr
            .iter()
            .skip(last)
            .for_each(|text| detail("stderr", text));
    }
}

fn summarize(servers: &[ServerReport]) {
    let count =
        |wanted: fn(&ServerStatus) -> bool| servers.iter().filter(|it| wanted(&it.status)).count();
    let ready = count(|status| *status == ServerStatus::Ready);
    let failed = count(ServerStatus::is_failure);
    let starting = count(|status| *status == ServerStatus::Starting);
    let mut parts = vec![format!("{ready} of {} servers ready", servers.len())];
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if starting > 0 {
        parts.push(format!("{starting} still starting"));
    }
    output::line(&format!("\n{}", parts.join(", ")));
}

fn as_json(server: &ServerReport) -> Value {
    let seen = &server.diagnostics;
    json!({
        "id": server.id,
        "title": server.title,
        "state": server.status.word(),
        "cause": server.status.cause(),
        "mend": server.status.mend(),
        "required": server.required,
        "implementation": server.info.as_ref().map(|it| json!({"name": it.name, "version": it.version, "protocol": it.protocol})),
        "tools": server.tools,
        "prompts": server.prompts,
        "resources": server.resources,
        "notices": server.notices,
        "took_ms": server.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "stray_lines": seen.stray_lines,
        "stray_sample": seen.stray_sample,
        "oversized": seen.oversized,
        "stderr": seen.stderr,
        "exit": seen.exit,
    })
}
