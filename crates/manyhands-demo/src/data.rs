//! The fixed data, and the fixed day on which it is all "today".
//!
//! The rows live in `data/*.json`; the server of the same name owns their types.

use serde::de::DeserializeOwned;

use crate::tool::ToolError;

pub(crate) const SLACK: &str = include_str!("../data/slack.json");
pub(crate) const CALENDAR: &str = include_str!("../data/calendar.json");
pub(crate) const JIRA: &str = include_str!("../data/jira.json");
pub(crate) const SALESFORCE: &str = include_str!("../data/salesforce.json");

/// The day that every demo server takes for today.
pub(crate) const TODAY: &str = "2026-03-12";

/// Reads one of the files above.
pub(crate) fn load<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).expect("the file is compiled in, and the tests read each one")
}

/// Returns the day to use for an optional argument: the one given, or today.
pub(crate) fn day(given: Option<&str>) -> Result<String, ToolError> {
    match given {
        None | Some("today") => Ok(TODAY.to_owned()),
        Some(text) if is_day(text) => Ok(text.to_owned()),
        Some(text) => Err(ToolError::permanent(
            "invalid_date",
            format!("{text:?} is not a date; write it as YYYY-MM-DD, for example {TODAY}"),
        )),
    }
}

/// True where every word of `query` occurs in `text`, whatever the case; so an empty query fits all.
pub(crate) fn matches(query: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    query
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word))
}

/// Writes a count with its noun: "1 meeting", "3 meetings".
pub(crate) fn count(n: usize, noun: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{ending}")
}

fn is_day(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let month_and_day = text.get(5..).unwrap_or_default();
    shape == "0000-00-00"
        && ("01-01".."13").contains(&month_and_day)
        && text.get(8..).is_some_and(|d| ("01"..="31").contains(&d))
}
