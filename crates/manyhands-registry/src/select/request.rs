//! What a person or a model asks for, read as clauses of terms.
//!
//! A path, an address or a run of data in a request says what kind of thing is handed over, and its letters say nothing
//! about a tool: they are read as that kind. It must not know any tool.

use std::collections::HashMap;

use super::words::terms;

/// The most that is read of one text, in bytes.
const MAX_TEXT: usize = 8 * 1024;
/// The most terms that are read of one text.
const MAX_TERMS: usize = 64;
/// The most clauses of one text; what follows belongs to the last.
const MAX_CLAUSES: usize = 12;
/// The most words that are told as they were spoken.
const MAX_WORDS: usize = 256;
/// A run without a space that is longer is data, such as base64.
const MAX_RUN: usize = 60;

/// What the ending of a file's name says of it.
const FORMATS: &[(&[&str], &str)] = &[
    (&["xlsx", "xls", "ods"], "excel spreadsheet"),
    (&["csv", "tsv"], "csv table"),
    (&["pptx", "ppt", "odp"], "powerpoint presentation"),
    (&["docx", "doc", "odt", "rtf"], "word document"),
    (&["pdf"], "pdf document"),
    (&["md"], "markdown"),
    (&["txt"], "text"),
    (
        &["png", "jpg", "jpeg", "gif", "svg", "webp", "bmp"],
        "image",
    ),
    (&["mp3", "wav", "flac", "ogg", "m4a"], "audio"),
    (&["mp4", "mov", "avi", "mkv", "webm"], "video"),
    (&["json", "yaml", "yml", "xml", "toml"], "data"),
    (&["html", "htm"], "html"),
    (&["zip", "tar", "gz", "7z"], "archive"),
    (
        &["py", "js", "ts", "rs", "go", "java", "c", "cpp", "rb"],
        "code",
    ),
    (&["db", "sqlite", "sql"], "database sql"),
    (&["log"], "log"),
];

/// A request, as it is searched for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// Its different terms, in order.
    pub(super) terms: Vec<String>,
    /// The places in `terms` of each clause's terms; none where there is only one clause.
    pub(super) clauses: Vec<Vec<usize>>,
    /// By term, the word of the request that it was read of, where it is of one.
    pub(super) spoken: HashMap<String, String>,
}

impl Request {
    pub(super) fn read(text: &str) -> Self {
        let (text, _) = text.split_at(text.floor_char_boundary(MAX_TEXT));
        let mut request = Self::default();
        for clause in clauses(text) {
            let mut places = Vec::new();
            for term in terms(&clause, MAX_TERMS) {
                let place = request.place(term);
                places.extend(place.filter(|it| !places.contains(it)));
            }
            // A single word is no errand of its own: "in red, green and blue".
            if places.len() > 1 {
                request.clauses.push(places);
            }
        }
        if request.clauses.len() < 2 {
            request.clauses.clear();
        }
        request.spoken = spoken(text, &request.terms);
        request
    }

    /// Where `term` is among the terms, if there is room for it.
    fn place(&mut self, term: String) -> Option<usize> {
        let known = self.terms.iter().position(|it| *it == term);
        if known.is_none() && self.terms.len() < MAX_TERMS {
            self.terms.push(term);
            return Some(self.terms.len() - 1);
        }
        known
    }
}

/// By term, the first word that it is read of.
fn spoken(text: &str, wanted: &[String]) -> HashMap<String, String> {
    let mut spoken = HashMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).take(MAX_WORDS) {
        for term in terms(word, MAX_TERMS) {
            if wanted.contains(&term) {
                spoken.entry(term).or_insert_with(|| word.to_lowercase());
            }
        }
    }
    spoken
}

/// Cuts a text at the ends of sentences and clauses, and reads what is no word as what it is.
fn clauses(text: &str) -> Vec<String> {
    let mut clauses = vec![String::new()];
    let next = |clauses: &mut Vec<String>| {
        if clauses.len() < MAX_CLAUSES {
            clauses.push(String::new());
        }
    };
    for line in text.split(['\n', '。', '，', '；', '！', '？', '、']) {
        for run in line.split_whitespace() {
            if ["and", "then", "also", "finally"].contains(&run) {
                next(&mut clauses);
                continue;
            }
            if let Some(clause) = clauses.last_mut() {
                clause.push(' ');
                clause.push_str(&reading(run));
            }
            if run.ends_with(['.', ',', ';', ':', '!', '?']) {
                next(&mut clauses);
            }
        }
        next(&mut clauses);
    }
    clauses
}

