//! Balance: which of a server's replicas takes a call.
//!
//! Two replicas are drawn, and the one with less load takes it. One whose breaker is open is not drawn, so
//! that a replica that keeps failing is left out until its breaker tries it again. It must not know what a replica is.

mod latency;
mod settings;
mod watch;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use manyhands_core::{Call, CallError, Delivery, ErrorKind, Principal, Transit};
use tracing::debug;

use latency::Latencies;
pub use settings::{BalanceBy, BalanceSettings};
use watch::{NOWHERE, Watch};

use crate::BreakerLayer;
use crate::guard::{Guard, Inner, Outcome};
use crate::keyed::Keyed;
use crate::preparation::waited;
use crate::remaining::Remaining;
use crate::subject::turned_away;

/// How many replicas a server has at the most.
pub const MAX_REPLICAS: usize = 64;
/// How many times the load of another replica one may have that answered a principal last.
const OVERLOAD: f64 = 2.0;
/// For how many principals it is known which replica answered them last.
const MAX_PRINCIPALS: usize = 4_096;

/// Chooses the replica for each attempt, and says so in the call's context.
///
/// A replica that is up comes before one that is not, and one to which this call has not gone yet before one to which
/// it has. What a replica certainly was not sent goes to the next one at once, and takes none of a retry's attempts.
/// While none is up, the first that comes up is waited for. Where all are left alone, the call goes to the breaker that
/// opens first, which turns it away. A caller who has chosen a replica gets it.
///
/// What makes a replica's load, and whether calls stay with one, [`BalanceSettings`] say. Clones share the counts.
#[derive(Debug, Clone)]
pub struct BalanceLayer(Arc<State>);

#[derive(Debug)]
struct State {
    /// How many calls each replica has under way.
    loads: Box<[AtomicUsize]>,
    breakers: Box<[BreakerLayer]>,
    random: Mutex<Rng>,
    /// None where replicas are compared by their calls alone.
    latencies: Option<Latencies>,
    /// Which replica answered each principal last, and has not failed since; none where that does not matter.
    last: Option<Keyed<AtomicUsize>>,
}

/// What speaks for a replica; what is less comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Up,
    GoneTo,
    Down,
    LeftAlone(Duration),
}

impl BalanceLayer {
    /// Balances this many replicas, with their breakers in the same order where there are any, by the same choices for
    /// the same seed.
    #[must_use]
    pub fn seeded(
        replicas: usize,
        settings: &BalanceSettings,
        breakers: Vec<BreakerLayer>,
        seed: u64,
    ) -> Self {
        let replicas = replicas.clamp(1, MAX_REPLICAS);
        let by_latency = settings.by == BalanceBy::PeakEwma;
        Self(Arc::new(State {
            loads: (0..replicas).map(|_| AtomicUsize::new(0)).collect(),
            breakers: breakers.into(),
            random: Mutex::new(Rng::with_seed(seed)),
            latencies: by_latency.then(|| Latencies::new(replicas)),
            last: settings.sticky.then(|| Keyed::new(MAX_PRINCIPALS)),
        }))
    }

    /// How many calls each replica has under way.
    #[must_use]
    pub fn loads(&self) -> Vec<usize> {
        (0..self.0.loads.len()).map(|it| self.load(it)).collect()
    }

    fn load(&self, replica: usize) -> usize {
        let load = self.0.loads.get(replica);
        load.map_or(0, |it| it.load(Ordering::Relaxed))
    }

    fn standing<I: Inner>(&self, replica: usize, inner: &I, call: &Call) -> Standing {
        let breaker = self.0.breakers.get(replica);
        let gone_to = |it: &Transit| it.has_gone_to(replica);
        if let Some(wait) = breaker.and_then(|it| it.turns_away(call)) {
            Standing::LeftAlone(wait)
        } else if !inner.is_up(replica) {
            Standing::Down
        } else if call.context.transit.as_ref().is_some_and(gone_to) {
            Standing::GoneTo
        } else {
            Standing::Up
        }
    }

    /// Of those that are not among `tried`, the one to take a call, and how it stands; none where there is no other.
    fn choose<I: Inner>(
        &self,
        tried: &[usize],
        inner: &I,
        call: &Call,
    ) -> Option<(usize, Standing)> {
        let others = (0..self.0.loads.len()).filter(|it| !tried.contains(it));
        let all: Vec<_> = others
            .map(|it| (it, self.standing(it, inner, call)))
            .collect();
        let best = all.iter().map(|(_, standing)| *standing).min()?;
        let equals = all.into_iter().filter(|(_, it)| *it == best);
        let equals: Vec<_> = equals.map(|(it, _)| it).collect();
        let last = self.last(call).map(|it| it.load(Ordering::Relaxed));
        let stays = last.and_then(|last| equals.iter().position(|it| *it == last));
        let (first, second) = self.draw(equals.len(), stays);
        let (first, second) = (*equals.get(first)?, *equals.get(second)?);
        let [one, other] = self.compared([first, second], call);
        let bound = if stays.is_some() { OVERLOAD } else { 1.0 };
        // Of equals, the one that was drawn first.
        let chosen = if one <= other * bound { first } else { second };
        Some((chosen, best))
    }

