//! The catalogue's document as text for people.

use std::fmt::Write as _;

use serde_json::Value;

use crate::table::{machine, shown, table};

pub(crate) fn render(report: &Value) -> String {
    let get = |pointer: &str| shown(report.pointer(pointer));
    let mut text = machine(report);
    let _ = write!(
        text,
        "; {} tools of {} servers, {}; {} rounds of each side, taking turns.\n\n",
        get("/tools"),
        get("/servers"),
        get("/definitions"),
        get("/rounds"),
    );
    let rows = items(report, "/rows").map(|row| {
        let ns = |key: &str| time(row.get(key).and_then(Value::as_f64).unwrap_or_default());
        [
            shown(row.get("name")),
            ns("catalogue_ns"),
            ns("plain_ns"),
            times(row.get("ratio").and_then(Value::as_f64).unwrap_or_default()),
        ]
    });
    text += &table(
        &["what", "catalogue", "plain map", "ratio"],
        &rows.collect::<Vec<_>>(),
    );
    let _ = writeln!(
        text,
        "\nInstructions per look-up, counted by valgrind: by canonical name {}, by name for models {}, plain map {}.",
        get("/instructions_per_lookup/canonical"),
        get("/instructions_per_lookup/wire"),
        get("/instructions_per_lookup/plain"),
    );
    let _ = writeln!(
        text,
        "Memory, as resident size grew: {} MB of definitions, {} MB of catalogue over them; the plain map {} MB.",
        get("/memory_mb/definitions"),
        get("/memory_mb/catalogue"),
        get("/memory_mb/plain"),
    );
    let _ = writeln!(
        text,
        "A look at all tools: for what looks hostile {} ms, for what to pin {} ms.",
        get("/whole_ms/flags"),
        get("/whole_ms/pins"),
    );
    for aim in items(report, "/aims") {
        let get = |key: &str| shown(aim.get(key));
        let met = aim.get("met").and_then(Value::as_bool) == Some(true);
        let _ = writeln!(
            text,
            "Aim: {} at most {} {unit}; measured {} {unit}: {}.",
            get("name"),
            get("at_most"),
            get("measured"),
            if met { "met" } else { "missed" },
            unit = get("unit"),
        );
    }
    text
}

fn items<'a>(report: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    let list = report.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn time(ns: f64) -> String {
    match ns {
        ..1e4 => format!("{ns:.0} ns"),
        ..1e7 => format!("{:.0} µs", ns / 1e3),
        _ => format!("{:.0} ms", ns / 1e6),
    }
}

fn times(ratio: f64) -> String {
    match ratio {
        ..0.1 => format!("{ratio:.4}x"),
        _ => format!("{ratio:.2}x"),
    }
}
