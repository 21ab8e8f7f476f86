//! The requests that wait for their answers, by id.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use manyhands_core::{CallEvent, Listener};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::clock::{Clock, Pause};
use super::message::RpcError;
use crate::link::Failure;

/// How a request ended at the server.
#[derive(Debug)]
pub(crate) enum Answer {
    Result(Box<RawValue>),
    Error(RpcError),
    /// It answered in a form that nobody can use; the text says which, as a lowercase fragment.
    Unusable(String),
}

/// All requests of one connection that are under way.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    last: AtomicU64,
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    by_id: BTreeMap<u64, Waiter>,
    closed: bool,
    signs: Signs,
}

#[derive(Debug)]
struct Waiter {
    answer: oneshot::Sender<Result<Answer, Failure>>,
    clock: Arc<Clock>,
    listener: Option<Listener>,
    since: Instant,
    /// Whether it is work that a caller wants done, and nothing that the protocol itself needs.
    is_work: bool,
}

/// What the requests say of the server's life.
#[derive(Debug, Default)]
struct Signs {
    /// When it last answered one, or showed progress.
    last: Option<Instant>,
    /// Since then: when the newest of the calls began whose time is over.
    given_up: Option<Instant>,
    /// Since then: how long those calls might have taken for which nobody waits any more.
    dropped: Option<Instant>,
}

/// A place to wait for one answer. Dropping it gives the place up.
pub(crate) struct Place {
    pub(crate) id: u64,
    pending: Arc<Pending>,
    answer: oneshot::Receiver<Result<Answer, Failure>>,
    /// Whether the place is still kept.
    waiting: bool,
}

impl Pending {
    /// A place for a new request; none when no answer can come any more.
    pub(crate) fn place(
        self: &Arc<Self>,
        clock: &Arc<Clock>,
        listener: Option<&Listener>,
        is_work: bool,
    ) -> Option<Place> {
        let (sender, answer) = oneshot::channel();
        let waiter = Waiter {
            answer: sender,
            clock: clock.clone(),
            listener: listener.cloned(),
            since: Instant::now(),
            is_work,
        };
        let mut waiters = self.waiters();
        if waiters.closed {
            return None;
        }
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        waiters.by_id.insert(id, waiter);
        Some(Place {
            id,
            pending: self.clone(),
            answer,
            waiting: true,
        })
    }

    /// Hands an answer to whoever waits for it; `false` when nobody does.
    pub(crate) fn answer(&self, id: u64, answer: Answer) -> bool {
        let is_awaited = self.end(id, Ok(answer));
        if is_awaited {
            self.waiters().signs.seen();
        }
        is_awaited
    }

    /// Tells whoever waits for an answer that none will come, and why.
    pub(crate) fn fail(&self, id: u64, failure: Failure) {
        // Nobody may wait any more.
        self.end(id, Err(failure));
    }

    fn end(&self, id: u64, outcome: Result<Answer, Failure>) -> bool {
        let waiter = self.waiters().by_id.remove(&id);
        waiter.is_some_and(|waiter| waiter.answer.send(outcome).is_ok())
    }

    /// The server shows that it is at work on a request.
    pub(crate) fn progress(&self, id: u64, event: CallEvent) {
        let listener = {
            let mut waiters = self.waiters();
            let Some(waiter) = waiters.by_id.get(&id) else {
                return;
            };
            waiter.clock.progressed();
            let listener = waiter.listener.clone();
            waiters.signs.seen();
            listener
        };
        if let Some(listener) = listener {
            listener.tell(event);
        }
    }

    /// Tells every listener, or that of one request, of an event.
    pub(crate) fn tell(&self, about: Option<u64>, event: &CallEvent) {
        let of_interest = |id: &u64| about.is_none_or(|about| about == *id);
        let listeners: Vec<Listener> = {
            let waiters = self.waiters();
            let chosen = waiters.by_id.iter().filter(|(id, _)| of_interest(id));
            chosen
                .filter_map(|(_, waiter)| waiter.listener.clone())
                .collect()
        };
        for listener in listeners {
            listener.tell(event.clone());
        }
    }

    /// Stops the clocks of all requests, or of one, while a person is asked.
    pub(crate) fn pause(&self, about: Option<u64>) -> Vec<Pause> {
        let waiters = self.waiters();
        let of_interest = |id: &u64| about.is_none_or(|about| about == *id);
        let chosen = waiters.by_id.iter().filter(|(id, _)| of_interest(id));
        chosen.map(|(_, waiter)| waiter.clock.pause()).collect()
    }

    /// No answer comes any more: whoever waits learns it now, and nobody waits again.
    pub(crate) fn close(&self) {
        let left = {
            let mut waiters = self.waiters();
            waiters.closed = true;
            std::mem::take(&mut waiters.by_id)
        };
        drop(left);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.waiters().closed
    }

    /// When the server last answered a request, or showed progress with one.
    pub(crate) fn last_sign(&self) -> Option<Instant> {
        self.waiters().signs.last
    }

