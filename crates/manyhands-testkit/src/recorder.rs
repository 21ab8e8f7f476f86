//! Collects what two sides say to each other, without their secrets.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::record::lock;
use crate::secrets;
use crate::tape::{Entry, Line, MAX_BYTES, MAX_ENTRIES, Side, Tape};

/// Collects a [`Tape`]. Clones collect the same one.
///
/// The values of keys that look secret (`token`, `API_KEY`, `authorization`, ...) are kept as
/// `"[hidden]"`. A secret that stands elsewhere is not found, so read a tape before you show it
/// to others.
#[derive(Clone)]
pub struct Recorder {
    start: Instant,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    entries: Vec<Entry>,
    bytes: usize,
    left_out: usize,
}

impl Recorder {
    /// Begins a recording, and its time.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            kept: Arc::default(),
        }
    }

    /// Adds what one side said. After 10,000 messages or 64 MiB it is left out.
    pub fn record(&self, from: Side, line: &[u8]) {
        let line = line_of(line);
        let mut kept = lock(&self.kept);
        let bytes = kept.bytes + line.len();
        // Once something is missing, what follows would make no sense.
        if kept.left_out > 0 || kept.entries.len() == MAX_ENTRIES || bytes > MAX_BYTES {
            kept.left_out += 1;
            return;
        }
        // Taken within the lock, so that times go up.
        let micros = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let at = Duration::from_micros(micros);
        kept.bytes = bytes;
        kept.entries.push(Entry { at, from, line });
    }

    /// What has been recorded so far.
    #[must_use]
    pub fn tape(&self) -> Tape {
        Tape::new(lock(&self.kept).entries.clone())
    }

    /// How many messages were left out because the tape was full.
    #[must_use]
    pub fn left_out(&self) -> usize {
        lock(&self.kept).left_out
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages = lock(&self.kept).entries.len();
        f.debug_struct("Recorder")
            .field("messages", &messages)
            .finish_non_exhaustive()
    }
}

fn line_of(line: &[u8]) -> Line {
    let text = String::from_utf8_lossy(line.trim_ascii());
    let shown = secrets::hide(&text);
    let is_json =
        std::str::from_utf8(line).is_ok() && serde_json::from_str::<&RawValue>(&shown).is_ok();
    if is_json {
        // A line break in JSON is white space, for strings have it escaped.
        Line::Json(shown.replace(['\n', '\r'], " "))
    } else {
        Line::Other(shown.into_owned())
    }
}
