//! How much of a call's time is left, as it is handed from layer to layer. It must not know what is done with it.

use std::time::Duration;

use manyhands_core::{CallContext, Transit, handed_on};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How soon a clock that stands still is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The time of one call, from where a layer got it.
#[derive(Debug, Clone)]
pub(crate) struct Remaining {
    started: Instant,
    limit: Option<Duration>,
    transit: Option<Transit>,
    paused_before: Duration,
}

impl Remaining {
    pub(crate) fn of(context: &CallContext) -> Self {
        let transit = context.transit.clone();
        Self {
            started: Instant::now(),
            limit: context.timeout,
            paused_before: transit.as_ref().map(Transit::paused).unwrap_or_default(),
            transit,
        }
    }

    /// Ends so long after the layer got the call, and never where that is too far to be said.
    pub(crate) fn timer(&self, limit: Duration) -> Sleep {
        match self.started.checked_add(limit) {
            Some(end) => sleep_until(end),
            None => sleep(limit),
        }
    }

    /// How long the layer has had the call.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The same without the time that persons took to answer.
    pub(crate) fn worked(&self) -> Duration {
        self.elapsed().saturating_sub(self.paused())
    }

    /// How long persons took to answer meanwhile.
    fn paused(&self) -> Duration {
        let paused = self.transit.as_ref().map(Transit::paused);
        paused
            .unwrap_or_default()
            .saturating_sub(self.paused_before)
    }

    /// What is left of the caller's time; none where it has no end.
    pub(crate) fn left(&self) -> Option<Duration> {
        let limit = self.limit?;
        let left = limit
            .saturating_add(self.paused())
            .saturating_sub(self.started.elapsed());
        let is_paused = self.transit.as_ref().is_some_and(Transit::is_paused);
        Some(if is_paused {
            left.max(LOOK_AGAIN)
        } else {
            left
        })
    }

    /// Whether `wait` ends before the caller's time does.
    pub(crate) fn has_time_for(&self, wait: Duration) -> bool {
        self.left().is_none_or(|left| wait < left)
    }

    /// Says that the call waits here, and was not sent.
    pub(crate) fn hold(&self) {
        if let Some(transit) = &self.transit {
            transit.hold();
        }
    }

    /// Says that the call is under way, if not by this layer's doing.
    pub(crate) fn leave(&self) {
        if let Some(transit) = &self.transit {
            transit.leave();
        }
    }

    /// Says that a server may have acted on the call, whatever becomes of it now.
    pub(crate) fn leave_for_good(&self) {
        if let Some(transit) = &self.transit {
            transit.leave_for_good();
        }
    }

    /// Gives what is left to the next layer.
    pub(crate) fn hand_on(&self, context: &mut CallContext) {
        let left = self.limit.zip(self.left());
        context.timeout = left.map(|(limit, left)| handed_on(limit, left));
    }
}
