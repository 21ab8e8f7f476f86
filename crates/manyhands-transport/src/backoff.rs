//! Growing pauses between attempts at something that keeps ending.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(300);
/// What lasted this long was good, and the next attempt is a first one again.
const GOOD: Duration = Duration::from_secs(10);

/// Pauses of 1 s to 5 min, doubled each time, each up to a quarter longer by chance; back to 1 s after an attempt that
/// lasted 10 s, whatever came in it.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    began: Option<Instant>,
}

impl Backoff {
    /// An attempt has succeeded so far.
    pub(crate) fn begins(&mut self) {
        self.began = Some(Instant::now());
    }

    /// It ended: how long to wait before the next one.
    pub(crate) fn next(&mut self) -> Duration {
        if self
            .began
            .take()
            .is_some_and(|began| began.elapsed() >= GOOD)
        {
            self.failures = 0;
        }
        let pause = (FIRST * 2_u32.pow(self.failures.min(10))).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        pause + pause.mul_f64(fastrand::f64() / 4.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_begin_anew_after_something_good() {
        let mut backoff = Backoff::default();
        let about = |pause: Duration, seconds: u64| {
            let least = Duration::from_secs(seconds);
            assert!(pause >= least && pause <= least.mul_f64(1.25), "{pause:?}");
        };
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            backoff.begins();
            about(backoff.next(), seconds);
        }
        backoff.begins();
        tokio::time::advance(GOOD).await;
        about(backoff.next(), 1);
        about(backoff.next(), 2);
    }
}
