//! Deadlines: one for the whole call, retries and waits included, and one for each attempt.
//!
//! It must not know what takes the time; whether the call was sent it is told by what lies further in.

use std::pin::pin;
use std::time::Duration;

use manyhands_core::{Call, CallError, Delivery, ErrorKind, HumanDuration, Rounded, Transit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tracing::debug;

use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::remaining::Remaining;
use crate::subject::Subject;

/// How much later than its time a call is ended here, where those further in end it by themselves.
const LAST_WORD: Duration = Duration::from_millis(50);

/// How long a call may take.
///
/// What a caller says in [`CallContext::timeout`](manyhands_core::CallContext::timeout) wins where it is shorter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DeadlineSettings {
    /// How long a call may take in all, retries and waits included; null for as long as the caller says. Default: 10m.
    pub total: Option<HumanDuration>,
    /// How long one attempt may take; null for as long as is left of the call. Default: null.
    pub attempt: Option<HumanDuration>,
}

impl Default for DeadlineSettings {
    fn default() -> Self {
        Self {
            total: Some(HumanDuration(Duration::from_secs(600))),
            attempt: None,
        }
    }
}

impl DeadlineSettings {
    /// Sets how long a call may take in all; none for as long as the caller says.
    #[must_use]
    pub fn with_total(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.total = limit.into().map(HumanDuration);
        self
    }

    /// Sets how long one attempt may take; none for as long as is left of the call.
    #[must_use]
    pub fn with_attempt(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.attempt = limit.into().map(HumanDuration);
        self
    }
}

/// Ends calls whose time is over, and hands inwards what is left of it.
///
/// The error is `DeadlineExceeded`. It is `NotSent` when the call waited in a layer of ours until the end, or for a
/// service that was never ready, and `Unknown` otherwise. While a person is asked, time stands still (see [`Transit`]).
#[derive(Debug, Clone)]
pub struct DeadlineLayer {
    name: &'static str,
    limit: Option<Duration>,
    /// Whether nothing but the service lies further in, of what could wait.
    is_innermost: bool,
}

impl DeadlineLayer {
    /// The deadline of a whole call, which belongs outermost.
    #[must_use]
    pub fn total(settings: &DeadlineSettings) -> Self {
        Self {
            name: "total deadline",
            limit: settings.total.map(Duration::from),
            is_innermost: false,
        }
    }

    /// The deadline of one attempt, which belongs innermost: waits in our own layers are not the server's.
    #[must_use]
    pub fn attempt(settings: &DeadlineSettings) -> Self {
        Self {
            name: "attempt deadline",
            limit: settings.attempt.map(Duration::from),
            is_innermost: true,
        }
    }

    fn elapsed(&self, limit: Duration, subject: &Subject, transit: &Transit) -> CallError {
        let delivery = if transit.may_have_left() {
            Delivery::Unknown
        } else {
            Delivery::NotSent
        };
        debug!(
            layer = self.name,
            ?limit,
            delivery = delivery.as_str(),
            "a call's time is over"
        );
        let limit = Rounded(limit);
        let (cause, advice) = match delivery {
            Delivery::Unknown => (
                format!("no answer within {limit}"),
                "raise the timeout if the server is only slow, and check whether the call took effect before repeating it",
            ),
            _ => (
                format!("it waited for {limit} and was not sent"),
                "try again later, or raise the timeout",
            ),
        };
        subject
            .error(ErrorKind::DeadlineExceeded, delivery, cause)
            .with_advice(advice)
    }
}

impl Guard for DeadlineLayer {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn around<I: Inner>(&self, inner: I, mut call: Box<Call>) -> Outcome {
        let limits = [self.limit, call.context.timeout];
        let Some(limit) = limits.into_iter().flatten().min() else {
            return inner.send(call).await;
        };
        let transit = call.context.transit.get_or_insert_default().clone();
        // A layer further out has said that the call left when it handed it to this one.
        transit.hold();
        call.context.timeout = Some(limit);
        if self.is_innermost && inner.keeps_time() {
            // A second clock beside the service's own would cost each call, and end none.
            return inner.send(call).await;
        }
        let (remaining, subject) = (Remaining::of(&call.context), Subject::of(&call));
        let later = if inner.keeps_time() {
            LAST_WORD
        } else {
            Duration::ZERO
        };
        let mut answer = pin!(inner.send(call));
        let mut timer = pin!(remaining.timer(limit.saturating_add(later)));
        loop {
            tokio::select! {
                biased;
                outcome = &mut answer => return outcome,
                () = &mut timer => match remaining.left() {
                    Some(left) if !left.is_zero() => timer.set(sleep(left.saturating_add(later))),
                    _ => return Err(self.elapsed(limit, &subject, &transit)),
                },
            }
        }
    }
}

tower_layers!(DeadlineLayer);

#[cfg(test)]
mod tests;
