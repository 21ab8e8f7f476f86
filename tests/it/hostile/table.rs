//! The rows as the table in `docs/reliability.md`.

use manyhands::ServerStatus;
use manyhands_testkit::Fault;

use super::row::Row;
use super::run::Seen;
use crate::document::cell;

/// How much of a text is shown, in characters.
const SHOWN: usize = 240;

/// One line for each row.
pub(super) fn markdown<'a>(rows: impl Iterator<Item = (&'a Row, &'a Seen)>) -> String {
    let mut table =
        "| switch | what the server does | over | it is then | a call | what a person reads |\n\
        | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for (row, seen) in rows {
        table.push_str(&line(row, seen));
    }
    table
}

fn line(row: &Row, seen: &Seen) -> String {
    let switches: Vec<String> = row.switches.iter().map(|it| format!("`{it}`")).collect();
    let state = match seen.started.status {
        ServerStatus::Ready => format!("ready, {} tools", seen.started.tools),
        _ => seen.started.status.word().to_owned(),
    };
    let call = match &seen.call {
        Ok(_) => "answered".to_owned(),
        Err(error) => {
            let delivery = format!("{:?}", error.delivery());
            format!(
                "{}, {}, {delivery}",
                error.kind().code(),
                error.error_type().as_str()
            )
        }
    };
    let read = shown(seen, &read(seen));
    let (switches, does, over) = (switches.join(" "), about(row), row.reach.name());
    format!("| {switches} | {does} | {over} | {state} | {call} | {read} |\n")
}

/// What the first switch does, or that the server is well.
fn about(row: &Row) -> String {
    let name = row
        .switches
        .first()
        .and_then(|switch| switch.split('=').next());
    let found = Fault::switches().find(|switch| Some(switch.name) == name);
    let about = found.map_or("Behaves well.", |switch| switch.about);
    about.trim_end_matches('.').to_owned()
}

/// What the report says where something is wrong, the call's error, or what was noticed.
fn read(seen: &Seen) -> String {
    if seen.started.status.is_failure() {
        return seen.started.to_string();
    }
    let noticed = || {
        let stray = (seen.ended.diagnostics.stray_lines > 0)
            .then(|| "lines that are not MCP are counted".to_owned());
        seen.started.notices.first().cloned().or(stray)
    };
    match &seen.call {
        Err(error) => error.to_string(),
        Ok(_) => noticed().unwrap_or_default(),
    }
}

/// A text as a table cell, the same in each run.
fn shown(seen: &Seen, text: &str) -> String {
    let named = |text: String, (name, instead): &(String, &str)| text.replace(name, instead);
    let text = seen.names.iter().fold(text.to_owned(), named);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    cell(&shown)
}
