//! What can be set of a breaker.

use std::num::NonZeroU32;
use std::time::Duration;

use manyhands_core::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a server is left alone, and when it is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// After how many failures in a row it opens. Default: 5.
    pub consecutive: NonZeroU32,
    /// At which share of failures it opens, in percent; over 100 for never. Default: 50.
    pub failure_percent: u8,
    /// The time over which that share is taken; it slides. Default: 30s.
    pub window: HumanDuration,
    /// How many calls there must be in the window for the share to mean anything. Default: 20.
    pub minimum_calls: NonZeroU32,
    /// From which time on an answer of the server counts as a failure whatever it says; null for never. Default: null.
    pub slow_call: Option<HumanDuration>,
    /// How long it stays open the first time; it doubles each time that trying fails, less a random half. Default: 5s.
    pub open: HumanDuration,
    /// How long it stays open at the most; at least 1ms, at most a year. Default: 2m.
    pub max_open: HumanDuration,
    /// How many calls are let through at once to find out, and how many of them must be answered for it to close. Default: 1.
    pub probes: NonZeroU32,
    /// How many keys are watched at the most; the one unused for longest is forgotten. Default: 1024.
    pub max_keys: usize,
}

/// A time to stay open that can be added to any instant.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            consecutive: NonZeroU32::MIN.saturating_add(4),
            failure_percent: 50,
            window: HumanDuration(Duration::from_secs(30)),
            minimum_calls: NonZeroU32::MIN.saturating_add(19),
            slow_call: None,
            open: HumanDuration(Duration::from_secs(5)),
            max_open: HumanDuration(Duration::from_secs(120)),
            probes: NonZeroU32::MIN,
            max_keys: 1_024,
        }
    }
}

impl BreakerSettings {
    /// Sets after how many failures in a row it opens.
    #[must_use]
    pub fn with_consecutive(mut self, failures: NonZeroU32) -> Self {
        self.consecutive = failures;
        self
    }

    /// Sets at which share of failures it opens: in percent, of so many calls at least within a window.
    #[must_use]
    pub fn with_rate(mut self, percent: u8, minimum_calls: NonZeroU32, window: Duration) -> Self {
        (self.failure_percent, self.minimum_calls) = (percent, minimum_calls);
        self.window = HumanDuration(window);
        self
    }

    /// Sets from which time on an answer of the server counts as a failure whatever it says.
    #[must_use]
    pub fn with_slow_call(mut self, from: Duration) -> Self {
        self.slow_call = Some(HumanDuration(from));
        self
    }

    /// Sets how long it stays open the first time, and at the most.
    #[must_use]
    pub fn with_open(mut self, first: Duration, max: Duration) -> Self {
        (self.open, self.max_open) = (HumanDuration(first), HumanDuration(max));
        self
    }

    /// Sets how many calls are let through at once to find out.
    #[must_use]
    pub fn with_probes(mut self, probes: NonZeroU32) -> Self {
        self.probes = probes;
        self
    }

    /// The settings with times that can be reckoned with.
    pub(super) fn bounded(mut self) -> Self {
        let bound = |time: Duration| time.clamp(Duration::from_millis(1), LONGEST);
        self.max_open = HumanDuration(bound(self.max_open.0));
        self.window = HumanDuration(bound(self.window.0));
        self
    }
}
