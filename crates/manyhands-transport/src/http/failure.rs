//! What HTTP can do wrong, and how far the request got.

use std::error::Error;
use std::time::{Duration, SystemTime};

use manyhands_core::{AuthError, Delivery, Printable, clip};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::tls::TlsFault;

/// How much of a text from elsewhere is kept.
const MAX_TEXT: usize = 300;
/// How much of an answer that is no MCP is shown.
const MAX_SAMPLE: usize = 160;
/// The longest wait that a server may ask for: a day.
const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

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
    pub(crate) retry_after: Option<Duration>,
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
            // Gateways answer 502 to 504 after the request may have passed; 503 with a time to wait turned it away.
            Self::Status(Status {
                code: 503,
                retry_after: Some(_),
                ..
            }) => Delivery::Rejected,
            Self::Status(Status { code, .. }) if (300..500).contains(code) => Delivery::Rejected,
            _ => Delivery::Unknown,
        }
    }
}

impl Status {
    pub(crate) fn read(code: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let body = String::from_utf8_lossy(body);
        let page = body.trim_start().starts_with('<');
        Self {
            code,
            retry_after: text(RETRY_AFTER).and_then(retry_after),
            text: if page {
                String::new()
            } else {
                shown(body.trim())
            },
        }
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
        return Some(Duration::from_secs(seconds).min(MAX_WAIT));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let wait = date.duration_since(SystemTime::now()).unwrap_or_default();
    Some(wait.min(MAX_WAIT))
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
        assert_eq!(retry_after("99999999999"), Some(MAX_WAIT));
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("Fri, 31 Dec 9999 23:59:59 GMT"), Some(MAX_WAIT));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("-5"), None);
    }

    #[test]
    fn a_page_for_a_browser_is_not_shown() {
        let read = |body: &[u8]| Status::read(404, &HeaderMap::new(), body).text;
        assert_eq!(read(b" <html>nothing here</html>"), "");
        assert_eq!(read(b"no \x1b[31msession"), "no \\u{1b}[31msession");
    }
}
