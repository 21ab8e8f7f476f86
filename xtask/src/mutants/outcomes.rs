//! What became of the mutants, by cargo-mutants' own file. A mutant is known by its file and by what was changed,
//! without the line: an edit above it must not make it a new one.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::accepted::Accepted;

/// How many were caught, and which were not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    caught: BTreeSet<String>,
    missed: Vec<Mutant>,
    /// Those that do not compile, which says nothing of the tests.
    unviable: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mutant {
    /// As [`ACCEPTED`](super::accepted::ACCEPTED) names it.
    name: String,
    /// With its line, for whoever looks for it.
    place: String,
}

impl Outcomes {
    pub(super) fn read(json: &str) -> Result<Self> {
        let parsed: Value =
            serde_json::from_str(json).context("cargo-mutants' outcomes are not JSON")?;
        let list = parsed.get("outcomes").and_then(Value::as_array);
        let mut found = Self::default();
        for outcome in list.context("cargo-mutants' outcomes hold no list")? {
            let name = outcome
                .pointer("/scenario/Mutant/name")
                .and_then(Value::as_str);
            let (Some(place), Some(summary)) =
                (name, outcome.get("summary").and_then(Value::as_str))
            else {
                continue;
            };
            let name = without_line(place);
            match summary {
                "CaughtMutant" | "Timeout" => drop(found.caught.insert(name)),
                "MissedMutant" => found.missed.push(Mutant {
                    name,
                    place: place.to_owned(),
                }),
                _ => found.unviable += 1,
            }
        }
        Ok(found)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.caught.extend(other.caught);
        self.missed.extend(other.missed);
        self.unviable += other.unviable;
    }

    pub(super) fn line(&self) -> String {
        format!(
            "{} caught, {} missed, {} do not compile",
            self.caught.len(),
            self.missed.len(),
            self.unviable
        )
    }

    /// Those that nobody accepted.
    pub(super) fn news(&self, accepted: &[Accepted]) -> Vec<&Mutant> {
        let is_accepted = |mutant: &&Mutant| accepted.iter().any(|it| it.mutant == mutant.name);
        self.missed
            .iter()
            .filter(|mutant| !is_accepted(mutant))
            .collect()
    }

    pub(super) fn report(&self, accepted: &[Accepted]) -> String {
        let mut text = format!("\n{}\n", self.line());
        for mutant in self.news(accepted) {
            text += &format!("MISSED {}\n", mutant.place);
        }
        // Two mutants of a function may bear one name; then one that is caught does not make the other stale.
        let missed = |name: &str| self.missed.iter().any(|mutant| mutant.name == name);
        for stale in accepted {
            if self.caught.contains(stale.mutant) && !missed(stale.mutant) {
                text += &format!(
                    "accepted, but caught by now; take it out: {}\n",
                    stale.mutant
                );
            }
        }
        text
    }
}

/// `a.rs:12:5: replace x` as `a.rs: replace x`.
fn without_line(name: &str) -> String {
    let Some((place, change)) = name.split_once(": ") else {
        return name.to_owned();
    };
    let file = place.split(':').next().unwrap_or_default();
    format!("{file}: {change}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"outcomes": [
        {"scenario": "Baseline", "summary": "Success"},
        {"scenario": {"Mutant": {"name": "a.rs:1:2: replace f -> u8 with 0"}}, "summary": "CaughtMutant"},
        {"scenario": {"Mutant": {"name": "a.rs:3:4: replace < with <= in g"}}, "summary": "MissedMutant"},
        {"scenario": {"Mutant": {"name": "a.rs:5:6: replace < with > in g"}}, "summary": "Timeout"},
        {"scenario": {"Mutant": {"name": "a.rs:7:8: replace h"}}, "summary": "Unviable"}]}"#;

    const fn accepted(mutant: &'static str) -> Accepted {
        Accepted { mutant, why: "x" }
    }

    #[test]
    fn only_what_is_missed_and_not_accepted_is_news() {
        let found = Outcomes::read(JSON).unwrap();
        assert_eq!(found.line(), "2 caught, 1 missed, 1 do not compile");
        assert_eq!(found.news(&[]).len(), 1);
        assert!(
            found
                .report(&[])
                .ends_with("MISSED a.rs:3:4: replace < with <= in g\n")
        );
        let known = [accepted("a.rs: replace < with <= in g")];
        assert_eq!(found.news(&known).len(), 0);
        assert_eq!(
            found.report(&known),
            "\n2 caught, 1 missed, 1 do not compile\n"
        );
    }

    #[test]
    fn what_is_accepted_and_caught_is_told() {
        let found = Outcomes::read(JSON).unwrap();
        let stale = [accepted("a.rs: replace f -> u8 with 0")];
        assert!(
            found
                .report(&stale)
                .ends_with("take it out: a.rs: replace f -> u8 with 0\n")
        );
        assert!(Outcomes::read("{}").is_err());
    }
}
