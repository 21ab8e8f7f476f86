//! What is odd about a configuration but does not make it unusable.

use std::fmt;

/// How many warnings are kept. More than these nobody reads, and a hostile file could have a million.
const MAX_WARNINGS: usize = 100;

/// Says what a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A key means nothing here, nor in any client that is known.
    UnknownKey,
    /// A key belongs to another client, and is not applied here.
    ForeignKey,
    /// A key is known, but has no effect in this entry.
    UnusedKey,
    /// An object has the same key more than once, and the last one counts.
    RepeatedKey,
    /// Two servers' keys come to the same id, so that one of them got a suffix.
    IdClash,
    /// An element of `inputs` cannot be understood, and is left out.
    InvalidInput,
    /// A part of `include` leads nowhere, or to something that is included already.
    Include,
    /// A text looks like a secret, and stands in the file itself.
    LiteralSecret,
    /// There were more warnings than are kept.
    Truncated,
}

/// Tells of something in a configuration that is likely not what its author meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    kind: WarningKind,
    line: Option<usize>,
    message: String,
}

impl Warning {
    pub(crate) fn new(kind: WarningKind, line: usize, message: impl Into<String>) -> Self {
        Self {
            kind,
            line: Some(line),
            message: message.into(),
        }
    }

    /// The same about a file that is included.
    pub(crate) fn in_file(mut self, label: &str) -> Self {
        self.message = format!("{}: {}", manyhands_core::Printable(label), self.message);
        self
    }

    /// What it is about, for programs.
    #[must_use]
    pub fn kind(&self) -> WarningKind {
        self.kind
    }

    /// The line it stands on, where there is one; the first is 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Collects warnings up to a limit.
#[derive(Default)]
pub(crate) struct Warnings {
    list: Vec<Warning>,
    dropped: usize,
}

impl Warnings {
    /// Adds a warning, which is not even made when there are too many already.
    pub(crate) fn add(&mut self, make: impl FnOnce() -> Warning) {
        if self.list.len() < MAX_WARNINGS {
            self.list.push(make());
        } else {
            self.dropped += 1;
        }
    }

    /// Adds all of these to those of the whole, with the name of the file that they are about.
    pub(crate) fn tell(self, label: &str, whole: &mut Self) {
        for warning in self.finish() {
            whole.add(|| warning.in_file(label));
        }
    }

    /// The warnings, the last of which tells how many were left out.
    pub(crate) fn finish(mut self) -> Vec<Warning> {
        if self.dropped > 0 {
            let message = format!("{} more warnings are not shown", self.dropped);
            self.list.push(Warning {
                kind: WarningKind::Truncated,
                line: None,
                message,
            });
        }
        self.list
    }
}
