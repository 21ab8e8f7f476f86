//! How long the answers of each replica took of late, tool by tool: tools of one server differ by a factor of a thousand,
//! so that all of them together would say which tools were called. It must not know what is made of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use manyhands_core::Call;
use tokio::time::Instant;

use crate::keyed::{KeyBy, Keyed};

/// How long it takes until what was measured counts for about a third of what it was.
const DECAY: Duration = Duration::from_secs(10);
/// For how many tools it is known.
const MAX_KEYS: usize = 1_024;

/// The latencies of all replicas.
#[derive(Debug)]
pub(super) struct Latencies {
    replicas: usize,
    key: KeyBy,
    tools: Keyed<OfTool>,
}

/// The latencies of all replicas for one tool.
#[derive(Debug)]
pub(super) struct OfTool(Box<[Mutex<Peak>]>);

impl Latencies {
    pub(super) fn new(replicas: usize) -> Self {
        Self {
            replicas,
            key: KeyBy::capability(),
            tools: Keyed::new(MAX_KEYS),
        }
    }

    pub(super) fn of(&self, call: &Call) -> Arc<OfTool> {
        self.tools.get_or(&self.key.of(call), || {
            let unknown = std::iter::repeat_with(Mutex::default);
            OfTool(unknown.take(self.replicas).collect())
        })
    }
}

impl OfTool {
    /// In seconds; none where nobody knows.
    pub(super) fn at(&self, replica: usize) -> Option<f64> {
        lock(self.0.get(replica)?).at(Instant::now())
    }

    /// Its answer took so long.
    pub(super) fn put(&self, replica: usize, took: Duration) {
        if let Some(peak) = self.0.get(replica) {
            lock(peak).put(took, Instant::now());
        }
    }
}

/// An average that rises at once and falls with time.
#[derive(Debug, Default)]
struct Peak(Option<(f64, Instant)>);

impl Peak {
    fn at(&self, now: Instant) -> Option<f64> {
        self.0.map(|(seconds, at)| seconds * kept(at, now))
    }

    fn put(&mut self, took: Duration, now: Instant) {
        let new = took.as_secs_f64();
        let (old, share) = self.0.map_or((0.0, 0.0), |(old, at)| (old, kept(at, now)));
        let mixed = old * share + new * (1.0 - share);
        self.0 = Some((mixed.max(new), now));
    }
}

/// How much of what was measured then still counts now.
fn kept(then: Instant, now: Instant) -> f64 {
    let since = now.saturating_duration_since(then);
    (-since.as_secs_f64() / DECAY.as_secs_f64()).exp()
}

fn lock(peak: &Mutex<Peak>) -> MutexGuard<'_, Peak> {
    peak.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SECOND, call};
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_slower_answer_counts_at_once_and_is_forgotten_with_time() {
        let known = Latencies::new(2).of(&call());
        let now = || (known.at(0).unwrap_or(-1.0) * 1_000.0).round();
        assert_eq!(known.at(0), None);
        known.put(0, SECOND / 10);
        known.put(0, SECOND);
        assert_eq!(now(), 1_000.0);
        known.put(0, SECOND / 10);
        assert_eq!(now(), 1_000.0, "one answer is no reason to trust it again");
        advance(10 * SECOND).await;
        assert_eq!(now(), 368.0);
        known.put(0, SECOND / 10);
        assert_eq!(now(), 431.0);
        assert_eq!((known.at(1), known.at(2)), (None, None));
    }
}
