//! A recorded session, in memory and on disk. It knows no connection, and nothing of what is said.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

/// How many messages a tape holds, and how many bytes of them.
pub(crate) const MAX_ENTRIES: usize = 10_000;
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;
const VERSION: &str = r#"{"tape":1}"#;

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who was connected to.
    Server,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// One message of a session, and when it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The time since the recording began, in whole microseconds.
    pub at: Duration,
    /// Who sent it.
    pub from: Side,
    /// What was sent.
    pub line: Line,
}

/// What was sent, without its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// JSON, as it was written.
    Json(String),
    /// Anything else, such as a log line. What is not UTF-8 is replaced.
    Other(String),
}

impl Line {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Json(text) | Self::Other(text) => text.len(),
        }
    }
}

/// A recorded session: up to 10,000 messages of 64 MiB in all, oldest first.
///
/// Its text form is lines of JSON, the first of which names the form's version:
///
/// ```
/// # use manyhands_testkit::{Side, Tape};
/// let text = r#"{"tape":1}
/// {"at_us":0,"from":"client","message":{"jsonrpc":"2.0","id":0,"method":"ping"}}
/// {"at_us":912,"from":"server","line":"a log line that went astray"}
/// {"at_us":1044,"from":"server","message":{"jsonrpc":"2.0","id":0,"result":{}}}
/// "#;
/// let tape = Tape::parse(text)?;
/// assert_eq!(tape.entries()[1].from, Side::Server);
/// assert_eq!(tape.to_jsonl(), text);
/// # Ok::<(), manyhands_testkit::TapeError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tape(Vec<Entry>);

impl Tape {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        Self(entries)
    }

    /// Reads a tape's text form. Empty lines are skipped.
    ///
    /// # Errors
    /// [`TapeError`] with the first line that is no part of a tape.
    pub fn parse(text: &str) -> Result<Self, TapeError> {
        let mut lines = text.lines().zip(1..);
        let (first, _) = lines.next().unwrap_or_default();
        if fields(first).is_none_or(|fields| get(&fields, "tape") != Some("1")) {
            let kind = TapeErrorKind::Version;
            return Err(TapeError { line: 1, kind });
        }
        let mut entries = Vec::new();
        let mut bytes = 0;
        for (text, line) in lines.filter(|(text, _)| !text.trim().is_empty()) {
            let entry = entry(text).map_err(|kind| TapeError { line, kind })?;
            bytes += entry.line.len();
            if entries.len() == MAX_ENTRIES || bytes > MAX_BYTES {
                let kind = TapeErrorKind::TooLarge;
                return Err(TapeError { line, kind });
            }
            entries.push(entry);
        }
        Ok(Self(entries))
    }

    /// The messages, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The text form, which [`parse`](Self::parse) reads. `Display` gives the same.
    #[must_use]
    pub fn to_jsonl(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{VERSION}")?;
        for Entry { at, from, line } in &self.0 {
            let (at, from) = (at.as_micros(), from.name());
            write!(f, r#"{{"at_us":{at},"from":"{from}","#)?;
            match line {
                Line::Json(text) => writeln!(f, r#""message":{text}}}"#)?,
                Line::Other(text) => writeln!(f, r#""line":{}}}"#, json!(text))?,
            }
        }
        Ok(())
    }
}

/// A text that is no [`Tape`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read line {line} of a tape: {kind}")]
pub struct TapeError {
    line: usize,
    kind: TapeErrorKind,
}

impl TapeError {
    /// The line that cannot be read; the first one is 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong with it.
    #[must_use]
    pub fn kind(&self) -> TapeErrorKind {
        self.kind
    }
}

/// What is wrong with a line of a [`Tape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TapeErrorKind {
    /// The first line does not name the version.
    #[error(r#"expected {{"tape":1}}"#)]
    Version,
    /// The line is not a JSON object.
    #[error("expected a JSON object")]
    NotAnObject,
    /// The time is missing or none.
    #[error(r#"expected "at_us" with a whole number of microseconds"#)]
    Time,
    /// The sender is missing or unknown.
    #[error(r#"expected "from" with "client" or "server""#)]
    Sender,
    /// Nothing was sent, or two things at once.
    #[error(r#"expected either "message" with JSON or "line" with a text"#)]
    Message,
    /// The tape is larger than a tape may be.
    #[error("expected an end by now, for a tape holds 10,000 messages and 64 MiB at most")]
    TooLarge,
}

type Fields = BTreeMap<String, Box<RawValue>>;

/// The fields of a JSON object, each as it was written. Depth has no limit here.
pub(crate) fn fields(text: &str) -> Option<Fields> {
    serde_json::from_str(text).ok()
}

/// One of the fields, as it was written.
pub(crate) fn get<'a>(fields: &'a Fields, key: &str) -> Option<&'a str> {
    fields.get(key).map(|value| value.get())
}

fn entry(text: &str) -> Result<Entry, TapeErrorKind> {
    let fields = fields(text).ok_or(TapeErrorKind::NotAnObject)?;
    let at = get(&fields, "at_us").and_then(|it| it.parse().ok());
    let from = match get(&fields, "from") {
        Some(r#""client""#) => Side::Client,
        Some(r#""server""#) => Side::Server,
        _ => return Err(TapeErrorKind::Sender),
    };
    let line = match (get(&fields, "message"), get(&fields, "line")) {
        (Some(json), None) => Some(Line::Json(json.to_owned())),
        (None, Some(text)) => serde_json::from_str(text).ok().map(Line::Other),
        _ => None,
    };
    Ok(Entry {
        at: at.map(Duration::from_micros).ok_or(TapeErrorKind::Time)?,
        from,
        line: line.ok_or(TapeErrorKind::Message)?,
    })
}
