//! What came of the scenarios, as people and programs read it. It must not know how a scenario is run.

use serde_json::{Value, json};

use super::checks::Checks;
use super::requirements::Scenario;
use crate::columns::aligned;

/// One scenario of one revision, and what came of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) scenario: Scenario,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// Not tried, and why.
    Skipped(&'static str),
    Ran(Ran),
}

#[derive(Debug)]
pub(super) struct Ran {
    pub(super) checks: Checks,
    /// The last line that the client wrote on its stderr.
    pub(super) client_said: String,
    /// The suite's own start included.
    pub(super) seconds: f64,
}

impl Row {
    pub(super) fn ran(&self) -> Option<&Ran> {
        match &self.outcome {
            Outcome::Ran(ran) => Some(ran),
            Outcome::Skipped(_) => None,
        }
    }

    /// What failed, each with the check's id and words.
    pub(super) fn failures(&self) -> impl Iterator<Item = String> {
        let failed = self.ran().into_iter().flat_map(|ran| &ran.checks.failed);
        failed.map(|failure| format!("{}: {}", failure.id, failure.told))
    }
}

impl Ran {
    /// Such as `2 of 5`.
    pub(super) fn score(&self) -> String {
        format!("{} of {}", self.checks.passed, self.checks.total())
    }
}

/// The rows that were skipped, those with the same reason and revision together: `(reason, revision, names)`.
pub(super) fn skipped(rows: &[Row]) -> Vec<(&'static str, &'static str, Vec<&str>)> {
    let mut groups: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for row in rows {
        let Outcome::Skipped(why) = row.outcome else {
            continue;
        };
        let Scenario { revision, name, .. } = &row.scenario;
        match groups
            .iter_mut()
            .find(|group| (group.0, group.1) == (why, *revision))
        {
            Some(group) => group.2.push(name),
            None => groups.push((why, revision, vec![name])),
        }
    }
    groups
}

/// The table for people, then what failed and what was skipped.
pub(super) fn report(rows: &[Row]) -> String {
    let head = ["scenario", "revision", "checks", "time"].map(str::to_owned);
    let ran = || rows.iter().filter_map(|row| Some((row, row.ran()?)));
    let cells = ran().map(|(row, ran)| {
        [
            row.scenario.name.clone(),
            row.scenario.revision.to_owned(),
            ran.score(),
            format!("{:.1} s", ran.seconds),
        ]
    });
    let mut text = aligned(
        &[head].into_iter().chain(cells).collect::<Vec<_>>(),
        &[2, 3],
    );
    for (row, ran) in ran().filter(|(_, ran)| !ran.checks.failed.is_empty()) {
        let Scenario { name, revision, .. } = &row.scenario;
        text += &format!(
            "\n{name} ({revision}) failed; its client said: {}\n",
            ran.client_said
        );
        text.extend(row.failures().map(|failure| format!("  {failure}\n")));
    }
    for (why, revision, names) in skipped(rows) {
        text += &format!("\nskipped: {why} ({revision}): {}\n", names.join(", "));
    }
    let failed = ran()
        .filter(|(_, ran)| !ran.checks.failed.is_empty())
        .count();
    let (tried, all) = (ran().count(), rows.len());
    text + &format!(
        "\nscenarios: {all}, passed: {}, failed: {failed}, skipped: {}\n",
        tried - failed,
        all - tried
    )
}

pub(super) fn json(rows: &[Row]) -> Vec<Value> {
    let row = |row: &Row| {
        let Scenario {
            name,
            revision,
            not_scored,
        } = &row.scenario;
        let mut value = json!({"scenario": name, "revision": revision, "notScored": not_scored});
        let told = match &row.outcome {
            Outcome::Skipped(why) => json!({"skipped": why}),
            Outcome::Ran(ran) => json!({
                "passed": ran.checks.passed, "total": ran.checks.total(), "seconds": ran.seconds,
                "failures": row.failures().collect::<Vec<_>>(),
            }),
        };
        if let (Some(value), Value::Object(told)) = (value.as_object_mut(), told) {
            value.extend(told);
        }
        value
    };
    rows.iter().map(row).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::checks::Failure;
    use super::*;

    /// One that passed, one that failed, two that were skipped.
    pub(in super::super) fn rows() -> Vec<Row> {
        let ran = |passed, failed| {
            Outcome::Ran(Ran {
                checks: Checks { passed, failed },
                client_said: "error: no".to_owned(),
                seconds: 1.26,
            })
        };
        let failure = Failure {
            id: "sep-1".to_owned(),
            told: "Header: missing".to_owned(),
        };
        let skipped = || Outcome::Skipped("not built");
        [
            ("initialize", ran(1, Vec::new())),
            ("sse-retry", ran(2, vec![failure])),
            ("auth/a", skipped()),
            ("auth/b", skipped()),
        ]
        .map(|(name, outcome)| Row {
            scenario: Scenario::fixture("2025-11-25", name),
            outcome,
        })
        .into()
    }

    #[test]
    fn the_report_tells_failures_and_what_was_skipped() {
        assert_eq!(
            report(&rows()),
            "scenario    revision    checks   time\n\
             initialize  2025-11-25  1 of 1  1.3 s\n\
             sse-retry   2025-11-25  2 of 3  1.3 s\n\
             \nsse-retry (2025-11-25) failed; its client said: error: no\n  sep-1: Header: missing\n\
             \nskipped: not built (2025-11-25): auth/a, auth/b\n\
             \nscenarios: 4, passed: 1, failed: 1, skipped: 2\n"
        );
    }

    #[test]
    fn programs_are_told_the_same() {
        let told = json(&rows());
        let expected = [
            json!({"scenario": "initialize", "revision": "2025-11-25", "notScored": null,
                   "passed": 1, "total": 1, "seconds": 1.26, "failures": []}),
            json!({"scenario": "sse-retry", "revision": "2025-11-25", "notScored": null,
                   "passed": 2, "total": 3, "seconds": 1.26, "failures": ["sep-1: Header: missing"]}),
            json!({"scenario": "auth/a", "revision": "2025-11-25", "notScored": null, "skipped": "not built"}),
        ];
        assert_eq!(told[..3], expected);
    }
}
