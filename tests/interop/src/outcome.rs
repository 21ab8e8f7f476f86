//! What was tried with a part, and what came of it.

use manyhands::Printable;
use serde::Serialize;
use serde_json::Value;

/// How much of an unexpected text is shown.
const SHOWN: usize = 400;

/// One line of the table: a server, a client, or all servers together.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// The installed part that it runs; none for what concerns all.
    pub(crate) part: Option<&'static str>,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What the part says itself; its pin without.
    pub(crate) version: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) tools: Option<usize>,
    /// A server's time to be ready; else the time for everything.
    pub(crate) seconds: Option<f64>,
    pub(crate) checks: Vec<Check>,
    /// What else was seen, such as lines that were not MCP.
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Server,
    Client,
    Toolkit,
    Login,
}

/// One thing that was tried.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    /// What was done, such as "read a file".
    pub(crate) does: String,
    /// Which way it went: the facade, the binary, `serve` or `auth`.
    pub(crate) through: &'static str,
    /// What was expected and what came, where they differ.
    pub(crate) failure: Option<String>,
}

impl Check {
    pub(crate) fn new(
        does: impl Into<String>,
        through: &'static str,
        result: Result<(), String>,
    ) -> Self {
        Self {
            does: does.into(),
            through,
            failure: result.err(),
        }
    }
}

impl Row {
    pub(crate) fn new(kind: Kind, part: Option<&'static str>, name: &'static str) -> Self {
        Self {
            part,
            name,
            kind,
            version: None,
            protocol: None,
            tools: None,
            seconds: None,
            checks: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Succeeds if the condition holds.
pub(crate) fn holds(holds: bool, expected: &str, came: &str) -> Result<(), String> {
    if holds {
        return Ok(());
    }
    let came = format!("{}", Printable(&shortened(came)));
    Err(format!("expected {expected}; came {came}"))
}

/// Succeeds if the text has the other one in it.
pub(crate) fn contains(text: &str, wanted: &str) -> Result<(), String> {
    let expected = format!("a text with {wanted:?}");
    holds(text.contains(wanted), &expected, &format!("{text:?}"))
}

/// Succeeds if both are equal.
pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(came: &T, wanted: &T) -> Result<(), String> {
    holds(came == wanted, &format!("{wanted:?}"), &format!("{came:?}"))
}

/// Every text in a JSON value, line by line: what a person would read of it.
pub(crate) fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(texts).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => fields.values().map(texts).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

/// The beginning and the end: an error's reason stands at its end as often as at its beginning.
fn shortened(text: &str) -> String {
    let half = SHOWN / 2;
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= SHOWN {
        return text.to_owned();
    }
    let (head, _) = characters.split_at(half);
    let (_, tail) = characters.split_at(characters.len() - half);
    format!(
        "{} […] {}",
        head.iter().collect::<String>(),
        tail.iter().collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_says_what_was_expected_and_what_came() {
        assert_eq!(contains("hello there", "hello"), Ok(()));
        assert_eq!(
            contains("bye", "hello"),
            Err(r#"expected a text with "hello"; came "bye""#.to_owned())
        );
        assert_eq!(equal(&1, &1), Ok(()));
        assert_eq!(equal(&1, &2), Err("expected 2; came 1".to_owned()));
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        let long = format!("begin{}end", "·".repeat(1_000));
        let error = contains(&long, "x").unwrap_err();
        assert!(
            error.contains("begin·") && error.ends_with("·end\""),
            "{error}"
        );
        assert!(error.chars().count() < 500, "{error}");
    }

    #[test]
    fn texts_are_found_at_any_depth() {
        let value = json!({"content": [{"type": "text", "text": "a"}], "n": 1});
        assert_eq!(texts(&value), "text\na\n1");
    }
}