    /// Whether the server may be at work on a call, so that its silence about anything else says nothing.
    ///
    /// Many a server does one thing at a time. Each call has a time of its own, and while that of the oldest runs, that may
    /// be what the server does. Once the time of an older call is over without a sign of life, younger calls excuse nothing:
    /// they may all be waiting for the same dead server.
    pub(crate) fn is_at_work(&self) -> bool {
        let waiters = self.waiters();
        let work = waiters.by_id.values().filter(|waiter| waiter.is_work);
        let Signs {
            given_up, dropped, ..
        } = waiters.signs;
        let oldest = work.map(|waiter| waiter.since).min();
        let is_in_time = |oldest: Instant| given_up.is_none_or(|given_up| oldest <= given_up);
        oldest.is_some_and(is_in_time) || dropped.is_some_and(|until| Instant::now() < until)
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        // A map stays a map after a panic elsewhere.
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signs {
    fn seen(&mut self) {
        *self = Self {
            last: Some(Instant::now()),
            ..Self::default()
        };
    }
}

impl Place {
    /// Says that its time is over, and gives it up.
    pub(crate) fn elapsed(&mut self) {
        self.leave(|waiter, signs| signs.given_up = signs.given_up.max(Some(waiter.since)));
    }

    fn leave(&mut self, note: impl FnOnce(&Waiter, &mut Signs)) {
        if !std::mem::take(&mut self.waiting) {
            return;
        }
        let mut waiters = self.pending.waiters();
        if let Some(waiter) = waiters.by_id.remove(&self.id).filter(|it| it.is_work) {
            note(&waiter, &mut waiters.signs);
        }
    }

    /// Waits for the answer, or for why there is none. Cancel safe.
    pub(crate) async fn outcome(&mut self) -> Option<Result<Answer, Failure>> {
        let outcome = (&mut self.answer).await.ok();
        self.waiting = false;
        outcome
    }

    /// The answer or why there is none, if that has come.
    pub(crate) fn answered(&mut self) -> Option<Result<Answer, Failure>> {
        self.answer.try_recv().ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave(|waiter, signs| signs.dropped = signs.dropped.max(Some(waiter.clock.end())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::sleep;

    #[tokio::test]
    async fn nobody_waits_for_what_cannot_come() {
        let (pending, clock) = (Arc::new(Pending::default()), Arc::new(Clock::endless()));
        let mut place = pending.place(&clock, None, true).unwrap();
        assert!(pending.answer(place.id, Answer::Unusable(String::new())));
        assert!(!pending.answer(place.id, Answer::Unusable(String::new())));
        assert!(place.outcome().await.is_some());
        let mut late = pending.place(&clock, None, true).unwrap();
        pending.close();
        assert!(late.outcome().await.is_none());
        assert!(pending.is_closed() && pending.place(&clock, None, true).is_none());
    }

    #[test]
    fn a_place_that_is_given_up_leaves_nothing() {
        let (pending, clock) = (Arc::new(Pending::default()), Arc::new(Clock::endless()));
        drop(pending.place(&clock, None, true));
        assert!(pending.waiters().by_id.is_empty());
    }

    fn waiting(pending: &Arc<Pending>, seconds: u64, is_work: bool) -> Place {
        let limit = Duration::from_secs(seconds);
        let clock = Arc::new(Clock::new(limit, limit));
        pending.place(&clock, None, is_work).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_oldest_call_in_its_time_excuses_silence() {
        let pending = Arc::new(Pending::default());
        let _needed = waiting(&pending, 1_000, false);
        assert!(
            !pending.is_at_work(),
            "the protocol's own requests are no work"
        );
        let long = waiting(&pending, 600, true);
        sleep(Duration::from_secs(1)).await;
        waiting(&pending, 30, true).elapsed();
        assert!(pending.is_at_work(), "it may still do the older one");
        let mut long = long;
        long.elapsed();
        assert!(!pending.is_at_work());
        sleep(Duration::from_secs(1)).await;
        let young = waiting(&pending, 600, true);
        assert!(!pending.is_at_work(), "it may wait for a dead server");
        assert!(pending.answer(young.id, Answer::Unusable(String::new())));
        let _next = waiting(&pending, 600, true);
        assert!(pending.is_at_work(), "it has shown a sign of life since");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_nobody_waits_for_excuses_silence_for_its_own_time() {
        let pending = Arc::new(Pending::default());
        drop(waiting(&pending, 60, true));
        assert!(pending.is_at_work() && pending.last_sign().is_none());
        sleep(Duration::from_secs(61)).await;
        assert!(!pending.is_at_work());
        drop(waiting(&pending, 60, true));
        let other = waiting(&pending, 60, false);
        pending.answer(other.id, Answer::Unusable(String::new()));
        assert!(!pending.is_at_work() && pending.last_sign() == Some(Instant::now()));
    }
}
