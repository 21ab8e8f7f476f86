//! How fast and how reliable each key was of late, in bounded memory. It must not know what the keys mean.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use manyhands_core::Call;
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::guard::{Guard, Inner, Outcome, tower_layers};
use crate::keyed::{KeyBy, Keyed};
use crate::remaining::Remaining;
use crate::rule::Verdict;

/// How many calls of a key are remembered. Of 64, the slowest three are beyond the 95th percentile.
const RECENT: usize = 64;

/// The last 64 calls of each key that say how well it works: how long those took that succeeded, and how many did. Clones
/// share it.
#[derive(Debug, Clone)]
pub struct Statistics {
    keys: Arc<Keyed<Mutex<Recent>>>,
}

/// What is known of one key.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Summary {
    /// How many calls the figures are of, 64 at the most.
    pub calls: usize,
    /// Which part of them gave a result, from 0 to 1.
    ///
    /// Calls that were asked wrongly, or by somebody who may not, count for nothing here, neither as a success nor as a
    /// failure: those that the server or the tool itself refuses as `permanent` or `authorization`, such as by the
    /// JSON-RPC code -32602. All else that a server or a tool failed at counts as no success.
    pub success_rate: f64,
    /// What half of the answers took at the most; none where there were none.
    pub p50: Option<Duration>,
    /// What 95 of a hundred answers took at the most; none where there were none.
    pub p95: Option<Duration>,
}

/// All that is known, to be kept until the program runs again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatisticsSnapshot(BTreeMap<String, Recent>);

/// The last calls of one key, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    micros: VecDeque<u32>,
    answered: VecDeque<bool>,
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new(4_096)
    }
}

impl Statistics {
    /// Remembers up to `max_keys` keys; the one unused for longest is forgotten. A key takes about 400 bytes.
    #[must_use]
    pub fn new(max_keys: usize) -> Self {
        Self {
            keys: Arc::new(Keyed::new(max_keys)),
        }
    }

    /// Takes back what was kept, up to `max_keys` keys. What is too much of it is left out.
    #[must_use]
    pub fn restore(snapshot: StatisticsSnapshot, max_keys: usize) -> Self {
        let statistics = Self::new(max_keys);
        for (key, mut recent) in snapshot.0.into_iter().take(max_keys) {
            recent.bound();
            statistics.keys.get_or(&key, || Mutex::new(recent));
        }
        statistics
    }

    /// What is known of `key`; none where no call had it.
    #[must_use]
    pub fn summary(&self, key: &str) -> Option<Summary> {
        let recent = self.keys.find(key)?;
        lock(&recent).summary()
    }

    /// What 95 of a hundred answers of `key` took at the most; none where there were fewer than `least`.
    pub(crate) fn p95(&self, key: &str, least: usize) -> Option<Duration> {
        let recent = self.keys.find(key)?;
        let recent = lock(&recent);
        let enough = recent.micros.len() >= least;
        enough.then(|| percentile(&recent.sorted(), 95)).flatten()
    }

    /// What is known of every key.
    #[must_use]
    pub fn summaries(&self) -> BTreeMap<String, Summary> {
        let all = self.keys.all().into_iter();
        all.filter_map(|(key, recent)| Some((key.into(), lock(&recent).summary()?)))
            .collect()
    }

    /// All that is known, to be kept.
    #[must_use]
    pub fn snapshot(&self) -> StatisticsSnapshot {
        let all = self.keys.all().into_iter();
        StatisticsSnapshot(
            all.map(|(key, recent)| (key.into(), lock(&recent).clone()))
                .collect(),
        )
    }
}

impl StatisticsSnapshot {
    /// Leaves out every key that `keep` does not want kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|key, _| keep(key));
    }

    /// Brings together what two wrote that both began with `before`: what changed here since then stays, and all else is
    /// as `theirs` has it, up to `max_keys` keys in all.
    #[must_use]
    pub fn merged(self, before: &Self, theirs: Self, max_keys: usize) -> Self {
        let (own, unchanged): (BTreeMap<_, _>, BTreeMap<_, _>) = self
            .0
            .into_iter()
            .partition(|(key, recent)| before.0.get(key) != Some(recent));
        let mut merged = own;
        for (key, mut recent) in theirs.0.into_iter().chain(unchanged) {
            if merged.len() >= max_keys {
                break;
            }
            recent.bound();
            merged.entry(key).or_insert(recent);
        }
        Self(merged)
    }

    /// The keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Recent {
    fn record(&mut self, took: Duration, verdict: Verdict) {
        if verdict == Verdict::Silent {
            return;
        }
        let answered = verdict == Verdict::Answered;
        self.answered.push_back(answered);
        // How soon or late a failure came says nothing about how long an answer takes.
        if answered {
            self.micros
                .push_back(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
        self.bound();
    }

    fn bound(&mut self) {
        let excess = self.micros.len().saturating_sub(RECENT);
        self.micros.drain(..excess);
        let excess = self.answered.len().saturating_sub(RECENT);
        self.answered.drain(..excess);
    }

    fn sorted(&self) -> Vec<u32> {
        let mut sorted: Vec<u32> = self.micros.iter().copied().collect();
        sorted.sort_unstable();
        sorted
    }

    fn summary(&self) -> Option<Summary> {
        let calls = self.answered.len();
        if calls == 0 {
            return None;
        }
        let answered = self.answered.iter().filter(|answered| **answered).count();
        let sorted = self.sorted();
        Some(Summary {
            calls,
            success_rate: answered as f64 / calls as f64,
            p50: percentile(&sorted, 50),
            p95: percentile(&sorted, 95),
        })
    }
}

/// The smallest of the sorted times that `percent` of them do not exceed.
fn percentile(sorted: &[u32], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    let micros = sorted.get(rank.saturating_sub(1))?;
    Some(Duration::from_micros(u64::from(*micros)))
}

/// Records how long calls take and how they end, by key.
///
/// It records what lies further in: just outside of the attempt's deadline, that is what the server does, without the
/// waits in our own layers. Calls that are given up, never came to the server, or were refused for what they asked, are
/// not recorded; see [`Summary::success_rate`].
#[derive(Debug, Clone)]
pub struct StatisticsLayer {
    statistics: Statistics,
    key: KeyBy,
}

impl StatisticsLayer {
    /// Records into `statistics`, by `key`.
    #[must_use]
    pub fn new(statistics: Statistics, key: KeyBy) -> Self {
        Self { statistics, key }
    }
}

impl Guard for StatisticsLayer {
    fn name(&self) -> &'static str {
        "statistics"
    }

    async fn around<I: Inner>(&self, inner: I, call: Box<Call>) -> Outcome {
        let recent = self
            .statistics
            .keys
            .get_or(&self.key.of(&call), Mutex::default);
        let remaining = Remaining::of(&call.context);
        let outcome = inner.send(call).await;
        let (took, verdict) = (remaining.worked(), Verdict::of_work(&outcome));
        debug!(layer = "statistics", ?took, ?verdict, "a call ended");
        lock(&recent).record(took, verdict);
        outcome
    }
}

tower_layers!(StatisticsLayer);

fn lock(recent: &Mutex<Recent>) -> MutexGuard<'_, Recent> {
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
