//! One circuit as a state machine: what goes in is calls and instants, what comes out is who may pass.
//!
//! It must not know tasks, locks or timers, so that a simple model of it can be run beside it.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::settings::BreakerSettings;
use super::window::Window;
use crate::rule::Verdict;

/// Whether calls pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls flow.
    Closed,
    /// Calls are turned away until a time.
    Open,
    /// A few calls are let through to find out.
    HalfOpen,
}

#[derive(Debug)]
pub(super) struct Circuit {
    phase: Phase,
    /// Failures since the last answer.
    in_a_row: u32,
    window: Window,
    /// What made it open, while it is not closed.
    why: Why,
    /// How often it opened since it was last closed.
    openings: u32,
    /// Changes with the phase: what began in one says nothing in the next.
    generation: u64,
    random: Rng,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        running: u32,
        answered: u32,
        last: Instant,
    },
}

/// Why a circuit opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    InARow(u32),
    Rate { failures: u64, calls: u64 },
}

/// A call that may pass, and in which phase it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    generation: u64,
}

/// A call that may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: Why,
    /// When it is worth while to ask again.
    pub(super) wait: Duration,
    /// Whether others are finding out just now.
    pub(super) probed: bool,
}

/// How soon a call that found all probes running may ask again.
const PROBED: Duration = Duration::from_secs(1);

impl Circuit {
    pub(super) fn new(settings: &BreakerSettings, random: Rng, now: Instant) -> Self {
        Self {
            phase: Phase::Closed,
            in_a_row: 0,
            window: Window::new(settings.window.0, now),
            why: Why::InARow(0),
            openings: 0,
            generation: 0,
            random,
        }
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { until } if now < until => BreakerState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// The state that it was turned to, whatever time has passed since.
    pub(super) fn turned_to(&self) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// What made it open, while it is not closed.
    pub(super) fn why(&self) -> Option<Why> {
        (!matches!(self.phase, Phase::Closed)).then_some(self.why)
    }

    pub(super) fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// How long it stays open.
    pub(super) fn open_for(&self, now: Instant) -> Option<Duration> {
        match self.phase {
            Phase::Open { until } if now < until => Some(until - now),
            _ => None,
        }
    }

    /// Why a call would not pass now; none where it would.
    pub(super) fn refusal(&self, settings: &BreakerSettings, now: Instant) -> Option<Refusal> {
        let (wait, probed) = match self.phase {
            Phase::Open { until } if now < until => (until - now, false),
            // A probe that hangs must not keep the circuit in between for ever.
            Phase::HalfOpen { running, last, .. }
                if running >= settings.probes.get() && now - last < settings.max_open.0 =>
            {
                (PROBED, true)
            }
            _ => return None,
        };
        let why = self.why;
        Some(Refusal { why, wait, probed })
    }

    /// Asks to pass.
    pub(super) fn admit(
        &mut self,
        settings: &BreakerSettings,
        now: Instant,
    ) -> Result<Pass, Refusal> {
        if let Some(refusal) = self.refusal(settings, now) {
            return Err(refusal);
        }
        match self.phase {
            Phase::Closed => {}
            Phase::HalfOpen {
                running, answered, ..
            } if running < settings.probes.get() => {
                self.phase = Phase::HalfOpen {
                    running: running + 1,
                    answered,
                    last: now,
                };
            }
            Phase::Open { .. } | Phase::HalfOpen { .. } => self.turn(Phase::HalfOpen {
                running: 1,
                answered: 0,
                last: now,
            }),
        }
        Ok(Pass {
            generation: self.generation,
        })
    }

    /// Tells how a call ended that was let pass.
    pub(super) fn record(
        &mut self,
        settings: &BreakerSettings,
        pass: Pass,
        verdict: Verdict,
        now: Instant,
    ) {
        if pass.generation != self.generation {
            return;
        }
        match (self.phase, verdict) {
            (_, Verdict::Silent) => self.forget(pass),
            (Phase::Closed, Verdict::Answered) => {
                self.in_a_row = 0;
                self.window.record(false, now);
            }
            (Phase::Closed, Verdict::Failed) => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                self.window.record(true, now);
                if let Some(why) = self.too_bad(settings, now) {
                    self.open(settings, why, now);
                }
            }
            (
                Phase::HalfOpen {
                    running,
                    answered,
                    last,
                },
                Verdict::Answered,
            ) => {
                self.in_a_row = 0;
                self.phase = Phase::HalfOpen {
                    running: running.saturating_sub(1),
                    answered: answered + 1,
                    last,
                };
                if answered + 1 >= settings.probes.get() {
                    self.close();
                }
            }
            (Phase::HalfOpen { .. }, Verdict::Failed) => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                let why = self.still_bad();
                self.open(settings, why, now);
            }
            // A new generation begins with it, so that no call can have begun in it.
            (Phase::Open { .. }, _) => {}
        }
    }

    /// Gives a place among the probes back: the call was dropped, or says nothing about the server.
    pub(super) fn forget(&mut self, pass: Pass) {
        if let (true, Phase::HalfOpen { running, .. }) =
            (pass.generation == self.generation, &mut self.phase)
        {
            *running = running.saturating_sub(1);
        }
    }

    /// Closes it, whatever was counted.
    pub(super) fn close(&mut self) {
        self.turn(Phase::Closed);
        (self.in_a_row, self.openings) = (0, 0);
        self.window.clear();
    }

    fn too_bad(&mut self, settings: &BreakerSettings, now: Instant) -> Option<Why> {
        if self.in_a_row >= settings.consecutive.get() {
            return Some(Why::InARow(self.in_a_row));
        }
        let counts = self.window.counts(now);
        let enough = counts.calls >= u64::from(settings.minimum_calls.get());
        let rate = u64::from(settings.failure_percent);
        (enough && counts.failures * 100 >= rate * counts.calls).then_some(Why::Rate {
            failures: counts.failures,
            calls: counts.calls,
        })
    }

    /// What is said of a circuit whose probe failed too.
    fn still_bad(&self) -> Why {
        match self.why {
            Why::InARow(_) => Why::InARow(self.in_a_row),
            Why::Rate { .. } => self.why,
        }
    }

    fn open(&mut self, settings: &BreakerSettings, why: Why, now: Instant) {
        let doubled = 2_u32.saturating_pow(self.openings.min(30));
        let longest = settings
            .open
            .0
            .saturating_mul(doubled)
            .min(settings.max_open.0);
        // Of the longest time a random half is left out, so that those who gave up together do not come back together.
        let wait = longest.mul_f64(0.5 + self.random.f64() / 2.0);
        self.why = why;
        self.openings = self.openings.saturating_add(1);
        self.window.clear();
        self.turn(Phase::Open { until: now + wait });
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }
}
