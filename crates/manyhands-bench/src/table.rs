//! The JSON document as text for people: Markdown that can be read in a terminal.

use std::fmt::Write as _;

use serde_json::Value;

const HEAD: [&str; 8] = [
    "transport",
    "in flight",
    "payload",
    "p50 µs",
    "p99 µs",
    "calls/s",
    "CPU µs/call, both ends",
    "of it the client",
];

/// The document, without what only programs need.
pub(crate) fn render(report: &Value) -> String {
    let mut text = conditions(report);
    text += "\nEach cell: raw rmcp > toolkit (median of the rounds' ratios).\n\n";
    text += &cells(report, "toolkit", "ratio");
    text += "\nThe same for a connection alone, without a toolkit around it: raw rmcp > connection.\n\n";
    text += &cells(report, "connection", "connection_ratio");
    text += "\nOurs to raw, geometric mean over a transport's cells (its worst cell):\n\n";
    text += &summaries(report);
    text += "\n";
    text += &instructions(report);
    text += &aims(report);
    text
}

fn conditions(report: &Value) -> String {
    let get = |key: &str| shown(report.pointer(&format!("/conditions/{key}")));
    format!(
        "{}, rmcp {}, tokio {};\nruntime: {}; {} rounds of each side, taking turns.\n",
        machine(report),
        get("rmcp"),
        get("tokio"),
        get("runtime"),
        get("rounds_of_each_side"),
    )
}

/// Where the figures were taken, without an end.
pub(crate) fn machine(report: &Value) -> String {
    let get = |key: &str| shown(report.pointer(&format!("/conditions/{key}")));
    format!(
        "{} cores of {}, Linux {}, load {}; {}, {} build",
        get("cores"),
        get("cpu"),
        get("kernel"),
        get("load_average"),
        get("rustc"),
        get("profile"),
    )
}

fn cells(report: &Value, side: &str, ratios: &str) -> String {
    let mut rows = Vec::new();
    for (_, transport) in entries(report.get("transports")) {
        for cell in transport
            .get("cells")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let pair = |figure: &str, ratio: &str| {
                let of = |side: &str| shown(cell.pointer(&format!("/{side}/{figure}")));
                match factor(cell.pointer(&format!("/{ratios}/{ratio}"))) {
                    Some(factor) => format!("{} > {} ({factor})", of("raw"), of(side)),
                    None => "-".to_owned(),
                }
            };
            rows.push([
                shown(cell.get("transport")),
                shown(cell.get("in_flight")),
                bytes(cell.get("payload_bytes")),
                pair("p50_us", "p50"),
                pair("p99_us", "p99"),
                pair("calls_per_second", "calls_per_second"),
                pair("cpu_us", "cpu"),
                pair("client_cpu_us", "client_cpu"),
            ]);
        }
    }
    table(&HEAD, &rows)
}

fn summaries(report: &Value) -> String {
    const FIGURES: [(&str, &str); 4] = [
        ("cpu_per_call", "CPU, both ends"),
        ("client_cpu_per_call", "CPU, client"),
        ("latency_p50", "p50"),
        ("latency_p99", "p99"),
    ];
    let mut rows = Vec::new();
    for (name, transport) in entries(report.get("transports")) {
        for (side, prefix) in [("toolkit", ""), ("connection", "/connection")] {
            let [cpu, client, p50, p99] = FIGURES.map(|(key, _)| {
                let ratio =
                    |field: &str| factor(transport.pointer(&format!("{prefix}/{key}/{field}")));
                match ratio("ratio") {
                    Some(mean) => {
                        format!("{mean} ({})", ratio("worst_cell_ratio").unwrap_or_default())
                    }
                    None => "-".to_owned(),
                }
            });
            rows.push([name.to_owned(), side.to_owned(), cpu, client, p50, p99]);
        }
    }
    let [cpu, client, p50, p99] = FIGURES.map(|(_, title)| title);
    table(&["transport", "side", cpu, client, p50, p99], &rows)
}

fn instructions(report: &Value) -> String {
    let Some(duplex) = report.pointer("/transports/duplex") else {
        return String::new();
    };
    let Some(Value::Array(counted)) = duplex.get("instructions_per_call") else {
        let why = shown(duplex.get("instructions_skipped"));
        return format!("Instructions per call: skipped: {why}.\n");
    };
    let mut text =
        String::from("Instructions per call over duplex, both ends, counted by valgrind:");
    for it in counted {
        let _infallible = write!(
            text,
            " {}: {} > toolkit {} ({}), connection {} ({});",
            bytes(it.get("payload_bytes")),
            shown(it.get("raw")),
            shown(it.get("toolkit")),
            factor(it.get("ratio")).unwrap_or_default(),
            shown(it.get("connection")),
            factor(it.get("connection_ratio")).unwrap_or_default(),
        );
    }
    text.trim_end_matches(';').to_owned() + ".\n"
}

fn aims(report: &Value) -> String {
    let aims = report.get("aims").and_then(Value::as_array);
    let mut text = String::new();
    for aim in aims.into_iter().flatten() {
        let (word, bound) = match aim.get("at_most") {
            Some(Value::Null) | None => ("at least", aim.get("at_least")),
            bound => ("at most", bound),
        };
        let met = aim.get("met").and_then(Value::as_bool) == Some(true);
        let _infallible = writeln!(
            text,
            "Aim for a {} over {}, {} cells: {} {word} {} of raw rmcp's; measured {}: {}.",
            shown(aim.get("side")).replace("connection", "connection alone"),
            shown(aim.get("transport")),
            shown(aim.get("cells")),
            shown(aim.get("figure")).replace('_', " "),
            factor(bound).unwrap_or_default(),
            factor(aim.get("ratio")).unwrap_or_default(),
            if met { "met" } else { "missed" },
        );
    }
    text
}

fn factor(value: Option<&Value>) -> Option<String> {
    Some(format!("{:.2}x", value?.as_f64()?))
}

/// A figure as a person wants it: small ones with a digit behind the point, large ones without.
pub(crate) fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::Number(number)) => match number.as_f64() {
            Some(value) if number.is_f64() && value < 1_000.0 => format!("{value:.1}"),
            Some(value) if number.is_f64() => format!("{value:.0}"),
            _ => number.to_string(),
        },
        Some(Value::String(text)) => text.clone(),
        _ => "unknown".to_owned(),
    }
}

fn bytes(value: Option<&Value>) -> String {
    match value.and_then(Value::as_u64) {
        Some(bytes) if bytes >= 1024 => format!("{} KiB", bytes / 1024),
        Some(bytes) => format!("{bytes} B"),
        None => "unknown".to_owned(),
    }
}

fn entries(object: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    object
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

/// A Markdown table whose columns are aligned in its source too.
pub(crate) fn table<const N: usize>(head: &[&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let mut widths = head.each_ref().map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let rule = widths.map(|width| "-".repeat(width));
    let mut text = String::new();
    for row in [&head, &rule].into_iter().chain(rows) {
        for (cell, width) in row.iter().zip(widths) {
            let _infallible = write!(text, "| {cell:<width$} ");
        }
        text += "|\n";
    }
    text
}
