//! The suite's part of `docs/reliability.md`. Times are rounded, so that a second run changes little.

use super::rows::{Row, skipped};

pub(super) const PATH: &str = "docs/reliability.md";

/// The command that the markers name.
pub(super) const COMMAND: &str = "conformance client --write";

/// The table, with the conditions under which it came about, and what is missing from it.
pub(super) fn body(rows: &[Row], conditions: &str) -> String {
    let mut text = format!(
        "{conditions}\n\n| scenario | revision | checks passed | time | failed |\n| --- | --- | --- | --- | --- |\n"
    );
    for row in rows {
        let Some(ran) = row.ran() else { continue };
        let mut name = row.scenario.name.clone();
        if let Some(reason) = &row.scenario.not_scored {
            name += &format!(" (not scored: {reason})");
        }
        let cells = [
            name,
            row.scenario.revision.to_owned(),
            ran.score(),
            format!("{:.0} s", ran.seconds),
            ran.checks.failed_ids().join(", "),
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        text += &format!("| {} |\n", cells.join(" | "));
    }
    let missing = skipped(rows);
    if !missing.is_empty() {
        text += "\nSkipped:\n\n";
    }
    for (why, revision, names) in missing {
        text += &format!(
            "- {revision}, {} scenarios: {why} (`{}`)\n",
            names.len(),
            names.join("`, `")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_what_ran_and_what_did_not() {
        let mut rows = super::super::rows::tests::rows();
        rows[0].scenario.not_scored = Some("pending".to_owned());
        assert_eq!(
            body(&rows, "On 2 cores."),
            "On 2 cores.\n\n\
             | scenario | revision | checks passed | time | failed |\n| --- | --- | --- | --- | --- |\n\
             | initialize (not scored: pending) | 2025-11-25 | 1 of 1 | 1 s |  |\n\
             | sse-retry | 2025-11-25 | 2 of 3 | 1 s | sep-1 |\n\
             \nSkipped:\n\n- 2025-11-25, 2 scenarios: not built (`auth/a`, `auth/b`)\n"
        );
        rows.truncate(2);
        assert!(!body(&rows, "On 2 cores.").contains("Skipped"));
    }
}
