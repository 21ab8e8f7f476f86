//! What a connection noticed about its server beside the protocol, for errors and for `doctor`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use manyhands_core::{Printable, Secret, clip};

use crate::hidden::Hidden;

/// How much of a server's stderr is kept: the last 32 lines of at most 512 bytes each.
const KEPT_LINES: usize = 32;
const KEPT_LINE: usize = 512;
/// How much of a stray line on stdout is shown.
const KEPT_SAMPLE: usize = 160;

/// Collects what is worth knowing when something goes wrong. Clones share what they collect.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    stray_lines: AtomicU64,
    oversized: AtomicU64,
    unasked: AtomicU64,
    text: Mutex<Text>,
}

#[derive(Debug, Default)]
struct Text {
    stderr: VecDeque<String>,
    sample: Option<String>,
    hidden: Hidden,
    pid: Option<u32>,
    exit: Option<String>,
}

/// What [`Diagnostics`] held at one moment. All text has been made printable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// How many lines on stdout, or messages, were not MCP.
    pub stray_lines: u64,
    /// The first such line, cut at 160 bytes.
    pub stray_sample: Option<String>,
    /// How many messages went past [`MAX_MESSAGE`](crate::MAX_MESSAGE) and were dropped.
    pub oversized: u64,
    /// How many answers came that nobody waited for, late ones included, and questions beyond 16 at once.
    pub unasked: u64,
    /// The last lines of stderr, oldest first.
    pub stderr: Vec<String>,
    /// The process id of a child.
    pub pid: Option<u32>,
    /// How the child ended, such as `exit status: 1`.
    pub exit: Option<String>,
}

impl Diagnostics {
    /// Counts a message that is not MCP, and keeps the first as a sample.
    pub(crate) fn stray(&self, line: &[u8]) {
        if self.0.stray_lines.fetch_add(1, Ordering::Relaxed) == 0 {
            let head = line.get(..KEPT_SAMPLE * 4).unwrap_or(line);
            let shown = self.shown(&String::from_utf8_lossy(head), KEPT_SAMPLE);
            self.text().sample = Some(shown);
        }
    }

    /// Counts an answer that nobody waits for, or a question beyond what is answered at once.
    pub(crate) fn unasked(&self) {
        self.0.unasked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn oversized(&self) {
        self.0.oversized.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages could not be used so far, for whatever reason.
    pub(crate) fn unusable(&self) -> u64 {
        self.0.stray_lines.load(Ordering::Relaxed) + self.0.oversized.load(Ordering::Relaxed)
    }

    pub(crate) fn stderr_line(&self, line: &[u8]) {
        let head = line.get(..KEPT_LINE * 4).unwrap_or(line);
        let shown = self.shown(&String::from_utf8_lossy(head), KEPT_LINE);
        if shown.trim().is_empty() {
            return;
        }
        let mut text = self.text();
        if text.stderr.len() == KEPT_LINES {
            text.stderr.pop_front();
        }
        text.stderr.push_back(shown);
    }

    /// Names values that must never be shown, whatever the server prints.
    pub(crate) fn hide<'a>(&self, values: impl IntoIterator<Item = &'a Secret>) {
        self.text().hidden = Hidden::new(values);
    }

    /// The values that must never be shown.
    pub(crate) fn hidden(&self) -> Hidden {
        self.text().hidden.clone()
    }

    pub(crate) fn spawned(&self, pid: Option<u32>) {
        self.text().pid = pid;
    }

    pub(crate) fn exited(&self, how: String) {
        self.text().exit = Some(how);
    }

    /// Copies what was collected so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let text = self.text();
        Snapshot {
            stray_lines: self.0.stray_lines.load(Ordering::Relaxed),
            stray_sample: text.sample.clone(),
            oversized: self.0.oversized.load(Ordering::Relaxed),
            unasked: self.0.unasked.load(Ordering::Relaxed),
            stderr: text.stderr.iter().cloned().collect(),
            pid: text.pid,
            exit: text.exit.clone(),
        }
    }

    fn shown(&self, line: &str, max: usize) -> String {
        let mut line = line.to_owned();
        self.text().hidden.take_out_of(&mut line);
        clip(&Printable(line.trim_end()).to_string(), max).into_owned()
    }

    fn text(&self) -> std::sync::MutexGuard<'_, Text> {
        // What is collected stays readable after a panic elsewhere.
        self.0.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// The line of stderr that most likely says why it ended: the last that speaks of an error, else the last.
    #[must_use]
    pub fn last_words(&self) -> Option<&str> {
        // What follows the error is often a stack, or advice on usage.
        let telling = |line: &&String| {
            let line = line.to_ascii_lowercase();
            ["error", "panic", "fatal", "exception"]
                .iter()
                .any(|word| line.contains(word))
        };
        let words = self
            .stderr
            .iter()
            .rev()
            .find(telling)
            .or(self.stderr.last());
        words.map(|line| line.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_is_a_ring_and_shows_no_secret_and_no_escape() {
        let diagnostics = Diagnostics::default();
        diagnostics.hide(&["s3cr3t-token".into()]);
        for n in 0..40 {
            diagnostics.stderr_line(format!("line {n}").as_bytes());
        }
        diagnostics.stderr_line(b"\x1b[31mauth with s3cr3t-token failed");
        let snapshot = diagnostics.snapshot();
        assert_eq!(snapshot.stderr.len(), KEPT_LINES);
        assert_eq!(
            snapshot.last_words(),
            Some(r"\u{1b}[31mauth with [hidden] failed")
        );
    }

    #[test]
    fn stray_lines_are_counted_and_the_first_is_kept() {
        let diagnostics = Diagnostics::default();
        diagnostics.stray(b"Server ready on stdio");
        diagnostics.stray(b"second");
        let snapshot = diagnostics.snapshot();
        assert_eq!(
            (snapshot.stray_lines, snapshot.stray_sample.as_deref()),
            (2, Some("Server ready on stdio"))
        );
    }
}
