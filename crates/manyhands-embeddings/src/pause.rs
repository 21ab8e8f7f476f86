//! How long to wait before a request is sent again, as the endpoint asks or as is polite. It must not know what is sent.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// How often a request is sent at most.
const MAX_ATTEMPTS: u32 = 4;
/// The first wait where the endpoint asks for none; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(500);

/// The wait before the request is sent again after this answer to its `attempt`th time, from 1; none where it is not.
///
/// Only these two say that nothing was done, and that it may be another time.
pub(crate) fn pause(
    status: StatusCode,
    headers: &HeaderMap,
    attempt: u32,
    now: SystemTime,
) -> Option<Duration> {
    let is_passing = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    let polite = FIRST * 2_u32.saturating_pow(attempt.min(MAX_ATTEMPTS) - 1);
    (is_passing && attempt < MAX_ATTEMPTS).then(|| asked(headers, now).unwrap_or(polite))
}

/// What `Retry-After` asks for, in seconds or as a date.
fn asked(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(status: u16, retry_after: &str, attempt: u32) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        }
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        pause(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            attempt,
            now,
        )
    }

    #[test]
    fn only_what_passes_is_waited_for_and_as_long_as_is_asked() {
        let seconds = |it| Some(Duration::from_secs(it));
        assert_eq!(after(429, "7", 1), seconds(7));
        assert_eq!(after(503, "Sun, 06 Nov 1994 08:50:07 GMT", 3), seconds(30));
        assert_eq!(after(503, "Sun, 06 Nov 1994 08:00:00 GMT", 1), seconds(0));
        assert_eq!(after(429, "soon", 1), Some(FIRST));
        assert_eq!(after(429, "", 3), Some(FIRST * 4));
        assert_eq!(after(429, "7", 4), None);
        for status in [200, 307, 400, 401, 500, 502, 504] {
            assert_eq!(after(status, "7", 1), None, "{status}");
        }
    }
}
