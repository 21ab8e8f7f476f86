//! Bulkhead: so many calls at once, and so many that wait for a place. It must not know who makes them.

use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{Call, CallError, ErrorKind, HumanDuration, Rounded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tracing::debug;

use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::remaining::Remaining;
use crate::subject::turned_away;

/// How many calls run at once, and how many wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BulkheadSettings {
    /// How many calls run at once; at least 1. Default: 64.
    pub max_concurrent: usize,
    /// How many more may wait for a place; the next one fails at once. Default: 256.
    pub queue: usize,
    /// How long a call waits for a place at the most. Default: 10s.
    pub queue_time: HumanDuration,
}

impl Default for BulkheadSettings {
    fn default() -> Self {
        Self {
            max_concurrent: 64,
            queue: 256,
            queue_time: HumanDuration(Duration::from_secs(10)),
        }
    }
}

impl BulkheadSettings {
    /// Sets how many calls run at once.
    #[must_use]
    pub fn with_max_concurrent(mut self, calls: usize) -> Self {
        self.max_concurrent = calls;
        self
    }

    /// Sets how many calls may wait for a place, and for how long.
    #[must_use]
    pub fn with_queue(mut self, calls: usize, longest: Duration) -> Self {
        (self.queue, self.queue_time) = (calls, HumanDuration(longest));
        self
    }
}

/// Lets so many calls through at once and holds a bounded number back, first come, first served.
///
/// A call that finds the queue full, or waits too long, ends with `RateLimited`; one whose own time is over meanwhile,
/// with `DeadlineExceeded`. Either was `NotSent`. Clones share the places.
#[derive(Debug, Clone)]
pub struct BulkheadLayer(Arc<State>);

#[derive(Debug)]
struct State {
    settings: BulkheadSettings,
    places: Semaphore,
    queue: Semaphore,
}

impl BulkheadLayer {
    /// A bulkhead with all its places free.
    #[must_use]
    pub fn new(settings: BulkheadSettings) -> Self {
        let places = settings.max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        let queue = settings.queue.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(State {
            places: Semaphore::new(places),
            queue: Semaphore::new(queue),
            settings,
        }))
    }

    /// How many calls wait for a place now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let size = self.0.settings.queue.min(Semaphore::MAX_PERMITS);
        size.saturating_sub(self.0.queue.available_permits())
    }

    /// A place of its own for a call that finds none free.
    async fn wait(&self, call: &mut Call) -> Result<SemaphorePermit<'_>, CallError> {
        let Ok(_queued) = self.0.queue.try_acquire() else {
            return Err(self.full(call));
        };
        let remaining = Remaining::of(&call.context);
        remaining.hold();
        debug!(layer = "bulkhead", server = %call.server, waiting = self.waiting(), "a call waits for a place");
        let queue_time = self.0.settings.queue_time.0;
        let longest = remaining
            .left()
            .map_or(queue_time, |left| left.min(queue_time));
        let Ok(Ok(place)) = timeout(longest, self.0.places.acquire()).await else {
            return Err(self.waited(call, longest));
        };
        remaining.hand_on(&mut call.context);
        Ok(place)
    }

    fn full(&self, call: &Call) -> CallError {
        let BulkheadSettings {
            max_concurrent,
            queue,
            ..
        } = self.0.settings;
        debug!(layer = "bulkhead", server = %call.server, max_concurrent, queue, "a call finds the queue full");
        let cause = format!("{max_concurrent} calls are under way and {queue} more wait");
        turned_away(call, ErrorKind::RateLimited, cause)
            .with_advice("make fewer calls at once, or try again when some have ended")
    }

    fn waited(&self, call: &Call, longest: Duration) -> CallError {
        debug!(layer = "bulkhead", server = %call.server, ?longest, "a call waited in vain");
        let kind = if longest < self.0.settings.queue_time.0 {
            ErrorKind::DeadlineExceeded
        } else {
            ErrorKind::RateLimited
        };
        let (longest, running) = (Rounded(longest), self.0.settings.max_concurrent);
        let cause =
            format!("it waited {longest} behind {running} calls under way and was not sent");
        turned_away(call, kind, cause)
            .with_advice("make fewer calls at once, or find out why they take so long")
    }
}

impl Guard for BulkheadLayer {
    fn name(&self) -> &'static str {
        "bulkhead"
    }

    async fn around<I: Inner>(&self, inner: I, mut call: Box<Call>) -> Outcome {
        // No barging: a place that is given back goes to the first who waits, and is never seen free here.
        let _place = match self.0.places.try_acquire() {
            Ok(place) => place,
            Err(_) => Box::pin(self.wait(&mut call)).await?,
        };
        inner.send(call).await
    }
}

tower_layers!(BulkheadLayer);

#[cfg(test)]
mod tests;
