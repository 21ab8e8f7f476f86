//! The two questions that are asked of a call's end, each answered in one place: may it be sent again, and what does
//! it say about the server. It must not know who asks.

use manyhands_core::{CallError, Delivery, Effect, ErrorKind, ErrorType};

use crate::guard::Outcome;

/// Whether a call that ended with `error` may be sent a second time, by a retry, a hedge or a fallback.
///
/// It may when the first one was certainly not acted on, or when acting on it twice does no more than acting once.
/// Whether it is of any use is another question.
///
/// ```
/// use manyhands_core::{CallError, Delivery, Effect, ErrorKind};
/// use manyhands_resilience::may_repeat;
///
/// let lost = CallError::new(ErrorKind::ConnectionClosed, Delivery::Unknown, "the server stopped");
/// assert!(!may_repeat(Effect::Unknown, &lost));
/// assert!(may_repeat(Effect::ReadOnly, &lost));
/// ```
#[must_use]
pub fn may_repeat(effect: Effect, error: &CallError) -> bool {
    let harmless = matches!(effect, Effect::Idempotent | Effect::ReadOnly);
    let not_acted_on = match error.delivery() {
        Delivery::NotSent | Delivery::Rejected => true,
        Delivery::Unknown => false,
    };
    harmless || not_acted_on
}

/// Whether a layer of ours turned the call away, so that no server was even tried.
pub(crate) fn was_turned_away(error: &CallError) -> bool {
    let not_sent = error.delivery() == Delivery::NotSent;
    not_sent && error.is_exhausted() && error.tried().is_empty()
}

/// What the end of a call says about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is at work: it answered, if only to refuse.
    Answered,
    /// It did not do its work.
    Failed,
    /// Nothing: the call ended before it came to the server.
    Silent,
}

impl Verdict {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            // A tool's own failure too is an answer, and is not looked for: that would parse every reply.
            Ok(_) => Self::Answered,
            Err(error) => Self::of_error(error),
        }
    }

    fn of_error(error: &CallError) -> Self {
        let not_sent = error.delivery() == Delivery::NotSent;
        match (error.error_type(), error.kind()) {
            _ if was_turned_away(error) => Self::Silent,
            // A call whose time was over before it left.
            (_, ErrorKind::RateLimited | ErrorKind::DeadlineExceeded) if not_sent => Self::Silent,
            (_, ErrorKind::Misconfigured) => Self::Silent,
            (ErrorType::Transient | ErrorType::Critical, _) => Self::Failed,
            (ErrorType::Permanent | ErrorType::Authorization, _) if not_sent => Self::Silent,
            (ErrorType::Permanent | ErrorType::Authorization, _) => Self::Answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: ErrorKind, delivery: Delivery) -> Verdict {
        Verdict::of(&Err(CallError::new(kind, delivery, "it failed")))
    }

    #[test]
    fn only_what_the_server_did_speaks_about_it() {
        use Delivery::{NotSent, Rejected, Unknown};
        for (kind, delivery, expected) in [
            (ErrorKind::ConnectionClosed, Unknown, Verdict::Failed),
            (ErrorKind::Unavailable, NotSent, Verdict::Failed),
            (ErrorKind::DeadlineExceeded, Unknown, Verdict::Failed),
            (ErrorKind::DeadlineExceeded, NotSent, Verdict::Silent),
            (ErrorKind::RateLimited, Rejected, Verdict::Failed),
            (ErrorKind::RateLimited, NotSent, Verdict::Silent),
            (ErrorKind::MalformedReply, Unknown, Verdict::Failed),
            (ErrorKind::Misconfigured, NotSent, Verdict::Silent),
            (ErrorKind::InvalidArguments, NotSent, Verdict::Silent),
            (ErrorKind::InvalidArguments, Rejected, Verdict::Answered),
            (ErrorKind::Unauthorized, Rejected, Verdict::Answered),
            (ErrorKind::Refused, Unknown, Verdict::Answered),
        ] {
            assert_eq!(verdict(kind, delivery), expected, "{kind:?} {delivery:?}");
        }
        let open = CallError::new(ErrorKind::Unavailable, NotSent, "it is left alone");
        assert_eq!(Verdict::of(&Err(open.exhausted())), Verdict::Silent);
    }
}
