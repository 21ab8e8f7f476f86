//! Retry: the same call again, where that is safe and of use.
//!
//! Safe and of use is what [`Failed`] says, and nothing else here decides it. It must not know what a call does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use manyhands_core::{Call, CallError, Delivery, HumanDuration, Rounded, ServerId, Tried};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tracing::debug;
use tracing::field::display;

use crate::bucket::Budget;
use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::remaining::Remaining;
use crate::rule::{Failed, further, was_turned_away};

/// When and how often a call that failed is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RetrySettings {
    /// How often a call is sent at the most, the first time included; 1 for no retry. Default: 3.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles each time, and a random part of it is waited. Default: 200ms.
    pub backoff: HumanDuration,
    /// The longest wait before any attempt. Default: 5s.
    pub max_backoff: HumanDuration,
    /// The longest time that is waited where a server asks to be left alone; if it asks for more, the call ends at once. Default: 10s.
    pub max_retry_after: HumanDuration,
    /// How many retries there may be for each hundred calls. Default: 20.
    pub budget_percent: u32,
    /// How many retries there may be each minute however few calls there are. Default: 60.
    pub budget_per_minute: u32,
    /// How many retries there may be at once when there were none for long. Default: 10.
    pub budget_burst: u32,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff: HumanDuration(Duration::from_millis(200)),
            max_backoff: HumanDuration(Duration::from_secs(5)),
            max_retry_after: HumanDuration(Duration::from_secs(10)),
            budget_percent: 20,
            budget_per_minute: 60,
            budget_burst: 10,
        }
    }
}

impl RetrySettings {
    /// Sets how often a call is sent at the most.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the longest wait before the second attempt, and before any.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, max: Duration) -> Self {
        (self.backoff, self.max_backoff) = (HumanDuration(first), HumanDuration(max));
        self
    }

    /// Sets the longest time that is waited where a server asks to be left alone.
    #[must_use]
    pub fn with_max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = HumanDuration(longest);
        self
    }

    /// Sets how many retries there may be: for each hundred calls, each minute in any case, and at once.
    #[must_use]
    pub fn with_budget(mut self, percent: u32, per_minute: u32, burst: u32) -> Self {
        (self.budget_percent, self.budget_per_minute) = (percent, per_minute);
        self.budget_burst = burst;
        self
    }
}

/// Sends a call again that failed in passing, where a repeat cannot do anything twice.
///
/// A tool that says itself that it failed in passing, by `{"type": "transient"}`, is called again too, where it is
/// certain that calling it twice does no more than once; what it said last is the reply.
///
/// It belongs inside of the total deadline, whose end it never waits beyond, and outside of everything that guards one
/// attempt. Clones share one budget.
#[derive(Debug, Clone)]
pub struct RetryLayer(Arc<State>);

#[derive(Debug)]
struct State {
    settings: RetrySettings,
    budget: Budget,
    random: Mutex<Rng>,
}

impl RetryLayer {
    /// Retries by these settings, with waits that nobody can foresee.
    #[must_use]
    pub fn new(settings: RetrySettings) -> Self {
        Self::seeded(settings, fastrand::u64(..))
    }

    /// Retries by these settings, with the same waits for the same seed.
    #[must_use]
    pub fn seeded(settings: RetrySettings, seed: u64) -> Self {
        let (percent, burst) = (settings.budget_percent, settings.budget_burst);
        Self(Arc::new(State {
            budget: Budget::new(percent, settings.budget_per_minute, burst),
            random: Mutex::new(Rng::with_seed(seed)),
            settings,
        }))
    }

    /// What follows after the attempt number `made`.
    fn next(&self, failed: Failed, made: u32, remaining: &Remaining) -> Next {
        let settings = &self.0.settings;
        if !self.is_on() || !failed.repeats {
            return Next::Leave;
        }
        if made >= settings.attempts {
            return Next::GiveUp(None);
        }
        let asked = failed.retry_after.unwrap_or_default();
        let too_long = asked > settings.max_retry_after.0 || !remaining.has_time_for(asked);
        if too_long && !asked.is_zero() {
            return Next::GiveUp(Some(longer_than_waited(asked, remaining.left())));
        }
        let wait = asked.saturating_add(self.backoff(made));
        if !remaining.has_time_for(wait) {
            return Next::GiveUp(None);
        }
        if !self.0.budget.draw() {
            let why = "it was not tried again, since many calls are already: wait a little";
            return Next::GiveUp(Some(why.to_owned()));
        }
        Next::Again(wait)
    }

