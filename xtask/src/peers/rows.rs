//! What the measurement printed, read for the page.

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Those whose servers must be there to be killed.
const OURS: [&str; 2] = ["manyhands", "toolkit"];

/// One program or library.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    figures: Value,
    /// What one dead server of five leaves.
    dead: Option<Value>,
    /// What a killed one does.
    killed: Option<Value>,
}

/// Both kinds; the first of each is ours.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) middle: Vec<Row>,
    pub(super) library: Vec<Row>,
}

impl Rows {
    pub(super) fn read(printed: &Value) -> Result<Self> {
        let kind = |name: &str| -> Result<Vec<Row>> {
            let rows = printed.get(name).and_then(Value::as_array);
            let rows = rows.with_context(|| format!("no `{name}` was measured"))?;
            rows.iter().map(Row::read).collect()
        };
        Ok(Self {
            middle: kind("middle")?,
            library: kind("library")?,
        })
    }

    /// What makes a run worthless: that there is nothing to compare, or that nothing was killed.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (kind, rows) in [("programs", &self.middle), ("libraries", &self.library)] {
            if rows.len() < 2 {
                problems.push(format!(
                    "{} {kind} were measured, and two are needed to compare",
                    rows.len()
                ));
            }
        }
        let rows = self.middle.iter().chain(&self.library);
        problems.extend(rows.filter_map(|row| {
            let killed = row.killed.as_ref()?.get("killed").and_then(Value::as_u64);
            (killed == Some(0) && OURS.contains(&row.name.as_str()))
                .then(|| format!("no server of {} was there to be killed", row.name))
        }));
        problems
    }
}

impl Row {
    fn read(value: &Value) -> Result<Self> {
        let name = value
            .get("name")
            .and_then(Value::as_str)
            .context("a row has no name")?;
        Ok(Self {
            name: name.to_owned(),
            figures: value.get("figures").cloned().unwrap_or_default(),
            dead: value.get("dead").cloned(),
            killed: value.get("killed").cloned(),
        })
    }

    pub(super) fn median(&self, figure: &str) -> Option<f64> {
        self.figures.get(figure)?.get("median")?.as_f64()
    }

    /// The median of the ratios of this row's turns to those of `first`.
    pub(super) fn ratio(&self, figure: &str, first: &Self) -> Option<f64> {
        let (mine, its) = (self.turns(figure)?, first.turns(figure)?);
        let mut ratios: Vec<f64> = mine
            .iter()
            .zip(&its)
            .map(|(mine, its)| mine / its)
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied()
    }

    fn turns(&self, figure: &str) -> Option<Vec<f64>> {
        let turns = self.figures.get(figure)?.get("turns")?.as_array()?;
        Some(turns.iter().filter_map(Value::as_f64).collect())
    }

    /// How many of eight tools are left when one server of five cannot be started.
    pub(super) fn left(&self) -> String {
        let Some(dead) = &self.dead else {
            return "its user's code".to_owned();
        };
        let tools = dead
            .get("tools")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        match dead.get("ms").and_then(Value::as_f64) {
            Some(millis) => format!("{tools} of 8 after {millis:.0} ms"),
            None => format!("{tools} of 8"),
        }
    }

    /// Whether the killed server answers again.
    pub(super) fn again(&self) -> String {
        let Some(killed) = &self.killed else {
            return "its user's code".to_owned();
        };
        match killed.get("killed").and_then(Value::as_u64) {
            Some(0) => return "none runs between calls".to_owned(),
            Some(_) => {}
            None => return "the whole program broke off".to_owned(),
        }
        match killed.get("again_ms").and_then(Value::as_f64) {
            Some(millis) => format!("yes, after {millis:.0} ms"),
            None => "not within 10 s".to_owned(),
        }
    }

    pub(super) fn others(&self) -> &'static str {
        match &self.killed {
            None => "its user's code",
            Some(killed) if killed.get("others") == Some(&Value::Bool(true)) => "yes",
            Some(_) => "no",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in super::super) fn sample() -> Rows {
        let figures = |factor: f64| {
            let names = [
                "ready_ms",
                "p50_us",
                "p99_us",
                "calls_per_s",
                "cpu_us",
                "rss_mib",
            ];
            let figure =
                json!({"median": 2.0 * factor, "turns": [factor, 2.0 * factor, 3.0 * factor]});
            names
                .map(|name| (name.to_owned(), figure.clone()))
                .into_iter()
                .collect::<Value>()
        };
        let ours = json!({"name": "ours", "figures": figures(1.0), "dead": {"tools": 8, "ms": 20.4},
            "killed": {"killed": 1, "again_ms": null, "others": true}});
        let theirs = json!({"name": "theirs", "figures": figures(10.0), "dead": {"tools": 0, "said": "no"},
            "killed": {"killed": 1, "again_ms": 230.0, "others": false}});
        let raw = json!({"name": "mcp", "figures": figures(2.0)});
        Rows::read(&json!({"middle": [ours, theirs], "library": [ours, raw]})).unwrap()
    }

    #[test]
    fn ratios_are_taken_turn_by_turn_and_failures_are_words() {
        let rows = sample();
        let [ours, theirs] = rows.middle.as_slice() else {
            panic!("two rows")
        };
        assert_eq!(theirs.ratio("p50_us", ours), Some(10.0));
        assert_eq!(
            (ours.left(), theirs.left()),
            ("8 of 8 after 20 ms".to_owned(), "0 of 8".to_owned())
        );
        assert_eq!(
            (ours.again(), theirs.again()),
            ("not within 10 s".to_owned(), "yes, after 230 ms".to_owned())
        );
        assert_eq!((ours.others(), theirs.others()), ("yes", "no"));
        assert_eq!(rows.library[1].again(), "its user's code");
        let broken = json!({"name": "x", "killed": {"said": "it did not end"}});
        assert_eq!(
            Row::read(&broken).unwrap().again(),
            "the whole program broke off"
        );
        assert_eq!(rows.problems(), Vec::<String>::new());
    }

    #[test]
    fn a_run_that_compares_nothing_is_told() {
        let rows = Rows::read(
            &json!({"middle": [], "library": [{"name": "toolkit", "killed": {"killed": 0}}]}),
        )
        .unwrap();
        assert_eq!(rows.problems().len(), 3);
        assert!(Rows::read(&json!({})).is_err());
    }
}
