//! Hedge: a read that takes longer than usual is sent a second time, and the first good answer counts.
//!
//! What may be under way twice is what [`may_overlap`] says, and nothing else here decides it. It must not know which
//! replica takes what.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::select;
use futures_util::poll;
use manyhands_core::{Call, HumanDuration, ServerId, Transit, Tried};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tracing::debug;

use crate::bucket::Budget;
use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::keyed::{KeyBy, Keyed};
use crate::remaining::Remaining;
use crate::rule::{Verdict, further, may_overlap, was_turned_away};
use crate::{BreakerLayer, Statistics};

/// How many answers there have to be before anybody knows what is usual.
const ENOUGH: usize = 20;
/// What a call that takes longer than usual makes of what is usual, and what one makes of it that does not. Their
/// logarithms are as 19 to 1, so that it stays where one call of twenty takes longer.
const LONGER: f64 = 1.1;
const SHORTER: f64 = 0.995;
/// For how many names it is known what is usual.
const MAX_KEYS: usize = 4_096;

/// When a read that takes long is sent a second time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct HedgeSettings {
    /// How long a call is under way before it is sent again; null for as long as 95 of a hundred calls of its tool take, once
    /// 20 were answered. Default: null.
    pub after: Option<HumanDuration>,
    /// How long it is under way at least where that is found out. Default: 5ms.
    pub min_after: HumanDuration,
    /// How many calls may be sent again for each hundred. Default: 10.
    pub budget_percent: u32,
    /// How many may be sent again at once when none were for long. Default: 10.
    pub budget_burst: u32,
}

impl Default for HedgeSettings {
    fn default() -> Self {
        Self {
            after: None,
            min_after: HumanDuration(Duration::from_millis(5)),
            budget_percent: 10,
            budget_burst: 10,
        }
    }
}

impl HedgeSettings {
    /// Sets how long a call is under way before it is sent again; none for as long as its tool usually takes.
    #[must_use]
    pub fn with_after(mut self, delay: impl Into<Option<Duration>>) -> Self {
        self.after = delay.into().map(HumanDuration);
        self
    }

    /// Sets how long a call is under way at least before it is sent again, where that is found out.
    #[must_use]
    pub fn with_min_after(mut self, delay: Duration) -> Self {
        self.min_after = HumanDuration(delay);
        self
    }

    /// Sets how many calls may be sent again: for each hundred, and at once.
    #[must_use]
    pub fn with_budget(mut self, percent: u32, burst: u32) -> Self {
        (self.budget_percent, self.budget_burst) = (percent, burst);
        self
    }
}

/// Sends a call a second time that changes nothing and has been under way for long. The first good answer wins, and the
/// other one is cancelled, so that it counts neither for the statistics nor for the breaker.
///
/// A failure of one is not the end while the other is under way. Both are the same attempt, on the same caller's time;
/// whoever listens hears the first one only. What is never sent again: a call that waits in a layer of ours, since more
/// calls make that no better; one about which a person was asked, who would be asked twice; an attempt that is a retry;
/// and one of a server with a breaker that is not closed.
///
/// Clones share one budget, and what they know of what is usual.
#[derive(Debug, Clone)]
pub struct HedgeLayer(Arc<State>);

#[derive(Debug)]
struct State {
    settings: HedgeSettings,
    budget: Budget,
    statistics: Statistics,
    key: KeyBy,
    usual: Keyed<Mutex<Option<Duration>>>,
    breakers: Box<[BreakerLayer]>,
}

impl HedgeLayer {
    /// Hedges by these settings. What is usual is first read from `statistics` by `key`, and nothing is hedged while one
    /// of `breakers` is not closed.
    #[must_use]
    pub fn new(
        settings: HedgeSettings,
        statistics: Statistics,
        key: KeyBy,
        breakers: Vec<BreakerLayer>,
    ) -> Self {
        Self(Arc::new(State {
            budget: Budget::new(settings.budget_percent, 0, settings.budget_burst),
            settings,
            statistics,
            key,
            usual: Keyed::new(MAX_KEYS),
            breakers: breakers.into(),
        }))
    }

    /// How long `call` may take before it is hedged; none where it is not.
    fn pace(&self, call: &Call) -> Option<Pace> {
        if !may_overlap(call.context.effect) || call.context.attempt > 1 {
            return None;
        }
        let settings = &self.0.settings;
        if let Some(after) = settings.after {
            let (delay, learns) = (after.0, None);
            return Some(Pace { delay, learns });
        }
        let key = self.0.key.of(call);
        let usual = self.0.usual.get_or(&key, Mutex::default);
        let least = settings.min_after.0;
        let known = *lock(&usual);
        let delay = match known {
            Some(known) => known,
            None => self.0.statistics.p95(&key, ENOUGH)?.max(least),
        };
        let learns = Some((usual, least));
        Some(Pace { delay, learns })
    }

