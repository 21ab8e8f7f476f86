//! Why a server could not be connected, in words: what was seen, and what to do about it.

use std::time::Duration;

use rmcp::service::ClientInitializeError;

use crate::diagnostics::Snapshot;
use crate::error::{ConnectErrorKind, OpenError};
use crate::outcome::{HttpError, deepest, find, http_status, shown, wrong_content};
use manyhands_core::clip;

/// Says why the handshake over HTTP failed, and whether another protocol version is worth a try.
pub(crate) fn explain_http(error: ClientInitializeError, url: &str) -> (OpenError, bool) {
    let error = match error {
        ClientInitializeError::TransportError { error, .. } => error,
        ClientInitializeError::JsonRpcError(answer) => {
            let cause = format!(
                "it refused the handshake (error {}: {})",
                answer.code.0,
                shown(&answer.message)
            );
            return (
                OpenError::new(ConnectErrorKind::Incompatible, cause)
                    .with_mend("check the URL, and update the server"),
                true,
            );
        }
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            return (no_common_version(), true);
        }
        other => {
            let reason = OpenError::new(
                ConnectErrorKind::NotMcp,
                format!("what answers at {url} does not speak MCP"),
            )
            .with_mend("check the URL; MCP endpoints often end in /mcp")
            .with_source(shown(&other.to_string()));
            return (reason, false);
        }
    };
    let Some(http) = find::<HttpError>(error.error.as_ref()) else {
        return (
            OpenError::new(
                ConnectErrorKind::Unreachable,
                format!("the connection to {url} broke"),
            )
            .with_source(error),
            false,
        );
    };
    let reason = explain_response(http, url);
    let retry = reason.kind() == ConnectErrorKind::HttpStatus
        && matches!(http, HttpError::UnexpectedServerResponse(text) if http_status(text) == Some(400));
    (reason, retry)
}

fn explain_response(http: &HttpError, url: &str) -> OpenError {
    match http {
        HttpError::AuthRequired(_) | HttpError::InsufficientScope(_) => explain_status(401, url),
        HttpError::HttpStatus(answer) => explain_status(answer.status, url),
        HttpError::UnexpectedServerResponse(text) => match http_status(text) {
            Some(status) => explain_status(status, url),
            None => not_mcp(format!(
                "what answers at {url} does not speak MCP ({})",
                clip(&shown(text), 200)
            )),
        },
        HttpError::UnexpectedContentType(found) => {
            not_mcp(format!("{url} {}", wrong_content(found.as_deref())))
        }
        HttpError::Client(error) if error.is_connect() || error.is_timeout() => OpenError::new(
            ConnectErrorKind::Unreachable,
            format!("nobody answers at {url} ({})", deepest(error)),
        )
        .with_mend("check the URL, and that the server is running and can be reached from here"),
        other => not_mcp(format!(
            "the handshake with {url} failed ({})",
            shown(&other.to_string())
        )),
    }
}

fn explain_status(status: u16, url: &str) -> OpenError {
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
    let cause = match kind {
        ConnectErrorKind::Unauthorized => format!("{url} wants credentials (HTTP {status})"),
        _ => format!("{url} answered with HTTP {status}"),
    };
    OpenError::new(kind, cause).with_mend(mend)
}

fn not_mcp(cause: String) -> OpenError {
    OpenError::new(ConnectErrorKind::NotMcp, cause)
        .with_mend("check the URL; MCP endpoints often end in /mcp")
}

pub(crate) fn no_common_version() -> OpenError {
    OpenError::new(
        ConnectErrorKind::Incompatible,
        "it speaks no protocol version that we know",
    )
    .with_mend("update the server or Manyhands")
}

/// The wire ended before the handshake did.
pub(crate) fn closed_early(seen: &Snapshot, child: bool) -> OpenError {
    let mut cause = match (&seen.exit, child) {
        (Some(status), _) => format!("the server exited during the handshake ({status})"),
        (None, true) => "the server closed its output during the handshake".to_owned(),
        (None, false) => "the connection was closed during the handshake".to_owned(),
    };
    cause.push_str(&evidence(seen));
    OpenError::new(ConnectErrorKind::Exited, cause).with_mend(if child {
        "run the same command in a terminal, and check its arguments and environment"
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
