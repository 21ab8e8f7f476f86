//! What the interop program printed, read back, and shown as a table. It must not know what was tried.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::parts::PARTS;
use crate::columns::aligned;

/// A server, a client, or all servers together.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) version: String,
    pub(crate) protocol: String,
    pub(crate) tools: String,
    pub(crate) seconds: Option<f64>,
    pub(crate) checks: Vec<Check>,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) does: String,
    pub(crate) through: String,
    pub(crate) failure: Option<String>,
}

/// Reads the rows and adds the versions.
pub(crate) fn read(rows: &Value) -> Result<Vec<Row>> {
    let rows = rows
        .as_array()
        .context("the interop program printed no list")?;
    rows.iter().map(row).collect()
}

fn row(row: &Value) -> Result<Row> {
    let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    let part = text("part");
    let known = PARTS
        .iter()
        .find(|known| Some(known.name) == part.as_deref());
    let pinned = known.map_or("-", |part| part.version());
    let notes = list(row, "notes").filter_map(Value::as_str);
    Ok(Row {
        name: text("name").context("a row has no name")?,
        kind: text("kind").context("a row has no kind")?,
        version: text("version").unwrap_or_else(|| pinned.to_owned()),
        protocol: text("protocol").unwrap_or_else(|| "-".to_owned()),
        tools: row
            .get("tools")
            .and_then(Value::as_u64)
            .map_or("-".to_owned(), |count| count.to_string()),
        seconds: row.get("seconds").and_then(Value::as_f64),
        checks: list(row, "checks").map(check).collect::<Result<_>>()?,
        notes: notes.map(str::to_owned).collect(),
    })
}

fn check(check: &Value) -> Result<Check> {
    let text = |key: &str| check.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(Check {
        does: text("does").context("a check does not say what it does")?,
        through: text("through").context("a check does not say which way it went")?,
        failure: text("failure"),
    })
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

impl Row {
    /// What was done, each thing once, with what failed first.
    pub(crate) fn done(&self) -> String {
        let failed: Vec<&str> = self.named(|check| check.failure.is_some());
        let passed = self.named(|check| check.failure.is_none());
        let passed = passed.into_iter().filter(|does| !failed.contains(does));
        let failed = failed.iter().map(|does| format!("FAILED: {does}"));
        failed
            .chain(passed.map(str::to_owned))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn named(&self, wanted: impl Fn(&Check) -> bool) -> Vec<&str> {
        let mut named: Vec<&str> = Vec::new();
        for check in self.checks.iter().filter(|check| wanted(check)) {
            if !named.contains(&check.does.as_str()) {
                named.push(&check.does);
            }
        }
        named
    }

    /// The failures, each with where it happened.
    pub(crate) fn failures(&self) -> impl Iterator<Item = String> {
        self.checks.iter().filter_map(|check| {
            let failure = check.failure.as_ref()?;
            Some(format!(
                "{}, {} ({}): {failure}",
                self.name, check.does, check.through
            ))
        })
    }
}

/// The table for people, then the parts that were skipped, what was noticed, and what failed.
pub(crate) fn report(rows: &[Row], skipped: &BTreeMap<&str, String>) -> String {
    let head = ["what", "version", "protocol", "tools", "time", "done"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let time = row
            .seconds
            .map_or("-".to_owned(), |seconds| format!("{seconds:.1} s"));
        [
            row.name.clone(),
            row.version.clone(),
            row.protocol.clone(),
            row.tools.clone(),
            time,
            row.done(),
        ]
    });
    let mut text = aligned(
        &[head].into_iter().chain(cells).collect::<Vec<_>>(),
        &[3, 4],
    );
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text += &format!("\n{title}:\n  {}\n", lines.join("\n  "));
        }
    };
    let notes = rows
        .iter()
        .flat_map(|row| row.notes.iter().map(|note| format!("{}: {note}", row.name)));
    let failures: Vec<String> = rows.iter().flat_map(Row::failures).collect();
    let (failed, total) = (
        failures.len(),
        rows.iter().map(|row| row.checks.len()).sum::<usize>(),
    );
    section("noticed", notes.collect());
    section(
        "skipped",
        skipped
            .iter()
            .map(|(part, why)| format!("{part}: {why}"))
            .collect(),
    );
    section("failed", failures);
    text + &format!(
        "\nchecks: {total}, failed: {failed}, parts skipped: {}\n",
        skipped.len()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows() -> Vec<Row> {
        let check = |does: &str, through: &str, failure: Value| json!({"does": does, "through": through, "failure": failure});
        let printed = json!([
            {"part": "git", "name": "git", "kind": "server", "protocol": "2025-11-25", "tools": 12, "seconds": 1.04,
             "notes": ["2 lines"],
             "checks": [check("start", "facade", Value::Null), check("read a log", "facade", Value::Null),
                        check("read a log", "binary", json!("expected a; came b"))]},
            {"part": null, "name": "all together", "kind": "toolkit", "protocol": null, "tools": null, "seconds": null,
             "notes": [], "checks": [check("end", "facade", Value::Null)]},
        ]);
        read(&printed).unwrap()
    }

    #[test]
    fn the_report_is_aligned_and_tells_each_failure() {
        let skipped = BTreeMap::from([("time", "registry unreachable".to_owned())]);
        assert_eq!(
            report(&rows(), &skipped),
            "what          version     protocol    tools   time  done\n\
             git           2026.10.19  2025-11-25     12  1.0 s  FAILED: read a log, start\n\
             all together  -           -               -      -  end\n\
             \nnoticed:\n  git: 2 lines\n\
             \nskipped:\n  time: registry unreachable\n\
             \nfailed:\n  git, read a log (binary): expected a; came b\n\
             \nchecks: 4, failed: 1, parts skipped: 1\n"
        );
    }

    #[test]
    fn a_row_without_a_name_is_an_error() {
        let error = read(&json!([{"kind": "server"}])).unwrap_err();
        assert_eq!(error.to_string(), "a row has no name");
        assert!(read(&json!({})).is_err());
    }
}
