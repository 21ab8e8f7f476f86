//! What a scripted server saw: its calls and connections, and who waits for more of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How many calls are remembered, and how many bytes of arguments: the oldest are forgotten first.
const KEPT_CALLS: usize = 1_024;
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// Shared by all connections to one server.
#[derive(Debug, Default)]
pub(crate) struct Record {
    seen: Mutex<Seen>,
    stop: Mutex<CancellationToken>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Seen {
    calls: VecDeque<Seat>,
    bytes: usize,
    cancelled: usize,
    connections: usize,
    open: usize,
}

#[derive(Debug)]
struct Seat {
    call: (String, Value),
    size: usize,
}

/// Counts a connection as open until it is dropped.
pub(crate) struct Opened(Arc<Record>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.update(|seen| seen.open -= 1);
    }
}

impl Record {
    pub(crate) fn open(self: &Arc<Self>) -> Opened {
        self.update(|seen| {
            seen.connections += 1;
            seen.open += 1;
        });
        Opened(self.clone())
    }

    pub(crate) fn called(&self, name: &str, arguments: &Value, size: usize) {
        self.update(|seen| {
            let call = (name.to_owned(), arguments.clone());
            seen.calls.push_back(Seat { call, size });
            seen.bytes += size;
            while seen.calls.len() > KEPT_CALLS || seen.bytes > KEPT_BYTES {
                let Some(forgotten) = seen.calls.pop_front() else {
                    break;
                };
                seen.bytes -= forgotten.size;
            }
        });
    }

    pub(crate) fn was_cancelled(&self) {
        self.update(|seen| seen.cancelled += 1);
    }

    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        self.seen().calls.iter().map(|it| it.call.clone()).collect()
    }

    pub(crate) fn cancelled(&self) -> usize {
        self.seen().cancelled
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen().connections
    }

    pub(crate) fn open_connections(&self) -> usize {
        self.seen().open
    }

    /// Marks every change from now on as seen or not.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Cancelled when all connections that are open now should end.
    pub(crate) fn stop_token(&self) -> CancellationToken {
        lock(&self.stop).clone()
    }

    pub(crate) fn stop(&self) {
        std::mem::take(&mut *lock(&self.stop)).cancel();
    }

    fn update(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen());
        self.changes.send_replace(());
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

/// What is recorded stays readable after a panic in a test's own reply.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_oldest_calls_are_forgotten_by_count_and_by_size() {
        let record = Record::default();
        for n in 0..KEPT_CALLS + 10 {
            record.called("t", &json!(n), 10);
        }
        let calls = record.calls();
        assert_eq!((calls.len(), &calls[0].1), (KEPT_CALLS, &json!(10)));
        record.called("large", &json!({}), KEPT_BYTES - 10);
        let names: Vec<_> = record.calls().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["t", "large"]);
    }
}
