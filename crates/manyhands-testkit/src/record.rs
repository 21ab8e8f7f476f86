//! What a scripted server saw: its calls and connections, and who waits for more of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// How many calls are remembered, and how many bytes of arguments: the oldest are forgotten first.
const KEPT_CALLS: usize = 1_024;
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// How many methods are counted, each by its name.
const KEPT_METHODS: usize = 64;
/// How much a client may lag behind before it misses what the server says.
const NEWS: usize = 1_024;

/// Shared by all connections to one server.
#[derive(Debug)]
pub(crate) struct Record {
    seen: Mutex<Seen>,
    stop: Mutex<CancellationToken>,
    changes: watch::Sender<()>,
    news: broadcast::Sender<Value>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            seen: Mutex::default(),
            stop: Mutex::default(),
            changes: watch::Sender::default(),
            news: broadcast::Sender::new(NEWS),
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    calls: VecDeque<Seat>,
    bytes: usize,
    cancelled: usize,
    connections: usize,
    open: usize,
    asked: BTreeMap<String, usize>,
    answered: usize,
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

    /// Counts a request or notification.
    pub(crate) fn asked(&self, method: &str) {
        self.update(|seen| {
            if let Some(count) = seen.asked.get_mut(method) {
                *count += 1;
            } else if seen.asked.len() < KEPT_METHODS {
                seen.asked.insert(method.to_owned(), 1);
            }
        });
    }

    /// Counts an answer to what the server asked.
    pub(crate) fn answered(&self) {
        self.update(|seen| seen.answered += 1);
    }

    pub(crate) fn times_asked(&self, method: &str) -> usize {
        self.seen().asked.get(method).copied().unwrap_or_default()
    }

    pub(crate) fn times_answered(&self) -> usize {
        self.seen().answered
    }

    /// Where the server's own news are told.
    pub(crate) fn news(&self) -> &broadcast::Sender<Value> {
        &self.news
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
