//! Strangers' text made safe to show, and near misses found for what people type.
//!
//! Servers choose their names, descriptions and error messages. What reaches a
//! terminal or a log goes through [`Printable`], so that no escape sequence is
//! obeyed and no invisible character hides a meaning.

use std::borrow::Cow;
use std::fmt;

use strsim::osa_distance;

/// Shows text from a stranger: control and invisible characters as `\u{..}`, line breaks kept as spaces.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_unprintable) {
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = tail.chars();
            match chars.next() {
                Some('\n' | '\r' | '\t') => f.write_str(" ")?,
                Some(hidden) => write!(f, "{}", hidden.escape_unicode())?,
                None => {}
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Shortens `text` to at most `max` bytes at a character boundary, with `…` where something was cut.
#[must_use]
pub fn clip(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let (head, _) = text.split_at(text.floor_char_boundary(max.saturating_sub('…'.len_utf8())));
    Cow::Owned(format!("{head}…"))
}

/// Finds up to three of `known` that come nearest to `wanted`, best first.
///
/// A name qualifies when it shares its last dotted part with `wanted`, contains
/// it, or differs from it in about a third of the letters at most. `wanted`
/// is cut at 256 bytes and 100,000 names at most are compared, so that a
/// hostile input cannot make a refusal expensive.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = clip(wanted, 256).to_lowercase();
    let mut scored: Vec<(usize, &str)> = known
        .into_iter()
        .take(100_000)
        .filter_map(|name| distance(&wanted, name).map(|score| (score, name)))
        .collect();
    scored.sort_unstable();
    scored.truncate(3);
    scored.into_iter().map(|(_, name)| name).collect()
}

/// Joins names as a sentence does: "a", "a or b", "a, b or c".
#[must_use]
pub fn either(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Grades how far `name` is from `wanted`: 0 is the same but for case, none is unrelated.
fn distance(wanted: &str, name: &str) -> Option<usize> {
    if name.len() > 256 {
        return None;
    }
    let name = name.to_lowercase();
    let short = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    let edits = osa_distance(wanted, &name).min(osa_distance(&short(wanted), &short(&name)) + 1);
    if edits <= wanted.chars().count() / 3 {
        return Some(edits);
    }
    let related = wanted.len() >= 3 && (name.contains(wanted) || wanted.ends_with(&short(&name)));
    related.then_some(1_000 + name.len())
}

/// Whether a character would be obeyed, or hidden, by a terminal instead of shown.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_hidden_characters_are_shown() {
        let shown = Printable("\u{1b}[31mred\u{200b}\u{202e}\nnext 日本語").to_string();
        assert_eq!(shown, r"\u{1b}[31mred\u{200b}\u{202e} next 日本語");
    }

    #[test]
    fn clipping_never_splits_a_character() {
        assert_eq!(clip("日本語", 7), "日…");
        assert_eq!(clip("short", 5), "short");
    }

    #[test]
    fn near_misses_are_found_and_strangers_are_not() {
        let known = [
            "slack.search_messages",
            "calendar.search_messages",
            "jira.create_issue",
        ];
        assert_eq!(
            nearest("slack.search_mesages", known).first(),
            Some(&"slack.search_messages")
        );
        assert_eq!(nearest("search_messages", known).len(), 2);
        assert_eq!(nearest("create", known), ["jira.create_issue"]);
        assert!(nearest("zzz", known).is_empty());
    }
}
