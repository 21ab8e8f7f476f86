//! One catalogue over what many servers offer, under names that never clash.
//!
//! A [`Catalogue`] is an immutable snapshot: a change gives a new one and a
//! [`Diff`], shares what did not change, and leaves readers of the old one alone.
//! This crate knows nothing of connections.
//!
//! ```
//! use std::sync::Arc;
//! use manyhands_core::{Inventory, ServerId, model::Tool};
//! use manyhands_registry::Catalogue;
//!
//! let slack = ServerId::parse("slack")?;
//! let mut inventory = Inventory::default();
//! let tool = serde_json::json!({"name": "search_messages", "inputSchema": {"type": "object"}});
//! inventory.tools.push(Arc::new(serde_json::from_value::<Tool>(tool)?));
//!
//! let empty = Catalogue::new([slack.clone()]);
//! let (catalogue, diff) = empty.with_inventory(&slack, &inventory);
//! assert_eq!(catalogue.tool("slack.search_messages")?.wire(), "slack__search_messages");
//! assert_eq!(diff.added.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arguments;
mod catalogue;
mod definition;
mod describe;
mod diff;
mod groups;
mod lint;
mod metadata;
mod pairing;
mod pins;
mod place;
#[cfg(test)]
mod samples;
mod schema;
mod select;
mod shard;
mod suspicion;
mod tokens;
mod uris;
mod wire;

pub use arguments::{ArgumentError, from_pairs};
pub use catalogue::{Catalogue, Unknown};
pub use definition::{define, definition, openapi};
pub use describe::{DESCRIPTION_TOKENS, describe};
pub use diff::Diff;
pub use groups::{
    Criterion, Group, GroupMember, GroupProblem, GroupProblemKind, Groups, Measured, Proposal,
    ProposedMember, RankedGroup, RankedMember, Ranking, ToolHealth, UnknownCriterion, propose,
};
pub use lint::{Finding, FindingKind, lint};
pub use metadata::{Cost, Metadata, Origin, Overlays, Sourced, ToolOverlay};
pub use pins::{
    Changed, Difference, DifferenceKind, Lock, LockError, LockFile, LockFileError, Pin, PinReport,
    Stamp,
};
pub use schema::{Mismatch, Unchecked, Verdict, Violation, ViolationKind};
pub use select::{
    Chosen, EmbedError, Embedder, Embeddings, Field, Fit, Index, IndexOptions, LeftOut,
    LeftOutCause, Match, Query, Reason, Related, Selection, ServerFit, Vectors,
};
pub use shard::{Named, Placed, PromptEntry, ResourceEntry, TemplateEntry, ToolEntry};
pub use suspicion::{Flag, FlagKind, flags};
pub use tokens::{TokenEstimator, estimate};
pub use uris::{qualify_reply, qualify_uri};
pub use wire::{ModelApi, wire_name, wire_name_for};
