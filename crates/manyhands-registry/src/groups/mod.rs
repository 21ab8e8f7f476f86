//! Tools of several servers that do the same: which one is put forward, and which ones stand in for it.
//!
//! Groups are what the configuration declares. [`propose`] finds some more, and applies none of them. Figures and outages
//! are handed in; nothing here measures, calls, or runs an argument mapping.

mod compare;
mod criterion;
mod declared;
mod problem;
mod propose;
mod rank;
mod ranking;

pub use self::criterion::{Criterion, UnknownCriterion};
pub use self::declared::{Group, GroupMember, Groups};
pub use self::problem::{GroupProblem, GroupProblemKind};
pub use self::propose::{Proposal, ProposedMember, propose};
pub use self::ranking::{Measured, RankedGroup, RankedMember, Ranking, ToolHealth};

#[cfg(test)]
mod tests;
