//! `doctor`: every server probed, with cause and mend, and the secrets that stand in the configuration itself.

use std::process::ExitCode;
use std::time::Duration;

use manyhands::{EmbedError, ProbeReport, ReplicaReport, Report, ServerReport, ServerStatus};
use manyhands_config::Warning;
use serde_json::{Value, json};

use crate::args::Options;
use crate::commands::lint::{self, Lint};
use crate::commands::suspicions::Suspicions;
use crate::failure::{Failure, UNAVAILABLE};
use crate::output::{self, dim, stdout_has_colour};
use crate::{load, progress};

/// Probes every server of the configuration.
pub(crate) async fn run(options: &Options, lint: bool) -> Result<ExitCode, Failure> {
    let (builder, literal_secrets) = load::inspected_builder(options)?;
    let kit = builder.start();
    let ((), embedder) = tokio::join!(
        progress::all_started(&kit, options.wait),
        kit.check_embedder()
    );
    let mut report = kit.report();
    let catalogue = kit.catalogue();
    let suspicions = Suspicions::new(&catalogue, kit.pin_report());
    let groups = kit.groups();
    let groups: Vec<String> = groups.problems().iter().map(ToString::to_string).collect();
    let profiles = kit.profile_problems();
    let profiles: Vec<String> = profiles.iter().map(ToString::to_string).collect();
    kit.close().await;
    for server in &mut report.servers {
        let notices = lint::schema_notices(&catalogue, &server.id);
        server.notices.extend(notices);
    }
    let findings = lint.then(|| Lint::new(&catalogue));
    if options.json {
        let servers: Vec<Value> = report
            .servers
            .iter()
            .map(|server| suspicions.add_to(server, as_json(server)))
            .collect();
        let literal_secrets: Vec<Value> = literal_secrets.iter().map(finding).collect();
        let mut document = json!({
            "servers": servers, "literal_secrets": literal_secrets, "groups": groups, "profiles": profiles,
            "embedder": embedder.map(embedder_as_json),
        });
        if let (Some(findings), Some(document)) = (&findings, document.as_object_mut()) {
            document.insert("lint".to_owned(), findings.as_json());
        }
        output::json(&document);
    } else {
        let width = report.id_width();
        report
            .servers
            .iter()
            .for_each(|server| print(server, &suspicions, width));
        let gap = if report.servers.is_empty() { "" } else { "\n" };
        output::line(&format!("{gap}{}", summary(&report.servers)));
        embedder.iter().for_each(tell_of_embedder);
        tell_of(&literal_secrets);
        groups.iter().for_each(|problem| detail("group", problem));
        profiles
            .iter()
            .for_each(|problem| detail("profile", problem));
        findings.iter().for_each(Lint::print);
    }
    Ok(exit_code(&report))
}

/// What a program is told of the whole.
pub(crate) fn exit_code(report: &Report) -> ExitCode {
    let mut states = report.servers.iter().map(|it| &it.status);
    match states.any(|it| it.is_failure() || *it == ServerStatus::Starting) {
        true => ExitCode::from(UNAVAILABLE),
        false => ExitCode::SUCCESS,
    }
}

