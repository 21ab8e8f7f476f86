//! A text as words that can be compared: small letters, without what is hidden, and look-alike letters as what they look
//! like. It must not know which words matter.

use manyhands_core::is_unprintable;
use unicode_security::confusable_detection::skeleton;

/// The words of a text in order, and where each is in it.
pub(super) struct Words {
    folded: String,
    /// Each word's range in the folded text, and its place in the text.
    words: Vec<(usize, usize, usize)>,
}

/// What stands between two sentences.
const END: &str = ".";

impl Words {
    pub(super) fn new(text: &str) -> Self {
        let mut words = Self {
            folded: String::with_capacity(text.len()),
            words: Vec::with_capacity(text.len() / 5),
        };
        let mut start = None;
        for (at, c) in text.char_indices() {
            let before = words.folded.len();
            fold(c, &mut words.folded);
            let folded = words.folded.get(before..).unwrap_or_default();
            // What is hidden is not there: it parts no word.
            if folded.is_empty() {
                continue;
            }
            if is_part(c) || folded.chars().all(is_part) {
                start.get_or_insert((before, at));
            } else {
                words.end_word(start.take(), before);
                if c == '\n' && words.folded.ends_with("\n\n") {
                    words.end_sentence(at);
                }
            }
        }
        words.end_word(start, words.folded.len());
        words
    }

    /// The folded text.
    pub(super) fn text(&self) -> &str {
        &self.folded
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// A word; nothing beyond the ends.
    pub(super) fn get(&self, index: usize) -> &str {
        let range = self
            .words
            .get(index)
            .and_then(|(start, end, _)| self.folded.get(*start..*end));
        range.unwrap_or_default()
    }

    /// Where a word is in the text, in bytes.
    pub(super) fn place(&self, index: usize) -> usize {
        self.words.get(index).map_or(0, |(.., at)| *at)
    }

    /// Where in the text the word is that holds this place of the folded text, or comes behind it.
    pub(super) fn place_of_folded(&self, at: usize) -> usize {
        self.place(self.words.partition_point(|(_, end, _)| *end <= at))
    }

    /// The words around one, within its sentence.
    pub(super) fn around(
        &self,
        index: usize,
        before: usize,
        after: usize,
    ) -> impl Iterator<Item = &str> {
        let back = (0..index).rev().take(before).map(|it| self.get(it));
        let on = (index + 1..self.len()).take(after).map(|it| self.get(it));
        back.take_while(|it| *it != END)
            .chain(on.take_while(|it| *it != END))
    }

    /// Where a word of the first step is that words of all others follow, each `gap` words behind the one before at most and
    /// in the same sentence.
    pub(super) fn find(&self, steps: &[&[&str]], gap: usize) -> Option<usize> {
        let (first, rest) = steps.split_first()?;
        (0..self.len())
            .find(|start| first.contains(&self.get(*start)) && self.follow(*start, rest, gap))
    }

    fn follow(&self, from: usize, steps: &[&[&str]], gap: usize) -> bool {
        let Some((next, rest)) = steps.split_first() else {
            return true;
        };
        let near = (from + 1..self.len()).take(gap + 1);
        let mut near = near.take_while(|it| self.get(*it) != END);
        near.any(|it| next.contains(&self.get(it)) && self.follow(it, rest, gap))
    }

    fn end_word(&mut self, start: Option<(usize, usize)>, end: usize) {
        let Some((start, at)) = start else {
            return;
        };
        let Some(word) = self.folded.get(start..end) else {
            return;
        };
        let kept = word.trim_end_matches(['.', '-', '\'']);
        let (kept, ends) = (start + kept.len(), word.ends_with('.'));
        if kept > start {
            self.words.push((start, kept, at));
        }
        let follows = self.folded.get(end..).and_then(|it| it.chars().next());
        if ends || follows.is_some_and(|it| matches!(it, '!' | '?' | ';')) {
            self.end_sentence(at);
        }
    }

    fn end_sentence(&mut self, at: usize) {
        let start = self.folded.len();
        self.folded.push_str(END);
        self.words.push((start, self.folded.len(), at));
    }
}

/// What belongs to a word: letters and digits, and what names and paths have between them.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\'' | '/' | '~')
}

fn fold(c: char, into: &mut String) {
    if c.is_ascii() {
        into.push(c.to_ascii_lowercase());
    } else if c == '\u{2019}' {
        into.push('\'');
    } else if !is_unprintable(c) {
        let mut bytes = [0; 4];
        into.extend(skeleton(c.encode_utf8(&mut bytes)).flat_map(char::to_lowercase));
    }
}
