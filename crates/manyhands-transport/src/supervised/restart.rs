//! When a server that failed is started again: policy and arithmetic, without clocks or connections.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

/// How a server that failed is started again.
///
/// The first restart after a good life comes at once. Every other one waits: for [`backoff`](Self::backoff)
/// at first and twice as long each time, up to [`max_backoff`](Self::max_backoff), of which a random half
/// is left out, so that servers which fell together do not rise together.
///
/// ```
/// use std::time::Duration;
/// use manyhands_transport::Restart;
///
/// let restart = Restart::default();
/// assert_eq!((restart.attempts, restart.within), (10, Duration::from_secs(300)));
/// assert_eq!(Restart::never().attempts, 0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restart {
    /// How many restarts there may be [`within`](Self::within) a time; 10 by default, and none at all with 0.
    pub attempts: u32,
    /// The time over which restarts are counted; 5 min by default. It slides.
    pub within: Duration,
    /// The longest wait before the first restart of a row; 0.5 s by default.
    pub backoff: Duration,
    /// The longest wait before any restart; 60 s by default.
    pub max_backoff: Duration,
    /// How long a connection must have lasted for its end to begin a new row; 60 s by default.
    pub stable_after: Duration,
    /// How long a server is left alone once the attempts are spent; 5 min by default. A call after
    /// it tries once more.
    pub cool_down: Duration,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            attempts: 10,
            within: Duration::from_secs(5 * 60),
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(60),
            stable_after: Duration::from_secs(60),
            cool_down: Duration::from_secs(5 * 60),
        }
    }
}

impl Restart {
    /// No restart, ever.
    #[must_use]
    pub fn never() -> Self {
        Self {
            attempts: 0,
            ..Self::default()
        }
    }

    /// Sets how many restarts there may be within which time.
    #[must_use]
    pub fn with_budget(mut self, attempts: u32, within: Duration) -> Self {
        (self.attempts, self.within) = (attempts, within);
        self
    }

    /// Sets the longest wait before the first restart of a row, and before any.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, max: Duration) -> Self {
        (self.backoff, self.max_backoff) = (first, max);
        self
    }
}

/// What is done after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Start it again at once.
    Now,
    /// Start it again after this wait.
    After(Duration),
    /// The budget is spent.
    GiveUp,
}

/// The restarts so far, and how long the next one waits.
#[derive(Debug)]
pub(super) struct History {
    policy: Restart,
    jitter: Rng,
    /// When there were restarts, oldest first; never more than the budget allows.
    recent: VecDeque<Instant>,
    /// How many of them in a row did not lead to a good life.
    in_a_row: u32,
}

impl History {
    pub(super) fn new(policy: Restart, jitter: Rng) -> Self {
        Self {
            policy,
            jitter,
            recent: VecDeque::new(),
            in_a_row: 0,
        }
    }

    pub(super) fn policy(&self) -> &Restart {
        &self.policy
    }

    /// Decides on a failure at `now`, of a connection that had lasted for `lived`.
    pub(super) fn next(&mut self, now: Instant, lived: Duration) -> Next {
        let window = self.policy.within;
        let over = |at: &Instant| now.saturating_duration_since(*at) >= window;
        while self.recent.front().is_some_and(over) {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.policy.attempts as usize {
            return Next::GiveUp;
        }
        self.recent.push_back(now);
        if lived >= self.policy.stable_after {
            self.in_a_row = 0;
            return Next::Now;
        }
        let wait = self.wait();
        self.in_a_row = self.in_a_row.saturating_add(1);
        Next::After(wait)
    }

    fn wait(&mut self) -> Duration {
        let doubled = 2_u32.checked_pow(self.in_a_row).unwrap_or(u32::MAX);
        let longest = self.policy.backoff.saturating_mul(doubled);
        let longest = longest.min(self.policy.max_backoff);
        longest / 2 + (longest / 2).mul_f64(self.jitter.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(policy: Restart) -> History {
        History::new(policy, Rng::with_seed(7))
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn waits_double_up_to_the_longest_and_at_most_half_of_one_is_left_out() {
        let (mut history, now) = (
            history(Restart::default().with_budget(100, seconds(1))),
            Instant::now(),
        );
        for longest in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
            let Next::After(wait) = history.next(now, seconds(1)) else {
                panic!("it should wait");
            };
            let wait = wait.as_secs_f64();
            assert!(
                (longest / 2.0..=longest).contains(&wait),
                "{wait} of {longest}"
            );
        }
        history.in_a_row = u32::MAX;
        assert!(matches!(history.next(now, seconds(1)), Next::After(wait) if wait <= seconds(60)));
    }

    #[test]
    fn the_same_seed_waits_the_same_and_another_one_does_not() {
        let waits = |seed| {
            let mut history = History::new(Restart::default(), Rng::with_seed(seed));
            let now = Instant::now();
            [(); 5].map(|()| history.next(now, Duration::ZERO))
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }

    #[test]
    fn a_good_life_begins_a_new_row_with_a_restart_at_once() {
        let (mut history, now) = (history(Restart::default()), Instant::now());
        for _ in 0..4 {
            history.next(now, seconds(59));
        }
        assert_eq!(history.next(now, seconds(60)), Next::Now);
        assert!(
            matches!(history.next(now, seconds(1)), Next::After(wait) if wait <= seconds(1) / 2)
        );
    }

    #[test]
    fn the_budget_slides() {
        let policy = Restart::default().with_budget(2, seconds(10));
        let (mut history, start) = (history(policy), Instant::now());
        let mut gave_up =
            |after| history.next(start + seconds(after), Duration::ZERO) == Next::GiveUp;
        assert_eq!(
            [0, 9, 9, 10, 18, 19].map(&mut gave_up),
            [false, false, true, false, true, false]
        );
    }

    #[test]
    fn never_is_never() {
        let mut history = history(Restart::never());
        assert_eq!(history.next(Instant::now(), seconds(9_999)), Next::GiveUp);
    }
}
