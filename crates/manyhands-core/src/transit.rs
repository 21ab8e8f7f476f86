//! What the layers that one call passes tell each other about it, while it is under way. It knows no clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// It waits in one of our own layers.
const HELD: u8 = 0;
/// The last attempt was handed on.
const LEFT: u8 = 1;
/// An earlier attempt may have been acted on, so that it no longer matters where the last one is.
const LEFT_FOR_GOOD: u8 = 2;

/// Where one call is: whether it may have left, and whether a person is being asked. Clones are about the same call.
///
/// A deadline further out reads it, to say of a call whose time is over whether it was sent. Attempts at one call come
/// one after the other here; whoever makes two at the same time says [`leave_for_good`](Self::leave_for_good) first.
#[derive(Debug, Clone, Default)]
pub struct Transit(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    place: AtomicU8,
    /// The replicas to which attempts went, one bit each.
    gone_to: AtomicU64,
    persons: AtomicUsize,
    paused_micros: AtomicU64,
}

impl Transit {
    /// Says that the call waits here and was not sent, or that what was sent is known not to have been acted on.
    pub fn hold(&self) {
        self.turn(LEFT, HELD);
    }

    /// Says that the call is handed on: from now on a server may act on it.
    pub fn leave(&self) {
        self.turn(HELD, LEFT);
    }

    /// Says that an attempt may have been acted on, whatever becomes of further ones.
    pub fn leave_for_good(&self) {
        self.0.place.store(LEFT_FOR_GOOD, Ordering::Release);
    }

    /// Whether a server may have acted on the call.
    #[must_use]
    pub fn may_have_left(&self) -> bool {
        self.0.place.load(Ordering::Acquire) != HELD
    }

    /// Says that an attempt goes to one of the server's replicas, so that another one goes elsewhere. Of those beyond
    /// the first 64 nothing is kept.
    pub fn go_to(&self, replica: usize) {
        self.0.gone_to.fetch_or(bit(replica), Ordering::AcqRel);
    }

    /// Whether an attempt went to this replica.
    #[must_use]
    pub fn has_gone_to(&self, replica: usize) -> bool {
        self.0.gone_to.load(Ordering::Acquire) & bit(replica) != 0
    }

    /// Says that a person is being asked, so that the caller's time stands still.
    pub fn ask_person(&self) {
        self.0.persons.fetch_add(1, Ordering::AcqRel);
    }

    /// Says that the person answered after `took`, or no longer will.
    pub fn person_answered(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.paused_micros.fetch_add(micros, Ordering::AcqRel);
        self.0.persons.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether a person is being asked now.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.persons.load(Ordering::Acquire) > 0
    }

    /// How long persons took so far, of those who have answered.
    #[must_use]
    pub fn paused(&self) -> Duration {
        Duration::from_micros(self.0.paused_micros.load(Ordering::Acquire))
    }

    fn turn(&self, from: u8, to: u8) {
        // What has left for good stays so, and what is there already needs nothing.
        let _ = self
            .0
            .place
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
    }
}

fn bit(replica: usize) -> u64 {
    let place = u32::try_from(replica).unwrap_or(u32::MAX);
    1_u64.checked_shl(place).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_for_good_is_never_held_again() {
        let transit = Transit::default();
        assert!(!transit.may_have_left());
        transit.leave();
        assert!(transit.clone().may_have_left());
        transit.hold();
        assert!(!transit.may_have_left());
        transit.leave_for_good();
        transit.hold();
        assert!(transit.may_have_left());
    }

    #[test]
    fn an_attempt_is_remembered_by_its_replica() {
        let transit = Transit::default();
        for replica in [1, 63, 64, usize::MAX] {
            transit.clone().go_to(replica);
        }
        let gone = [0, 1, 62, 63, 64].map(|it| transit.has_gone_to(it));
        assert_eq!(gone, [false, true, false, true, false]);
    }

    #[test]
    fn time_stands_still_while_a_person_is_asked() {
        let transit = Transit::default();
        transit.ask_person();
        assert!(transit.is_paused());
        transit.person_answered(Duration::from_secs(3));
        assert!(!transit.is_paused());
        assert_eq!(transit.paused(), Duration::from_secs(3));
    }
}
