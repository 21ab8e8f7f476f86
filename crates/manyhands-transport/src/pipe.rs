//! A server behind one pair of streams: a child's pipes, a socket, a duplex.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use manyhands_core::Delivery;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::frames::Frame;
use crate::link::Failure;
use crate::session::clock::Clock;
use crate::session::outbox::Outbox;
use crate::session::pending::{Answer, Pending};
use crate::session::{Outbound, Reverse, Session, notification};
use crate::wire::{Arrival, Incoming, Outgoing};

/// How long what is in line may take to be written when the connection is closed.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long a server that takes nothing any more may go on answering.
const LAST_ANSWERS: Duration = Duration::from_millis(350);

/// The sending side. Clones share it.
#[derive(Clone)]
pub(crate) struct Pipe {
    outbox: Arc<Outbox>,
}

/// The two tasks of a pipe. Dropping it ends them.
pub(crate) struct Pump {
    outbox: Arc<Outbox>,
    pending: Arc<Pending>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Pipe {
    /// Starts reading and writing.
    pub(crate) fn start(
        incoming: Incoming,
        outgoing: Outgoing,
        session: &Arc<Session>,
    ) -> (Self, Pump) {
        let outbox = Arc::new(Outbox::default());
        let pump = Pump {
            outbox: outbox.clone(),
            pending: session.pending.clone(),
            reader: tokio::spawn(read(incoming, session.clone(), outbox.clone())),
            writer: tokio::spawn(write(outgoing, outbox.clone(), session.pending.clone())),
        };
        (Self { outbox }, pump)
    }

    pub(crate) async fn exchange(
        &self,
        session: &Arc<Session>,
        outbound: &Outbound<'_>,
        clock: &Arc<Clock>,
    ) -> Result<Answer, Failure> {
        let listener = outbound.context.listener.as_ref();
        let Some(mut place) = session.pending.place(clock, listener, outbound.is_work()) else {
            return Err(Failure::Closed(Delivery::NotSent));
        };
        let body = Bytes::from(outbound.body(place.id, outbound.speaks(session)));
        let mut sent = Sent {
            outbox: &self.outbox,
            id: place.id,
            // The protocol forbids to cancel the handshake.
            cancellable: !matches!(outbound.method(), "initialize" | "server/discover"),
            state: SentState::No,
        };
        let exchange = async {
            self.outbox.push(Some(sent.id), body).await.ok()?;
            sent.state = SentState::Yes;
            place.outcome().await
        };
        match clock.run(exchange).await {
            Ok(Some(outcome)) => {
                sent.state = SentState::Answered;
                outcome
            }
            Ok(None) => Err(Failure::Closed(sent.take_back())),
            Err(elapsed) => {
                place.elapsed();
                Err(Failure::Elapsed(elapsed, sent.abandon()))
            }
        }
    }

    /// Whether the server takes nothing any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.outbox.is_closed()
    }

    /// Tells the server something; lost when it does not read.
    pub(crate) fn notify(&self, message: Vec<u8>) {
        let _ = self.outbox.try_push(None, &message.into());
    }
}

/// How far a request has come; dropped before its answer, it is taken back or cancelled.
struct Sent<'a> {
    outbox: &'a Outbox,
    id: u64,
    cancellable: bool,
    state: SentState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SentState {
    No,
    Yes,
    Answered,
}

impl Sent<'_> {
    /// Whether the server may have seen it; what has not left, never will.
    fn take_back(&mut self) -> Delivery {
        let was = std::mem::replace(&mut self.state, SentState::Answered);
        if was == SentState::No || self.outbox.take_back(self.id) {
            Delivery::NotSent
        } else {
            Delivery::Unknown
        }
    }

    /// Takes it back, or tells the server that nobody waits any more.
    fn abandon(&mut self) -> Delivery {
        let delivery = self.take_back();
        if delivery == Delivery::Unknown && self.cancellable {
            let params = json!({"requestId": self.id, "reason": "the caller no longer waits"});
            let message = notification("notifications/cancelled", &params);
            // A server that does not read learns nothing.
            let _ = self.outbox.try_push(None, &message.into());
        }
        delivery
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if self.state != SentState::Answered {
            self.abandon();
        }
    }
}

impl Reverse for Outbox {
    fn send_back(self: Arc<Self>, message: Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // A server that asks and does not read gets no queue of answers.
        let _ = self.try_push(None, &message);
        Box::pin(std::future::ready(()))
    }
}

impl Pump {
    /// Waits until no answer can come any more. Cancel safe.
    pub(crate) async fn ended(&mut self) {
        tokio::select! {
            _ = &mut self.reader => {}
            _ = &mut self.writer => {}
        }
    }

    /// Writes what is in line, then closes the server's input.
    pub(crate) async fn close(mut self) {
        self.outbox.close();
        self.pending.close();
        // A server that has closed its output reads no more either.
        if !self.reader.is_finished() && !self.writer.is_finished() {
            let _ = timeout(GOODBYE, &mut self.writer).await;
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
        self.outbox.close();
        self.pending.close();
    }
}

/// Closes a connection however its reader ends.
struct Ending {
    outbox: Arc<Outbox>,
    pending: Arc<Pending>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.outbox.close();
        self.pending.close();
    }
}

async fn read(mut incoming: Incoming, session: Arc<Session>, outbox: Arc<Outbox>) {
    let reverse: Arc<dyn Reverse> = outbox.clone();
    let _ending = Ending {
        outbox,
        pending: session.pending.clone(),
    };
    while let Some(Ok(arrival)) = incoming.next().await {
        match arrival {
            Arrival::Frame(Frame::Message(line)) => {
                let understood = session.receive(&line, None, &reverse);
                if !understood && !line.trim_ascii().is_empty() {
                    session.diagnostics.stray(&line);
                }
            }
            Arrival::Frame(Frame::Oversized { head, tail }) => {
                session.diagnostics.oversized();
                session.too_long(&head, &tail);
            }
            Arrival::Frame(Frame::OversizedEnd { tail }) => session.too_long(&[], &tail),
            Arrival::Undelivered { id, failure } => session.pending.fail(id, failure),
        }
    }
}

async fn write(mut outgoing: Outgoing, outbox: Arc<Outbox>, pending: Arc<Pending>) {
    if let Err(error) = write_all(&mut outgoing, &outbox).await {
        tracing::debug!(%error, "the server takes no more input");
        outbox.close();
        // It may still answer what it has read.
        sleep(LAST_ANSWERS).await;
        pending.close();
    }
}

async fn write_all(outgoing: &mut Outgoing, outbox: &Outbox) -> io::Result<()> {
    while let Some(message) = outbox.take().await {
        outgoing.feed(message).await?;
        while let Some(message) = outbox.try_take() {
            outgoing.feed(message).await?;
        }
        outgoing.flush().await?;
    }
    outgoing.close().await
}
