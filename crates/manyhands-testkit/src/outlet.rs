//! Where the server's messages go: one connection's output, or one HTTP reply.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::{Sink, SinkExt as _};
use tokio::sync::mpsc;

use crate::fault::{Fault, WireFault};
use crate::script::Script;

/// How many messages may wait to be written.
const QUEUE: usize = 64;
/// What servers write to stdout between messages.
const CHATTER: [&str; 6] = [
    "Server ready on stdio",
    "",
    r#"{"level":30,"msg":"listening"}"#,
    "\u{feff}",
    "\u{1b}[33mwarn\u{1b}[0m {not json}",
    "   ",
];

/// What goes out.
#[derive(Debug)]
pub(crate) enum Frame {
    Message(Bytes),
    /// A message that may be written slowly.
    Slow(Bytes),
    /// A part of a message that never ends.
    Open(Bytes),
    /// Nothing more goes out.
    End,
}

impl From<Bytes> for Frame {
    fn from(message: Bytes) -> Self {
        Self::Message(message)
    }
}

impl Frame {
    /// The bytes of it, for what knows no slowness.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Message(text) | Self::Slow(text) | Self::Open(text) => text,
            Self::End => Bytes::new(),
        }
    }
}

/// Takes messages for one output. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    queue: mpsc::Sender<Frame>,
    used: Arc<AtomicBool>,
}

impl Outlet {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Frame>) {
        let (queue, queued) = mpsc::channel(QUEUE);
        let used = Arc::default();
        (Self { queue, used }, queued)
    }

    /// Sends a message, with the faults that all messages have.
    pub(crate) async fn send(&self, script: &Script, message: impl Into<Bytes>) {
        let message = self.spoilt(script, message.into()).await;
        self.put(Frame::Message(message)).await;
    }

    /// Sends the answer to a tool call, with the faults that such an answer has too.
    pub(crate) async fn send_answer(&self, script: &Script, answer: Bytes) {
        let mut answer = self.spoilt(script, answer).await;
        for fault in &script.faults {
            match fault {
                Fault::Wire(WireFault::InvalidUtf8) => {
                    // Within the first text, which is where a server has bytes of its own.
                    let at = answer.len().saturating_sub(6);
                    let (head, tail) = answer.split_at(at);
                    answer = [head, &[0xff], tail].concat().into();
                }
                Fault::Wire(WireFault::EndlessLine(bytes)) => {
                    let half = answer.slice(..answer.len() / 2);
                    let part = [&half, &vec![b'x'; *bytes][..]].concat();
                    return self.put(Frame::Open(part.into())).await;
                }
                Fault::Wire(WireFault::HalfAnswer) => {
                    return self
                        .put(Frame::Open(answer.slice(..answer.len() / 2)))
                        .await;
                }
                _ => {}
            }
        }
        self.put(Frame::Slow(answer)).await;
    }

    /// Closes the output; what is sent later is lost.
    pub(crate) async fn end(&self) {
        self.put(Frame::End).await;
    }

    async fn spoilt(&self, script: &Script, message: Bytes) -> Bytes {
        let chatter: &[&str] = match script.has(&Fault::ChatterOnStdout) {
            true => &CHATTER,
            false => &[],
        };
        for line in chatter {
            self.put(Frame::Message(Bytes::from_static(line.as_bytes())))
                .await;
        }
        let is_first = !self.used.swap(true, Ordering::Relaxed);
        let spoil = |message, fault: &Fault| match fault {
            Fault::Wire(fault) => fault.spoil(message, is_first),
            _ => message,
        };
        script.faults.iter().fold(message, spoil)
    }

    async fn put(&self, frame: Frame) {
        // The queue is closed once the client no longer reads, and then the session is about to end.
        let _ = self.queue.send(frame).await;
    }
}

/// Writes what is queued, until the client no longer reads.
pub(crate) async fn write(
    mut queued: mpsc::Receiver<Frame>,
    outgoing: impl Sink<Frame, Error = std::io::Error>,
) {
    let mut outgoing = pin!(outgoing);
    let mut is_open = true;
    while let Some(frame) = queued.recv().await {
        let written = match frame {
            _ if !is_open => Ok(()),
            Frame::End => {
                is_open = false;
                outgoing.close().await
            }
            frame => outgoing.send(frame).await,
        };
        if written.is_err() {
            break;
        }
    }
}
