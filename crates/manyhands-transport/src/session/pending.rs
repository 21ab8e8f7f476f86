//! The requests that wait for their answers, by id.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use manyhands_core::{CallEvent, Listener};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

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
}

#[derive(Debug)]
struct Waiter {
    answer: oneshot::Sender<Result<Answer, Failure>>,
    clock: Arc<Clock>,
    listener: Option<Listener>,
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
    ) -> Option<Place> {
        let (sender, answer) = oneshot::channel();
        let waiter = Waiter {
            answer: sender,
            clock: clock.clone(),
            listener: listener.cloned(),
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
        self.end(id, Ok(answer))
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
            let waiters = self.waiters();
            let Some(waiter) = waiters.by_id.get(&id) else {
                return;
            };
            waiter.clock.progressed();
            waiter.listener.clone()
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

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        // A map stays a map after a panic elsewhere.
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
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
        if self.waiting {
            self.pending.waiters().by_id.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_what_cannot_come() {
        let (pending, clock) = (Arc::new(Pending::default()), Arc::new(Clock::endless()));
        let mut place = pending.place(&clock, None).unwrap();
        assert!(pending.answer(place.id, Answer::Unusable(String::new())));
        assert!(!pending.answer(place.id, Answer::Unusable(String::new())));
        assert!(place.outcome().await.is_some());
        let mut late = pending.place(&clock, None).unwrap();
        pending.close();
        assert!(late.outcome().await.is_none());
        assert!(pending.is_closed() && pending.place(&clock, None).is_none());
    }

    #[test]
    fn a_place_that_is_given_up_leaves_nothing() {
        let (pending, clock) = (Arc::new(Pending::default()), Arc::new(Clock::endless()));
        drop(pending.place(&clock, None));
        assert!(pending.waiters().by_id.is_empty());
    }
}
