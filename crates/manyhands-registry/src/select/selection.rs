//! What was chosen, and why. It must not know how.

use std::fmt;

use manyhands_core::{Printable, QualifiedName, clip};

use super::document::Field;
use crate::shard::ToolEntry;

/// The tools chosen for a query.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Selection {
    /// What was kept and what is always on, then the best first.
    pub chosen: Vec<Chosen>,
    /// The best of what was not chosen, best first; 20 at most. And what an earlier selection had and is gone.
    pub left_out: Vec<LeftOut>,
    /// How many tools had anything to do with the query.
    pub considered: usize,
    /// The tokens of all chosen definitions.
    pub tokens: usize,
    /// What an embedder could not do for this selection, which then rests on words alone.
    pub without_embedder: Option<String>,
}

/// A chosen tool.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Chosen {
    /// The tool.
    pub tool: ToolEntry,
    /// How well it fits, from 0 to 1, which is the best; comparable within one selection.
    pub score: f32,
    /// The tokens of its definition.
    pub tokens: usize,
    /// Why it was chosen.
    pub reason: Reason,
}

/// Why a tool was chosen; `Display` says it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// An earlier selection had it.
    Kept,
    /// It is always on.
    AlwaysOn,
    /// Nothing was asked, and the conditions leave it.
    Listed,
    /// It fits what was asked.
    Fits(Fit),
    /// Its group prefers it to this tool, which fits what was asked.
    StandsFor(QualifiedName, Fit),
}

/// How a tool fits a query.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Fit {
    /// Which of the query's texts it fits best, counted from 0.
    pub text: usize,
    /// The query's words that it says, those that count most first; 8 at most.
    pub matches: Vec<Match>,
    /// The share of its score that it owes to its server: what else fits there.
    pub server: f32,
    /// Its rank by meaning, counted from 1, where an embedder was asked and it was among the nearest.
    pub meaning: Option<usize>,
}

/// A word of the query that a tool says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Match {
    /// The word, as the query has it.
    pub word: String,
    /// The word that the tool says instead, without its ending, where that is another: a synonym, or what was probably
    /// meant.
    pub said: Option<String>,
    /// Where the tool says it.
    pub fields: Vec<Field>,
}

/// A tool that was not chosen.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its name.
    pub name: QualifiedName,
    /// How well it fits.
    pub score: f32,
    /// Why it was not chosen.
    pub cause: LeftOutCause,
}

/// Why a tool was not chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOutCause {
    /// Its definition does not fit into the tokens that were left.
    Tokens,
    /// There were enough better ones.
    Limit,
    /// An earlier selection had it, or it should be always on, and it is not there, or not permitted, any more.
    Gone,
    /// It does the same as this one, which its group puts forward.
    Alternative {
        /// The tool that stands for the group.
        of: QualifiedName,
    },
}

impl fmt::Display for LeftOutCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens => {
                f.write_str("its definition does not fit into the tokens that were left")
            }
            Self::Limit => f.write_str("there were enough better ones"),
            Self::Gone => f.write_str("it is not there, or not permitted, any more"),
            Self::Alternative { of } => {
                let of = of.to_string();
                write!(f, "{} stands for its group", Printable(&clip(&of, 200)))
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("chosen before"),
            Self::AlwaysOn => f.write_str("always on"),
            Self::Listed => f.write_str("meets the conditions"),
            Self::Fits(fit) => fit.fmt(f),
            Self::StandsFor(tool, fit) => {
                let tool = tool.to_string();
                write!(f, "preferred to {}: {fit}", Printable(&clip(&tool, 200)))
            }
        }
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.matches.iter().map(ToString::to_string).collect();
        if let Some(rank) = self.meaning {
            parts.push(format!("{rank}. by meaning"));
        }
        if self.server >= NOTABLE {
            let percent = (self.server * 100.0).round();
            parts.push(format!("{percent}% from what else its server offers"));
        }
        f.write_str(&parts.join("; "))
    }
}

/// The share of a score from which on it is mentioned.
const NOTABLE: f32 = 0.1;

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&str> = self.fields.iter().map(|field| field.as_str()).collect();
        write!(f, "{}", Printable(&clip(&self.word, 48)))?;
        if let Some(said) = &self.said {
            write!(f, " as {}…", Printable(&clip(said, 48)))?;
        }
        write!(f, " in {}", fields.join(", "))
    }
}
