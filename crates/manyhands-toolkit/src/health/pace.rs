//! When a server is asked whether it is well. It must not know what it answers.

use std::time::Duration;

use fastrand::Rng;
use manyhands_core::ServerId;
use manyhands_resilience::{BreakerLayer, BreakerState};
use manyhands_transport::Connection;
use tokio::time::{Instant, sleep, sleep_until};

use crate::freshness::spread;

/// How soon a failure is looked at again; twice as long each time, up to the usual time.
const CONFIRM: Duration = Duration::from_secs(1);
/// How often is looked whether a server that is at work has finished.
const LOOK: Duration = Duration::from_secs(1);

/// The rhythm of one connection's probes.
pub(super) struct Pace {
    every: Duration,
    jitter: Rng,
    /// When the last probe ended, and how long to wait then.
    since: Instant,
    wait: Duration,
    /// How long the server asked to be left alone.
    not_before: Instant,
}

impl Pace {
    pub(super) fn new(every: Duration, mut jitter: Rng) -> Self {
        Self {
            every,
            wait: spread(every, &mut jitter),
            jitter,
            since: Instant::now(),
            not_before: Instant::now(),
        }
    }

    /// Notes that a probe has ended.
    pub(super) fn asked(&mut self) {
        self.since = Instant::now();
    }

    pub(super) fn well(&mut self) {
        self.wait(self.every);
    }

    /// A failure is confirmed soon; after that the server is asked ever more rarely, as it is when it is well at the most.
    pub(super) fn failed(&mut self, failures: u32, at_least: Option<Duration>) {
        let doubled = CONFIRM.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        let at_least = at_least.unwrap_or_default();
        self.not_before = Instant::now() + at_least;
        self.wait(doubled.min(self.every).max(at_least));
    }

    pub(super) fn wait(&mut self, wait: Duration) {
        self.wait = spread(wait, &mut self.jitter);
    }

    /// Waits until it is time. Where any answer of the server will do, calls put it off; says whether such an answer came
    /// after probes had failed, so that none is needed. Cancel safe.
    pub(super) async fn due(
        &self,
        (breaker, server): (Option<&BreakerLayer>, &ServerId),
        connection: &Connection,
        any_answer: bool,
        has_failed: bool,
    ) -> bool {
        let mut trial = None;
        loop {
            let answered = connection.last_answer().filter(|_| any_answer);
            if has_failed && answered > Some(self.since) {
                return true;
            }
            let quiet = answered.unwrap_or(self.since).max(self.since) + self.wait;
            let now = Instant::now();
            // A server that is left alone is tried as soon as it may be, so that no caller has to.
            trial = match state(breaker, server) {
                Some((BreakerState::Open, wait)) => Some(now + wait),
                Some((BreakerState::Closed, _)) | None => None,
                Some(_) => trial,
            };
            let due = trial.map_or(quiet, |trial| trial.max(self.not_before));
            if now < due {
                tokio::select! {
                    () = sleep_until(due) => {}
                    () = turned(breaker) => {}
                }
            } else if connection.is_at_work() {
                sleep(LOOK).await;
            } else {
                return false;
            }
        }
    }
}

/// Whether calls to the server pass, and how long none does.
fn state(breaker: Option<&BreakerLayer>, server: &ServerId) -> Option<(BreakerState, Duration)> {
    let status = breaker?.status(server.as_str())?;
    Some((status.state, status.open_for.unwrap_or_default()))
}

/// Waits until a server begins or ceases to be left alone.
async fn turned(breaker: Option<&BreakerLayer>) {
    let changes = breaker.map(BreakerLayer::changes);
    match changes {
        Some(mut changes) => _ = changes.changed().await,
        None => std::future::pending().await,
    }
}