    /// A random part of a wait that doubles: full jitter spreads those that failed together over all of it.
    fn backoff(&self, made: u32) -> Duration {
        let settings = &self.0.settings;
        let doubled = 2_u32.saturating_pow(made.saturating_sub(1).min(30));
        let longest = settings
            .backoff
            .0
            .saturating_mul(doubled)
            .min(settings.max_backoff.0);
        let mut random = self.0.random.lock().unwrap_or_else(PoisonError::into_inner);
        longest.mul_f64(random.f64())
    }
}

#[derive(Debug)]
enum Next {
    Again(Duration),
    /// It is not for us: it does not pass, may not be repeated, or was given up further in.
    Leave,
    /// It could be repeated, and is not, for a reason that the caller may want to know.
    GiveUp(Option<String>),
}

impl Guard for RetryLayer {
    fn name(&self) -> &'static str {
        "retry"
    }

    fn is_on(&self) -> bool {
        self.0.settings.attempts > 1
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        self.0.budget.deposit();
        let remaining = Remaining::of(&call.context);
        let (mut made, mut sent, mut worst) = (0, 0, Delivery::NotSent);
        loop {
            made += 1;
            let mut attempt = call.clone();
            attempt.context.attempt = made;
            if made > 1 {
                remaining.hand_on(&mut attempt.context);
            }
            let outcome = inner.clone().send(attempt).await;
            sent += times_sent(&outcome, &call.server);
            let Some(failed) = Failed::of(&outcome, call.context.effect) else {
                return outcome;
            };
            worst = further(worst, failed.delivery);
            let error = outcome.as_ref().err().map(display);
            match self.next(failed, made, &remaining) {
                Next::Again(wait) => {
                    debug!(layer = "retry", server = %call.server, attempt = made, ?wait, error, "a call is tried again");
                    if worst == Delivery::Unknown {
                        remaining.leave_for_good();
                    }
                    remaining.hold();
                    Box::pin(sleep(wait)).await;
                }
                Next::Leave => {
                    return outcome.map_err(|error| {
                        let sent = sent - u32::from(was_turned_away(&error));
                        told(error, worst, sent, call, &remaining)
                    });
                }
                Next::GiveUp(why) => {
                    debug!(layer = "retry", server = %call.server, attempts = made, why, error, "a call is given up");
                    return outcome.map_err(|error| {
                        let error = advised(error, why).exhausted();
                        told(error, worst, sent, call, &remaining)
                    });
                }
            }
        }
    }
}

tower_layers!(RetryLayer);

/// The error of the last attempt, as that of the whole call.
fn told(
    error: CallError,
    delivery: Delivery,
    sent: u32,
    call: Box<Call>,
    remaining: &Remaining,
) -> CallError {
    let error = error
        .with_delivery(delivery)
        .with_effect(call.context.effect);
    if sent <= 1 {
        return error;
    }
    error.with_all_tried([Tried::new(call.server, sent, remaining.elapsed())])
}

/// How often an attempt was sent: twice where it was hedged.
fn times_sent(outcome: &Outcome, server: &ServerId) -> u32 {
    let tried = outcome.as_ref().map_or_else(CallError::tried, |_| &[]);
    let here = tried.iter().filter(|it| it.server == *server);
    here.map(|it| it.times).sum::<u32>().max(1)
}

fn advised(error: CallError, why: Option<String>) -> CallError {
    let Some(why) = why else { return error };
    let advice = match error.advice() {
        Some(advice) => format!("{advice}; {why}"),
        None => why,
    };
    error.with_advice(advice)
}

fn longer_than_waited(asked: Duration, left: Option<Duration>) -> String {
    let wait = Rounded(asked);
    match left.filter(|left| *left <= asked) {
        Some(left) => format!(
            "the wait of {wait} that it asks for is longer than the {} that are left",
            Rounded(left)
        ),
        None => format!("the wait of {wait} that it asks for is longer than is waited here"),
    }
}

#[cfg(test)]
mod tests;
