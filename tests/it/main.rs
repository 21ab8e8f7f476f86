//! Scenarios through the facade: many servers, each with its own trouble, one toolkit.
#![expect(
    clippy::unwrap_used,
    reason = "a test that goes wrong should end where it does"
)]

mod calling;
mod choosing;
mod conversation;
#[cfg(unix)]
mod deadlines;
mod document;
mod embedding;
mod endings;
mod fallback;
mod freshness;
mod gathering;
mod health;
mod hostile;
mod http;
mod lists;
mod log;
mod logins;
mod matrix;
mod membership;
mod memory;
mod metadata;
mod models;
mod naming;
#[cfg(unix)]
mod processes;
mod profiles;
mod replicas;
mod resilience;
mod restarts;
mod servers;
mod startup;
mod transports;
mod trust;
mod validation;
