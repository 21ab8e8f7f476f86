//! Joins two byte streams line by line, and lets a recorder and a storm at what passes.
//!
//! It knows lines, not what they mean.

use std::pin::pin;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
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
    let mut up = pin!(carry(client.0, server.1, Side::Client, &relay));
    let mut down = pin!(carry(server.0, client.1, Side::Server, &relay));
    let client_end = tokio::select! {
        biased;
        _ = &mut down => return,
        end = &mut up => end,
    };
    if let End::Closed = client_end {
        // Late answers are a courtesy: whether the server makes it in time changes nothing.
        let _ = timeout(GRACE, down).await;
    }
}

/// How one direction ended.
enum End {
    Closed,
    Cut,
}

/// Passes what one side says, and then closes the way to the other side.
async fn carry(read: impl AsyncRead, write: impl AsyncWrite, from: Side, relay: &Relay) -> End {
    let mut lines = pin!(lines::incoming(read));
    let mut write = pin!(write);
    let mut index = 0;
    while let Some(Ok(line)) = lines.next().await {
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
                let _ = write.shutdown().await;
                return End::Cut;
            }
            _ => line,
        };
        for _ in 0..times {
            let mut whole = line.clone().chain(&b"\n"[..]);
            if write.write_all_buf(&mut whole).await.is_err() || write.flush().await.is_err() {
                return End::Closed;
            }
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
