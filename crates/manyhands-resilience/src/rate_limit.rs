//! Rate limit: so many calls in so much time, per key. It must not know what the keys mean.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use manyhands_core::{Call, CallError, ErrorKind, HumanDuration, Rounded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::bucket::Bucket;
use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::keyed::{KeyBy, Keyed};
use crate::remaining::Remaining;
use crate::subject::turned_away;

/// How many calls may be made in how much time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RateLimitSettings {
    /// How many calls may be made within `per`, over time. Default: 10.
    pub calls: NonZeroU32,
    /// The time over which calls are counted. Default: 1s.
    pub per: HumanDuration,
    /// How many calls may be made at once after a quiet time. Default: 20.
    pub burst: NonZeroU32,
    /// How long a call waits for its turn; one that had to wait longer fails at once. Default: 2s.
    pub max_wait: HumanDuration,
    /// How many keys are counted at the most; the one unused for longest is forgotten. Default: 1024.
    pub max_keys: usize,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self {
            calls: NonZeroU32::MIN.saturating_add(9),
            per: HumanDuration(Duration::from_secs(1)),
            burst: NonZeroU32::MIN.saturating_add(19),
            max_wait: HumanDuration(Duration::from_secs(2)),
            max_keys: 1_024,
        }
    }
}

impl RateLimitSettings {
    /// Sets how many calls may be made in how much time.
    #[must_use]
    pub fn with_rate(mut self, calls: NonZeroU32, per: Duration) -> Self {
        (self.calls, self.per) = (calls, HumanDuration(per));
        self
    }

    /// Sets how many calls may be made at once after a quiet time.
    #[must_use]
    pub fn with_burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// Sets how long a call waits for its turn.
    #[must_use]
    pub fn with_max_wait(mut self, longest: Duration) -> Self {
        self.max_wait = HumanDuration(longest);
        self
    }

    fn bucket(&self) -> Bucket {
        // A time of zero would be no limit, which is said by leaving the layer out.
        let per = self.per.0.max(Duration::from_millis(1));
        let per_second = f64::from(self.calls.get()) / per.as_secs_f64();
        Bucket::new(f64::from(self.burst.get()), per_second, Instant::now())
    }
}

/// Makes calls wait for their turn where that is soon, and turns them away where it is not.
///
/// A call that is turned away ends with `RateLimited` and `NotSent`, and says when it would have been its turn. A call
/// that is given up while it waits gives its turn back. Clones share the counts.
#[derive(Debug, Clone)]
pub struct RateLimitLayer(Arc<State>);

#[derive(Debug)]
struct State {
    settings: RateLimitSettings,
    key: KeyBy,
    buckets: Keyed<Mutex<Bucket>>,
}

impl RateLimitLayer {
    /// Counts calls by `key`.
    #[must_use]
    pub fn new(settings: RateLimitSettings, key: KeyBy) -> Self {
        let buckets = Keyed::new(settings.max_keys);
        Self(Arc::new(State {
            settings,
            key,
            buckets,
        }))
    }

    fn refused(&self, call: &Call, wait: Duration) -> CallError {
        debug!(layer = "rate limit", server = %call.server, ?wait, "a call is turned away");
        let RateLimitSettings { calls, per, .. } = &self.0.settings;
        let cause = format!(
            "no more than {calls} calls may be made in {}",
            Rounded(per.0)
        );
        turned_away(call, ErrorKind::RateLimited, cause)
            .with_advice(format!("try again in {}", Rounded(wait)))
            .with_retry_after(Some(wait))
    }
}

impl Guard for RateLimitLayer {
    fn name(&self) -> &'static str {
        "rate limit"
    }

    async fn around<I: Inner>(&self, inner: I, mut call: Box<Call>) -> Outcome {
        let key = self.0.key.of(&call);
        let bucket = self
            .0
            .buckets
            .get_or(&key, || Mutex::new(self.0.settings.bucket()));
        drop(key);
        let max_wait = self.0.settings.max_wait.0;
        let longest = call
            .context
            .timeout
            .map_or(max_wait, |left| left.min(max_wait));
        let reserved = lock(&bucket).reserve(longest, Instant::now());
        let wait = reserved.map_err(|wait| self.refused(&call, wait))?;
        if !wait.is_zero() {
            debug!(layer = "rate limit", server = %call.server, ?wait, "a call waits for its turn");
            let remaining = Remaining::of(&call.context);
            remaining.hold();
            let turn = Turn(Some(&bucket));
            Box::pin(sleep(wait)).await;
            turn.take();
            remaining.hand_on(&mut call.context);
        }
        inner.send(call).await
    }
}

tower_layers!(RateLimitLayer);

/// A turn that goes back if nobody takes it.
struct Turn<'a>(Option<&'a Mutex<Bucket>>);

impl Turn<'_> {
    fn take(mut self) {
        self.0 = None;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(bucket) = self.0 {
            lock(bucket).put(1.0);
        }
    }
}

fn lock(bucket: &Mutex<Bucket>) -> MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
