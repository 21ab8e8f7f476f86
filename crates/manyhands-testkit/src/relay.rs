//! Joins two byte streams piece by piece, and lets a recorder and a storm at what passes.
//!
//! A piece is a line, or what came at once. It knows pieces, not what they mean.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use crate::lines;
use crate::recorder::Recorder;
use crate::storm::{Fate, Storm};
use crate::tape::Side;

/// How long a server may go on answering once its client has left. Clients wait about as long.
const GRACE: Duration = Duration::from_secs(1);

/// What happens to messages on their way; nothing by default.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Relay {
    /// Collects every message as its sender wrote it, before any storm.
    pub recorder: Option<Recorder>,
    /// Makes faults.
    pub storm: Option<Storm>,
}

impl Relay {
    /// Records what passes.
    #[must_use]
    pub fn with_recorder(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Makes faults in what passes.
    #[must_use]
    pub fn with_storm(mut self, storm: Storm) -> Self {
        self.storm = Some(storm);
        self
    }
}

/// Passes messages between a client and a server until either ends.
///
/// When the client ends, the server has another second for what it still has to say. A line
/// of more than 16 MiB ends the side that it comes from.
///
/// # Cancel safety
/// Dropping the future ends both connections.
pub async fn relay(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    relay: Relay,
) {
    relay_halves(tokio::io::split(client), tokio::io::split(server), relay).await;
}

/// As [`relay`] does it, over pairs of streams to read from and to write to, such as pipes.
///
/// # Cancel safety
/// Dropping the future ends both connections.
pub async fn relay_halves(
    client: (impl AsyncRead, impl AsyncWrite),
    server: (impl AsyncRead, impl AsyncWrite),
    relay: Relay,
) {
    let (up, down) = (lines::incoming(client.0), lines::incoming(server.0));
    join((up, client.1), (down, server.1), b"\n", &relay).await;
}

/// Passes pieces, each with `tail` behind it, between a client and a server until either ends.
pub(crate) async fn join(
    client: (impl Stream<Item = io::Result<Bytes>>, impl AsyncWrite),
    server: (impl Stream<Item = io::Result<Bytes>>, impl AsyncWrite),
    tail: &'static [u8],
    relay: &Relay,
) -> End {
    let mut up = pin!(carry(client.0, server.1, tail, Side::Client, relay));
    let mut down = pin!(carry(server.0, client.1, tail, Side::Server, relay));
    let client_end = tokio::select! {
        biased;
        end = &mut down => return end,
        end = &mut up => end,
    };
    match client_end {
        End::Cut => End::Cut,
        // Late answers are a courtesy: whether the server makes it in time changes nothing.
        End::Closed => timeout(GRACE, down).await.unwrap_or(End::Closed),
    }
}

/// How one direction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Cut,
}

/// Passes what one side says, and then closes the way to the other side.
async fn carry(
    pieces: impl Stream<Item = io::Result<Bytes>>,
    write: impl AsyncWrite,
    tail: &'static [u8],
    from: Side,
    relay: &Relay,
) -> End {
    let mut pieces = pin!(pieces);
    let mut write = Box::pin(write);
    let mut index = 0;
    while let Some(Ok(line)) = pieces.next().await {
        if let Some(recorder) = &relay.recorder {
            recorder.record(from, &line);
        }
        let storm = relay.storm.as_ref();
        let fate = storm.map_or(Fate::Pass, |storm| storm.fate(from, index, line.len()));
        index += 1;
        let times = match fate {
            Fate::Drop => 0,
            Fate::Duplicate => 2,
            _ => 1,
        };
        let line = match fate {
            Fate::Delay(time) => {
                sleep(time).await;
                line
            }
            Fate::Garble(at) => garbled(&line, at),
            Fate::Cut => {
                let half = line.slice(..line.len() / 2);
                // The connection is about to end either way.
                let _ = write.write_all(&half).await;
                let _ = write.flush().await;
                return End::Cut;
            }
            _ => line,
        };
        for _ in 0..times {
            let mut whole = line.clone().chain(tail);
            if write.write_all_buf(&mut whole).await.is_err() || write.flush().await.is_err() {
                return End::Closed;
            }
        }
        if fate == Fate::HalfClose {
            // Whoever is gone already needs not be told. Pipes close only as they are dropped.
            let _ = write.shutdown().await;
            drop(write);
            // The sender goes on, and nobody listens.
            while let Some(Ok(_)) = pieces.next().await {}
            return End::Closed;
        }
    }
    // Whoever is gone already needs not be told.
    let _ = write.shutdown().await;
    End::Closed
}

/// Overwrites up to eight bytes by what stands in no UTF-8, so that no JSON is left.
fn garbled(line: &[u8], at: usize) -> Bytes {
    let mut line = line.to_vec();
    line.iter_mut()
        .skip(at)
        .take(8)
        .for_each(|byte| *byte = 0xff);
    line.into()
}
