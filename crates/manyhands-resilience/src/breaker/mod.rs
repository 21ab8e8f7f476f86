//! Circuit breaker: a server that fails is left alone for a while, and then tried with care.
//!
//! It must not know what its keys mean, nor what is called.

mod circuit;
mod settings;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use manyhands_core::{Call, CallError, ErrorKind, Printable, Reply, Rounded, clip};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, info};

pub use circuit::BreakerState;
pub use settings::BreakerSettings;

use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::keyed::{KeyBy, Keyed};
use crate::rule::Verdict;
use crate::subject::turned_away;
use circuit::{Circuit, Pass, Refusal, Why};

/// How much is told of a key and of a failure, in bytes.
const MAX_TOLD: usize = 200;

/// Turns calls away from a server that keeps failing, until it is worth while to try again.
///
/// Only what speaks about the server counts: answers that refuse, of whatever kind, show that it is at work, as does a
/// tool that says itself that it failed, and a call that ended in a layer of ours shows nothing. A call that is turned away ends with `Unavailable` and `NotSent`, and
/// says when the next try is. Clones share the state, which can be watched and reset through any of them.
#[derive(Debug, Clone)]
pub struct BreakerLayer(Arc<State>);

#[derive(Debug)]
struct State {
    settings: BreakerSettings,
    key: KeyBy,
    watched: Keyed<Watched>,
    seeds: Mutex<Rng>,
    changes: watch::Sender<u64>,
    judge: fn(&Outcome) -> Verdict,
}

/// The circuit of one key.
#[derive(Debug)]
struct Watched {
    key: Box<str>,
    circuit: Mutex<Circuit>,
    /// Why the last call failed that did.
    last: Mutex<Box<str>>,
}

/// What is known of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BreakerStatus {
    /// Which.
    pub key: String,
    /// Whether calls pass.
    pub state: BreakerState,
    /// How many calls failed since the last one that was answered.
    pub failures_in_a_row: u32,
    /// How long no call will pass, where it is open.
    pub open_for: Option<Duration>,
    /// What made it open, as a lowercase clause; none where it is closed.
    pub cause: Option<String>,
}

impl BreakerLayer {
    /// Watches the calls of each `key`, with open times that nobody can foresee.
    #[must_use]
    pub fn new(settings: BreakerSettings, key: KeyBy) -> Self {
        Self::seeded(settings, key, fastrand::u64(..))
    }

    /// Watches the calls of each `key`, with the same open times for the same seed.
    #[must_use]
    pub fn seeded(settings: BreakerSettings, key: KeyBy, seed: u64) -> Self {
        Self::judging(Verdict::of_server, settings, key, seed)
    }

    /// Watches each tool by itself, and counts too what it says of itself: that it failed, and that this is `transient`
    /// or `critical`. What it calls the caller's fault, or gives no class, does not count.
    #[must_use]
    pub fn per_tool(settings: BreakerSettings, seed: u64) -> Self {
        Self::judging(Verdict::of_tool, settings, KeyBy::capability(), seed)
    }

    fn judging(
        judge: fn(&Outcome) -> Verdict,
        settings: BreakerSettings,
        key: KeyBy,
        seed: u64,
    ) -> Self {
        Self(Arc::new(State {
            judge,
            watched: Keyed::new(settings.max_keys),
            settings: settings.bounded(),
            key,
            seeds: Mutex::new(Rng::with_seed(seed)),
            changes: watch::Sender::new(0),
        }))
    }

    /// What is known of `key`; none where no call had it.
    #[must_use]
    pub fn status(&self, key: &str) -> Option<BreakerStatus> {
        Some(self.0.watched.find(key)?.status())
    }

    /// What is known of every key, in the order of the keys.
    #[must_use]
    pub fn snapshot(&self) -> Vec<BreakerStatus> {
        let all = self.0.watched.all();
        all.iter().map(|(_, watched)| watched.status()).collect()
    }

    /// How long it would turn `call` away; none where it would let it pass.
    pub(crate) fn turns_away(&self, call: &Call) -> Option<Duration> {
        let watched = self.0.watched.find(&self.0.key.of(call))?;
        let refusal = watched.lock().refusal(&self.0.settings, Instant::now())?;
        Some(refusal.wait)
    }

    /// Whether nothing keeps calls such as `call` back, not even a try whether it should.
    pub(crate) fn is_closed(&self, call: &Call) -> bool {
        let watched = self.0.watched.find(&self.0.key.of(call));
        watched.is_none_or(|it| it.lock().state(Instant::now()) == BreakerState::Closed)
    }

    /// Tells of every change of a state, by a number that grows. That a time to stay open is over is no change; the
    /// first call after it makes one.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Lets the calls of `key` flow again, as if none had failed.
    pub fn reset(&self, key: &str) {
        if let Some(watched) = self.0.watched.find(key) {
            self.with(&watched, |circuit, _| circuit.close());
        }
    }

    fn watched(&self, key: &str) -> Arc<Watched> {
        self.0.watched.get_or(key, || {
            let mut seeds = self.0.seeds.lock().unwrap_or_else(PoisonError::into_inner);
            let circuit = Circuit::new(&self.0.settings, seeds.fork(), Instant::now());
            Watched {
                key: key.into(),
                circuit: Mutex::new(circuit),
                last: Mutex::default(),
            }
        })
    }

