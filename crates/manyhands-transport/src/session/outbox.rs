//! What waits to be written to a server: bounded in bytes, in order, and taken back while it has not left.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// How much may wait for a server that does not read; a longer message waits alone.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// Messages on their way to one server.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Something can be taken, or nothing will come any more.
    filled: Notify,
    /// There is room again.
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<(Option<u64>, Bytes)>,
    bytes: usize,
    closed: bool,
    /// Somebody waits for room, and is to be woken when there is some.
    crowded: bool,
}

impl Queue {
    /// Whether somebody is to be woken, now that there is room.
    fn made_room(&mut self, message: &Bytes) -> bool {
        self.bytes -= message.len();
        std::mem::take(&mut self.crowded)
    }
}

/// The connection takes no more messages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl Outbox {
    /// Puts a message in line, once there is room. Dropped before that, it was not sent.
    pub(crate) async fn push(&self, id: Option<u64>, message: Bytes) -> Result<(), Closed> {
        loop {
            let room = self.emptied.notified();
            let mut room = std::pin::pin!(room);
            // Registered before the look, so that room made in between is not missed.
            room.as_mut().enable();
            if self.try_push(id, &message)? {
                return Ok(());
            }
            room.await;
        }
    }

    /// Puts a message in line if there is room.
    pub(crate) fn try_push(&self, id: Option<u64>, message: &Bytes) -> Result<bool, Closed> {
        let mut queue = self.queue();
        if queue.closed {
            return Err(Closed);
        }
        if queue.bytes > 0 && queue.bytes + message.len() > MAX_WAITING {
            queue.crowded = true;
            return Ok(false);
        }
        queue.bytes += message.len();
        queue.messages.push_back((id, message.clone()));
        drop(queue);
        self.filled.notify_one();
        Ok(true)
    }

    /// Takes a request back; `true` when none of it has left.
    pub(crate) fn take_back(&self, id: u64) -> bool {
        let mut queue = self.queue();
        let Some(at) = queue.messages.iter().position(|(it, _)| *it == Some(id)) else {
            return false;
        };
        let message = queue.messages.remove(at);
        let wake = message.is_some_and(|(_, message)| queue.made_room(&message));
        drop(queue);
        if wake {
            self.emptied.notify_waiters();
        }
        true
    }

    /// Waits for the next message and takes it; none when nothing will come any more.
    pub(crate) async fn take(&self) -> Option<Bytes> {
        loop {
            if let Some(message) = self.try_take() {
                return Some(message);
            }
            if self.queue().closed {
                return None;
            }
            self.filled.notified().await;
        }
    }

    /// Takes the next message if there is one.
    pub(crate) fn try_take(&self) -> Option<Bytes> {
        let mut queue = self.queue();
        let (_, message) = queue.messages.pop_front()?;
        let wake = queue.made_room(&message);
        drop(queue);
        if wake {
            self.emptied.notify_waiters();
        }
        Some(message)
    }

    /// Takes no further messages; those in line are still written.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.queue().closed
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A queue stays a queue after a panic elsewhere.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn what_has_not_left_is_taken_back() {
        let outbox = Outbox::default();
        outbox.push(Some(1), "one".into()).await.unwrap();
        outbox.push(Some(2), "two".into()).await.unwrap();
        assert!(outbox.take_back(1));
        assert!(!outbox.take_back(1));
        assert_eq!(outbox.take().await.unwrap(), "two");
        assert!(!outbox.take_back(2));
    }

    #[tokio::test]
    async fn a_full_outbox_makes_its_callers_wait() {
        let outbox = Outbox::default();
        let large = Bytes::from(vec![0; MAX_WAITING + 1]);
        // Alone, a message of any length passes.
        outbox.push(None, large).await.unwrap();
        assert_eq!(outbox.try_push(None, &"x".into()), Ok(false));
        let mut waiting = std::pin::pin!(outbox.push(None, "x".into()));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(outbox.take().await.is_some());
        waiting.await.unwrap();
        assert_eq!(outbox.take().await.unwrap(), "x");
    }

    #[tokio::test]
    async fn what_is_in_line_is_written_before_the_end() {
        let outbox = Outbox::default();
        outbox.push(None, "last".into()).await.unwrap();
        outbox.close();
        assert_eq!(outbox.push(None, "late".into()).await, Err(Closed));
        assert_eq!(outbox.take().await.unwrap(), "last");
        assert!(outbox.take().await.is_none());
    }
}
