//! Seeded faults on the way between a client and a server. It decides; the relay does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;

use crate::record::lock;
use crate::tape::Side;

/// Makes faults in what passes a [`relay`](crate::relay()), the same ones for the same seed.
///
/// A message meets one fault at most; of several that would strike, the first one of cut, half-close,
/// drop, garble, duplicate and delay does. Each probability is from 0 to 1, and 0 at first. What
/// the n-th message of a side meets depends on the seed and the settings alone, not on the
/// other side nor on time, but that it may be [ended](Self::end). Clones are the same storm: it goes on from one
/// connection to the next.
///
/// ```
/// # use std::time::Duration;
/// # use manyhands_testkit::Storm;
/// let storm = Storm::seeded(7)
///     .drop(0.05)
///     .delay(0.2, Duration::from_secs(2))
///     .sparing_first(2);
/// assert_eq!(storm.done().dropped, 0);
/// ```
#[derive(Debug, Clone)]
pub struct Storm {
    odds: Odds,
    is_over: Arc<AtomicBool>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Odds {
    drop: f64,
    delay: f64,
    max_delay: Duration,
    duplicate: f64,
    garble: f64,
    cut: f64,
    half_close: f64,
    only: Option<Side>,
    spared: usize,
}

#[derive(Debug)]
struct State {
    client: Rng,
    server: Rng,
    done: StormCount,
}

/// How many messages met what, both sides and all connections together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StormCount {
    /// Came through as they were.
    pub passed: u64,
    /// Never arrived.
    pub dropped: u64,
    /// Came late.
    pub delayed: u64,
    /// Came twice.
    pub duplicated: u64,
    /// Came as something that is no JSON.
    pub garbled: u64,
    /// Were the last of their connection.
    pub cut: u64,
    /// Were the last that came through in their direction.
    pub half_closed: u64,
}

/// What becomes of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    Drop,
    Delay(Duration),
    Duplicate,
    /// Overwritten from this byte on.
    Garble(usize),
    Cut,
    /// The last of its direction.
    HalfClose,
}

impl Storm {
    /// A storm that does nothing yet.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let mut client = Rng::with_seed(seed);
        let server = client.fork();
        let done = StormCount::default();
        Self {
            odds: Odds::default(),
            is_over: Arc::default(),
            state: Arc::new(Mutex::new(State {
                client,
                server,
                done,
            })),
        }
    }

    /// Loses messages.
    #[must_use]
    pub fn drop(mut self, probability: f64) -> Self {
        self.odds.drop = probability;
        self
    }

    /// Holds messages up, and those behind them with them, for any time up to `max`.
    #[must_use]
    pub fn delay(mut self, probability: f64, max: Duration) -> Self {
        self.odds.delay = probability;
        self.odds.max_delay = max;
        self
    }

    /// Passes messages on twice.
    #[must_use]
    pub fn duplicate(mut self, probability: f64) -> Self {
        self.odds.duplicate = probability;
        self
    }

    /// Overwrites up to eight bytes, so that the message is no JSON any more.
    #[must_use]
    pub fn garble(mut self, probability: f64) -> Self {
        self.odds.garble = probability;
        self
    }

    /// Ends the connection halfway through a message.
    #[must_use]
    pub fn cut(mut self, probability: f64) -> Self {
        self.odds.cut = probability;
        self
    }

    /// Lets a message pass as the last one in its direction, while the other direction goes on.
    #[must_use]
    pub fn half_close(mut self, probability: f64) -> Self {
        self.odds.half_close = probability;
        self
    }

    /// Strikes what this side sends, and nothing else; by default both sides suffer.
    #[must_use]
    pub fn only_from(mut self, side: Side) -> Self {
        self.odds.only = Some(side);
        self
    }

    /// Lets the first `count` messages of each side of each connection pass, such as a handshake.
    #[must_use]
    pub fn sparing_first(mut self, count: usize) -> Self {
        self.odds.spared = count;
        self
    }

    /// Lets everything pass from now on, until it [begins](Self::begin) again.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Strikes again after its [end](Self::end); at first a storm has begun.
    pub fn begin(&self) {
        self.is_over.store(false, Ordering::Relaxed);
    }

    /// What it has done so far.
    #[must_use]
    pub fn done(&self) -> StormCount {
        lock(&self.state).done
    }

    /// Decides on the next message of a side, its `index`-th on this connection, of so many bytes.
    pub(crate) fn fate(&self, from: Side, index: usize, bytes: usize) -> Fate {
        let mut state = lock(&self.state);
        let rng = match from {
            Side::Client => &mut state.client,
            Side::Server => &mut state.server,
        };
        let spared = index < self.odds.spared
            || self.odds.only.is_some_and(|side| side != from)
            || self.is_over.load(Ordering::Relaxed);
        // Drawn from even when spared, so that a setting shifts nothing but itself.
        let drawn = self.odds.draw(rng, bytes);
        let fate = if spared { Fate::Pass } else { drawn };
        let done = &mut state.done;
        *match fate {
            Fate::Pass => &mut done.passed,
            Fate::Drop => &mut done.dropped,
            Fate::Delay(_) => &mut done.delayed,
            Fate::Duplicate => &mut done.duplicated,
            Fate::Garble(_) => &mut done.garbled,
            Fate::Cut => &mut done.cut,
            Fate::HalfClose => &mut done.half_closed,
        } += 1;
        fate
    }
}

