//! Callers that never tire: they call what the catalogue holds, give up halfway now and then, and count how it ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use manyhands::Toolkit;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a call may take.
const LIMIT: Duration = Duration::from_secs(2);
/// How much later than that it may end before it counts as one that never does.
const SLACK: Duration = Duration::from_secs(10);
/// Callers of one toolkit.
const CALLERS: usize = 8;
/// One call in so many is given up by its caller.
const GIVEN_UP: usize = 10;

/// How calls ended, by the code of their error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Tally {
    pub(crate) const ANSWERED: &'static str = "answered";
    pub(crate) const NEVER: &'static str = "never ended";

    fn add(&self, what: &'static str) {
        *self.lock().entry(what).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().clone()
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.lock().get(what).copied().unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Callers at work, until they are told to stop.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

impl Load {
    pub(crate) fn on(kit: &Toolkit, rng: &mut Rng, tally: &Tally) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (kit, tally, rng) = (kit.clone(), tally.clone(), rng.fork());
            callers.spawn(call_on(kit, rng, tally, Arc::clone(&stop)));
        }
        Self { stop, callers }
    }

    /// Waits for the calls that are under way.
    pub(crate) async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.callers.join_next().await.is_some() {}
    }
}

async fn call_on(kit: Toolkit, mut rng: Rng, tally: Tally, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let catalogue = kit.catalogue();
        let count = catalogue.tools().count();
        if count == 0 {
            sleep(Duration::from_millis(20)).await;
            continue;
        }
        let name = catalogue
            .tools()
            .nth(rng.usize(..count))
            .map(|tool| tool.name().to_string());
        let text = "x".repeat(rng.usize(..8_192));
        let call = kit
            .call(name.unwrap_or_default(), json!({ "text": text }))
            .timeout(LIMIT);
        if rng.usize(..GIVEN_UP) == 0 {
            let patience = Duration::from_micros(rng.u64(..20_000));
            // Dropped in the middle, as by a user who turns away.
            let ended = timeout(patience, call.into_future()).await;
            tally.add(if ended.is_ok() {
                "ended before it was given up"
            } else {
                "given up"
            });
            continue;
        }
        let outcome = match timeout(LIMIT + SLACK, call.into_future()).await {
            Ok(Ok(_)) => Tally::ANSWERED,
            Ok(Err(error)) => error.kind().code(),
            Err(_) => Tally::NEVER,
        };
        tally.add(outcome);
        if outcome != Tally::ANSWERED {
            // A server that is down refuses at once; nobody asks it in a tight loop.
            sleep(Duration::from_millis(5)).await;
        }
    }
}
