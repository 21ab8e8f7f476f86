//! The generated part of `docs/performance.md` about peers. It must not know how anything was measured.

use super::rows::{Row, Rows};

pub(super) const PATH: &str = "docs/performance.md";

/// The command that the markers name.
pub(super) const COMMAND: &str = "peers --write";

const FIGURES: [(&str, &str); 6] = [
    ("ready_ms", "all tools listed, ms"),
    ("p50_us", "p50 µs"),
    ("p99_us", "p99 µs"),
    ("calls_per_s", "calls/s, 32 in flight"),
    ("cpu_us", "CPU µs/call"),
    ("rss_mib", "RSS MiB"),
];

/// What people read in place of a row's name.
const TITLES: &[(&str, &str)] = &[
    ("manyhands", "`manyhands serve --stdio`"),
    ("fastmcp", "FastMCP proxy, as is"),
    ("fastmcp-kept", "FastMCP proxy, session kept"),
    ("toolkit", "`Toolkit`"),
    ("langchain", "langchain-mcp-adapters, as is"),
    (
        "langchain-sessions",
        "langchain-mcp-adapters, sessions kept",
    ),
    ("mcp", "`mcp` client, one by hand for each server"),
];

/// The tables, with the conditions under which they came about.
pub(super) fn body(rows: &Rows, conditions: &str) -> String {
    format!(
        "{conditions}\n\nBetween one client and five servers, over stdio on both sides:\n\n{}\n{}\n\
         As a library, in a program of its own, over the same five servers:\n\n{}\n{}",
        speed("program", &rows.middle),
        failures("program", &rows.middle),
        speed("library", &rows.library),
        failures("library", &rows.library),
    )
}

fn speed(what: &str, rows: &[Row]) -> String {
    let heads = FIGURES.map(|(_, head)| head).join(" | ");
    let mut text = format!(
        "| {what} | {heads} |\n| ---{} |\n",
        " | ---".repeat(FIGURES.len())
    );
    for row in rows {
        let cells = FIGURES.map(|(figure, _)| cell(figure, row, rows.first()));
        text += &format!("| {} | {} |\n", title(row), cells.join(" | "));
    }
    text
}

/// The median, and beside it how many times our figure it is.
fn cell(figure: &str, row: &Row, ours: Option<&Row>) -> String {
    let Some(median) = row.median(figure) else {
        return "-".to_owned();
    };
    let shown = if median < 100.0 {
        format!("{median:.1}")
    } else {
        format!("{median:.0}")
    };
    match ours
        .filter(|ours| ours.name != row.name)
        .and_then(|ours| row.ratio(figure, ours))
    {
        Some(ratio) if ratio < 0.1 => format!("{shown} ({ratio:.3}x)"),
        Some(ratio) if ratio < 10.0 => format!("{shown} ({ratio:.2}x)"),
        Some(ratio) => format!("{shown} ({ratio:.0}x)"),
        None => shown,
    }
}

fn failures(what: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "| {what} | one server of five cannot start: tools left | one is killed: does it answer again? | do the others? |\n\
         | --- | --- | --- | --- |\n"
    );
    for row in rows {
        text += &format!(
            "| {} | {} | {} | {} |\n",
            title(row),
            row.left(),
            row.again(),
            row.others()
        );
    }
    text
}

fn title(row: &Row) -> &str {
    let found = TITLES.iter().find(|(name, _)| *name == row.name);
    found.map_or(&row.name, |(_, title)| title)
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::sample;
    use super::*;

    #[test]
    fn the_first_row_is_what_the_others_are_compared_with() {
        let text = body(&sample(), "On 2 cores.");
        assert!(text.starts_with("On 2 cores.\n\nBetween one client"));
        assert!(
            text.contains("\n| ours | 2.0 | 2.0 | 2.0 | 2.0 | 2.0 | 2.0 |\n"),
            "{text}"
        );
        assert!(
            text.contains("\n| theirs | 20.0 (10x) | 20.0 (10x) |"),
            "{text}"
        );
        assert!(text.contains(
            "| `mcp` client, one by hand for each server | its user's code | its user's code |"
        ));
    }
}
