//! What people and programs read: aligned tables, JSON, and errors; colour only on a terminal.

use std::io::{IsTerminal as _, Write as _};

use manyhands::model::{Tool, ToolAnnotations};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

/// The width of a line when there is no terminal to ask.
const WIDTH: usize = 120;

/// Prints a line. A reader that has gone away, such as `head`, is no reason to complain.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints one JSON document.
pub(crate) fn json(value: &Value) {
    line(&format!("{value:#}"));
}

/// Prints to stderr what went wrong.
pub(crate) fn error(text: &str) {
    complaint(&format!("{} {text}", red("error:", stderr_has_colour())));
}

/// Prints to stderr what is worth knowing beside the result.
pub(crate) fn note(text: &str) {
    complaint(&format!("{} {text}", dim("note:", stderr_has_colour())));
}

/// Prints a line to stderr, if anybody reads it.
pub(crate) fn complaint(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub(crate) fn stdout_has_colour() -> bool {
    std::io::stdout().is_terminal() && wants_colour()
}

pub(crate) fn stderr_has_colour() -> bool {
    std::io::stderr().is_terminal() && wants_colour()
}

fn wants_colour() -> bool {
    // https://no-color.org
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

pub(crate) fn red(text: &str, colour: bool) -> String {
    paint(text, "31", colour)
}

pub(crate) fn green(text: &str, colour: bool) -> String {
    paint(text, "32", colour)
}

pub(crate) fn yellow(text: &str, colour: bool) -> String {
    paint(text, "33", colour)
}

pub(crate) fn bold(text: &str, colour: bool) -> String {
    paint(text, "1", colour)
}

pub(crate) fn dim(text: &str, colour: bool) -> String {
    paint(text, "2", colour)
}

fn paint(text: &str, code: &str, colour: bool) -> String {
    if colour {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Prints rows of two columns, the second cut to the line; server texts must be printable already.
pub(crate) fn two_columns(rows: &[(String, String)]) {
    let colour = stdout_has_colour();
    let left = rows
        .iter()
        .map(|(name, _)| name.width())
        .max()
        .unwrap_or(0)
        .min(60);
    for (name, text) in rows {
        let padding = " ".repeat(left.saturating_sub(name.width()));
        let room = WIDTH.saturating_sub(left.max(name.width()) + 2);
        line(format!("{}{padding}  {}", bold(name, colour), fit(text, room)).trim_end());
    }
}

/// Cuts a text to a number of terminal columns.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if cut.width() + 1 > columns {
            cut.pop();
            break;
        }
    }
    format!("{}…", cut.trim_end())
}

/// The first sentence of a description, or its first line.
pub(crate) fn summary(description: Option<&str>) -> String {
    let text = description.unwrap_or_default().trim();
    let first = text.lines().next().unwrap_or_default();
    let first = first
        .split_once(". ")
        .map_or(first, |(sentence, _)| sentence);
    printable(first.trim_end_matches('.'))
}

/// A server's text, with nothing that a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    manyhands::Printable(text).to_string()
}

/// Words for what a tool says about itself, such as "read-only".
pub(crate) fn hints(tool: &Tool) -> Option<&'static str> {
    let ToolAnnotations {
        read_only_hint,
        destructive_hint,
        ..
    } = tool.annotations.as_ref()?;
    match (read_only_hint, destructive_hint) {
        (Some(true), _) => Some("read-only"),
        (_, Some(true)) => Some("destructive"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_columns_and_not_by_bytes() {
        assert_eq!(fit("short", 10), "short");
        assert_eq!(fit("日本語テキスト", 7), "日本語…");
        assert_eq!(fit("a long sentence", 8), "a long…");
    }

    #[test]
    fn a_summary_is_the_first_sentence_without_escapes() {
        assert_eq!(
            summary(Some("Finds messages. Takes a query.")),
            "Finds messages"
        );
        assert_eq!(
            summary(Some("\u{1b}[2Jgone\nsecond line")),
            r"\u{1b}[2Jgone"
        );
        assert_eq!(summary(None), "");
    }
}
