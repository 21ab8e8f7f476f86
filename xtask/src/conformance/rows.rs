//! What came of the scenarios, as people and programs read it. It must not know how a scenario is run.

use serde_json::{Value, json};

use super::checks::Checks;
use super::requirements::Scenario;
use crate::columns::aligned;

/// One scenario of one revision, and what came of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) scenario: Scenario,
    pub(super) checks: Checks,
    /// The last line that the client wrote on its stderr.
    pub(super) client_said: String,
    /// The suite's own start included.
    pub(super) seconds: f64,
    /// Why it is known to fail, where it is.
    pub(super) expected: Option<String>,
}

impl Row {
    pub(super) fn passed(&self) -> bool {
        self.checks.failed.is_empty()
    }

    /// Such as `2 of 5`.
    pub(super) fn score(&self) -> String {
        format!("{} of {}", self.checks.passed, self.checks.total())
    }

    /// Such as `auth/dpop (2025-11-25)`.
    pub(super) fn name(&self) -> String {
        let Scenario { name, revision, .. } = &self.scenario;
        format!("{name} ({revision})")
    }

    /// What failed, each with the check's id and words.
    fn failures(&self) -> impl Iterator<Item = String> {
        let failed = self.checks.failed.iter();
        failed.map(|failure| format!("{}: {}", failure.id, failure.told))
    }
}

/// How many scenarios of one revision passed, those apart that the suite does not score.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) revision: &'static str,
    /// Passed and all, of those that the revision asks for.
    pub(super) scored: (usize, usize),
    /// The same of the others.
    pub(super) others: (usize, usize),
}

impl Summary {
    /// Such as `18/18 (2025-11-25), not scored: 4/7`.
    pub(super) fn line(&self) -> String {
        let Self {
            revision,
            scored,
            others,
        } = self;
        let line = format!("{}/{} ({revision})", scored.0, scored.1);
        match others.1 {
            0 => line,
            all => format!("{line}, not scored: {}/{all}", others.0),
        }
    }
}

/// One summary for each revision, in the order of the rows.
pub(super) fn summaries(rows: &[Row]) -> Vec<Summary> {
    let mut summaries: Vec<Summary> = Vec::new();
    for row in rows {
        let revision = row.scenario.revision;
        if summaries.last().is_none_or(|it| it.revision != revision) {
            summaries.push(Summary {
                revision,
                scored: (0, 0),
                others: (0, 0),
            });
        }
        let Some(summary) = summaries.last_mut() else {
            continue;
        };
        let (passed, all) = match row.scenario.not_scored {
            None => (&mut summary.scored.0, &mut summary.scored.1),
            Some(_) => (&mut summary.others.0, &mut summary.others.1),
        };
        *passed += usize::from(row.passed());
        *all += 1;
    }
    summaries
}

/// The table for people, then what failed, and how many passed.
pub(super) fn report(rows: &[Row]) -> String {
    let head = ["scenario", "revision", "checks", "time", ""].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let scored = row.scenario.not_scored.as_ref();
        [
            row.scenario.name.clone(),
            row.scenario.revision.to_owned(),
            row.score(),
            format!("{:.1} s", row.seconds),
            scored
                .map(|reason| format!("not scored: {reason}"))
                .unwrap_or_default(),
        ]
    });
    let mut text = aligned(
        &[head].into_iter().chain(cells).collect::<Vec<_>>(),
        &[2, 3],
    );
    for row in rows.iter().filter(|row| !row.passed()) {
        let failed = match &row.expected {
            Some(why) => format!("failed, as expected: {why}"),
            None => "failed".to_owned(),
        };
        let said = &row.client_said;
        text += &format!("\n{} {failed}; its client said: {said}\n", row.name());
        text.extend(row.failures().map(|failure| format!("  {failure}\n")));
    }
    text.push('\n');
    text.extend(summaries(rows).iter().map(|summary| summary.line() + "\n"));
    text
}

pub(super) fn json(rows: &[Row]) -> Vec<Value> {
    let row = |row: &Row| {
        let Scenario {
            name,
            revision,
            not_scored,
        } = &row.scenario;
        json!({
            "scenario": name, "revision": revision, "notScored": not_scored,
            "passed": row.checks.passed, "total": row.checks.total(), "seconds": row.seconds,
            "failures": row.failures().collect::<Vec<_>>(), "expected": row.expected,
        })
    };
    rows.iter().map(row).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::checks::Failure;
    use super::*;

    /// One that passed, one that failed, one that failed as expected, one that passed and is not scored, and one of
    /// another revision.
    pub(in super::super) fn rows() -> Vec<Row> {
        let row = |revision, name: &str, not_scored: Option<&str>, failed: Vec<Failure>| Row {
            scenario: Scenario {
                not_scored: not_scored.map(str::to_owned),
                ..Scenario::fixture(revision, name)
            },
            expected: None,
            checks: Checks { passed: 1, failed },
            client_said: "error: no".to_owned(),
            seconds: 1.26,
        };
        let failure = || Failure {
            id: "sep-1".to_owned(),
            told: "Header: missing".to_owned(),
        };
        let old = "2025-11-25";
        let mut rows = vec![
            row(old, "initialize", None, Vec::new()),
            row(old, "sse-retry", None, vec![failure()]),
            row(old, "auth/a", Some("extension"), vec![failure()]),
            row(old, "auth/b", Some("extension"), Vec::new()),
            row("2026-07-28", "initialize", None, Vec::new()),
        ];
        rows[2].expected = Some("not built".to_owned());
        rows
    }

    #[test]
    fn the_report_tells_failures_and_how_many_passed() {
        assert_eq!(
            report(&rows()),
            "scenario    revision    checks   time\n\
             initialize  2025-11-25  1 of 1  1.3 s\n\
             sse-retry   2025-11-25  1 of 2  1.3 s\n\
             auth/a      2025-11-25  1 of 2  1.3 s  not scored: extension\n\
             auth/b      2025-11-25  1 of 1  1.3 s  not scored: extension\n\
             initialize  2026-07-28  1 of 1  1.3 s\n\
             \nsse-retry (2025-11-25) failed; its client said: error: no\n  sep-1: Header: missing\n\
             \nauth/a (2025-11-25) failed, as expected: not built; its client said: error: no\n  sep-1: Header: missing\n\
             \n1/2 (2025-11-25), not scored: 1/2\n1/1 (2026-07-28)\n"
        );
    }

    #[test]
    fn programs_are_told_the_same() {
        let told = json(&rows());
        let expected = [
            json!({"scenario": "initialize", "revision": "2025-11-25", "notScored": null, "passed": 1, "total": 1,
                   "seconds": 1.26, "failures": [], "expected": null}),
            json!({"scenario": "sse-retry", "revision": "2025-11-25", "notScored": null, "passed": 1, "total": 2,
                   "seconds": 1.26, "failures": ["sep-1: Header: missing"], "expected": null}),
            json!({"scenario": "auth/a", "revision": "2025-11-25", "notScored": "extension", "passed": 1, "total": 2,
                   "seconds": 1.26, "failures": ["sep-1: Header: missing"], "expected": "not built"}),
        ];
        assert_eq!(told[..3], expected);
    }
}
