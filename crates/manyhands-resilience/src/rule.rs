//! The questions that are asked of a call's end, each answered in one place: may it be sent again, and what does it say
//! about the server, or about the tool. It must not know who asks.
//!
//! A tool that says itself that it failed gives a reply, not an error. Its own words count for what it does: it may have
//! acted before it failed, so that only a call that is harmless twice is sent again, and only where the tool calls the
//! failure transient. About the server they say that it is at work.

use std::time::Duration;

use manyhands_core::{CallError, Delivery, Effect, ErrorKind, ErrorType, Reply, ToolFailure};

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
    error.may_repeat(effect)
}

/// Whether a call may be made a second time while the first is under way, by a hedge.
///
/// That acting on it twice does no more than once is not enough: the one that was given up may be acted on last, after what
/// its caller did next.
pub(crate) fn may_overlap(effect: Effect) -> bool {
    effect == Effect::ReadOnly
}

/// The delivery that leaves more open: what one of several attempts may have done, the call may have done.
pub(crate) fn further(one: Delivery, other: Delivery) -> Delivery {
    match (one, other) {
        (Delivery::Unknown, _) | (_, Delivery::Unknown) => Delivery::Unknown,
        (Delivery::Rejected, _) | (_, Delivery::Rejected) => Delivery::Rejected,
        (Delivery::NotSent, Delivery::NotSent) => Delivery::NotSent,
    }
}

/// An attempt that failed, as far as that decides about another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed {
    /// Whether another attempt is safe, and may be of use.
    pub(crate) repeats: bool,
    /// How far the attempt got.
    pub(crate) delivery: Delivery,
    /// How long it is asked to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl Failed {
    /// None where there is nothing to repeat: the call succeeded, or a tool failed that is not called twice in any case.
    pub(crate) fn of(outcome: &Outcome, effect: Effect) -> Option<Self> {
        match outcome {
            Err(error) => Some(Self::of_error(error, effect)),
            // Whose second time may do harm is not even looked at.
            Ok(reply) if effect.is_harmless_twice() => reply.failure().map(Self::of_tool),
            Ok(_) => None,
        }
    }

    fn of_error(error: &CallError, effect: Effect) -> Self {
        let passes = error.error_type() == ErrorType::Transient && !error.is_exhausted();
        Self {
            repeats: passes && may_repeat(effect, error),
            delivery: error.delivery(),
            retry_after: error.retry_after(),
        }
    }

    fn of_tool(failure: &ToolFailure) -> Self {
        Self {
            repeats: failure.error_type == Some(ErrorType::Transient),
            delivery: Delivery::Unknown,
            retry_after: failure.retry_after,
        }
    }
}

/// Whether a layer of ours turned the call away, so that no server was even tried.
pub(crate) fn was_turned_away(error: &CallError) -> bool {
    let not_sent = error.delivery() == Delivery::NotSent;
    not_sent && error.is_exhausted() && error.tried().is_empty()
}

/// What the end of a call says about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is at work: it answered, if only to refuse.
    Answered,
    /// It did not do its work.
    Failed,
    /// Nothing, such as where the call ended before it came to the server.
    Silent,
}

impl Verdict {
    /// About the server: one that passes on what a tool says of itself is at work.
    #[must_use]
    pub fn of_server(outcome: &Outcome) -> Self {
        match outcome {
            Ok(_) => Self::Answered,
            Err(error) => Self::of_error(error),
        }
    }

    /// About the one tool: it does not work where it says so, rather than that the request is wrong.
    pub(crate) fn of_tool(outcome: &Outcome) -> Self {
        let failure = outcome.as_ref().ok().and_then(Reply::failure);
        match failure.and_then(|failure| failure.error_type) {
            Some(ErrorType::Transient | ErrorType::Critical) => Self::Failed,
            _ => Self::of_server(outcome),
        }
    }

    /// About how well the tool does what it is for. A request that was wrong, or that its caller was not allowed, says
    /// nothing of that, whether the server refuses it or the tool does; any other failure is one.
    pub(crate) fn of_work(outcome: &Outcome) -> Self {
        let error_type = match outcome {
            Ok(reply) if !reply.is_error() => return Self::Answered,
            Ok(reply) => reply.failure().and_then(|failure| failure.error_type),
            Err(error) => Some(error.error_type()),
        };
        match (error_type, outcome) {
            (Some(ErrorType::Permanent | ErrorType::Authorization), _) => Self::Silent,
            (_, Ok(_)) => Self::Failed,
            (_, Err(error)) => Self::of_error(error),
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
    use crate::testing::{call, reply, tool_failure};

    fn verdict(kind: ErrorKind, delivery: Delivery) -> Verdict {
        Verdict::of_server(&Err(CallError::new(kind, delivery, "it failed")))
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
        assert_eq!(Verdict::of_server(&Err(open.exhausted())), Verdict::Silent);
    }

    #[test]
    fn a_tools_own_failure_speaks_of_the_tool_and_never_of_the_server() {
        use Verdict::{Answered, Failed, Silent};
        for (class, of_tool, of_work) in [
            ("transient", Failed, Failed),
            ("critical", Failed, Failed),
            ("permanent", Answered, Silent),
            ("authorization", Answered, Silent),
            ("novel", Answered, Failed),
        ] {
            let outcome = Ok(tool_failure(&call(), class, None));
            let seen =
                [Verdict::of_server, Verdict::of_tool, Verdict::of_work].map(|of| of(&outcome));
            assert_eq!(seen, [Answered, of_tool, of_work], "{class}");
        }
        let fine = Ok(reply(&call()));
        assert_eq!(Verdict::of_tool(&fine), Answered);
        assert_eq!(Verdict::of_work(&fine), Answered);
    }

    #[test]
    fn a_refusal_counts_for_a_tools_work_as_its_own_words_of_the_same_class_do() {
        for class in [
            ErrorType::Transient,
            ErrorType::Critical,
            ErrorType::Permanent,
            ErrorType::Authorization,
        ] {
            let refused = CallError::new(ErrorKind::Refused, Delivery::Rejected, "it is refused");
            let of_server = Verdict::of_work(&Err(refused.with_type(class)));
            let of_tool = Verdict::of_work(&Ok(tool_failure(&call(), class.as_str(), None)));
            assert_eq!(of_server, of_tool, "{class:?}");
        }
    }
}
