//! Texts cut where a sentence ends. It must not know what a text has to fit.

use manyhands_core::clip;

/// The longest text that is looked at, in bytes: nobody gives a model more of one description.
const MAX: usize = 64 * 1024;

/// The longest beginning of a text that `fits`: whole sentences, else whole words and an ellipsis.
///
/// What fits must still fit when it is shortened.
pub(crate) fn cut(text: &str, fits: &dyn Fn(&str) -> bool) -> String {
    let text = clip(text.trim(), MAX);
    if fits(&text) {
        return text.into_owned();
    }
    let whole = |ends: fn(char, char) -> bool, end: &str| {
        let beginnings = beginnings(&text, ends);
        let closed = |it: &str| format!("{}{end}", it.trim_end_matches([' ', ',', ';', ':']));
        longest(&beginnings, |it| fits(&closed(it))).map(closed)
    };
    whole(ends_sentence, "")
        .or_else(|| {
            whole(
                |before, after| ends_word(before) && after.is_whitespace(),
                "…",
            )
        })
        .or_else(|| whole(|_, _| true, "…"))
        .unwrap_or_default()
}

/// The beginnings of a text that end between two characters where `ends` says so, from short to long.
fn beginnings(text: &str, ends: impl Fn(char, char) -> bool) -> Vec<&str> {
    let pairs = text.char_indices().zip(text.chars().skip(1));
    pairs
        .filter(|((_, before), after)| ends(*before, *after))
        .filter_map(|((at, before), _)| text.get(..at + before.len_utf8()))
        .collect()
}

fn ends_sentence(before: char, after: char) -> bool {
    let stopped = matches!(before, '.' | '!' | '?') && after.is_whitespace();
    // In Chinese and Japanese no space follows.
    stopped || before == '。' || (after == '\n' && ends_word(before))
}

fn ends_word(before: char) -> bool {
    !before.is_whitespace()
}

fn longest<'t>(beginnings: &[&'t str], fits: impl Fn(&str) -> bool) -> Option<&'t str> {
    let count = beginnings.partition_point(|it| fits(it));
    beginnings.get(count.checked_sub(1)?).copied()
}
