//! What the suite wrote down of one scenario, counted. It must not know any check.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// How much of a check's own words is shown.
const SHOWN: usize = 300;

/// The checks of one scenario, those left out that the suite did not make.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Checks {
    pub(super) passed: usize,
    pub(super) failed: Vec<Failure>,
}

/// A check that failed, or of which the suite warns: what the specification only recommends is wanted here as well.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) id: String,
    pub(super) told: String,
}

impl Checks {
    /// Reads the suite's `checks.json`.
    ///
    /// A scenario whose server nobody spoke to has no check at all; that is a failure, and the suite calls it passed.
    pub(super) fn read(written: &Value) -> Result<Self> {
        let written = written
            .as_array()
            .context("the suite's checks are no list")?;
        let mut checks = Self::default();
        for check in written {
            let text = |key: &str| check.get(key).and_then(Value::as_str);
            let status = text("status").context("a check has no status")?;
            match status {
                "SUCCESS" => checks.passed += 1,
                "FAILURE" | "WARNING" => checks.failed.push(Failure {
                    id: text("id").context("a check has no id")?.to_owned(),
                    told: told(
                        status,
                        text("name"),
                        text("errorMessage").or(text("description")),
                    ),
                }),
                "INFO" | "SKIPPED" => {}
                other => bail!("the suite has a status that is not known here: `{other}`"),
            }
        }
        if checks.total() == 0 {
            checks.failed.push(Failure {
                id: "no-check".to_owned(),
                told: "the suite had nothing to check; did the client reach its server?".to_owned(),
            });
        }
        Ok(checks)
    }

    pub(super) fn total(&self) -> usize {
        self.passed + self.failed.len()
    }

    /// The ids of the checks that failed, each once.
    pub(super) fn failed_ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self
            .failed
            .iter()
            .map(|failure| failure.id.as_str())
            .collect();
        ids.dedup();
        ids
    }
}

fn told(status: &str, name: Option<&str>, words: Option<&str>) -> String {
    let words: String = words.unwrap_or_default().chars().take(SHOWN).collect();
    let words = words.replace('\n', " ");
    let kind = if status == "WARNING" {
        ", a warning"
    } else {
        ""
    };
    format!("{}{kind}: {words}", name.unwrap_or("unnamed"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What the suite wrote of `request-metadata` on the day this was tried first, with details and references left out.
    const RECORDED: &str = include_str!("checks/request-metadata.json");

    #[test]
    fn a_recorded_result_is_counted_and_its_failures_are_told() {
        let checks = Checks::read(&serde_json::from_str(RECORDED).unwrap()).unwrap();
        assert_eq!((checks.passed, checks.total()), (2, 5));
        assert_eq!(
            checks.failed_ids(),
            [
                "sep-2575-http-client-sends-version-header",
                "sep-2575-client-populates-meta",
                "sep-2575-client-sends-client-info"
            ]
        );
        let [header, .., info] = checks.failed.as_slice() else {
            panic!("three failures")
        };
        assert_eq!(
            header.told,
            "ClientSendsVersionHeader: Client sends MCP-Protocol-Version header on every POST"
        );
        assert!(
            info.told
                .starts_with("ClientSendsClientInfo, a warning: Client SHOULD")
        );
    }

    #[test]
    fn a_scenario_without_checks_is_a_failure() {
        let silent = [json!([]), json!([{"id": "x", "status": "SKIPPED"}])];
        for written in silent {
            let checks = Checks::read(&written).unwrap();
            assert_eq!((checks.passed, checks.failed_ids()), (0, vec!["no-check"]));
        }
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        for (written, why) in [
            (json!({}), "the suite's checks are no list"),
            (json!([{"id": "x"}]), "a check has no status"),
            (
                json!([{"id": "x", "status": "PENDING"}]),
                "the suite has a status that is not known here: `PENDING`",
            ),
        ] {
            assert_eq!(Checks::read(&written).unwrap_err().to_string(), why);
        }
    }
}
