//! The document of starts as text for people.

use std::fmt::Write as _;

use serde_json::Value;

use crate::table::{machine, shown, table};

const STARTS: [&str; 8] = [
    "servers",
    "tools",
    "one after another, s",
    "slowest alone, s",
    "cold, all at once, s",
    "cold to slowest",
    "CPU of the servers, s",
    "our own CPU, ms",
];
const WARM: [&str; 5] = [
    "servers",
    "warm start",
    "all tools there, ms",
    "our own CPU, ms",
    "first call then, ms",
];

pub(super) fn render(report: &Value) -> String {
    let rounds = |key: &str| shown(report.pointer(&format!("/rounds/{key}")));
    let mut text = machine(report);
    let _infallible = write!(
        text,
        ";\nrounds: {} one after another, {} cold, {} of each warm start. Each cell: median (least to most).\n\n",
        rounds("alone"),
        rounds("cold"),
        rounds("warm"),
    );
    let starts: Vec<[String; 8]> = items(report, "/fleets").map(start).collect();
    text += &table(&STARTS, &starts);
    text += "\n";
    let warm = items(report, "/fleets").flat_map(|fleet| {
        items(fleet, "/warm").map(move |warm| {
            let call = warm.pointer("/first_call/ms");
            [
                counted(fleet),
                shown(warm.get("what")),
                spread(warm.get("ms"), 1.0),
                spread(warm.get("own_cpu_ms"), 1.0),
                call.map_or_else(|| "-".to_owned(), |call| spread(Some(call), 1.0)),
            ]
        })
    });
    text += &table(&WARM, &warm.collect::<Vec<_>>());
    text += "\n";
    for fleet in items(report, "/fleets") {
        tell(&mut text, fleet);
    }
    if items(report, "/fleets").all(|fleet| fleet.get("name") != Some(&"real".into())) {
        text += "Real servers: skipped: no `--config` names any; `cargo xtask interop` installs some.\n";
    }
    for aim in items(report, "/aims") {
        let get = |key: &str| shown(aim.get(key));
        let met = aim.get("met").and_then(Value::as_bool) == Some(true);
        let number = |key: &str| aim.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let _infallible = writeln!(
            text,
            "Aim: {} at most {} {unit}; measured {:.2} {unit}: {}.",
            get("name"),
            number("at_most"),
            number("measured"),
            if met { "met" } else { "missed" },
            unit = get("unit"),
        );
    }
    text
}

fn start(fleet: &Value) -> [String; 8] {
    let seconds = |key: &str| spread(fleet.get(key), 1e-3);
    let ratio = fleet.get("cold_of_slowest").and_then(Value::as_f64);
    [
        counted(fleet),
        shown(fleet.get("tools")),
        seconds("one_after_another_ms"),
        seconds("slowest_alone_ms"),
        seconds("cold_ms"),
        format!("{:.2}x", ratio.unwrap_or(f64::NAN)),
        seconds("cold_servers_cpu_ms"),
        spread(fleet.get("cold_own_cpu_ms"), 1.0),
    ]
}

/// What is to be said of one fleet below the tables.
fn tell(text: &mut String, fleet: &Value) {
    let mut line = shown(fleet.get("what"));
    for missing in items(fleet, "/missing") {
        let _infallible = write!(line, "; not ready: {}", shown(Some(missing)));
    }
    let call = items(fleet, "/warm").find_map(|warm| warm.pointer("/first_call/tool"));
    if let Some(tool) = call {
        let _infallible = write!(line, "; the first call is to `{}`", shown(Some(tool)));
    }
    let _infallible = writeln!(text, "{line}.");
}

fn counted(fleet: &Value) -> String {
    format!(
        "{} {}",
        shown(fleet.get("servers")),
        shown(fleet.get("name"))
    )
}

fn spread(figures: Option<&Value>, scale: f64) -> String {
    let figure = |key: &str| {
        let value = figures?.get(key)?.as_f64()? * scale;
        Some(match value {
            ..10.0 => format!("{value:.2}"),
            ..100.0 => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        })
    };
    let all = (figure("median"), figure("min"), figure("max"));
    match all {
        (Some(median), Some(min), Some(max)) => format!("{median} ({min} to {max})"),
        _ => "-".to_owned(),
    }
}

fn items<'a>(report: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    let list = report.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten()
}
