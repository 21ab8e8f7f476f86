//! Servers and tools that are left alone because their calls keep failing, as reports and changes tell it. It must not
//! know when that is: the breaker of a route does.

use std::time::Duration;

use futures_util::future::select_all;
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
    let server = route.server().server().as_str();
    let all = route.breakers().iter().enumerate();
    let tools = all.flat_map(|(n, it)| it.snapshot().into_iter().map(move |tool| (n + 1, tool)));
    let told = tools.filter(|(_, tool)| tool.key != server);
    let told = told.filter_map(|(replica, tool)| {
        let (cause, wait) = (tool.cause?, Rounded(tool.open_for?));
        let told = format!("{cause} and is left alone for {wait}");
        match route.breakers() {
            [_] => Some(told),
            _ => Some(format!("replica {replica}: {told}")),
        }
    });
    told.take(MAX_TOLD).collect()
}

/// What is known of one replica as a whole.
pub(crate) fn replica(route: &Route, replica: usize) -> Option<BreakerStatus> {
    let breaker = route.breakers().get(replica)?;
    breaker.status(route.server().server().as_str())
}

/// What is known of a server as a whole: of the replica whose breaker lets calls pass, or will first. Those that are not
/// up take no calls while others do.
fn whole(route: Option<&Route>) -> Option<BreakerStatus> {
    let route = route?;
    let none_is_up = !route.server().is_up();
    let counted = route.server().iter().map(|it| none_is_up || it.is_up());
    let counted = counted.enumerate().filter(|(_, counts)| *counts);
    let all: Option<Vec<_>> = counted.map(|(n, _)| replica(route, n)).collect();
    let passes = |it: &BreakerStatus| (it.state != BreakerState::Closed, it.open_for);
    all?.into_iter().min_by_key(passes)
}

pub(crate) fn left_alone(breaker: BreakerStatus) -> Option<ServerStatus> {
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

/// Tells when a server, a replica or a tool of it, begins or ceases to be left alone.
pub(crate) struct Turns {
    breakers: Vec<(BreakerLayer, watch::Receiver<u64>)>,
    /// The keys that are left alone, or are being tried, by their replicas.
    shut: Vec<(usize, String)>,
}

impl Turns {
    pub(crate) fn of(route: &Route) -> Self {
        let breakers = route.breakers().iter();
        Self {
            breakers: breakers.map(|it| (it.clone(), it.changes())).collect(),
            shut: Vec::new(),
        }
    }

    /// Waits for the next turn. Cancel safe.
    pub(crate) async fn next(&mut self) {
        if self.breakers.is_empty() {
            return std::future::pending().await;
        }
        loop {
            // The breakers are held here, so that there is always somebody who could tell.
            let all = self.breakers.iter_mut();
            select_all(all.map(|(_, changes)| Box::pin(changes.changed())))
                .await
                .0
                .ok();
            let all = self.breakers.iter().enumerate();
            let all = all.flat_map(|(n, (breaker, _))| {
                breaker.snapshot().into_iter().map(move |it| (n, it))
            });
            let shut = all.filter(|(_, it)| it.state != BreakerState::Closed);
            let shut: Vec<_> = shut.map(|(n, it)| (n, it.key)).collect();
            if shut != self.shut {
                self.shut = shut;
                return;
            }
        }
    }
}
