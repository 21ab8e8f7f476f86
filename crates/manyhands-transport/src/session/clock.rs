//! How long a call may take, by three clocks: idle, which begins anew with every sign of progress; total, which does
//! not; and both stand still while a person answers a question that the server asked.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use manyhands_core::Transit;
use tokio::time::{Instant, sleep_until};

/// Longer than any call, and short enough to be added to any instant: 10 years.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How soon a clock that stands still is looked at again, at the soonest.
const AT_LEAST: Duration = Duration::from_millis(10);

/// The time of one call.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    idle: Duration,
    total: Duration,
    now: Mutex<State>,
    /// Whose clocks further out stand still with this one.
    transit: Option<Transit>,
}

#[derive(Debug)]
struct State {
    idle_end: Instant,
    total_end: Instant,
    progressed: bool,
    /// How many persons are being asked, and since when.
    pauses: usize,
    since: Instant,
    /// How long the pauses took that are over.
    paused: Duration,
}

/// Which clock ran out, and how long it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elapsed {
    /// Nothing came for so long, after some sign of progress.
    Idle(Duration),
    /// Nothing ever came.
    Silent(Duration),
    Total(Duration),
}

impl Clock {
    pub(crate) fn new(idle: Duration, total: Duration) -> Self {
        let (idle, total) = (idle.min(FOR_EVER), total.min(FOR_EVER));
        let started = Instant::now();
        let now = State {
            idle_end: started + idle,
            total_end: started + total,
            progressed: false,
            pauses: 0,
            since: started,
            paused: Duration::ZERO,
        };
        Self {
            started,
            idle,
            total,
            now: Mutex::new(now),
            transit: None,
        }
    }

    /// Tells the layers that the call has passed when it stands still.
    pub(crate) fn with_transit(mut self, transit: Option<Transit>) -> Self {
        self.transit = transit;
        self
    }

    /// Never runs out.
    pub(crate) fn endless() -> Self {
        Self::new(FOR_EVER, FOR_EVER)
    }

    /// The server showed that it is at work.
    pub(crate) fn progressed(&self) {
        let mut state = self.state();
        state.progressed = true;
        state.idle_end = Instant::now() + self.idle;
    }

    /// Stands still until the pause is dropped.
    pub(crate) fn pause(self: &Arc<Self>) -> Pause {
        let mut state = self.state();
        if state.pauses == 0 {
            state.since = Instant::now();
            self.transit.iter().for_each(Transit::ask_person);
        }
        state.pauses += 1;
        Pause(self.clone())
    }

    /// Runs a future until it is ready or a clock has run out.
    pub(crate) async fn run<F: Future>(&self, future: F) -> Result<F::Output, Elapsed> {
        let mut future = std::pin::pin!(future);
        let mut end = self.end();
        let mut timer = std::pin::pin!(sleep_until(end));
        loop {
            tokio::select! {
                biased;
                output = &mut future => return Ok(output),
                () = &mut timer => {
                    // Ends only ever move away, so it is enough to look when the old one is there.
                    let later = self.end();
                    if later <= end {
                        return Err(self.which());
                    }
                    end = later;
                    timer.as_mut().reset(end);
                }
            }
        }
    }

    /// How long ago it was made, pauses and all.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long it stood still.
    pub(crate) fn paused(&self) -> Duration {
        self.state().paused
    }

    /// When to look at the clocks again.
    pub(crate) fn end(&self) -> Instant {
        let state = self.state();
        let end = state.idle_end.min(state.total_end);
        if state.pauses == 0 {
            return end;
        }
        // Nobody knows when the pause ends, only that this much is left then.
        Instant::now() + end.saturating_duration_since(state.since).max(AT_LEAST)
    }

    fn which(&self) -> Elapsed {
        let state = self.state();
        if state.total_end <= state.idle_end {
            Elapsed::Total(self.total)
        } else if !state.progressed {
            Elapsed::Silent(self.idle)
        } else {
            Elapsed::Idle(self.idle)
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Instants stay instants after a panic elsewhere.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As long as it lives, its clock stands still.
pub(crate) struct Pause(Arc<Clock>);

impl Drop for Pause {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.pauses -= 1;
        if state.pauses == 0 {
            let paused = state.since.elapsed();
            state.idle_end += paused;
            state.total_end += paused;
            state.paused += paused;
            if let Some(transit) = &self.0.transit {
                transit.person_answered(paused);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use tokio::time::sleep;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    async fn end_of(clock: &Clock) -> (Duration, Elapsed) {
        let started = Instant::now();
        let elapsed = clock.run(pending::<()>()).await.unwrap_err();
        (started.elapsed(), elapsed)
    }

    fn is(found: (Duration, Elapsed), at: Duration, elapsed: Elapsed) {
        // A paused clock moves in steps of a millisecond.
        assert!(
            found.0.abs_diff(at) <= Duration::from_millis(2),
            "{found:?}"
        );
        assert_eq!(found.1, elapsed);
    }

    #[tokio::test(start_paused = true)]
    async fn the_shorter_clock_ends_the_call() {
        is(
            end_of(&Clock::new(s(5), s(9))).await,
            s(5),
            Elapsed::Silent(s(5)),
        );
        is(
            end_of(&Clock::new(s(9), s(5))).await,
            s(5),
            Elapsed::Total(s(5)),
        );
        assert_eq!(Clock::new(s(1), s(1)).run(async { 7 }).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn progress_moves_the_idle_clock_only() {
        let clock = Arc::new(Clock::new(s(5), s(12)));
        let progress = clock.clone();
        tokio::spawn(async move {
            loop {
                sleep(s(4)).await;
                progress.progressed();
            }
        });
        is(end_of(&clock).await, s(12), Elapsed::Total(s(12)));
    }

    #[tokio::test(start_paused = true)]
    async fn both_stand_still_while_somebody_is_asked() {
        let clock = Arc::new(Clock::new(s(5), s(9)));
        let asked = clock.clone();
        tokio::spawn(async move {
            sleep(s(2)).await;
            let pause = asked.pause();
            sleep(s(1)).await;
            let second = asked.pause();
            drop(pause);
            sleep(s(100)).await;
            drop(second);
        });
        is(end_of(&clock).await, s(106), Elapsed::Silent(s(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_further_out_learns_how_long_persons_were_asked() {
        let transit = Transit::default();
        let clock = Clock::new(s(5), s(9)).with_transit(Some(transit.clone()));
        let clock = Arc::new(clock);
        let (first, second) = (clock.pause(), clock.pause());
        sleep(s(2)).await;
        drop(first);
        assert!(transit.is_paused());
        sleep(s(1)).await;
        drop(second);
        assert!(!transit.is_paused());
        assert_eq!((transit.paused(), clock.paused()), (s(3), s(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_without_end_is_no_overflow() {
        let clock = Clock::new(Duration::MAX, Duration::MAX);
        assert_eq!(clock.run(sleep(s(3600 * 24 * 365))).await, Ok(()));
    }
}
