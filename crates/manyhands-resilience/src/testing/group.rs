//! Replicas that do what a test tells them, and count what they were sent. It must not know who chooses among them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use manyhands_core::{Call, CallError, Delivery, ErrorKind, Transit};
use tokio::time::sleep;

use super::{SECOND, reply};
use crate::guard::{Inner, Outcome, Preparation};
use crate::{Stack, StackSettings, Statistics};

/// What one replica does.
#[derive(Debug)]
struct Replica {
    up: AtomicBool,
    fails: Mutex<Option<(ErrorKind, Delivery)>>,
    takes: Mutex<Duration>,
    seen: AtomicUsize,
}

/// The replicas of one server, in a script.
#[derive(Clone)]
pub(crate) struct Group(Arc<[Replica]>);

impl Group {
    pub(crate) fn of(replicas: usize) -> Self {
        let replica = |_| Replica {
            up: AtomicBool::new(true),
            fails: Mutex::default(),
            takes: Mutex::default(),
            seen: AtomicUsize::new(0),
        };
        Self((0..replicas).map(replica).collect())
    }

    pub(crate) fn down(self, replica: usize) -> Self {
        self.0[replica].up.store(false, Ordering::Relaxed);
        self
    }

    pub(crate) fn failing(self, replica: usize, kind: ErrorKind, delivery: Delivery) -> Self {
        *self.0[replica].fails.lock().unwrap() = Some((kind, delivery));
        self
    }

    pub(crate) fn slow(self, replica: usize, takes: Duration) -> Self {
        *self.0[replica].takes.lock().unwrap() = takes;
        self
    }

    pub(crate) fn heal(&self, replica: usize) {
        *self.0[replica].fails.lock().unwrap() = None;
    }

    /// How many calls each has seen since this was last asked.
    pub(crate) fn seen(&self) -> Vec<usize> {
        self.0
            .iter()
            .map(|it| it.seen.swap(0, Ordering::Relaxed))
            .collect()
    }

    pub(crate) fn stack(&self, settings: &StackSettings) -> Stack {
        Stack::of_replicas(self.0.len(), settings, &Statistics::default(), Some(7))
    }
}

impl Inner for Group {
    async fn send(self, call: Box<Call>) -> Outcome {
        let replica = &self.0[call.context.replica.unwrap()];
        replica.seen.fetch_add(1, Ordering::Relaxed);
        call.context.transit.iter().for_each(Transit::leave);
        let takes = *replica.takes.lock().unwrap();
        sleep(takes).await;
        assert!(
            replica.up.load(Ordering::Relaxed),
            "it was sent a call while it was down"
        );
        match *replica.fails.lock().unwrap() {
            Some((kind, delivery)) => Err(CallError::new(kind, delivery, "it failed")),
            None => Ok(reply(&call)),
        }
    }

    fn preparation(&self, call: &Call) -> Option<Preparation> {
        let group = self.clone();
        let which = call.context.replica;
        let is_up = match which {
            Some(replica) => self.is_up(replica),
            None => (0..self.0.len()).any(|it| self.is_up(it)),
        };
        // The last replica is the first to come up; the others never do.
        (!is_up).then(|| -> Preparation {
            Box::pin(async move {
                sleep(SECOND).await;
                let last = group.0.len() - 1;
                if which.is_some_and(|it| it != last) {
                    let cause = "it does not start";
                    return Err(CallError::new(
                        ErrorKind::Unavailable,
                        Delivery::NotSent,
                        cause,
                    ));
                }
                group.0[last].up.store(true, Ordering::Relaxed);
                Ok(())
            })
        })
    }

    fn is_up(&self, replica: usize) -> bool {
        self.0[replica].up.load(Ordering::Relaxed)
    }
}
