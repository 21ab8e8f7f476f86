//! The suite that a custom transport should pass.
//!
//! An author puts a given [`ScriptedServer`] behind their [`Transport`](manyhands_transport::Transport)
//! and hands over the connector; [`check`] then connects, calls, hangs and crashes over it,
//! and says what it found. A server of each check's own is given, so the checks run at the
//! same time, and the suite ends within about ten seconds whatever the transport does, as
//! long as it does not block the thread.
//!
//! Limits are kept on tokio's clock: over a transport that stays within memory the suite
//! works with `start_paused = true`; where real I/O takes part, leave the clock running.
//!
//! ```
//! use manyhands_testkit::conformance;
//! use manyhands_transport::{Connector, OpenError, Transport, Wire};
//! use manyhands_testkit::ScriptedServer;
//!
//! struct Duplex(ScriptedServer);
//!
//! impl Transport for Duplex {
//!     async fn open(&self) -> Result<Wire, OpenError> {
//!         let (ours, theirs) = tokio::io::duplex(1024);
//!         let server = self.0.clone();
//!         tokio::spawn(async move { server.serve(theirs).await });
//!         Ok(Wire::from_io(ours))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let report = conformance::check(|server| Connector::custom(Duplex(server))).await;
//! report.assert();
//! # }
//! ```

mod calls;
mod endings;
mod report;
mod wired;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use manyhands_transport::Connector;
use tokio::time::timeout;

use crate::server::ScriptedServer;
use wired::Wired;

pub use report::{Outcome, Report};

/// How long one check may take in all.
const LIMIT: Duration = Duration::from_secs(10);

type Running = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

struct Check {
    name: &'static str,
    server: fn() -> ScriptedServer,
    run: fn(Wired) -> Running,
}

/// Names each check by what holds once it passed.
macro_rules! checks {
    ($($name:literal: $module:ident :: $check:ident on $server:ident,)*) => {
        [$(Check {
            name: $name,
            server: $module::$server,
            run: |wired| Box::pin($module::$check(wired)),
        }),*]
    };
}

/// Runs the suite over the transport that `connector_for` puts before a server.
///
/// `connector_for` is called once for each check, at the start. It should reach the given
/// server with each connection anew, by [`ScriptedServer::serve`] or
/// [`ScriptedServer::serve_messages`] at the far end.
pub async fn check(connector_for: impl Fn(ScriptedServer) -> Connector) -> Report {
    let checks = checks![
        "the handshake and a list come through": calls::handshake_and_list on echo,
        "text arrives as it was sent": calls::unicode on echo,
        "a megabyte comes through both ways": calls::megabyte on echo,
        "64 calls in flight get their own answers": calls::in_flight on reversing,
        "a tool's error stays a reply": calls::tool_error on failing,
        "what is no message is skipped": calls::chatter on chattering,
        "two connections are independent": calls::twice on echo,
        "a crash during a call is told as such": endings::crash_in_call on crashing,
        "a crash between calls is noticed": endings::crash_between on echo,
        "a hanging call ends and is cancelled": endings::hanging_call on hanging,
        "the connection outlives a late call": endings::after_timeout on slow,
        "closing ends the connection": endings::close on echo,
        "dropping the last clone ends the connection": endings::last_clone on echo,
        "a silent server ends at the start limit": endings::silent_start on silent,
    ];
    let wired = checks.map(|check| {
        let server = (check.server)();
        let connector = connector_for(server.clone());
        (check, Wired { server, connector })
    });
    let outcomes = wired.map(|(check, wired)| async move {
        let result = match timeout(LIMIT, (check.run)(wired)).await {
            Ok(result) => result,
            Err(_) => Err(format!("it did not end within {LIMIT:?}")),
        };
        Outcome {
            name: check.name,
            result,
        }
    });
    Report::new(join_all(outcomes).await)
}
