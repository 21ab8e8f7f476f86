//! One AI agent, many MCP servers: one namespaced toolkit over all of them.
//!
//! Give it the `mcp.json` you already have. Every server starts at once, one
//! that fails costs only itself, and each tool has one name: `slack.search_messages`.
//!
//! ```
//! use manyhands::prelude::*;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let kit = Toolkit::from_json(r#"{"mcpServers": {"files": {"command": "no-such-server"}}}"#)?
//!     .connect()
//!     .await?; // an error only if a server marked `required` failed
//!
//! println!("{}", kit.report()); // one line per server, with cause and mend where one failed
//! for tool in kit.catalogue().tools() {
//!     println!("{}", tool.name());
//! }
//! let error = kit.call("files.read", json!({"path": "a.txt"})).await.unwrap_err();
//! assert_eq!(error.error_type(), ErrorType::Transient);
//! # Ok(())
//! # }
//! ```
//!
//! Tools can be pinned when they are first seen, and kept back when they change: [`Settings::pins`]. What looks hostile about
//! those that are there, [`flags`] tells of a [`Catalogue`].
//!
//! This crate only puts the layers together: each is a crate of its own, and can
//! be used without the ones above it.

#[cfg(feature = "config")]
mod access;
#[cfg(feature = "config")]
mod accounts;
#[cfg(all(feature = "config", feature = "embeddings"))]
mod embedder;
#[cfg(feature = "config")]
mod from_config;
#[cfg(feature = "config")]
mod section;
#[cfg(feature = "config")]
mod wanted;
#[cfg(feature = "config")]
mod watched;
#[cfg(feature = "config")]
mod ways;

pub use manyhands_core::{
    Arguments, AuthError, AuthErrorKind, Authorizer, Call, CallContext, CallError, CallEvent,
    Capability, CapabilityKind, Challenge, Credentials, Delivery, Effect, ErrorKind, ErrorType,
    HumanDuration, LoginAnswer, LoginPage, LoginPrompt, Principal, Printable, QualifiedName, Reply,
    Request, Rounded, Secret, ServerId, Substitution, clip, model, nearest,
};
pub use manyhands_registry::{
    Catalogue, Changed, Cost, Criterion, EmbedError, Embedder, Embeddings, Flag, FlagKind, Group,
    GroupMember, GroupProblem, Groups, LeftOutCause, Metadata, ModelApi, Origin, PinReport,
    Proposal, Query, RankedGroup, RankedMember, Ranking, Selection, ServerFit, Sourced,
    TokenEstimator, ToolEntry, ToolOverlay, estimate, flags, propose,
};
pub use manyhands_toolkit::{
    Account, Answer, Answered, BalanceBy, BreakerSettings, Builder, BulkheadSettings, Cause,
    Change, Changes, ChaosSettings, Choice, CoalesceSettings, Conversation, Dispatched,
    Explanation, Fault, Found, Gather, Gathered, GatheredCall, HedgeSettings, InGroup, Member,
    PinError, Pinning, ProbeReport, ProbeSettings, Probing, Profile, ProfileProblem,
    RateLimitSettings, Reach, ReplicaReport, Report, RestartSettings, RetrySettings, Select,
    ServerReport, ServerService, ServerSettings, ServerState, ServerStatus, Settings, StartError,
    Summary, ToolSettings, Toolkit, UnknownProfile, Validate, WhenDown, meta_tools,
};
pub use manyhands_transport::{
    Connector, Fingerprint, HttpSettings, InputHandler, InputKind, InputRequest, InputResponse,
    OpenError, StdioSettings, TlsSettings, Transport, Wire,
};

#[cfg(feature = "config")]
pub use access::Access;
#[cfg(feature = "config")]
pub use accounts::{AccountSection, GrantSection, OAuthObject, OAuthSection};
#[cfg(feature = "config")]
pub use from_config::{FromConfig, builder};
#[cfg(feature = "enterprise")]
pub use manyhands_auth::Enterprise;
#[cfg(feature = "config")]
pub use manyhands_auth::secrets::{
    SecretError, SecretErrorKind, SecretReference, SecretSource, Secrets, VaultLogin,
    VaultSettings, VaultSource,
};
#[cfg(feature = "config")]
pub use manyhands_auth::{
    Assertions, Grant, LoginStore, LoginSummary, OAuth, OAuthSettings, Place,
};
#[cfg(feature = "private-key-jwt")]
pub use manyhands_auth::{SigningAlgorithm, SigningKey};
#[cfg(feature = "config")]
pub use manyhands_config::{Config, ConfigError};
#[cfg(feature = "embeddings")]
pub use manyhands_embeddings::{EmbeddingSettings, OpenAiEmbedder};
#[cfg(feature = "config")]
pub use section::{Paths, ServerSection, TlsSection};
#[cfg(feature = "config")]
pub use watched::{News, Watched};

/// What most programs need, in one `use`.
pub mod prelude {
    #[cfg(feature = "config")]
    pub use crate::FromConfig;
    pub use crate::{
        CallError, Connector, Delivery, ErrorType, Reply, ServerId, ServerStatus, Toolkit,
    };
}
