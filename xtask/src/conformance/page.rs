//! The suite's part of `docs/reliability.md`. Times are rounded, so that a second run changes little.

use super::rows::{Row, summaries};

pub(super) const PATH: &str = "docs/reliability.md";

/// The command that the markers name.
pub(super) const COMMAND: &str = "conformance client --write";

/// How many scenarios passed under which conditions, the table of all, and why some are known to fail.
pub(super) fn body(rows: &[Row], conditions: &str) -> String {
    let mut text = format!("{conditions}\n\nScenarios passed:\n\n");
    text.extend(
        summaries(rows)
            .iter()
            .map(|summary| format!("- {}\n", summary.line())),
    );
    text += "\n| scenario | revision | checks passed | time | failed |\n| --- | --- | --- | --- | --- |\n";
    for row in rows {
        let mut name = row.scenario.name.clone();
        if let Some(reason) = &row.scenario.not_scored {
            name += &format!(" (not scored: {reason})");
        }
        let cells = [
            name,
            row.scenario.revision.to_owned(),
            row.score(),
            format!("{:.0} s", row.seconds),
            row.checks.failed_ids().join(", "),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        text += &format!("| {} |\n", cells.join(" | "));
    }
    let reasons = reasons(rows);
    if !reasons.is_empty() {
        text += "\nKnown to fail:\n\n";
    }
    text.extend(
        reasons
            .iter()
            .map(|(name, why)| format!("- `{name}`: {why}\n")),
    );
    text
}

/// Why scenarios are known to fail, each once.
fn reasons(rows: &[Row]) -> Vec<(&str, &str)> {
    let mut reasons: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let reason = row.expected.as_deref();
        let reason = reason.map(|why| (row.scenario.name.as_str(), why));
        reasons.extend(reason.filter(|reason| !reasons.contains(reason)));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_what_passed_and_why_some_fail() {
        let mut rows = super::super::rows::tests::rows();
        assert_eq!(
            body(&rows, "On 2 cores."),
            "On 2 cores.\n\nScenarios passed:\n\n- 1/2 (2025-11-25), not scored: 1/2\n- 1/1 (2026-07-28)\n\n\
             | scenario | revision | checks passed | time | failed |\n| --- | --- | --- | --- | --- |\n\
             | initialize | 2025-11-25 | 1 of 1 | 1 s |  |\n\
             | sse-retry | 2025-11-25 | 1 of 2 | 1 s | sep-1 |\n\
             | auth/a (not scored: extension) | 2025-11-25 | 1 of 2 | 1 s | sep-1 |\n\
             | auth/b (not scored: extension) | 2025-11-25 | 1 of 1 | 1 s |  |\n\
             | initialize | 2026-07-28 | 1 of 1 | 1 s |  |\n\
             \nKnown to fail:\n\n- `auth/a`: not built\n"
        );
        rows.truncate(2);
        assert!(!body(&rows, "On 2 cores.").contains("Known"));
    }
}
