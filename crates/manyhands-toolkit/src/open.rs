//! Servers and tools that are left alone because their calls keep failing, as reports and changes tell it. It must not
//! know when that is: the breaker of a route does.

use std::time::Duration;

use manyhands_core::{HumanDuration, Rounded};
use manyhands_resilience::{BreakerLayer, BreakerState, BreakerStatus};
use manyhands_routing::Route;
use tokio::sync::watch;

use crate::report::ServerStatus;

/// How many tools that are left alone are told of.
const MAX_TOLD: usize = 16;

/// What a server is doing, as its breaker has it too. Why one is not up says more than that it is left alone.
pub(crate) fn seen(status: ServerStatus, route: Option<&Route>) -> ServerStatus {
    use ServerStatus::{Cached, Idle, Ready};
    match status {
        Ready | Idle | Cached => whole(route).and_then(left_alone).unwrap_or(status),
        _ => status,
    }
}

/// How long no call to a server passes that is seen so.
pub(crate) fn wait(seen: &ServerStatus, route: Option<&Route>) -> Option<Duration> {
    let breaker = whole(route)?;
    matches!(seen, ServerStatus::OpenUntil { .. }).then_some(breaker.open_for)?
}

/// The tools that are left alone on their own, each in a sentence.
pub(crate) fn tools(route: Option<&Route>) -> Vec<String> {
    let Some(route) = route else {
        return Vec::new();
    };
    let all = route.breaker().map(BreakerLayer::snapshot);
    let tools = all.into_iter().flatten();
    let open = tools.filter(|tool| tool.key != route.server().server().as_str());
    let told = open.filter_map(|tool| {
        let (cause, wait) = (tool.cause?, Rounded(tool.open_for?));
        Some(format!("{cause} and is left alone for {wait}"))
    });
    told.take(MAX_TOLD).collect()
}

/// What is known of a server as a whole.
fn whole(route: Option<&Route>) -> Option<BreakerStatus> {
    let route = route?;
    route.breaker()?.status(route.server().server().as_str())
}

fn left_alone(breaker: BreakerStatus) -> Option<ServerStatus> {
    let mend = match breaker.state {
        BreakerState::Closed => return None,
        BreakerState::Open => "look at its log",
        _ => "the next call tries it; look at its log if that fails",
    };
    // Rounded up, so that the time is never given too early.
    let wait = breaker.open_for.unwrap_or_default().as_secs_f64().ceil();
    Some(ServerStatus::OpenUntil {
        cause: breaker.cause?,
        mend: Some(mend.to_owned()),
        wait: HumanDuration(Duration::from_secs_f64(wait)),
    })
}

/// Tells when a server, or a tool of it, begins or ceases to be left alone.
pub(crate) struct Turns {
    breaker: Option<(BreakerLayer, watch::Receiver<u64>)>,
    /// The keys that are left alone, or are being tried.
    shut: Vec<String>,
}

impl Turns {
    pub(crate) fn of(route: &Route) -> Self {
        let breaker = route.breaker();
        Self {
            breaker: breaker.map(|it| (it.clone(), it.changes())),
            shut: Vec::new(),
        }
    }

    /// Waits for the next turn. Cancel safe.
    pub(crate) async fn next(&mut self) {
        let Some((breaker, changes)) = &mut self.breaker else {
            return std::future::pending().await;
        };
        loop {
            // The breaker is held here, so that there is always somebody who could tell.
            let _ = changes.changed().await;
            let all = breaker.snapshot().into_iter();
            let shut = all.filter(|it| it.state != BreakerState::Closed);
            let shut: Vec<String> = shut.map(|it| it.key).collect();
            if shut != self.shut {
                self.shut = shut;
                return;
            }
        }
    }
}
