//! What HTTP can do wrong, and how far the request got.

use std::error::Error;
use std::time::{Duration, SystemTime};

use manyhands_core::{AuthError, Delivery, MAX_RETRY_AFTER, Printable, ToolFailure, clip};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::tls::TlsFault;

/// How much of a text from elsewhere is kept.
const MAX_TEXT: usize = 300;
/// How much of an answer that is no MCP is shown.
const MAX_SAMPLE: usize = 160;

/// Why an HTTP exchange gave no answer.
#[derive(Debug)]
pub(crate) enum HttpFailure {
    /// Nobody takes the connection; the text says why.
    Unreachable(String),
    /// No TLS connection could be agreed on.
    Tls(TlsFault),
    /// It broke off; the text says how.
    Broken(String),
    /// There are no credentials that it takes.
    Credentials(AuthError, Delivery),
    /// The server answered with a status other than success.
    Status(Status),
    /// The answer is of a kind that is none, as a clause that begins with "answered with".
    Content(String),
    /// The server forgot the session, and the new one as well.
    SessionLost,
    /// The answer ended before it said anything of use.
    Silent(&'static str),
}

/// A status other than success.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) code: u16,
    /// What its head says.
    pub(crate) retry_after: Option<Duration>,
    /// What its body says, where that is JSON.
    pub(crate) told: ToolFailure,
    /// The beginning of what it says, printable; empty where that is a page for a browser.
    pub(crate) text: String,
}

impl HttpFailure {
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if let Some(fault) = TlsFault::of(error) {
            return Self::Tls(fault);
        }
        let text = deepest(error);
        if error.is_connect() {
            Self::Unreachable(text)
        } else {
            Self::Broken(text)
        }
    }

    /// Whether the server may have acted on the request.
    pub(crate) fn delivery(&self) -> Delivery {
        match self {
            Self::Unreachable(_) => Delivery::NotSent,
            Self::SessionLost => Delivery::Rejected,
            Self::Credentials(_, delivery) => *delivery,
            Self::Tls(fault) => fault.delivery,
            Self::Status(status) => status.delivery(),
            Self::Broken(_) | Self::Content(_) | Self::Silent(_) => Delivery::Unknown,
        }
    }
}

impl Status {
    pub(crate) fn read(code: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let data = json.pointer("/error/data").unwrap_or(&json);
        Self {
            code,
            retry_after: text(RETRY_AFTER).and_then(retry_after),
            told: ToolFailure::told_in(data).unwrap_or_default(),
            text: match message(&json) {
                Some(message) => shown(message),
                None => plain(&String::from_utf8_lossy(body)),
            },
        }
    }

    /// Whether the server may have acted on the request.
    pub(crate) fn delivery(&self) -> Delivery {
        match self.code {
            // What was done is to be seen elsewhere; the time was over; something else was at it; the caller had gone.
            303 | 408 | 409 | 424 | 499 => Delivery::Unknown,
            300..=499 | 501 | 505 | 511 => Delivery::Rejected,
            // Gateways answer 502 to 504 after the request may have passed; 503 with a time to wait turned it away.
            503 if self.retry_after.is_some() => Delivery::Rejected,
            _ => Delivery::Unknown,
        }
    }

    /// Whether it says more than any error of JSON-RPC in its body, which is then for people.
    pub(super) fn speaks_for_itself(&self) -> bool {
        matches!(
            self.code,
            401 | 403 | 407 | 408 | 413 | 421 | 425 | 429 | 502..=504
        )
    }
}

/// What a JSON body says to people, by the usual names.
fn message(json: &Value) -> Option<&str> {
    let fields = [
        "/error/message",
        "/error_description",
        "/message",
        "/detail",
        "/error",
    ];
    let mut found = fields.iter().filter_map(|at| json.pointer(at)?.as_str());
    found.find(|text| !text.is_empty())
}

/// A body as it came; nothing of a page for a browser.
fn plain(body: &str) -> String {
    if body.trim_start().starts_with('<') {
        String::new()
    } else {
        shown(body.trim())
    }
}

/// What is wrong with an answer that is no MCP, from what its headers say and how it begins.
pub(super) fn wrong_content(kind: &str, encoding: Option<&str>, body: &[u8]) -> String {
    if let Some(encoding) = encoding {
        return format!("answered with content in the encoding {}", shown(encoding));
    }
    if kind.contains("json") {
        let body = String::from_utf8_lossy(body.get(..MAX_SAMPLE).unwrap_or(body));
        return format!(
            "answered with JSON that is no MCP, such as {}",
            shown(&body)
        );
    }
    if kind.is_empty() {
        return "answered without saying what kind of content it is".to_owned();
    }
    format!(
        "answered with {} instead of JSON or an event stream",
        clip(&shown(kind), 60)
    )
}

/// A time to wait, in seconds or as a date; absurd ones are cut to a day.
fn retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let wait = date.duration_since(SystemTime::now()).unwrap_or_default();
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The text of the innermost error, which is the one that tells: "connection refused" under three wrappers.
pub(crate) fn deepest(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    shown(&inner.to_string())
}

pub(crate) fn shown(text: &str) -> String {
    let text = Printable(&clip(text, MAX_TEXT)).to_string();
    clip(&text, MAX_TEXT).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date_and_is_bounded() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("99999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(
            retry_after("Fri, 31 Dec 9999 23:59:59 GMT"),
            Some(MAX_RETRY_AFTER)
        );
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("-5"), None);
    }

    #[test]
    fn a_page_for_a_browser_is_not_shown() {
        let read = |body: &[u8]| Status::read(404, &HeaderMap::new(), body).text;
        assert_eq!(read(b" <html>nothing here</html>"), "");
        assert_eq!(read(b"no \x1b[31msession"), "no \\u{1b}[31msession");
        assert_eq!(
            read(b"{\"error\":{\"message\":\"no\\nsession\"}}"),
            "no session"
        );
        assert_eq!(
            read(b"{\"error\":\"no\",\"error_description\":\"why\"}"),
            "why"
        );
        assert_eq!(read(b"{\"a\": 1}"), "{\"a\": 1}");
    }
}
