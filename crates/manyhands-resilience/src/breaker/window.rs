//! How many of the calls of late failed: a ring of counts that time moves on. It must not know what failing means.

use std::time::Duration;

use tokio::time::Instant;

/// In how many parts a window slides: a tenth of the window is how late a call is forgotten.
const PARTS: u64 = 10;

/// The calls within a time that slides.
#[derive(Debug, Clone)]
pub(super) struct Window {
    start: Instant,
    part: Duration,
    /// The number of the part that counts now, from the start.
    now: u64,
    parts: [Counts; PARTS as usize],
}

/// Calls, and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) failures: u64,
}

impl Window {
    pub(super) fn new(length: Duration, start: Instant) -> Self {
        Self {
            start,
            part: (length / PARTS as u32).max(Duration::from_millis(1)),
            now: 0,
            parts: [Counts::default(); PARTS as usize],
        }
    }

    pub(super) fn record(&mut self, failed: bool, now: Instant) {
        self.slide(now);
        let counts = self.part_of(self.now);
        counts.calls += 1;
        counts.failures += u64::from(failed);
    }

    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        self.slide(now);
        let add = |sum: Counts, part: &Counts| Counts {
            calls: sum.calls + part.calls,
            failures: sum.failures + part.failures,
        };
        self.parts.iter().fold(Counts::default(), add)
    }

    pub(super) fn clear(&mut self) {
        self.parts = [Counts::default(); PARTS as usize];
    }

    /// Empties the parts that time has come round to again; after a long time that is all of them, and no more.
    fn slide(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.start);
        let part = since.as_nanos() / self.part.as_nanos();
        let part = u64::try_from(part).unwrap_or(u64::MAX);
        let passed = part.saturating_sub(self.now).min(PARTS);
        for offset in 0..passed {
            *self.part_of(part - offset) = Counts::default();
        }
        self.now = self.now.max(part);
    }

    fn part_of(&mut self, part: u64) -> &mut Counts {
        let position = (part % PARTS) as usize;
        self.parts
            .get_mut(position)
            .expect("a remainder is less than its divisor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_is_forgotten_when_the_window_has_passed_it() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut window = Window::new(10 * second, start);
        window.record(true, start);
        window.record(false, start + 5 * second);
        let both = Counts {
            calls: 2,
            failures: 1,
        };
        let one = Counts {
            calls: 1,
            failures: 0,
        };
        assert_eq!(window.counts(start + 9 * second), both);
        assert_eq!(window.counts(start + 10 * second), one);
        assert_eq!(window.counts(start + 1_000_000 * second), Counts::default());
    }
}
