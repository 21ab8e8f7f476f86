//! How fast and how reliable tools were, kept for the next start of the program. It must not know how that is measured.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use manyhands_discovery::ManifestFolder;
use manyhands_registry::Catalogue;
use manyhands_resilience::{Statistics, StatisticsSnapshot};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

/// How many names figures are kept of.
const MAX_NAMES: usize = 4_096;
/// How often they are written at the most.
const PAUSE: Duration = Duration::from_secs(60);
/// How long the end of a program waits for them to be written.
const LAST: Duration = Duration::from_secs(1);

/// The figures of a toolkit, and where they are kept.
pub(crate) struct Figures {
    pub(crate) statistics: Statistics,
    kept: Option<Arc<Kept>>,
}

struct Kept {
    folder: ManifestFolder,
    /// The names that were kept by an earlier start, of which some may not be listed yet.
    known: BTreeSet<String>,
    /// What was there at the start, or was measured here when they were last written.
    written: Mutex<StatisticsSnapshot>,
    /// From when on they are to be written again.
    due: Mutex<Instant>,
}

impl Figures {
    /// Figures as an earlier start left them, where there is a folder for them.
    pub(crate) fn recall(folder: Option<&ManifestFolder>) -> Self {
        let Some(folder) = folder else {
            return Self {
                statistics: Statistics::new(MAX_NAMES),
                kept: None,
            };
        };
        let snapshot = read(folder);
        let kept = Kept {
            folder: folder.clone(),
            known: snapshot.keys().map(str::to_owned).collect(),
            written: Mutex::new(snapshot.clone()),
            due: Mutex::new(Instant::now() + PAUSE),
        };
        Self {
            statistics: Statistics::restore(snapshot, MAX_NAMES),
            kept: Some(Arc::new(kept)),
        }
    }

    /// Writes them in the background where that was not done for a while. Nobody waits for a disk.
    pub(crate) fn keep_now_and_then(&self, catalogue: impl FnOnce() -> Arc<Catalogue>) {
        let Some(kept) = self.kept.as_ref().filter(|it| it.falls_due()) else {
            return;
        };
        let (kept, statistics, catalogue) = (kept.clone(), self.statistics.clone(), catalogue());
        spawn_blocking(move || kept.write(&statistics, &catalogue));
    }

    /// Writes them at the end of the program.
    pub(crate) async fn keep_at_last(&self, catalogue: Arc<Catalogue>) {
        let Some(kept) = self.kept.clone() else {
            return;
        };
        let statistics = self.statistics.clone();
        let writing = spawn_blocking(move || kept.write(&statistics, &catalogue));
        // What a disk does not take in time is lost, which costs nothing but figures.
        let _ = timeout(LAST, writing).await;
    }
}

impl Kept {
    /// Whether they are to be written now, which is true for one who asks.
    fn falls_due(&self) -> bool {
        let now = Instant::now();
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let falls_due = *due <= now;
        if falls_due {
            *due = now + PAUSE;
        }
        falls_due
    }

    fn write(&self, statistics: &Statistics, catalogue: &Catalogue) {
        let mut snapshot = statistics.snapshot();
        // Tools alone: a resource's name is a URI, which may say more than is to be written.
        let tools: BTreeSet<String> = catalogue.tools().map(|it| it.name().to_string()).collect();
        snapshot.retain(|name| tools.contains(name) || self.known.contains(name));
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *written == snapshot {
            return;
        }
        // Others may share the folder. Who writes at the same moment loses what the other wrote, which costs nothing but figures.
        let theirs = read(&self.folder);
        let merged = snapshot.clone().merged(&written, theirs, MAX_NAMES);
        let Ok(bytes) = serde_json::to_vec(&merged) else {
            return;
        };
        match self.folder.write_statistics(&bytes) {
            Ok(()) => *written = snapshot,
            Err(error) => tracing::warn!("how tools did is not remembered: failed to {error}"),
        }
    }
}

fn read(folder: &ManifestFolder) -> StatisticsSnapshot {
    let bytes = folder.read_statistics().unwrap_or_default();
    if bytes.is_empty() {
        return StatisticsSnapshot::default();
    }
    serde_json::from_slice(&bytes).unwrap_or_else(|error| {
        tracing::warn!(%error, "how tools did at an earlier start is not used: its file is not what was written");
        StatisticsSnapshot::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures_of(tools: &[&str], took: u32) -> String {
        let recent = |tool| format!(r#""{tool}":{{"micros":[{took}],"answered":[true]}}"#);
        let all: Vec<String> = tools.iter().map(recent).collect();
        format!("{{{}}}", all.join(","))
    }

    /// A program that finds the folder as it is, and measures `tools` then.
    fn measured(folder: &ManifestFolder, tools: &[&str], took: u32) -> (Arc<Kept>, Statistics) {
        let figures = Figures::recall(Some(folder));
        let measured = serde_json::from_str(&figures_of(tools, took)).expect("they are figures");
        let known = figures.statistics.snapshot();
        let measured = known.merged(&figures.statistics.snapshot(), measured, MAX_NAMES);
        let kept = figures.kept.expect("there is a folder");
        (kept, Statistics::restore(measured, MAX_NAMES))
    }

    #[tokio::test]
    async fn programs_that_share_a_folder_keep_what_the_others_measured() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = ManifestFolder::new(dir.path());
        let before = figures_of(&["s.both", "s.first", "s.second", "s.third"], 1);
        folder.write_statistics(before.as_bytes()).expect("written");
        let (first, of_first) = measured(&folder, &["s.both", "s.first"], 2);
        let (second, of_second) = measured(&folder, &["s.both", "s.second"], 3);
        let catalogue = Catalogue::default();
        first.write(&of_first, &catalogue);
        second.write(&of_second, &catalogue);
        let told = read(&folder);
        let told = serde_json::to_value(told).expect("they are figures");
        let tools = ["s.both", "s.first", "s.second", "s.third"];
        let micros = tools.map(|tool| told[tool]["micros"][0].clone());
        assert_eq!(micros, [3, 2, 3, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_written_once_a_minute_at_the_most() {
        let folder = ManifestFolder::new("there/is/no/such/folder");
        let figures = Figures::recall(Some(&folder));
        let kept = figures.kept.expect("there is a folder");
        for _ in 0..2 {
            assert!(!kept.falls_due());
            tokio::time::sleep(PAUSE).await;
            assert!(kept.falls_due());
        }
    }
}
