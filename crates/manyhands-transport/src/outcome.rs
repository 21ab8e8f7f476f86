//! Why a request has no result, told as our errors: the one place that decides whether a server may have acted.

mod rpc;
mod status;

use std::time::Duration;

use manyhands_core::{
    AuthError, AuthErrorKind, CallError, Delivery, ErrorKind, ErrorType, Request, Rounded,
};

use crate::diagnostics::Snapshot;
use crate::explain::evidence;
use crate::http::failure::HttpFailure;
use crate::link::Failure;
use crate::session::clock::Elapsed;
use crate::session::message::TOO_LONG;

/// What to do where nobody knows whether the call took effect, and the failure passes.
const CHECK_EFFECT: &str = "wait, then check whether the call took effect before repeating it";
const LOOK_AT_LOG: &str = "look at the server's log";

/// The caller's time is over. An answer that came in a form nobody can use looks like none, and is told.
pub(crate) fn deadline(
    clock: Elapsed,
    delivery: Delivery,
    unusable: u64,
    seen: &Snapshot,
) -> CallError {
    let error = |cause| CallError::new(ErrorKind::DeadlineExceeded, delivery, cause);
    let (limit, what) = match clock {
        Elapsed::Total(limit) | Elapsed::Silent(limit) => (limit, "no answer"),
        Elapsed::Idle(limit) => (limit, "no further sign of progress"),
    };
    if delivery == Delivery::NotSent {
        return error(format!(
            "the server took nothing within {limit:?}, so it was not sent"
        ))
        .with_advice("look at why the server does not read, or try again later");
    }
    if unusable == 0 {
        return error(format!("{what} within {limit:?}")).with_advice(
            "raise the timeout if the server is only slow, and check whether the call took effect before repeating it",
        );
    }
    let what = match (seen.oversized, &seen.stray_sample) {
        (1.., _) => "over 16 MiB".to_owned(),
        (0, Some(sample)) => format!("not MCP, such as {sample:?}"),
        (0, None) => "not MCP".to_owned(),
    };
    error(format!(
        "no usable answer within {limit:?}; meanwhile {unusable} of its messages had to be dropped: {what}"
    ))
    .with_advice("check whether the call took effect, and ask for less if it answers too much")
}

/// The connection had ended before the call was made.
pub(crate) fn already_closed(seen: &Snapshot) -> CallError {
    CallError::new(
        ErrorKind::Unavailable,
        Delivery::NotSent,
        format!("{}{}", how_it_ended(seen), evidence(seen)),
    )
    .with_advice("look at its log, then start it again")
}

/// The connection ended while the call was under way.
pub(crate) fn closed_meanwhile(seen: &Snapshot) -> CallError {
    let cause = format!(
        "{} while the call was under way{}",
        how_it_ended(seen),
        evidence(seen)
    );
    CallError::new(ErrorKind::ConnectionClosed, Delivery::Unknown, cause)
        .with_advice("check whether the call took effect before repeating it")
}

/// How a connection ended, as a clause.
pub(crate) fn how_it_ended(seen: &Snapshot) -> String {
    match (&seen.exit, seen.pid) {
        (Some(status), _) => format!("the server stopped ({status})"),
        (None, Some(_)) => "the server closed its output".to_owned(),
        (None, None) => "the connection was closed".to_owned(),
    }
}

/// Sorts every other failure.
pub(crate) fn classify(failure: Failure) -> CallError {
    match failure {
        Failure::Rpc(error) => rpc::refused(&error),
        Failure::Unusable(why) => {
            let advice = match why.as_str() {
                TOO_LONG => "ask for less, and check whether the call took effect",
                _ => "look at the server's log, and check whether the call took effect",
            };
            CallError::new(ErrorKind::MalformedReply, Delivery::Unknown, why).with_advice(advice)
        }
        Failure::Cancelled(why) => CallError::new(ErrorKind::Refused, Delivery::Unknown, why)
            .with_type(ErrorType::Critical)
            .with_advice(
                "look in the server's log for why, and check whether the call took effect",
            ),
        Failure::InputRequired(why) => {
            CallError::new(ErrorKind::InputRequired, Delivery::Unknown, why)
                .with_advice("give what it asks for in the arguments, where the tool allows it")
        }
        Failure::Http(failure) => over_http(&failure),
        Failure::TakenOn(failure) => taken_on(&classify(*failure)),
        // Both are told with what the connection noticed, by those who know it.
        Failure::Closed(_) | Failure::Elapsed(..) => CallError::new(
            ErrorKind::ConnectionClosed,
            Delivery::Unknown,
            "the connection was closed",
        ),
    }
}