fn print(server: &ServerReport, suspicions: &Suspicions, width: usize) {
    let colour = stdout_has_colour();
    match server.status.cause() {
        Some(cause) => {
            output::line(progress::one_line_of_state(server, width, colour).trim_end());
            detail("cause", cause);
            server
                .status
                .mend()
                .into_iter()
                .for_each(|mend| detail("mend", mend));
        }
        None => output::line(&progress::one_line(server, width, colour)),
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
    for flag in suspicions.told_of(&server.id) {
        detail("flag", &flag);
    }
    noticed(server);
    if server.status.is_failure() {
        let stderr = &server.diagnostics.stderr;
        let last = stderr.len().saturating_sub(5);
        stderr
            .iter()
            .skip(last)
            .for_each(|text| detail("stderr", text));
    }
}

fn detail(label: &str, text: &str) {
    output::line(&format!(
        "    {} {}",
        dim(&format!("{label:<8}"), stdout_has_colour()),
        output::printable(text)
    ));
}

/// What the connection noticed beside the protocol.
fn noticed(server: &ServerReport) {
    let seen = &server.diagnostics;
    if let Some(sample) = &seen.stray_sample {
        detail(
            "stdout",
            &format!(
                "{}, such as {sample:?}; it should log to stderr",
                stray(seen.stray_lines)
            ),
        );
    }
    if seen.oversized > 0 {
        detail(
            "dropped",
            &format!("{} messages over 16 MiB", seen.oversized),
        );
    }
    if seen.unasked > 0 {
        detail(
            "ignored",
            &format!(
                "{} answers that nobody waited for, or questions beyond 16 at once",
                seen.unasked
            ),
        );
    }
}

fn stray(lines: u64) -> String {
    match lines {
        1 => "1 line that is not MCP".to_owned(),
        lines => format!("{lines} lines that are not MCP"),
    }
}

/// All servers, counted by how they are doing.
pub(crate) fn summary(servers: &[ServerReport]) -> String {
    if servers.is_empty() {
        return "the configuration lists no servers; add one under `mcpServers`".to_owned();
    }
    let count =
        |wanted: fn(&ServerStatus) -> bool| servers.iter().filter(|it| wanted(&it.status)).count();
    let disabled = count(|status| *status == ServerStatus::Disabled);
    let ready = count(|status| *status == ServerStatus::Ready);
    let mut parts = vec![format!(
        "{ready} of {} servers ready",
        servers.len() - disabled
    )];
    let others = [
        (count(ServerStatus::is_failure), "failed"),
        (
            count(|status| *status == ServerStatus::Starting),
            "still starting",
        ),
        (disabled, "switched off"),
    ];
    parts.extend(
        others
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}")),
    );
    parts.join(", ")
}

/// Tells whether there is an answer from what gives vectors. Without one, tools are found by their words, so the exit code
/// is silent about it.
fn tell_of_embedder(answer: &Result<usize, EmbedError>) {
    let text = match answer {
        Ok(dimensions) => format!("answers, with vectors of {dimensions} dimensions"),
        Err(error) => format!("tools are found by their words alone: failed to {error}"),
    };
    detail("embedder", &text);
}

fn embedder_as_json(answer: Result<usize, EmbedError>) -> Value {
    match answer {
        Ok(dimensions) => json!({"dimensions": dimensions, "cause": null}),
        Err(error) => json!({"dimensions": null, "cause": error.to_string()}),
    }
}

/// Tells of secrets in the file. They do not keep a server from working, so the exit code is silent about them.
fn tell_of(literal_secrets: &[Warning]) {
    match literal_secrets.len() {
        0 => return,
        1 => output::line("\n1 text in the configuration looks like a secret:"),
        found => output::line(&format!(
            "\n{found} texts in the configuration look like secrets:"
        )),
    }
    for warning in literal_secrets {
        detail("secret", &warning.to_string());
    }
}

fn finding(warning: &Warning) -> Value {
    json!({"line": warning.line(), "message": warning.to_string()})
}

fn probe_as_json(probe: &ProbeReport) -> Value {
    json!({"ago_ms": milliseconds(probe.ago), "took_ms": milliseconds(probe.took), "cause": probe.cause})
}

fn replica_as_json(replica: &ReplicaReport) -> Value {
    json!({
        "number": replica.number,
        "state": replica.status.word(),
        "cause": replica.status.cause(),
        "mend": replica.status.mend(),
        "retry_in_ms": replica.retry_in.map(milliseconds),
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn as_json(server: &ServerReport) -> Value {
    let seen = &server.diagnostics;
    let replicas: Vec<Value> = server.replicas.iter().map(replica_as_json).collect();
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
        "took_ms": server.took.map(milliseconds),
        "retry_in_ms": server.retry_in.map(milliseconds),
        "answered_ago_ms": server.answered_ago.map(milliseconds),
        "probe": server.probe.as_ref().map(probe_as_json),
        "replicas": replicas,
        "stray_lines": seen.stray_lines,
        "stray_sample": seen.stray_sample,
        "oversized": seen.oversized,
        "unasked": seen.unasked,
        "stderr": seen.stderr,
        "exit": seen.exit,
    })
}
