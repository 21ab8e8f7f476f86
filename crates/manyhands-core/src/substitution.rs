//! That another tool answered than the one that was called. It must not know how it was found.

use std::fmt;

use serde::Serialize;

use crate::names::QualifiedName;
use crate::text::{Printable, clip};

/// How much is told of why a tool could not be used, in bytes.
const MAX_CAUSE: usize = 300;

/// Another tool answered than the one that was called. `Display` is a sentence for people and models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Substitution {
    /// The tool that was called.
    pub wanted: QualifiedName,
    /// The tool that answered.
    pub used: QualifiedName,
    /// Why the first could not be used, in few words that a terminal can show.
    pub cause: String,
}

impl Substitution {
    /// Says that `used` answered for `wanted`, which could not be used because of `cause`.
    #[must_use]
    pub fn new(wanted: QualifiedName, used: QualifiedName, cause: &str) -> Self {
        let cause = Printable(&clip(cause, MAX_CAUSE)).to_string();
        Self {
            wanted,
            used,
            cause,
        }
    }
}

impl fmt::Display for Substitution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wanted, used) = (self.wanted.to_string(), self.used.to_string());
        let (wanted, used) = (clip(&wanted, 200), clip(&used, 200));
        write!(
            f,
            "{} could not be used ({}); {} answered instead",
            Printable(&wanted),
            self.cause,
            Printable(&used)
        )
    }
}