impl Odds {
    fn draw(&self, rng: &mut Rng, bytes: usize) -> Fate {
        let [cut, drop, garble, duplicate, delay, amount, half_close] =
            std::array::from_fn(|_| rng.f64());
        if cut < self.cut {
            Fate::Cut
        } else if half_close < self.half_close {
            Fate::HalfClose
        } else if drop < self.drop {
            Fate::Drop
        } else if garble < self.garble && bytes > 0 {
            // Its own generator, since how much one draw takes depends on the length.
            Fate::Garble(Rng::with_seed(amount.to_bits()).usize(..bytes))
        } else if duplicate < self.duplicate {
            Fate::Duplicate
        } else if delay < self.delay {
            Fate::Delay(self.max_delay.mul_f64(amount))
        } else {
            Fate::Pass
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stormy(seed: u64) -> Storm {
        let max = Duration::from_secs(1);
        let storm = Storm::seeded(seed).drop(0.2).delay(0.2, max);
        storm.duplicate(0.2).garble(0.2).cut(0.1).half_close(0.1)
    }

    fn fates(storm: &Storm, from: Side) -> Vec<Fate> {
        (0..200).map(|index| storm.fate(from, index, 50)).collect()
    }

    #[test]
    fn a_seed_decides_on_each_side_by_itself() {
        let (one, two) = (stormy(1), stormy(1));
        let client = fates(&one, Side::Client);
        let server = fates(&one, Side::Server);
        // In the other order, and still the same.
        assert_eq!(fates(&two, Side::Server), server);
        assert_eq!(fates(&two, Side::Client), client);
        assert_eq!(one.done(), two.done());
        assert_ne!(client, server);
        assert_ne!(fates(&stormy(2), Side::Client), client);
    }

    #[test]
    fn every_message_is_counted_once_and_about_as_often_as_told() {
        let storm = stormy(3);
        fates(&storm, Side::Client);
        let done = storm.done();
        let struck = [
            done.dropped,
            done.delayed,
            done.duplicated,
            done.garbled,
            done.cut,
            done.half_closed,
        ];
        assert_eq!(struck.iter().sum::<u64>() + done.passed, 200);
        assert!(
            struck.iter().all(|count| (5..60).contains(count)),
            "{done:?}"
        );
    }

    #[test]
    fn a_setting_shifts_nothing_but_itself() {
        let lossy = fates(&Storm::seeded(4).drop(0.3), Side::Client);
        let spared = fates(&Storm::seeded(4).drop(0.3).sparing_first(50), Side::Client);
        assert_eq!(lossy[50..], spared[50..]);
        assert!(lossy[..50].contains(&Fate::Drop) && !spared[..50].contains(&Fate::Drop));
    }

    #[test]
    fn nothing_is_struck_between_an_end_and_the_next_beginning() {
        let storm = Storm::seeded(6).drop(1.0);
        storm.clone().end();
        assert_eq!(storm.fate(Side::Client, 0, 1), Fate::Pass);
        storm.begin();
        assert_eq!(storm.fate(Side::Client, 1, 1), Fate::Drop);
    }

    #[test]
    fn the_other_side_can_be_left_alone() {
        let storm = Storm::seeded(5).drop(1.0).only_from(Side::Server);
        assert_eq!(storm.fate(Side::Client, 0, 1), Fate::Pass);
        assert_eq!(storm.fate(Side::Server, 0, 1), Fate::Drop);
    }
}