/// What an error means for the request that it ended.
pub(crate) fn about(request: &Request, error: CallError) -> CallError {
    match request {
        Request::ReadResource { .. } => rpc::about_uri(error),
        // Nobody asks for less of a list, nor does asking for it have an effect.
        Request::List { .. } if error.kind() == ErrorKind::MalformedReply => {
            error.with_advice(LOOK_AT_LOG)
        }
        _ => error,
    }
}

/// What became of a call once the server had taken it on as a task.
pub(crate) fn taken_on(error: &CallError) -> CallError {
    let cause = format!("the call became a task, and then {}", error.cause());
    // What turns a request away as it stood is another thing once the server has begun.
    let error_type = match error.error_type() {
        ErrorType::Permanent => ErrorType::Critical,
        other => other,
    };
    let told = CallError::new(error.kind(), Delivery::Unknown, cause)
        .with_type(error_type)
        .with_retry_after(error.retry_after())
        .with_advice("check whether the call took effect before repeating it");
    match error.rpc_code() {
        Some(code) => told.with_rpc_code(code),
        None => told,
    }
}

fn over_http(failure: &HttpFailure) -> CallError {
    let delivery = failure.delivery();
    match failure {
        HttpFailure::Unreachable(why) => CallError::new(
            ErrorKind::Unavailable,
            delivery,
            format!("nobody answers ({why})"),
        )
        .with_advice("check that the server is running, then try again"),
        HttpFailure::Tls(fault) => {
            CallError::new(ErrorKind::Unavailable, delivery, fault.cause.as_str())
                .with_advice(fault.mend)
        }
        HttpFailure::Broken(how) => CallError::new(
            ErrorKind::ConnectionClosed,
            delivery,
            format!("the connection broke off ({how})"),
        )
        .with_advice("check whether the call took effect before repeating it"),
        HttpFailure::Silent(how) => CallError::new(ErrorKind::ConnectionClosed, delivery, *how)
            .with_advice("check whether the call took effect before repeating it"),
        HttpFailure::SessionLost => CallError::new(
            ErrorKind::Unavailable,
            delivery,
            "the server forgot the session, and a new one as well",
        )
        .with_advice(
            "look at the server's log; several instances of it may not share their sessions",
        ),
        HttpFailure::Content(what) => {
            CallError::new(ErrorKind::MalformedReply, delivery, what.as_str())
                .with_advice("check the server's URL; if it is right, look at the server's log")
        }
        HttpFailure::Status(status) => status::by_status(status),
        HttpFailure::Credentials(error, _) => without_credentials(error, delivery),
    }
}

/// There are no credentials that the server takes.
fn without_credentials(error: &AuthError, delivery: Delivery) -> CallError {
    let kind = match error.kind() {
        AuthErrorKind::Unavailable => ErrorKind::Unavailable,
        AuthErrorKind::Misconfigured => ErrorKind::Misconfigured,
        AuthErrorKind::Forbidden => ErrorKind::Forbidden,
        _ => ErrorKind::Unauthorized,
    };
    CallError::new(kind, delivery, error.cause())
        .with_advice(error.mend().unwrap_or("wait, then try again"))
        .with_retry_after(error.retry_after())
}

/// An advice that begins with "wait", with how long.
fn waiting(advice: &str, retry_after: Option<Duration>) -> String {
    match (retry_after, advice.strip_prefix("wait")) {
        (Some(wait), Some(then)) if !wait.is_zero() => format!("wait {}{then}", Rounded(wait)),
        _ => advice.to_owned(),
    }
}
