//! Many servers as one toolkit: they start at once, fail alone, and answer to one set of names.
//!
//! This crate puts the layers below it together. It knows nothing of files or
//! command lines.
//!
//! ```
//! use manyhands_core::ServerId;
//! use manyhands_testkit::ScriptedServer;
//! use manyhands_toolkit::Builder;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let weather = ScriptedServer::new("weather")
//!     .tool("today", |_| json!({"content": [{"type": "text", "text": "sunny"}]}));
//! let kit = Builder::default()
//!     .add(ServerId::parse("weather")?, weather.connector())
//!     .connect()
//!     .await?;
//! let reply = kit.call("weather.today", json!({})).await?;
//! assert_eq!(reply.text(), "sunny");
//! # Ok(())
//! # }
//! ```

mod ask;
mod builder;
mod changes;
mod conversation;
mod dispatch;
mod down;
mod effect;
mod explain;
mod fallback;
mod figures;
mod freshness;
mod gather;
mod groups;
mod health;
mod meaning;
mod member;
mod membership;
mod memory;
mod meta;
mod open;
mod pins;
mod reach;
mod recipe;
mod replicas;
mod report;
mod select;
mod settings;
mod shared;
mod slot;
mod toolkit;
mod validation;

pub use ask::Ask;
pub use builder::{Builder, Member, StartError};
pub use changes::{Change, Changes};
pub use conversation::{Conversation, Profile, ProfileProblem, UnknownProfile};
pub use dispatch::{Answered, Dispatched};
pub use explain::{Cause, Choice, Explanation, Found, InGroup, ServerState};
pub use gather::{Gather, Gathered, GatheredCall};
pub use manyhands_resilience::{
    BalanceBy, BreakerSettings, BulkheadSettings, ChaosSettings, CoalesceSettings, Fault,
    HedgeSettings, MAX_REPLICAS, RateLimitSettings, RetrySettings, Summary,
};
pub use manyhands_routing::ServerService;
pub use meta::{Answer, meta_tools};
pub use pins::{PinError, Pinning};
pub use reach::{Account, Reach};
pub use report::{ProbeReport, ReplicaReport, Report, ServerReport, ServerStatus};
pub use select::Select;
pub use settings::{
    ProbeSettings, Probing, RestartSettings, ServerSettings, Settings, ToolSettings, WhenDown,
};
pub use toolkit::Toolkit;
pub use validation::Validate;
