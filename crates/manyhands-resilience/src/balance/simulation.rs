//! Both measures of load on the same calls to the same replicas, in virtual time. It must not know how either works.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use manyhands_core::Call;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::{BalanceBy, BalanceLayer, BalanceSettings};
use crate::guard::{Guard as _, Inner, Outcome};
use crate::testing::{call, reply};

/// What a call takes at a replica that is not slow.
const USUAL: Duration = Duration::from_millis(20);

/// Replicas that do four things at a time, each so many times slower than it could be.
#[derive(Clone)]
struct Farm {
    replicas: Arc<[(f64, Semaphore)]>,
    random: Arc<Mutex<Rng>>,
}

impl Farm {
    fn of(slowness: [f64; 3], seed: u64) -> Self {
        let replica = |slowness| (slowness, Semaphore::new(4));
        Self {
            replicas: slowness.map(replica).into(),
            random: Arc::new(Mutex::new(Rng::with_seed(seed))),
        }
    }
}

impl Inner for Farm {
    async fn send(self, call: Box<Call>) -> Outcome {
        let (slowness, places) = &self.replicas[call.context.replica.unwrap()];
        let _place = places.acquire().await.unwrap();
        // From half to one and a half.
        let share = 0.5 + self.random.lock().unwrap().f64();
        sleep(USUAL.mul_f64(share * slowness)).await;
        Ok(reply(&call))
    }
}

/// What 99 of a hundred calls took at the most.
async fn p99(by: BalanceBy, slowness: [f64; 3], per_second: f64, seed: u64) -> Duration {
    let settings = BalanceSettings::default().with_by(by);
    let balance = BalanceLayer::seeded(3, &settings, Vec::new(), seed);
    let farm = Farm::of(slowness, seed);
    let mut random = Rng::with_seed(seed + 100);
    let mut at = 0.0;
    let calls = (0..3_000).map(|_| {
        at -= (1.0 - random.f64()).ln() / per_second;
        let starts = Duration::from_secs_f64(at);
        let (balance, farm) = (balance.clone(), farm.clone());
        async move {
            sleep(starts).await;
            let begun = Instant::now();
            balance.around(farm, call().into()).await.unwrap();
            begun.elapsed()
        }
    });
    let mut took = join_all(calls).await;
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

#[tokio::test(start_paused = true)]
async fn by_latency_one_slow_replica_of_three_no_longer_shows() {
    for seed in 0..3 {
        let slow = [10.0, 1.0, 1.0];
        let by_calls = p99(BalanceBy::LeastLoaded, slow, 100.0, seed).await;
        let by_latency = p99(BalanceBy::PeakEwma, slow, 100.0, seed).await;
        assert!(5 * by_latency < by_calls, "{by_latency:?} {by_calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn by_latency_equal_replicas_do_as_well_as_by_calls() {
    for (seed, per_second) in [(0, 100.0), (1, 300.0), (2, 450.0)] {
        let equal = [1.0; 3];
        let by_calls = p99(BalanceBy::LeastLoaded, equal, per_second, seed).await;
        let by_latency = p99(BalanceBy::PeakEwma, equal, per_second, seed).await;
        assert!(
            by_latency < by_calls.mul_f64(1.1),
            "{by_latency:?} {by_calls:?}"
        );
    }
}