    /// Two different ones of so many, where there are two; the first one may be settled.
    fn draw(&self, of: usize, first: Option<usize>) -> (usize, usize) {
        if of < 2 {
            return (0, 0);
        }
        let mut random = self.0.random.lock().unwrap_or_else(PoisonError::into_inner);
        let first = first.unwrap_or_else(|| random.usize(..of));
        let second = random.usize(..of - 1);
        (first, second + usize::from(second >= first))
    }

    /// What two replicas are compared by. An answer that took long counts only where it is known of both.
    fn compared(&self, both: [usize; 2], call: &Call) -> [f64; 2] {
        // One more: what counts is how it is with this call.
        let calls = both.map(|it| (self.load(it) + 1) as f64);
        let latencies = self.0.latencies.as_ref().map(|it| it.of(call));
        let Some([Some(one), Some(other)]) = latencies.map(|known| both.map(|it| known.at(it)))
        else {
            return calls;
        };
        [calls[0] * one, calls[1] * other]
    }

    /// Which replica answered the call's principal last, where that matters. Those who name none are one.
    fn last(&self, call: &Call) -> Option<Arc<AtomicUsize>> {
        let principal = call.context.principal.as_ref();
        let id = principal.map_or("", Principal::id);
        let last = self.0.last.as_ref()?;
        Some(last.get_or(id, || AtomicUsize::new(NOWHERE)))
    }

    fn are_all_left_alone(&self, call: &Call) -> bool {
        let mut breakers = self.0.breakers.iter();
        !self.0.breakers.is_empty() && breakers.all(|it| it.turns_away(call).is_some())
    }

    /// Sends a call to the replica that its context names.
    async fn send<I: Inner>(&self, inner: I, replica: usize, call: Box<Call>) -> Outcome {
        let _load = self.0.loads.get(replica).map(Load::new);
        let latencies = self.0.latencies.as_ref().map(|it| it.of(&call));
        let watch = Watch::new(replica, latencies, self.last(&call), &call.context);
        let outcome = inner.send(call).await;
        if let Some(mut watch) = watch {
            watch.ended(&outcome);
        }
        outcome
    }
}

/// A call that a replica has under way.
struct Load<'a>(&'a AtomicUsize);

impl<'a> Load<'a> {
    fn new(of: &'a AtomicUsize) -> Self {
        of.fetch_add(1, Ordering::Relaxed);
        Self(of)
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Guard for BalanceLayer {
    fn name(&self) -> &'static str {
        "balance"
    }

    async fn around<I: Inner>(&self, inner: I, mut call: Box<Call>) -> Outcome {
        let chosen = call.context.replica;
        if let Some(replica) = chosen.filter(|it| *it < self.0.loads.len()) {
            return self.send(inner, replica, call).await;
        }
        call.context.replica = None;
        let transit = call.context.transit.get_or_insert_default().clone();
        let (mut tried, mut last) = (Vec::new(), None);
        if !self.are_all_left_alone(&call)
            && let Some(preparation) = inner.preparation(&call)
        {
            Box::pin(waited(preparation, &mut call)).await?;
        }
        let remaining = Remaining::of(&call.context);
        while let Some((replica, standing)) = self.choose(&tried, &inner, &call) {
            if let (Some(error), Standing::LeftAlone(_)) = (&last, standing) {
                return Err(CallError::clone(error));
            }
            let mut attempt = call.clone();
            attempt.context.replica = Some(replica);
            remaining.hand_on(&mut attempt.context);
            transit.go_to(replica);
            match self.send(inner.clone(), replica, attempt).await {
                Err(error) if goes_elsewhere(&error) && remaining.has_time_for(Duration::ZERO) => {
                    debug!(layer = "balance", server = %call.server, replica, %error, "a call goes to another replica");
                    remaining.hold();
                    tried.push(replica);
                    last = Some(error);
                }
                outcome => return outcome,
            }
        }
        Err(last
            .unwrap_or_else(|| turned_away(&call, ErrorKind::Unavailable, "it has no replicas")))
    }
}

/// Whether a call that ended so was not sent because of the replica, so that another one may take it.
fn goes_elsewhere(error: &CallError) -> bool {
    use ErrorKind::{ConnectionClosed, Forbidden, Unauthorized, Unavailable};
    let of_replica = matches!(
        error.kind(),
        Unavailable | ConnectionClosed | Unauthorized | Forbidden
    );
    error.delivery() == Delivery::NotSent && of_replica
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
