//! The layers of one server, put together in the one order that makes sense. It must not know what any of them does
//! inside.

use std::sync::Arc;

use manyhands_core::Call;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::balance::{BalanceLayer, BalanceSettings, MAX_REPLICAS};
use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::{
    AttemptSpanLayer, BreakerLayer, BreakerSettings, BulkheadLayer, BulkheadSettings, ChaosLayer,
    ChaosSettings, DeadlineLayer, DeadlineSettings, HedgeLayer, HedgeSettings, KeyBy,
    PreparationLayer, RateLimitLayer, RateLimitSettings, RetryLayer, RetrySettings, Statistics,
    StatisticsLayer,
};

/// What each layer of a stack is set to; null for one that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct StackSettings {
    /// How long a call and an attempt may take.
    pub deadline: DeadlineSettings,
    /// When a call is sent again.
    pub retry: Option<RetrySettings>,
    /// When a read that takes long is sent a second time. Default: null.
    pub hedge: Option<HedgeSettings>,
    /// How a replica is chosen, where there are several.
    pub balance: BalanceSettings,
    /// When the server is left alone.
    pub breaker: Option<BreakerSettings>,
    /// Whether each tool is left alone on its own rather than the whole server; then a tool's own `transient` and `critical` failures count too. Default: false.
    pub breaker_per_tool: bool,
    /// How many calls run at once.
    pub bulkhead: Option<BulkheadSettings>,
    /// How many calls may be made in how much time. Default: null.
    pub rate_limit: Option<RateLimitSettings>,
    /// Faults made on purpose. Default: null.
    pub chaos: Option<ChaosSettings>,
}

impl Default for StackSettings {
    fn default() -> Self {
        Self {
            deadline: DeadlineSettings::default(),
            retry: Some(RetrySettings::default()),
            hedge: None,
            balance: BalanceSettings::default(),
            breaker: Some(BreakerSettings::default()),
            breaker_per_tool: false,
            bulkhead: Some(BulkheadSettings::default()),
            rate_limit: None,
            chaos: None,
        }
    }
}

impl StackSettings {
    /// Sets how long a call and an attempt may take.
    #[must_use]
    pub fn with_deadline(mut self, deadline: DeadlineSettings) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets when a call is sent again; none for never.
    #[must_use]
    pub fn with_retry(mut self, retry: impl Into<Option<RetrySettings>>) -> Self {
        self.retry = retry.into();
        self
    }

    /// Sets when a read that takes long is sent a second time; none for never.
    #[must_use]
    pub fn with_hedge(mut self, hedge: impl Into<Option<HedgeSettings>>) -> Self {
        self.hedge = hedge.into();
        self
    }

    /// Sets how a replica is chosen, where there are several.
    #[must_use]
    pub fn with_balance(mut self, balance: BalanceSettings) -> Self {
        self.balance = balance;
        self
    }

    /// Sets when the server is left alone; none for never.
    #[must_use]
    pub fn with_breaker(mut self, breaker: impl Into<Option<BreakerSettings>>) -> Self {
        self.breaker = breaker.into();
        self
    }

    /// Leaves each tool alone on its own, rather than the whole server, and heeds what it says of its own failures.
    #[must_use]
    pub fn with_breaker_per_tool(mut self) -> Self {
        self.breaker_per_tool = true;
        self
    }

    /// Sets how many calls run at once; none for any number.
    #[must_use]
    pub fn with_bulkhead(mut self, bulkhead: impl Into<Option<BulkheadSettings>>) -> Self {
        self.bulkhead = bulkhead.into();
        self
    }

    /// Sets how many calls may be made in how much time; none for any number.
    #[must_use]
    pub fn with_rate_limit(mut self, limit: impl Into<Option<RateLimitSettings>>) -> Self {
        self.rate_limit = limit.into();
        self
    }

    /// Has faults made on purpose.
    #[must_use]
    pub fn with_chaos(mut self, chaos: impl Into<Option<ChaosSettings>>) -> Self {
        self.chaos = chaos.into();
        self
    }
}

/// Puts the layers of one server together; `statistics` learns how its tools do.
///
/// ```
/// use manyhands_resilience::{StackSettings, Statistics, stack};
///
/// let stack = stack(&StackSettings::default(), &Statistics::default());
/// assert_eq!(stack.order().join(" > "), "total deadline > retry > attempt span > breaker > preparation > bulkhead > statistics > attempt deadline");
/// ```
#[must_use]
pub fn stack(settings: &StackSettings, statistics: &Statistics) -> Stack {
    Stack::of_replicas(1, settings, statistics, None)
}

