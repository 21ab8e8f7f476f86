//! Why a file was not changed.

use std::error::Error;
use std::fmt;
use std::io;

use manyhands_core::{Printable, clip};

use crate::document::shown;
use crate::error::ConfigError;

/// Says why a file was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EditErrorKind {
    /// The file cannot be read as a configuration.
    Broken,
    /// The text has a form in which the change cannot be made safely.
    Unsuitable,
    /// There is no entry of that name.
    NoSuchEntry,
    /// Somebody else changed the file since it was read.
    Changed,
    /// The system refused to read or write it.
    Inaccessible,
}

/// Reports that a file was not changed. It is as it was.
///
/// It reads as a fragment that fits "failed to {error}".
#[derive(Debug)]
pub struct EditError {
    kind: EditErrorKind,
    text: String,
    mend: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl EditError {
    fn new(kind: EditErrorKind, text: String, mend: &str) -> Self {
        Self {
            kind,
            text,
            mend: (!mend.is_empty()).then(|| mend.to_owned()),
            source: None,
        }
    }

    pub(crate) fn unsuitable(label: &str, what: &str, mend: &str) -> Self {
        let text = format!("change {}: {what}", shown_path(label));
        Self::new(EditErrorKind::Unsuitable, text, mend)
    }

    #[cfg(feature = "clients")]
    pub(crate) fn broken(label: &str, line: usize, what: &str) -> Self {
        let text = format!("read {}: line {line}: {what}", shown_path(label));
        Self::new(EditErrorKind::Broken, text, "correct it by hand")
    }

    pub(super) fn no_such_entry(label: &str, name: &str, mend: &str) -> Self {
        let text = format!(
            "change {}: it has no server `{}`",
            shown_path(label),
            shown(name)
        );
        Self::new(EditErrorKind::NoSuchEntry, text, mend)
    }

    pub(super) fn changed(label: &str) -> Self {
        let text = format!(
            "change {}: somebody else changed it at the same time",
            shown_path(label)
        );
        Self::new(EditErrorKind::Changed, text, "run the command again")
    }

    pub(super) fn inaccessible(verb: &str, label: &str, source: io::Error) -> Self {
        let text = format!("{verb} {}", shown_path(label));
        let mend = "check who owns the file and its folder";
        Self {
            source: Some(Box::new(source)),
            ..Self::new(EditErrorKind::Inaccessible, text, mend)
        }
    }

    /// What is wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> EditErrorKind {
        self.kind
    }

    /// What a person can do about it. The displayed text ends with it.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.mend.as_deref()
    }
}

impl From<ConfigError> for EditError {
    fn from(error: ConfigError) -> Self {
        // The text of the other has its mend already.
        Self::new(EditErrorKind::Broken, error.to_string(), "")
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.mend().map_or(Ok(()), |mend| write!(f, "; {mend}"))
    }
}

impl Error for EditError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// A path is longer than a key may be, and just as much a stranger's.
fn shown_path(label: &str) -> String {
    Printable(&clip(label, 1_024)).to_string()
}
