//! An open wire to a server: whole JSON-RPC messages in both directions, and what keeps it alive.

use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Sink, Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_util::codec::{FramedRead, FramedWrite};

use crate::diagnostics::Diagnostics;
use crate::frames::{Frame, Lines, MAX_MESSAGE};
use crate::link::Failure;
use crate::stdio::Process;

pub(crate) type Incoming = Pin<Box<dyn Stream<Item = io::Result<Arrival>> + Send>>;
pub(crate) type Outgoing = Pin<Box<dyn Sink<Bytes, Error = io::Error> + Send>>;

/// Carries messages to and from one server. Dropping it ends whatever it owns.
pub struct Wire {
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    pub(crate) keeper: Keeper,
    pub(crate) diagnostics: Diagnostics,
}

/// What comes from the side of the server.
pub(crate) enum Arrival {
    /// It said something.
    Frame(Frame),
    /// A request of ours did not get there, or was turned away, and the wire goes on.
    Undelivered { id: u64, failure: Failure },
}

/// What must live as long as the wire does.
pub(crate) enum Keeper {
    Nothing,
    Process(Box<Process>),
    Task(#[expect(dead_code, reason = "held for what its drop does")] TaskGuard),
}

/// Ends a task when dropped.
pub(crate) struct TaskGuard(pub(crate) AbortHandle);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Wire {
    /// Speaks newline-delimited JSON over a byte stream, such as a socket or a duplex.
    pub fn from_io(io: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (read, write) = tokio::io::split(io);
        Self::from_halves(read, write)
    }

    /// Speaks newline-delimited JSON over two byte streams, such as a pair of pipes.
    pub fn from_halves(
        read: impl AsyncRead + Send + 'static,
        write: impl AsyncWrite + Send + 'static,
    ) -> Self {
        Self::new(
            Box::pin(FramedRead::new(read, Lines::new(MAX_MESSAGE)).map_ok(Arrival::Frame)),
            Box::pin(FramedWrite::new(write, Lines::new(MAX_MESSAGE))),
        )
    }

    /// Speaks whole messages, one JSON-RPC message per item, for transports that have
    /// message borders of their own.
    pub fn from_messages(
        incoming: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        outgoing: impl Sink<Bytes, Error = io::Error> + Send + 'static,
    ) -> Self {
        let frames = incoming.map(|message| {
            message.map(|bytes| {
                Arrival::Frame(if bytes.len() > MAX_MESSAGE {
                    Frame::oversized(&bytes)
                } else {
                    Frame::Message(bytes)
                })
            })
        });
        Self::new(Box::pin(frames), Box::pin(outgoing))
    }

    /// As [`from_messages`](Self::from_messages), for transports that know which requests did not arrive.
    pub(crate) fn from_arrivals(
        incoming: impl Stream<Item = io::Result<Arrival>> + Send + 'static,
        outgoing: impl Sink<Bytes, Error = io::Error> + Send + 'static,
    ) -> Self {
        Self::new(Box::pin(incoming), Box::pin(outgoing))
    }

    pub(crate) fn with_keeper(mut self, keeper: Keeper, diagnostics: Diagnostics) -> Self {
        self.keeper = keeper;
        self.diagnostics = diagnostics;
        self
    }

    fn new(incoming: Incoming, outgoing: Outgoing) -> Self {
        let diagnostics = Diagnostics::default();
        Self {
            incoming,
            outgoing,
            keeper: Keeper::Nothing,
            diagnostics,
        }
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
