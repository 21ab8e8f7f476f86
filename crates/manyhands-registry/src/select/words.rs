//! Text to terms: cut at case and punctuation, without stop words, reduced to stems.
//!
//! Queries and tools go through the same functions, so that they meet. It must not know what a term counts for.

/// The longest word that is a word; what is longer is data.
const MAX_WORD: usize = 48;
/// Compounds of more parts are names of functions, whose parts are enough.
const MAX_COMPOUND: usize = 3;

/// Words of grammar and of asking, which say nothing about a tool. Sorted.
const STOP: &[&str] = &[
    "able", "about", "above", "after", "again", "all", "also", "am", "an", "and", "any", "are",
    "as", "at", "be", "because", "been", "before", "being", "below", "between", "both", "but",
    "by", "can", "cannot", "could", "did", "do", "does", "doing", "don", "down", "during", "each",
    "else", "etc", "every", "few", "for", "from", "further", "get", "gets", "give", "given", "had",
    "has", "have", "having", "he", "help", "her", "here", "hers", "him", "his", "how", "if", "in",
    "into", "is", "it", "its", "itself", "just", "let", "like", "ll", "me", "might", "more",
    "most", "much", "must", "my", "need", "needs", "no", "nor", "not", "now", "of", "off", "on",
    "once", "only", "or", "other", "our", "ours", "out", "over", "own", "per", "please", "quite",
    "rather", "re", "really", "same", "shall", "she", "should", "so", "some", "such", "tell",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those",
    "through", "thus", "to", "too", "under", "until", "up", "upon", "us", "use", "used", "uses",
    "using", "ve", "very", "via", "want", "wants", "was", "we", "were", "what", "when", "where",
    "whether", "which", "while", "who", "whom", "whose", "why", "will", "with", "within",
    "without", "would", "yes", "yet", "you", "your", "yours",
];

/// The terms of `text`, in order, `max` of them at most.
pub(crate) fn terms(text: &str, max: usize) -> Vec<String> {
    let mut terms = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric()) {
        if terms.len() >= max {
            break;
        }
        if run.chars().any(is_unspaced) {
            unspaced(run, &mut terms);
        } else if !run.is_empty() {
            spaced(run, &mut terms);
        }
    }
    terms.truncate(max);
    terms
}

/// Adds the parts of a run such as `getBaziDetail`, and the whole of a compound such as `YouTube`, which others write
/// as one word.
fn spaced(run: &str, terms: &mut Vec<String>) {
    let parts = humps(run);
    if (2..=MAX_COMPOUND).contains(&parts.len()) {
        add(run, terms);
    }
    for part in parts {
        add(part, terms);
    }
}

fn add(word: &str, terms: &mut Vec<String>) {
    let word = word.to_lowercase();
    let mut chars = word.chars();
    let is_letter = chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none();
    if !is_letter && word.len() <= MAX_WORD && STOP.binary_search(&word.as_str()).is_err() {
        terms.push(stem(word));
    }
}

/// Cuts a run where its case changes: `HTTPServer` into `HTTP` and `Server`, `getURL` into `get` and `URL`.
fn humps(run: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let mut cuts = Vec::new();
    for at in 1..chars.len() {
        let is_upper = |at: usize| chars.get(at).is_some_and(|(_, c)| c.is_uppercase());
        let is_lower = |at: usize| chars.get(at).is_some_and(|(_, c)| c.is_lowercase());
        let begins = is_upper(at) && (!is_upper(at - 1) || is_lower(at + 1));
        cuts.extend(chars.get(at).filter(|_| begins).map(|(byte, _)| *byte));
    }
    let mut rest = run;
    let mut parts = Vec::new();
    for cut in cuts.into_iter().rev() {
        let (head, tail) = rest.split_at(cut);
        parts.push(tail);
        rest = head;
    }
    parts.push(rest);
    parts.reverse();
    parts
}

