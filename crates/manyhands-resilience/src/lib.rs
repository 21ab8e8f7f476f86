//! One slow or dying server never drags the agent down, and nothing is done twice by mistake.
//!
//! Layers for [`tower::Service`]s that take a [`Call`](manyhands_core::Call): each usable alone, or all of a server's
//! in one [`stack`]. They know servers, tools and principals as keys only.
//!
//! - Sent twice, by retry, hedge or fallback, is only what [`may_repeat`] allows.
//! - What a layer of ours turns away was [`NotSent`](manyhands_core::Delivery::NotSent), and its error says how long to
//!   wait. It is marked as final, so that a retry further out does not wait by another name.
//! - A caller's own time is handed from layer to layer, and no wait is longer.
//!
//! # The order, and what another one breaks
//!
//! | wrong | what breaks |
//! | --- | --- |
//! | retry outside of the total deadline | a call takes as many times its time as there are attempts |
//! | breaker outside of the retry | it sees one failure where the server had three, and opens too late; retries run into a server that is down |
//! | hedge outside of the retry | each of the two has retries of its own, and one slow call becomes six |
//! | hedge inside of the balance | the second goes to the replica that is slow |
//! | hedge inside of the breaker or the statistics | they see what was overtaken as answered, and what was sent twice as one |
//! | balance outside of the retry | an attempt that failed is made again at the replica that failed |
//! | balance inside of the breaker | one bad replica has the whole server left alone |
//! | bulkhead outside of the breaker | calls wait in the queue for a server that is known to be down |
//! | bulkhead outside of the retry | a call keeps its place while it waits between attempts |
//! | preparation inside of the bulkhead | calls that wait for a server's start take the places of those that could be made |
//! | preparation inside of the attempt deadline | a server that starts slowly uses up each attempt |
//! | rate limit outside of the bulkhead | calls that are refused a place use up turns |
//! | attempt deadline outside of bulkhead or rate limit | waiting in our own queue counts against the server, and opens its breaker |
//! | coalescing inside of the retry or the breaker | one failure of a shared call is counted and repeated once for each who waits for it |
//! | coalescing outside of what decides who may | a principal gets what only another one may see |
//!
//! ```
//! use manyhands_core::{Call, CallContext, CallError, Effect, Reply, Request, ServerId};
//! use manyhands_core::{Delivery, ErrorKind};
//! use manyhands_resilience::{RetryLayer, RetrySettings};
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicUsize, Ordering};
//! use tower::{Layer as _, Service, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A server that loses the first call's answer.
//! let calls = Arc::new(AtomicUsize::new(0));
//! let seen = calls.clone();
//! let server = service_fn(move |call: Call| {
//!     let first = seen.fetch_add(1, Ordering::Relaxed) == 0;
//!     async move {
//!         if first {
//!             return Err(CallError::new(ErrorKind::ConnectionClosed, Delivery::Unknown, "the server stopped"));
//!         }
//!         let raw = serde_json::value::to_raw_value("done").expect("a text is JSON");
//!         Ok(Reply::new(call.server, raw, std::time::Duration::ZERO))
//!     }
//! });
//! let mut server = RetryLayer::new(RetrySettings::default()).layer(server);
//!
//! let request = Request::ReadResource { uri: "notes://today".into() };
//! let mut call = Call::new(ServerId::parse("notes")?, request);
//!
//! // Nobody knows what it does: it is not sent again.
//! let error = server.call(call.clone()).await.unwrap_err();
//! assert_eq!(error.delivery(), Delivery::Unknown);
//! assert_eq!(calls.swap(0, Ordering::Relaxed), 1);
//!
//! // It changes nothing: it is.
//! call.context = CallContext::default().with_effect(Effect::ReadOnly);
//! assert_eq!(server.call(call).await?.raw().get(), "\"done\"");
//! assert_eq!(calls.load(Ordering::Relaxed), 2);
//! # Ok(())
//! # }
//! ```

mod balance;
mod breaker;
mod bucket;
mod bulkhead;
mod chaos;
mod coalesce;
mod deadline;
mod guard;
mod hedge;
mod keyed;
mod preparation;
mod rate_limit;
mod remaining;
mod retry;
mod rule;
mod span;
mod stack;
mod statistics;
mod subject;

#[cfg(test)]
mod cancel_tests;
#[cfg(test)]
mod testing;

pub use balance::{BalanceBy, BalanceLayer, BalanceSettings, MAX_REPLICAS};
pub use breaker::{BreakerLayer, BreakerSettings, BreakerState, BreakerStatus};
pub use bulkhead::{BulkheadLayer, BulkheadSettings};
pub use chaos::{ChaosLayer, ChaosSettings, Fault};
pub use coalesce::{CoalesceLayer, CoalesceSettings, Coalesced};
pub use deadline::{DeadlineLayer, DeadlineSettings};
pub use guard::{Guard, Guarded, Guarding, Inner, Outcome, Preparation};
pub use hedge::{HedgeLayer, HedgeSettings};
pub use keyed::KeyBy;
pub use preparation::PreparationLayer;
pub use rate_limit::{RateLimitLayer, RateLimitSettings};
pub use retry::{RetryLayer, RetrySettings};
pub use rule::{Verdict, may_repeat};
pub use span::AttemptSpanLayer;
pub use stack::{Stack, StackSettings, stack};
pub use statistics::{Statistics, StatisticsLayer, StatisticsSnapshot, Summary};
