//! Why a request has no result, told as our errors: the one place that decides whether a server may have acted.

use manyhands_core::{AuthError, AuthErrorKind, CallError, Delivery, ErrorKind, ErrorType, clip};

use crate::diagnostics::Snapshot;
use crate::explain::evidence;
use crate::http::failure::{HttpFailure, Status};
use crate::link::Failure;
use crate::session::clock::Elapsed;
use crate::session::message::RpcError;

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
        Failure::Rpc(error) => refused(&error),
        Failure::Unusable(why) => CallError::new(ErrorKind::MalformedReply, Delivery::Unknown, why)
            .with_advice("look at the server's log"),
        Failure::InputRequired(why) => {
            CallError::new(ErrorKind::InputRequired, Delivery::Unknown, why)
                .with_advice("give what it asks for in the arguments, where the tool allows it")
        }
        Failure::Http(failure) => over_http(&failure),
        Failure::TakenOn(failure) => {
            let (code, error) = (failure.rpc_code(), classify(*failure));
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
            match code {
                Some(code) => told.with_rpc_code(code),
                None => told,
            }
        }
        // Both are told with what the connection noticed, by those who know it.
        Failure::Closed(_) | Failure::Elapsed(..) => CallError::new(
            ErrorKind::ConnectionClosed,
            Delivery::Unknown,
            "the connection was closed",
        ),
    }
}

/// The server answered with a JSON-RPC error.
fn refused(error: &RpcError) -> CallError {
    let code = error.code;
    // These codes say that the request was turned away as it stood; any other may come from halfway through.
    let delivery = match code {
        -32_700 | -32_602..=-32_600 | -32_002 | -32_022..=-32_020 => Delivery::Rejected,
        _ => Delivery::Unknown,
    };
    let error_type = if delivery == Delivery::Rejected {
        ErrorType::Permanent
    } else {
        ErrorType::Critical
    };
    let advice = match code {
        -32_602 => "correct the name or the arguments",
        -32_601 => "the server does not offer this; look at what it lists",
        -32_002 => "check the URI against the server's list of resources",
        _ => "look at the server's log",
    };
    let cause = format!("the server answered with error {code}: {}", error.message);
    CallError::new(ErrorKind::Refused, delivery, cause)
        .with_type(error_type)
        .with_advice(advice)
        .with_rpc_code(code)
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
                .with_advice("look at the server's log")
        }
        HttpFailure::Status(status) => by_status(status, delivery),
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

/// The server answered a call with an HTTP status other than success.
fn by_status(status: &Status, delivery: Delivery) -> CallError {
    let (kind, advice) = match status.code {
        401 => (
            ErrorKind::Unauthorized,
            "check the credentials in its `headers`",
        ),
        403 => (ErrorKind::Forbidden, "check what its credentials allow"),
        429 => (ErrorKind::RateLimited, "wait, then try again"),
        503 if delivery == Delivery::Rejected => (ErrorKind::Unavailable, "wait, then try again"),
        502..=504 => (
            ErrorKind::Unavailable,
            "wait, then check whether the call took effect",
        ),
        300..=499 => (ErrorKind::Refused, "check the server's URL and version"),
        _ => (ErrorKind::Refused, "look at the server's log"),
    };
    let mut cause = format!("the server answered with HTTP {}", status.code);
    if !status.text.is_empty() {
        cause.push_str(&format!(": {}", clip(&status.text, 200)));
    }
    let advice = match status.retry_after {
        Some(wait) if !wait.is_zero() => {
            advice.replacen("wait", &format!("wait {} s", wait.as_secs()), 1)
        }
        _ => advice.to_owned(),
    };
    let error = CallError::new(kind, delivery, cause)
        .with_advice(advice)
        .with_retry_after(status.retry_after);
    if status.code == 500 {
        error.with_type(ErrorType::Critical)
    } else {
        error
    }
}