/// Adds what a run in a script without spaces holds: its pairs of neighbouring characters, and words of other scripts.
fn unspaced(run: &str, terms: &mut Vec<String>) {
    let chars: Vec<char> = run.chars().collect();
    for part in chars.chunk_by(|a, b| is_unspaced(*a) == is_unspaced(*b)) {
        let is_dense = part.first().copied().is_some_and(is_unspaced);
        if is_dense && part.len() > 1 {
            terms.extend(part.windows(2).map(|pair| pair.iter().collect::<String>()));
        } else if is_dense {
            terms.extend(part.first().map(char::to_string));
        } else {
            spaced(&part.iter().collect::<String>(), terms);
        }
    }
}

/// Whether the script writes words without spaces: Chinese, Japanese, Thai, Lao, Khmer and Burmese; Korean too, whose
/// words carry their endings.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Takes off the endings of English plurals, `-ing` and `-ed`. Lighter than Porter's, since a wrong merge costs more
/// here than a missed one: names of tools are short.
fn stem(mut word: String) -> String {
    if word.len() <= 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word;
    }
    singular(&mut word);
    for ending in ["ing", "ed"] {
        let Some(root) = word.strip_suffix(ending) else {
            continue;
        };
        let is_word = root.len() >= 3 && root.contains(['a', 'e', 'i', 'o', 'u', 'y']);
        if is_word && !(ending == "ed" && root.ends_with('e')) {
            word.truncate(root.len());
            undouble(&mut word);
            break;
        }
    }
    if word.len() > 4 && word.ends_with('e') {
        word.pop();
    }
    word
}

fn singular(word: &mut String) {
    if word.len() > 4 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ["sses", "shes", "ches", "xes", "zes"]
        .iter()
        .any(|it| word.ends_with(it))
    {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !["ss", "us", "is"].iter().any(|it| word.ends_with(it)) {
        word.pop();
    }
}

/// Makes `planning` and `plan` one; `calling` and `call` are one already.
fn undouble(word: &mut String) {
    let mut from_end = word.bytes().rev();
    let (last, before) = (from_end.next(), from_end.next());
    if last == before && !matches!(last, Some(b'l' | b's' | b'z')) {
        word.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        terms(text, 100).join(" ")
    }

    #[test]
    fn names_are_cut_where_people_would_cut_them() {
        assert_eq!(words("getBaziDetail"), "getbazidetail bazi detail");
        assert_eq!(
            words("HTTPServer2_list-all"),
            "httpserver2 http server2 list"
        );
        assert_eq!(words("YouTube youtube"), "youtub tube youtub");
        assert_eq!(words("a_b.c é"), "");
        assert_eq!(words("aBcDeFgH"), "bc de fg");
    }

    #[test]
    fn forms_of_one_word_meet() {
        for (one, other) in [
            ("messages", "message"),
            ("queries", "query"),
            ("planning", "plans"),
            ("scheduled", "schedule"),
            ("searches", "searching"),
            ("calling", "calls"),
            ("boxes", "box"),
        ] {
            assert_eq!(words(one), words(other), "{one}");
        }
        assert_eq!(
            words("status analysis need string"),
            "status analysis string"
        );
    }

    #[test]
    fn scripts_without_spaces_are_read_in_pairs() {
        assert_eq!(words("查天气API"), "查天 天气 api");
        assert_eq!(words("八"), "八");
        assert_eq!(words("Straße жить"), "straße жить");
    }

    #[test]
    fn what_is_too_long_or_too_much_is_left_out() {
        assert_eq!(words(&"x".repeat(1_000)), "");
        assert_eq!(terms(&"word ".repeat(1_000), 7).len(), 7);
        assert_eq!(terms(&"字".repeat(1_000), 7).len(), 7);
    }

    #[test]
    fn the_stop_words_are_sorted() {
        assert!(STOP.is_sorted());
    }
}