    /// Does something with a circuit, and tells of it if its state is another one after it.
    fn with<T>(&self, watched: &Watched, act: impl FnOnce(&mut Circuit, Instant) -> T) -> T {
        let now = Instant::now();
        let mut circuit = watched.lock();
        let before = circuit.turned_to();
        let result = act(&mut circuit, now);
        let after = circuit.turned_to();
        drop(circuit);
        if before != after {
            watched.tell(after);
            self.0.changes.send_modify(|changes| *changes += 1);
        }
        result
    }
}

impl Watched {
    fn status(&self) -> BreakerStatus {
        let (now, circuit) = (Instant::now(), self.lock());
        BreakerStatus {
            key: self.key.clone().into(),
            state: circuit.state(now),
            failures_in_a_row: circuit.in_a_row(),
            open_for: circuit.open_for(now),
            cause: circuit.why().map(|why| self.cause(why)),
        }
    }

    /// What made the circuit open, as a clause.
    fn cause(&self, why: Why) -> String {
        let key = clip(&self.key, MAX_TOLD);
        let key = Printable(&key);
        let times = match why {
            Why::InARow(1) => format!("{key} has failed"),
            Why::InARow(times) => format!("{key} has failed {times} times in a row"),
            Why::Rate { failures, calls } => {
                format!("{key} has failed {failures} of its last {calls} calls")
            }
        };
        match &**self.last() {
            // It was too slow.
            "" => times,
            last => format!("{times} (the last time: {})", Printable(last)),
        }
    }

    /// Tells the log of another state.
    fn tell(&self, state: BreakerState) {
        let status = self.status();
        let key = clip(&self.key, MAX_TOLD);
        let key = Printable(&key);
        match state {
            BreakerState::Open => {
                info!(layer = "breaker", %key, cause = status.cause, open_for = ?status.open_for, "a breaker opens");
            }
            BreakerState::HalfOpen => debug!(layer = "breaker", %key, "a breaker is half open"),
            BreakerState::Closed => info!(layer = "breaker", %key, "a breaker closes"),
        }
    }

    fn last(&self) -> MutexGuard<'_, Box<str>> {
        // A text is put in as a whole, so a panic elsewhere does no harm.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard for BreakerLayer {
    fn name(&self) -> &'static str {
        "breaker"
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        self.pass(inner, call, true).await
    }
}

tower_layers!(BreakerLayer);

impl BreakerLayer {
    /// Takes a call through. An answer to one that does not prove anything is not counted; a failure always is.
    pub(crate) async fn pass<I: Inner>(&self, inner: I, call: Box<Call>, proves: bool) -> Outcome {
        let key = self.0.key.of(&call);
        let watched = self.watched(&key);
        drop(key);
        let settings = &self.0.settings;
        let admitted = self.with(&watched, |circuit, now| circuit.admit(settings, now));
        let pass = admitted.map_err(|refusal| refused(&call, &watched, refusal))?;
        let admitted = Admitted {
            breaker: self,
            watched: &watched,
            pass: Some(pass),
            proves,
        };
        let outcome = inner.send(call).await;
        admitted.ended(&outcome);
        outcome
    }
}

/// A call that was let pass. Dropped before it ended, it gives its place back.
struct Admitted<'a> {
    breaker: &'a BreakerLayer,
    watched: &'a Watched,
    pass: Option<Pass>,
    /// Whether an answer shows that calls are answered.
    proves: bool,
}

impl Admitted<'_> {
    fn ended(mut self, outcome: &Outcome) {
        let Some(pass) = self.pass.take() else { return };
        let settings = &self.breaker.0.settings;
        // By the server's own time: what a call waited in our queues is not its fault.
        let took = outcome.as_ref().map_or(Duration::ZERO, Reply::took);
        let slow = settings.slow_call.is_some_and(|from| took >= from.0);
        let verdict = match (self.breaker.0.judge)(outcome) {
            Verdict::Answered if !self.proves => Verdict::Silent,
            Verdict::Answered if slow => Verdict::Failed,
            verdict => verdict,
        };
        if verdict == Verdict::Failed {
            let cause = outcome.as_ref().err().map_or("", CallError::cause);
            *self.watched.last() = (*clip(cause, MAX_TOLD)).into();
        }
        self.breaker.with(self.watched, |circuit, now| {
            circuit.record(settings, pass, verdict, now);
        });
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if let Some(pass) = self.pass {
            self.watched.lock().forget(pass);
        }
    }
}

fn refused(call: &Call, watched: &Watched, refusal: Refusal) -> CallError {
    debug!(layer = "breaker", server = %call.server, ?refusal, "a call is turned away");
    let cause = watched.cause(refusal.why);
    let (then, advice) = if refusal.probed {
        let then = "another call is trying it right now".to_owned();
        (then, "try again shortly")
    } else {
        let then = format!("is left alone for {}", Rounded(refusal.wait));
        (then, "try again then, or look at the server's log")
    };
    turned_away(call, ErrorKind::Unavailable, format!("{cause} and {then}"))
        .with_advice(advice)
        .with_retry_after(Some(refusal.wait))
}

#[cfg(test)]
mod tests;
