//! The vocabulary that every layer of Manyhands speaks: names, requests,
//! replies, inventories and errors.
//!
//! This crate does no I/O and knows no server. It re-exports rmcp's protocol
//! types as [`model`], so that a new rmcp major reaches the public API through
//! one door only.
//!
//! ```
//! use manyhands_core::{QualifiedName, ServerId};
//!
//! let server = ServerId::parse("slack")?;
//! let name = QualifiedName::new(server, "search_messages");
//! assert_eq!(name.to_string(), "slack.search_messages");
//! # Ok::<(), manyhands_core::InvalidServerId>(())
//! ```

mod call;
mod credentials;
mod duration;
mod error;
mod events;
mod failure;
mod hash;
mod host;
mod inventory;
mod names;
mod principal;
mod reply;
mod secret;
mod substitution;
mod text;
mod transit;

pub use call::{
    Arguments, Call, CallContext, Capability, CapabilityKind, Completable, Effect, ListKind,
    NotAnObject, Request, TraceId,
};
pub use credentials::{
    AuthError, AuthErrorKind, Authorizer, Challenge, Credentials, LoginAnswer, LoginPage,
    LoginPrompt,
};
pub use duration::{HumanDuration, Rounded, handed_on};
pub use error::{CallError, Delivery, ErrorKind, ErrorType, MAX_RETRY_AFTER, Tried};
pub use events::{CallEvent, Listener};
pub use failure::ToolFailure;
pub use hash::{fingerprint, short_hash};
pub use host::is_this_machine;
pub use inventory::{Inventory, Notice, ServerInfo};
pub use names::{InvalidName, InvalidServerId, QualifiedName, ServerId, assign_ids};
pub use principal::Principal;
pub use reply::{DecodeError, Reply};
pub use rmcp::model;
pub use secret::Secret;
pub use substitution::Substitution;
pub use text::{Printable, clip, either, is_unprintable, nearest};
pub use transit::Transit;