    async fn race<I: Inner>(&self, inner: I, mut call: Box<Call>, pace: Pace) -> Outcome {
        let transit = call.context.transit.get_or_insert_default().clone();
        let remaining = Remaining::of(&call.context);
        let mut first = pin!(inner.clone().send(call.clone()));
        let ended = match poll!(&mut first) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending if !transit.may_have_left() => return first.await,
            Poll::Pending => timeout(pace.delay, &mut first).await.ok(),
        };
        if let Some(outcome) = ended {
            if outcome.is_ok() {
                pace.learn(SHORTER);
            }
            return outcome;
        }
        if asked_person(&transit) {
            return first.await;
        }
        pace.learn(LONGER);
        if !self.may_send_again(&call, &remaining, pace.delay) {
            return first.await;
        }
        debug!(layer = "hedge", server = %call.server, after = ?pace.delay, "a call is sent a second time");
        remaining.leave_for_good();
        remaining.hand_on(&mut call.context);
        call.context.listener = None;
        let server = call.server.clone();
        let second = pin!(inner.send(call));
        first_good(first, second, server, &remaining).await
    }

    fn may_send_again(&self, call: &Call, remaining: &Remaining, delay: Duration) -> bool {
        let mut breakers = self.0.breakers.iter();
        remaining.has_time_for(delay)
            && breakers.all(|it| it.is_closed(call))
            && self.0.budget.draw()
    }
}

impl Guard for HedgeLayer {
    fn name(&self) -> &'static str {
        "hedge"
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        self.0.budget.deposit();
        // Boxed, both: where nothing is hedged, no call has room for this layer.
        match self.pace(&call) {
            Some(pace) => Box::pin(self.race(inner, call, pace)).await,
            None => Box::pin(inner.send(call)).await,
        }
    }
}

tower_layers!(HedgeLayer);

/// How long a call may take, and where it is kept what was learned of that.
///
/// It is learned here, since the statistics do not know how long those would have taken that were overtaken: by them alone
/// each hedge would make the next one come sooner.
struct Pace {
    delay: Duration,
    learns: Option<(Arc<Mutex<Option<Duration>>>, Duration)>,
}

impl Pace {
    fn learn(&self, factor: f64) {
        if let Some((usual, least)) = &self.learns {
            let mut usual = lock(usual);
            let now = usual.unwrap_or(self.delay);
            // However many calls at once are late, each knows no more than that it took longer than this.
            let most = now.max(self.delay.saturating_mul(2));
            *usual = Some(now.mul_f64(factor).clamp(*least, most));
        }
    }
}

type Sending<'a> = Pin<&'a mut (dyn Future<Output = Outcome> + Send)>;

/// The end of the one that ends well first, or of both. Dropping the other cancels it.
async fn first_good<'a>(
    first: Sending<'a>,
    second: Sending<'a>,
    server: ServerId,
    remaining: &Remaining,
) -> Outcome {
    let (end, other) = select(first, second).await.into_inner();
    if is_good(&end) {
        return end;
    }
    debug!(layer = "hedge", %server, error = end.as_ref().err().map(tracing::field::display), "one of two fails");
    match (end, other.await) {
        // What the tool said of its failure, rather than that something else failed too.
        (Ok(failure), Err(_)) => Ok(failure),
        (_, Ok(reply)) => Ok(reply),
        (Err(one), Err(two)) if was_turned_away(&two) => Err(one),
        (Err(one), Err(two)) if was_turned_away(&one) => Err(two),
        (Err(one), Err(two)) => {
            let delivery = further(one.delivery(), two.delivery());
            let tried = Tried::new(server, 2, remaining.elapsed());
            Err(two.with_delivery(delivery).with_all_tried([tried]))
        }
    }
}

/// Whether the other one need not be waited for: a tool that says that it does not work may do so elsewhere.
fn is_good(outcome: &Outcome) -> bool {
    outcome.is_ok() && Verdict::of_tool(outcome) == Verdict::Answered
}

fn asked_person(transit: &Transit) -> bool {
    transit.is_paused() || !transit.paused().is_zero()
}

fn lock(usual: &Mutex<Option<Duration>>) -> MutexGuard<'_, Option<Duration>> {
    usual.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
