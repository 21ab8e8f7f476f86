//! Chaos: delays and faults by a seeded draw, for tests of one's own agent. It must not know what is called.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use manyhands_core::{Call, Delivery, ErrorKind, HumanDuration, Transit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tracing::debug;

use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::subject::Subject;

/// Which faults befall calls, and how often. By default none do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ChaosSettings {
    /// Whether anything is done at all. Default: false.
    pub enabled: bool,
    /// What the draw begins with: the same calls in the same order have the same faults. Default: 0.
    pub seed: u64,
    /// How many of a hundred calls are delayed. Default: 0.
    pub delay_percent: u8,
    /// The longest delay; a random part of it is waited. Default: 0s.
    pub max_delay: HumanDuration,
    /// The faults; of a hundred calls, each befalls as many as it says. Default: none.
    pub faults: Vec<Fault>,
}

impl Default for ChaosSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            seed: 0,
            delay_percent: 0,
            max_delay: HumanDuration(Duration::ZERO),
            faults: Vec::new(),
        }
    }
}

/// One kind of fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Fault {
    /// How many of a hundred calls it befalls.
    pub percent: u8,
    /// What the call ends with.
    pub kind: ErrorKind,
    /// How far the call gets. With `unknown`, every second one on average is carried out, and its answer lost.
    pub delivery: Delivery,
}

impl Fault {
    /// Befalls `percent` of a hundred calls.
    #[must_use]
    pub fn new(percent: u8, kind: ErrorKind, delivery: Delivery) -> Self {
        Self {
            percent,
            kind,
            delivery,
        }
    }
}

impl ChaosSettings {
    /// Switches it on, with this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        (self.enabled, self.seed) = (true, seed);
        self
    }

    /// Delays so many of a hundred calls, by up to `longest`.
    #[must_use]
    pub fn with_delay(mut self, percent: u8, longest: Duration) -> Self {
        (self.delay_percent, self.max_delay) = (percent, HumanDuration(longest));
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }
}

/// Delays calls and lets them fail, the same way each time for the same seed.
///
/// It belongs innermost, so that everything else is put to the test. Clones share one draw.
#[derive(Debug, Clone)]
pub struct ChaosLayer(Arc<State>);

#[derive(Debug)]
struct State {
    settings: ChaosSettings,
    random: Mutex<Rng>,
}

/// What befalls one call.
#[derive(Debug)]
struct Lot {
    delay: Option<Duration>,
    fault: Option<Fault>,
    carried_out: bool,
}

impl ChaosLayer {
    /// Draws from the settings' seed.
    #[must_use]
    pub fn new(settings: ChaosSettings) -> Self {
        let random = Mutex::new(Rng::with_seed(settings.seed));
        Self(Arc::new(State { settings, random }))
    }

    fn draw(&self) -> Lot {
        let settings = &self.0.settings;
        let mut random = self.0.random.lock().unwrap_or_else(PoisonError::into_inner);
        let delayed = random.u8(0..100) < settings.delay_percent;
        let delay = settings.max_delay.0.mul_f64(random.f64());
        let mut at = u32::from(random.u8(0..100));
        let fault = settings.faults.iter().find(|fault| {
            let hit = at < u32::from(fault.percent);
            at = at.saturating_sub(u32::from(fault.percent));
            hit
        });
        Lot {
            delay: delayed.then_some(delay),
            carried_out: random.bool()
                && fault.is_some_and(|fault| fault.delivery == Delivery::Unknown),
            fault: fault.cloned(),
        }
    }
}

impl Guard for ChaosLayer {
    fn name(&self) -> &'static str {
        "chaos"
    }

    fn is_on(&self) -> bool {
        self.0.settings.enabled
    }

    fn dawdles(&self) -> bool {
        self.is_on()
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        if !self.is_on() {
            return inner.send(call).await;
        }
        let lot = self.draw();
        debug!(layer = "chaos", server = %call.server, ?lot, "a lot is drawn");
        if let Some(delay) = lot.delay {
            // To all others it is at a server that takes so long.
            call.context.transit.iter().for_each(Transit::leave);
            Box::pin(sleep(delay)).await;
        }
        let Some(fault) = lot.fault else {
            return inner.send(call).await;
        };
        let subject = Subject::of(&call);
        if lot.carried_out {
            // What becomes of it is what the caller must not learn.
            let _lost = inner.send(call).await;
        }
        let cause = "this fault was made on purpose";
        Err(subject.error(fault.kind, fault.delivery, cause))
    }
}

tower_layers!(ChaosLayer);

#[cfg(test)]
mod tests;
