//! Why a server could not be connected, in words: what was seen, and what to do about it.

use std::time::Duration;

use manyhands_core::{AuthError, AuthErrorKind, clip};

use crate::diagnostics::Snapshot;
use crate::error::{ConnectErrorKind, OpenError};
use crate::handshake::Refusal;
use crate::http::failure::{HttpFailure, Status};
use crate::link::Failure;
use crate::session::message::RpcError;

/// Whether a greeting failed because the connection ended.
pub(crate) fn is_closed(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Failed {
            failure: Failure::Closed(_),
            ..
        }
    )
}

/// Says why a server behind pipes or a socket could not be greeted.
pub(crate) fn on_wire(refusal: &Refusal, seen: &Snapshot, child: bool) -> OpenError {
    match refusal {
        Refusal::Failed {
            failure: Failure::Rpc(error),
            ..
        } => refused(error).with_mend("update the server, or check that its settings are complete"),
        Refusal::Failed {
            failure: Failure::Closed(_),
            ..
        } => closed_early(seen, child),
        Refusal::NoCommonVersion(versions) => no_common_version(versions),
        Refusal::Failed {
            failure: Failure::Http(failure),
            ..
        } => of_http(failure, "the address that it gave for messages"),
        other => OpenError::new(
            ConnectErrorKind::NotMcp,
            format!("its answer to the handshake is not MCP ({})", told(other)),
        )
        .with_mend(if child {
            "check that the command starts an MCP server"
        } else {
            "check that an MCP server answers there"
        }),
    }
}

/// Says why a server at a URL could not be greeted.
pub(crate) fn over_http(refusal: &Refusal, url: &str) -> OpenError {
    let failure = match refusal {
        Refusal::NoCommonVersion(versions) => return no_common_version(versions),
        Refusal::NotMcp(_) => {
            return not_mcp(format!(
                "what answers at {url} does not speak MCP ({})",
                told(refusal)
            ));
        }
        Refusal::Failed { failure, .. } => failure,
    };
    match failure {
        Failure::Rpc(error) => refused(error).with_mend("check the URL, and update the server"),
        Failure::Http(failure) => of_http(failure, url),
        _ => not_mcp(format!(
            "the handshake with {url} failed ({})",
            told(refusal)
        )),
    }
}

/// Says what HTTP did wrong on the way to a server.
pub(crate) fn of_http(failure: &HttpFailure, url: &str) -> OpenError {
    match failure {
        HttpFailure::Status(status) => explain_status(status, url),
        HttpFailure::Credentials(error, _) => without_credentials(error, url),
        HttpFailure::Content(what) => not_mcp(format!("{url} {what}")),
        HttpFailure::Unreachable(why) => OpenError::new(
            ConnectErrorKind::Unreachable,
            format!("nobody answers at {url} ({why})"),
        )
        .with_mend("check the URL, and that the server is running and can be reached from here"),
        HttpFailure::Tls(fault) => OpenError::new(
            ConnectErrorKind::Tls,
            format!("no TLS connection to {url} was made: {}", fault.cause),
        )
        .with_mend(fault.mend),
        HttpFailure::Broken(how) => OpenError::new(
            ConnectErrorKind::Unreachable,
            format!("the connection to {url} broke off ({how})"),
        )
        .with_mend("try again; look at the server's log if it stays so"),
        HttpFailure::Silent(how) => not_mcp(format!("the handshake with {url} failed: {how}")),
        HttpFailure::SessionLost => not_mcp(format!("{url} forgets its sessions")),
    }
}

/// Says why there are no credentials that a server takes.
pub(crate) fn without_credentials(error: &AuthError, url: &str) -> OpenError {
    let kind = match error.kind() {
        AuthErrorKind::Unavailable => ConnectErrorKind::Unreachable,
        AuthErrorKind::Misconfigured => ConnectErrorKind::Settings,
        AuthErrorKind::Forbidden => ConnectErrorKind::Forbidden,
        _ => ConnectErrorKind::Unauthorized,
    };
    let cause = format!("{url} wants credentials: {}", error.cause());
    let told = OpenError::new(kind, cause).with_retry_after(error.retry_after());
    match error.mend() {
        Some(mend) => told.with_mend(mend),
        None => told,
    }
}