/// What a run of characters without a space says.
fn reading(run: &str) -> String {
    let bare = run.trim_matches(|c: char| c.is_ascii_punctuation() && !"/~\\".contains(c));
    let is_url = bare.contains("://") || bare.starts_with("www.");
    if is_url {
        return "url".to_owned();
    }
    let is_mail = bare
        .split_once('@')
        .is_some_and(|(_, host)| host.contains('.'));
    if is_mail && !bare.starts_with(['/', '~']) {
        return "email".to_owned();
    }
    // A dot or two before the slash were trimmed as punctuation.
    let is_path = ["/", "~/", "~\\"].iter().any(|it| bare.starts_with(it)) || has_drive(bare);
    let ending = bare
        .rsplit(['/', '\\'])
        .next()
        .and_then(|it| it.rsplit_once('.'));
    let format = ending.and_then(|(_, ending)| format(ending));
    match (is_path, ending, format) {
        (true, Some((_, ending)), None) => format!("path file {ending}"),
        (true, None, _) => "path directory".to_owned(),
        // Without a path, `Node.js` is more often a name than a file.
        (_, Some((_, ending)), Some(format)) if is_path || format != "code" => {
            format!("path file {ending} {format}")
        }
        _ if run.len() > MAX_RUN && run.is_ascii() => String::new(),
        _ => run.to_owned(),
    }
}

fn has_drive(text: &str) -> bool {
    let mut chars = text.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    drive && chars.as_str().starts_with(":\\")
}

fn format(ending: &str) -> Option<&'static str> {
    let ending = ending.to_ascii_lowercase();
    let known = FORMATS
        .iter()
        .find(|(endings, _)| endings.contains(&ending.as_str()));
    known.map(|(_, format)| *format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> String {
        Request::read(text).terms.join(" ")
    }

    #[test]
    fn what_is_handed_over_is_read_as_its_kind() {
        assert_eq!(
            all("~/secret/plan.xlsx"),
            "path file xlsx excel spreadsheet"
        );
        assert_eq!(all("(see ./notes/today.md)"), "see path file md markdown");
        assert_eq!(all("C:\\temp\\x"), "path directory");
        assert_eq!(all("/srv/data.unknown"), "path file unknown");
        assert_eq!(all("https://secret.example/x?y=z."), "url");
        assert_eq!(all("ann@secret.example, bob"), "email bob");
        assert_eq!(all("Node.js react@18"), "node js react 18");
        assert_eq!(all(&format!("decode {}", "QUJD".repeat(40))), "decod");
    }

    #[test]
    fn clauses_are_the_errands_of_a_request() {
        let request = Request::read("Read the spreadsheet, then mail a summary. Please!");
        assert_eq!(request.terms, ["read", "spreadsheet", "mail", "summary"]);
        assert_eq!(request.clauses, [vec![0, 1], vec![2, 3]]);
        let said = Request::read("Searching the Messages").spoken;
        assert_eq!(
            (&*said["search"], &*said["messag"]),
            ("searching", "messages")
        );
        assert_eq!(
            Request::read("mail a summary").clauses,
            [] as [Vec<usize>; 0]
        );
        assert_eq!(Request::read("in red, green and blue").clauses.len(), 0);
        assert_eq!(Request::read("打开文件。发送邮件").clauses.len(), 2);
    }

    #[test]
    fn a_request_is_bounded() {
        let words: String = (0..10_000).map(|n| format!("word{n} and ")).collect();
        let request = Request::read(&words);
        assert_eq!(request.terms.len(), MAX_TERMS);
        assert!(request.clauses.len() <= MAX_CLAUSES);
        assert_eq!(all(&"é".repeat(MAX_TEXT)), "");
    }
}
