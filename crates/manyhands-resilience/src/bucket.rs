//! A token bucket: what a budget of retries and a rate limit have in common. It must not know what a token is for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many calls may be made beside those that are asked for: so many for each hundred of these, each minute in any case,
/// and at once.
#[derive(Debug)]
pub(crate) struct Budget {
    share: f64,
    bucket: Mutex<Bucket>,
}

impl Budget {
    /// A full budget.
    pub(crate) fn new(percent: u32, per_minute: u32, burst: u32) -> Self {
        let (burst, per_second) = (f64::from(burst), f64::from(per_minute) / 60.0);
        Self {
            share: f64::from(percent) / 100.0,
            bucket: Mutex::new(Bucket::new(burst, per_second, Instant::now())),
        }
    }

    /// Counts a call that was asked for.
    pub(crate) fn deposit(&self) {
        self.lock().put(self.share);
    }

    /// Takes what one more call costs, if it is there.
    pub(crate) fn draw(&self) -> bool {
        self.lock().try_take(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tokens that come back with time.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    tokens: f64,
    capacity: f64,
    per_second: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(capacity: f64, per_second: f64, now: Instant) -> Self {
        Self {
            tokens: capacity,
            capacity,
            per_second,
            at: now,
        }
    }

    /// Puts tokens in, as far as there is room.
    pub(crate) fn put(&mut self, tokens: f64) {
        self.tokens = (self.tokens + tokens).min(self.capacity);
    }

    /// Takes a token if there is a whole one.
    pub(crate) fn try_take(&mut self, now: Instant) -> bool {
        let there = self.wait(now).is_zero();
        if there {
            self.tokens -= 1.0;
        }
        there
    }

    /// Takes a token that will be there within `longest`, in debt until then: how long to wait for it, or how long it
    /// would have been. Whoever comes later waits longer, so that nobody is overtaken.
    pub(crate) fn reserve(
        &mut self,
        longest: Duration,
        now: Instant,
    ) -> Result<Duration, Duration> {
        let wait = self.wait(now);
        if wait > longest {
            return Err(wait);
        }
        self.tokens -= 1.0;
        Ok(wait)
    }

    /// How long it takes until there is a whole token.
    fn wait(&mut self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.at);
        self.at = now.max(self.at);
        self.put(since.as_secs_f64() * self.per_second);
        // Rounding must not ask for a wait of a few nanoseconds, which a timer makes a millisecond.
        let missing = 1.0 - self.tokens;
        if missing <= 1e-6 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(missing / self.per_second).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_then_its_rate() {
        let now = Instant::now();
        let mut bucket = Bucket::new(2.0, 4.0, now);
        assert!(bucket.try_take(now) && bucket.try_take(now) && !bucket.try_take(now));
        let later = now + Duration::from_millis(250);
        assert!(bucket.try_take(later) && !bucket.try_take(later));
        let much_later = later + Duration::from_secs(3_600);
        let taken = (0..9).filter(|_| bucket.try_take(much_later)).count();
        assert_eq!(taken, 2, "no more than the bucket holds");
    }

    #[tokio::test(start_paused = true)]
    async fn reservations_line_up_and_a_long_one_takes_nothing() {
        let now = Instant::now();
        let mut bucket = Bucket::new(1.0, 2.0, now);
        let second = Duration::from_secs(1);
        let half = Duration::from_millis(500);
        assert_eq!(bucket.reserve(second, now), Ok(Duration::ZERO));
        assert_eq!(bucket.reserve(second, now), Ok(half));
        assert_eq!(bucket.reserve(second, now), Ok(second));
        assert_eq!(bucket.reserve(second, now), Err(3 * half));
        bucket.put(1.0);
        assert_eq!(bucket.reserve(second, now), Ok(second));
    }
}