fn refused(error: &RpcError) -> OpenError {
    OpenError::new(
        ConnectErrorKind::Incompatible,
        format!(
            "it refused the handshake (error {}: {})",
            error.code,
            clip(&error.message, 200)
        ),
    )
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotMcp(why)
        | Refusal::Failed {
            failure: Failure::Unusable(why) | Failure::InputRequired(why),
            ..
        } => clip(why, 200).into_owned(),
        _ => "the answer did not come".to_owned(),
    }
}

fn explain_status(answer: &Status, url: &str) -> OpenError {
    let status = answer.code;
    let (kind, mend) = match status {
        401 | 403 => (
            ConnectErrorKind::Unauthorized,
            "put its credentials into `headers`, such as \"Authorization\": \"Bearer ${TOKEN}\"",
        ),
        300..=399 => (
            ConnectErrorKind::HttpStatus,
            "it redirects elsewhere; give the final URL",
        ),
        404 | 405 => (
            ConnectErrorKind::HttpStatus,
            "check the URL's path; MCP endpoints often end in /mcp",
        ),
        429 => (
            ConnectErrorKind::HttpStatus,
            "it is being asked too often; wait, then try again",
        ),
        500..=599 => (
            ConnectErrorKind::HttpStatus,
            "the server itself is failing: look at its log, or try again later",
        ),
        _ => (
            ConnectErrorKind::HttpStatus,
            "check the URL, and update the server",
        ),
    };
    let mut cause = match kind {
        ConnectErrorKind::Unauthorized => format!("{url} wants credentials (HTTP {status})"),
        _ => format!("{url} answered with HTTP {status}"),
    };
    if let Some(wait) = answer.retry_after {
        cause.push_str(&format!(
            ", and asks to be left alone for {} s",
            wait.as_secs()
        ));
    } else if !answer.text.is_empty() {
        cause.push_str(&format!(": {}", clip(&answer.text, 160)));
    }
    OpenError::new(kind, cause)
        .with_mend(mend)
        .with_retry_after(answer.retry_after)
}

fn not_mcp(cause: String) -> OpenError {
    OpenError::new(ConnectErrorKind::NotMcp, cause)
        .with_mend("check the URL; MCP endpoints often end in /mcp")
}

fn no_common_version(versions: &str) -> OpenError {
    let cause = if versions.is_empty() {
        "it speaks no protocol version that we know".to_owned()
    } else {
        format!("it speaks no protocol version that we know, only {versions}")
    };
    OpenError::new(ConnectErrorKind::Incompatible, cause)
        .with_mend("update the server or Manyhands")
}

/// The wire ended before the handshake did.
fn closed_early(seen: &Snapshot, child: bool) -> OpenError {
    let mut cause = match (&seen.exit, child) {
        (Some(status), _) => format!("the server exited during the handshake ({status})"),
        (None, true) => "the server closed its output during the handshake".to_owned(),
        (None, false) => "the connection was closed during the handshake".to_owned(),
    };
    cause.push_str(&evidence(seen));
    let sample = seen.stray_sample.as_deref().unwrap_or_default();
    OpenError::new(ConnectErrorKind::Exited, cause).with_mend(if child {
        "run the same command in a terminal, and check its arguments and environment"
    } else if sample.starts_with("HTTP/") {
        "it speaks HTTP: add \"type\": \"http\" to its entry"
    } else {
        "look at the server's own log"
    })
}

/// The start limit is over.
pub(crate) fn too_slow(limit: Duration, seen: &Snapshot, child: bool) -> OpenError {
    let cause = format!(
        "it did not answer the handshake within {limit:?}{}",
        evidence(seen)
    );
    let mend = if seen.stray_lines > 0 {
        "check that the command starts an MCP server over stdio, and that it logs to stderr only"
    } else if child {
        "if it is only slow, raise `manyhands.startTimeout` in its entry; else run the same command in a terminal to see what it waits for"
    } else {
        "check that an MCP server answers there; if it is only slow, raise `manyhands.startTimeout` in its entry"
    };
    OpenError::new(ConnectErrorKind::TimedOut, cause).with_mend(mend)
}

/// What the server said elsewhere, for the end of a cause.
pub(crate) fn evidence(seen: &Snapshot) -> String {
    let mut text = String::new();
    if let (Some(sample), count) = (&seen.stray_sample, seen.stray_lines) {
        let lines = if count == 1 {
            "a line that is"
        } else {
            "lines that are"
        };
        text.push_str(&format!(
            ", and wrote {lines} not MCP to its output, such as {sample:?}"
        ));
    }
    if let Some(words) = seen.last_words() {
        text.push_str(&format!("; its last words: \"{words}\""));
    }
    text
}