/// The layers of one server. As a [`tower::Layer`], it goes around a service; clones share their state.
#[derive(Debug, Clone)]
pub struct Stack(Arc<Layers>);

#[derive(Debug)]
struct Layers {
    total_deadline: DeadlineLayer,
    retry: Option<RetryLayer>,
    hedge: Option<HedgeLayer>,
    attempt_span: AttemptSpanLayer,
    balance: Option<BalanceLayer>,
    breaker: Option<OfReplica<BreakerLayer>>,
    breaker_per_tool: bool,
    bulkhead: Option<OfReplica<BulkheadLayer>>,
    rate_limit: Option<RateLimitLayer>,
    statistics: StatisticsLayer,
    attempt_deadline: DeadlineLayer,
    chaos: Option<ChaosLayer>,
}

impl Stack {
    /// Does as [`stack`] does, with the same waits for the same seed.
    #[must_use]
    pub fn seeded(settings: &StackSettings, statistics: &Statistics, seed: u64) -> Self {
        Self::of_replicas(1, settings, statistics, Some(seed))
    }

    /// The layers of a server that is there several times. Each replica has its own breaker and its own bulkhead; all else
    /// is that of the server as a whole. The same seed makes the same waits and the same
    /// choices; without one nobody can foresee them.
    #[must_use]
    pub fn of_replicas(
        replicas: usize,
        settings: &StackSettings,
        statistics: &Statistics,
        seed: Option<u64>,
    ) -> Self {
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        let breaker = |(it, seed): (BreakerSettings, u64)| match settings.breaker_per_tool {
            true => BreakerLayer::per_tool(it, seed),
            false => BreakerLayer::seeded(it, KeyBy::server(), seed),
        };
        let replicas = replicas.clamp(1, MAX_REPLICAS);
        let seeds = (0..replicas as u64).map(|n| seed.wrapping_add(n));
        let breakers = settings
            .breaker
            .clone()
            .map(|it| OfReplica(seeds.map(|seed| breaker((it.clone(), seed))).collect()));
        let retry = settings.retry.clone();
        let rate_limit = settings.rate_limit.clone();
        Self(Arc::new(Layers {
            total_deadline: DeadlineLayer::total(&settings.deadline),
            retry: retry.map(|it| RetryLayer::seeded(it, seed)),
            hedge: settings.hedge.clone().map(|it| {
                let breakers = breakers.as_ref().map_or_else(Vec::new, |it| it.0.to_vec());
                HedgeLayer::new(it, statistics.clone(), KeyBy::capability(), breakers)
            }),
            attempt_span: AttemptSpanLayer,
            balance: (replicas > 1).then(|| {
                let breakers = breakers.as_ref().map_or_else(Vec::new, |it| it.0.to_vec());
                BalanceLayer::seeded(replicas, &settings.balance, breakers, seed)
            }),
            breaker: breakers,
            breaker_per_tool: settings.breaker_per_tool,
            bulkhead: settings.bulkhead.clone().map(|it| {
                let each = std::iter::repeat_with(|| BulkheadLayer::new(it.clone()));
                OfReplica(each.take(replicas).collect())
            }),
            rate_limit: rate_limit.map(|it| RateLimitLayer::new(it, KeyBy::server())),
            statistics: StatisticsLayer::new(statistics.clone(), KeyBy::capability()),
            attempt_deadline: DeadlineLayer::attempt(&settings.deadline),
            chaos: settings.chaos.clone().map(ChaosLayer::new),
        }))
    }

    /// The breaker, to look at and to reset; none where it is left out. Of several replicas it is the first one's.
    #[must_use]
    pub fn breaker(&self) -> Option<&BreakerLayer> {
        self.breakers().first()
    }

    /// The breakers of all replicas; none where they are left out.
    #[must_use]
    pub fn breakers(&self) -> &[BreakerLayer] {
        self.0.breaker.as_ref().map_or(&[], |it| &it.0)
    }

