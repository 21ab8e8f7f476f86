//! Characters that people do not see and models read: controls, directions, zero widths, tags, and selectors in a row.
//!
//! It must not know in which text of a tool they are.

use manyhands_core::is_unprintable;

/// Where the first hidden character is, in bytes. Line breaks and tabs are hidden in names only; what writing needs is not
/// hidden: joiners within emoji and within scripts that join letters, and marks of direction beside letters that run to the
/// left.
pub(super) fn find(text: &str, is_name: bool) -> Option<usize> {
    let is_odd = |c: char| is_unprintable(c) || c == '\u{fe0f}';
    let mut from = 0;
    while let Some((at, c)) = text.get(from..)?.char_indices().find(|(_, c)| is_odd(*c)) {
        let at = from + at;
        from = at + c.len_utf8();
        let (before, after) = (text.get(..at)?, text.get(from..)?);
        let neighbours = (before.chars().next_back(), after.chars().next());
        if !is_needed(c, neighbours, is_name) {
            return Some(at);
        }
    }
    None
}

fn is_needed(c: char, neighbours: (Option<char>, Option<char>), is_name: bool) -> bool {
    let both = |is: fn(char) -> bool| neighbours.0.is_some_and(is) && neighbours.1.is_some_and(is);
    let either =
        |is: fn(char) -> bool| neighbours.0.is_some_and(is) || neighbours.1.is_some_and(is);
    match c {
        '\n' | '\r' | '\t' => !is_name,
        // Bytes can be written in selectors, but only in several of them.
        '\u{fe0e}' | '\u{fe0f}' => neighbours
            .0
            .is_some_and(|it| !is_selector(it) && !it.is_alphabetic()),
        '\u{200d}' => both(is_emoji) || both(joins),
        '\u{200c}' => both(joins),
        '\u{200e}' | '\u{200f}' | '\u{61c}' => either(runs_left),
        _ => false,
    }
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a letter is of a script that joins its letters: those from Arabic to Mongolian.
fn joins(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{18af}')
}

/// Whether a letter is of a script that runs to the left: those from Hebrew to Arabic.
fn runs_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}
