//! What does not fit, in words for people and models.

use std::error::Error;
use std::fmt;

/// The most violations that are told one by one.
pub(super) const MAX_TOLD: usize = 8;

/// A value that does not fit its schema.
///
/// `Display` gives a lowercase fragment without a final period, such as
/// `expected arguments.limit to be an integer, found "ten"; missing arguments.query`. Texts of strangers in it are
/// printable and short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    violations: Vec<Violation>,
    more: usize,
}

impl Mismatch {
    pub(super) fn new(violations: Vec<Violation>) -> Self {
        Self {
            violations,
            more: 0,
        }
    }

    /// Adds how many violations there are beside those that are told.
    pub(super) fn with_more(mut self, more: usize) -> Self {
        self.more = more;
        self
    }

    /// The whole value is missing.
    pub(super) fn missing(root: &str) -> Self {
        Self::new(vec![Violation::missing(root.to_owned(), None)])
    }

    /// What is wrong, place by place; eight at most.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// How many violations there are beside [`violations`](Self::violations), or a few less.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.violations.iter().enumerate() {
            let between = if index == 0 { "" } else { "; " };
            write!(f, "{between}{violation}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl Error for Mismatch {}

/// In which way one place does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ViolationKind {
    /// What is required is not there.
    Missing,
    /// What is there is not known.
    Unknown,
    /// What is there is of another form.
    Unfit,
}

/// One place that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    kind: ViolationKind,
    path: String,
    expected: String,
    found: Option<String>,
    hint: Option<String>,
}

impl Violation {
    pub(super) fn missing(path: String, hint: Option<String>) -> Self {
        Self {
            kind: ViolationKind::Missing,
            path,
            expected: "be given".to_owned(),
            found: None,
            hint,
        }
    }

    pub(super) fn unknown(path: String, hint: Option<String>) -> Self {
        Self {
            kind: ViolationKind::Unknown,
            path,
            expected: "be left out".to_owned(),
            found: None,
            hint,
        }
    }

    pub(super) fn unfit(path: String, expected: String, found: String) -> Self {
        Self {
            kind: ViolationKind::Unfit,
            path,
            expected,
            found: Some(found),
            hint: None,
        }
    }

    /// The value does not fit, and it would take too long to find out where.
    pub(super) fn untold(root: &str) -> Self {
        let found = "a value too large to tell what is wrong with it".to_owned();
        Self::unfit(root.to_owned(), "fit its schema".to_owned(), found)
    }

    pub(super) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// In which way it does not fit.
    #[must_use]
    pub fn kind(&self) -> ViolationKind {
        self.kind
    }

    /// The place, such as `arguments.items[3].name`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was expected, as it follows "expected it to", such as `be an integer`.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What was found, in a few words, where something was.
    #[must_use]
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match (self.kind, &self.found) {
            (ViolationKind::Missing, _) => write!(f, "missing {path}")?,
            (ViolationKind::Unknown, _) => write!(f, "unknown {path}")?,
            (ViolationKind::Unfit, found) => {
                write!(f, "expected {path} to {}", self.expected)?;
                if let Some(found) = found {
                    write!(f, ", found {found}")?;
                }
            }
        }
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}