    /// Takes a call that nobody waits for, and that only finds out how a server is doing, past what has to know of it: the
    /// breaker and the rate limit. It is neither repeated nor queued, and no part of the statistics.
    ///
    /// Where it does not `prove` that calls are answered, as that a `ping` is answered does not, it counts when it fails,
    /// and not when it is answered: neither closes it the breaker, nor does it make it forget a failure.
    ///
    /// # Errors
    /// [`CallError`](manyhands_core::CallError) as of a call.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call, which then counts for nothing.
    pub async fn probe<I: Inner>(&self, inner: I, call: Box<Call>, proves: bool) -> Outcome {
        let layers = &*self.0;
        // A breaker of each tool knows nothing of the server as a whole.
        let knows = !layers.breaker_per_tool || call.request.capability(&call.server).is_some();
        let inner = inner.behind(&layers.chaos).behind(&layers.rate_limit);
        let replica = call.context.replica.unwrap_or_default();
        let breaker = layers.breaker.as_ref().filter(|_| knows);
        match breaker.and_then(|it| it.0.get(replica)) {
            Some(breaker) => breaker.pass(inner, call, proves).await,
            None => inner.send(call).await,
        }
    }

    /// The names of the layers that do something, outermost first.
    #[must_use]
    pub fn order(&self) -> Vec<&'static str> {
        self.before(Nowhere).names()
    }

    /// The order is a contract: every layer is where it is because of what would break elsewhere. Innermost first.
    fn before<I: Inner>(&self, inner: I) -> impl Inner {
        let layers = &*self.0;
        inner
            // Innermost, so that whatever else there is has to cope with its faults, as with a server's.
            .behind(&layers.chaos)
            // Inside of all waits: a call that stood in our own queue has its whole time at the server still.
            .behind(&layers.attempt_deadline)
            // Outside of the deadline, so that a timeout counts; inside of our waits, so that they do not.
            .behind(&layers.statistics)
            // Here, so that whatever future the service has is nested in few others.
            .boxed()
            // Inside of the bulkhead: a call that was refused a place must not use up a turn.
            .behind(&layers.rate_limit)
            // Inside of the breaker: calls to a server that is down must not fill the queue.
            .behind(&layers.bulkhead)
            // Outside of the bulkhead: calls that wait for a server's start must fill neither its places nor its queue.
            // Inside of the breaker: nobody waits for the start of a server that is left alone.
            .behind(&PreparationLayer)
            // Inside of the retry: each attempt counts, and one that opens it ends the retrying.
            .behind(&layers.breaker)
            // Outside of the breaker and of the wait for a start: each replica has its own. Inside of the retry: another
            // attempt goes to another replica.
            .behind(&layers.balance)
            // Inside of the retry and the hedge, so that each that is sent has its own, whatever turns it away.
            .behind(&layers.attempt_span)
            // Outside of the balance: the second goes to another replica. Outside of breaker and statistics: what is
            // overtaken counts for nothing there. Inside of the retry: both are one attempt, and one call is hedged once.
            .behind(&layers.hedge)
            // Inside of the total deadline: attempts and the waits between them are all the caller's time.
            .behind(&layers.retry)
            // Outermost: nothing takes longer than the caller waits.
            .behind(&layers.total_deadline)
    }
}

impl Guard for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        self.before(inner).send(call).await
    }
}

tower_layers!(Stack);

/// A layer that each replica has for itself.
#[derive(Debug, Clone)]
struct OfReplica<G>(Box<[G]>);

impl<G: Guard> Guard for OfReplica<G> {
    fn name(&self) -> &'static str {
        self.0.first().map_or("none", Guard::name)
    }

    fn is_on(&self) -> bool {
        self.0.first().is_some_and(Guard::is_on)
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        // Where nobody balances, there is one.
        let of_it = self.0.get(call.context.replica.unwrap_or(0));
        match of_it.or(self.0.first()) {
            Some(guard) => guard.around(inner, call).await,
            None => inner.send(call).await,
        }
    }
}

/// A layer that may be left out.
impl<G: Guard> Guard for Option<G> {
    fn name(&self) -> &'static str {
        self.as_ref().map_or("none", Guard::name)
    }

    fn is_on(&self) -> bool {
        self.as_ref().is_some_and(Guard::is_on)
    }

    fn dawdles(&self) -> bool {
        self.as_ref().is_some_and(Guard::dawdles)
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        match self {
            Some(guard) => guard.around(inner, call).await,
            None => inner.send(call).await,
        }
    }
}

/// The end of a way that is only looked at.
#[derive(Clone)]
struct Nowhere;

impl Inner for Nowhere {
    async fn send(self, call: Box<Call>) -> Outcome {
        let subject = crate::subject::Subject::of(&call);
        let (kind, delivery) = (
            manyhands_core::ErrorKind::Unavailable,
            manyhands_core::Delivery::NotSent,
        );
        Err(subject.error(kind, delivery, "there is no service behind the layers"))
    }
}

#[cfg(test)]
mod tests;
