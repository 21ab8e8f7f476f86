//! What an HTTP status other than success says of a call. It must not know JSON-RPC.

use manyhands_core::{CallError, Delivery, ErrorKind, ErrorType, clip};

use super::{CHECK_EFFECT, LOOK_AT_LOG, waiting};
use crate::http::failure::Status;

/// The server answered a call with an HTTP status other than success.
pub(super) fn by_status(status: &Status) -> CallError {
    let delivery = status.delivery();
    let (kind, advice) = meaning(status.code, delivery);
    let mut cause = format!("the server answered with HTTP {}", status.code);
    if !status.text.is_empty() {
        cause.push_str(&format!(": {}", clip(&status.text, 200)));
    }
    let error_type = status.told.error_type.unwrap_or(match kind {
        _ if matches!(status.code, 407 | 511) => ErrorType::Authorization,
        ErrorKind::Refused if delivery == Delivery::Unknown && status.code >= 500 => {
            ErrorType::Critical
        }
        kind => kind.error_type(),
    });
    let retry_after = status.retry_after.or(status.told.retry_after);
    CallError::new(kind, delivery, cause)
        .with_type(error_type)
        .with_advice(waiting(advice, retry_after))
        .with_retry_after(retry_after)
}

/// What went wrong, and what to do about it.
fn meaning(code: u16, delivery: Delivery) -> (ErrorKind, &'static str) {
    match code {
        401 => (
            ErrorKind::Unauthorized,
            "check the credentials in its `headers`",
        ),
        403 => (ErrorKind::Forbidden, "check what its credentials allow"),
        // Credentials for the server itself would not help.
        407 | 511 => (
            ErrorKind::Unavailable,
            "log in at the proxy or network on the way to the server",
        ),
        408 => (ErrorKind::DeadlineExceeded, CHECK_EFFECT),
        409 => (
            ErrorKind::Refused,
            "look what else changes the same thing, and check whether the call took effect",
        ),
        413 => (ErrorKind::Refused, "send less at once"),
        425 => (ErrorKind::Unavailable, "try again"),
        429 => (ErrorKind::RateLimited, "wait, then try again"),
        // Gateways have codes of their own beyond the standard's.
        502..=504 | 520..=530 if delivery == Delivery::Rejected => {
            (ErrorKind::Unavailable, "wait, then try again")
        }
        499 | 502..=504 | 520..=530 => (ErrorKind::Unavailable, CHECK_EFFECT),
        300..=499 => (ErrorKind::Refused, "check the server's URL and version"),
        _ => (ErrorKind::Refused, LOOK_AT_LOG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    fn of(code: u16, wait: Option<&'static str>, body: &str) -> CallError {
        let mut headers = HeaderMap::new();
        if let Some(wait) = wait {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(wait));
        }
        by_status(&Status::read(code, &headers, body.as_bytes()))
    }

    #[test]
    fn a_status_is_sorted_by_what_it_means_and_by_who_may_have_sent_it() {
        use {Delivery::*, ErrorKind::*, ErrorType::*};
        for (code, wait, kind, class, delivery) in [
            (302, None, Refused, Permanent, Rejected),
            (303, None, Refused, Permanent, Unknown),
            (307, None, Refused, Permanent, Rejected),
            (400, None, Refused, Permanent, Rejected),
            (401, None, Unauthorized, Authorization, Rejected),
            (403, None, Forbidden, Authorization, Rejected),
            (404, None, Refused, Permanent, Rejected),
            (405, None, Refused, Permanent, Rejected),
            (407, None, Unavailable, Authorization, Rejected),
            (408, None, DeadlineExceeded, Transient, Unknown),
            (409, None, Refused, Permanent, Unknown),
            (413, None, Refused, Permanent, Rejected),
            (421, None, Refused, Permanent, Rejected),
            (425, None, Unavailable, Transient, Rejected),
            (429, None, RateLimited, Transient, Rejected),
            (499, None, Unavailable, Transient, Unknown),
            (500, None, Refused, Critical, Unknown),
            (501, None, Refused, Permanent, Rejected),
            (502, None, Unavailable, Transient, Unknown),
            (502, Some("7"), Unavailable, Transient, Unknown),
            (503, None, Unavailable, Transient, Unknown),
            (503, Some("7"), Unavailable, Transient, Rejected),
            (504, None, Unavailable, Transient, Unknown),
            (507, None, Refused, Critical, Unknown),
            (511, None, Unavailable, Authorization, Rejected),
            (524, None, Unavailable, Transient, Unknown),
            (999, None, Refused, Critical, Unknown),
        ] {
            let error = of(code, wait, "");
            let found = (error.kind(), error.error_type(), error.delivery());
            assert_eq!(found, (kind, class, delivery), "{code} {wait:?}");
            assert!(error.advice().is_some(), "{code}");
        }
    }

    #[test]
    fn what_the_body_tells_counts_where_the_head_does_not_say_it() {
        let body = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"slow\u001b down","data":{"type":"permanent","retryAfter":9}}}"#;
        let error = of(429, None, body);
        assert_eq!(error.error_type(), ErrorType::Permanent);
        assert_eq!(
            error.to_string(),
            "the server answered with HTTP 429: slow\\u{1b} down; wait 9 s, then try again"
        );
        // A program that says so itself was reached, and may have begun.
        let error = of(503, None, body);
        assert_eq!(error.delivery(), Delivery::Unknown);
        let waits = of(429, Some("3"), body).retry_after();
        assert_eq!(waits.map(|wait| wait.as_secs()), Some(3));
    }
}
