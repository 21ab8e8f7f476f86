//! Servers at a URL, and what answers there in their place.

use manyhands::{Delivery, ErrorKind};

use crate::hostile::row::{Connects, Row, http, http_json};

pub(in crate::hostile) const ROWS: &[Row] = &[
    // Well-behaved ones, in each protocol style.
    http(&[]),
    http_json(&[]),
    http(&["modern-only"]),
    http_json(&["modern-only"]),
    // What messages may hold, over HTTP.
    http(&["wrong-id"]).fails(ErrorKind::ConnectionClosed, Delivery::Unknown, "ended"),
    http_json(&["wrong-id"]).malformed("that is no MCP"),
    http(&["null-result"]).malformed("not a JSON object"),
    http_json(&["oversized-reply"])
        .malformed("16 MiB")
        .patience(15),
    http_json(&["deep-reply"]).malformed("nested"),
    http_json(&["garbage-reply"]).malformed("JSON"),
    http(&["hangs-on-call"]).times_out("within"),
    http(&["floods-progress=1000"]),
    http(&["floods-list-changed=1000"]),
    http(&["asks-back"]),
    http(&["text-in-error=escapes"]).fails(ErrorKind::Refused, Delivery::Unknown, "-32603"),
    http(&["needs-input", "modern-only"]),
    http(&["never-done"]).times_out("within"),
    http(&["header-argument", "modern-only"]).tools(3),
    http(&["odd-header-argument", "modern-only"]),
    http(&["churns", "modern-only"]).tools(3),
    // Statuses.
    http(&["http-status=500"]).fails(ErrorKind::Refused, Delivery::Unknown, "HTTP 500"),
    http(&["http-status=500:handshake"]).refused("HTTP 500"),
    http(&["http-status=503", "http-retry-after=7"]).fails(
        ErrorKind::Unavailable,
        Delivery::Rejected,
        "HTTP 503",
    ),
    http(&["http-status=502"]).fails(ErrorKind::Unavailable, Delivery::Unknown, "HTTP 502"),
    http(&["http-status=429", "http-retry-after=7"]).fails(
        ErrorKind::RateLimited,
        Delivery::Rejected,
        "wait 7 s",
    ),
    http(&[
        "http-status=429",
        "http-retry-after=Wed, 21 Oct 2099 07:28:00 GMT",
    ])
    .fails(ErrorKind::RateLimited, Delivery::Rejected, "HTTP 429"),
    http(&["http-status=429", "http-retry-after=99999999999999999999"]).fails(
        ErrorKind::RateLimited,
        Delivery::Rejected,
        "HTTP 429",
    ),
    http(&["http-status=500", "http-body"]).fails(
        ErrorKind::Refused,
        Delivery::Unknown,
        "error -32000",
    ),
    http(&["http-status=401"]).fails(ErrorKind::Unauthorized, Delivery::Rejected, "HTTP 401"),
    http(&["http-status=403"]).fails(ErrorKind::Forbidden, Delivery::Rejected, "HTTP 403"),
    http(&["http-status=401:handshake"])
        .refused("HTTP 401")
        .connects(Connects::NeedsAuth("HTTP 401"))
        .fails(ErrorKind::Unauthorized, Delivery::NotSent, "HTTP 401"),
    http(&["http-status=404:handshake"]).refused("HTTP 404"),
    http(&["http-status=500:notification"]),
    // What is no answer.
    http(&["http-silent"]).times_out("no answer within"),
    http(&["http-silent=handshake"])
        .refused("within")
        .tried_again(),
    http(&["http-never-accepts"])
        .refused("within")
        .tried_again(),
    http(&["http-not-http"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "invalid HTTP version",
    ),
    http(&["http-not-http=handshake"])
        .refused("invalid HTTP version")
        .tried_again(),
    http(&["http-wrong-type"]),
    http(&["http-html"]).malformed("text/html"),
    http(&["http-html=handshake"]).refused("text/html"),
    http(&["http-accepted"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "gave no answer",
    ),
    http(&["http-empty"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "its answer is empty",
    ),
    http_json(&["http-truncated"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "broke off",
    ),
    http(&["http-truncated"]).fails(ErrorKind::ConnectionClosed, Delivery::Unknown, "broke off"),
    http_json(&["http-resets"]).fails(ErrorKind::ConnectionClosed, Delivery::Unknown, "broke off"),
    http(&["http-resets"]).fails(ErrorKind::ConnectionClosed, Delivery::Unknown, "broke off"),
    http(&["http-resets-request"]).fails(ErrorKind::ConnectionClosed, Delivery::Unknown, "reset"),
    http(&["http-drips"]).times_out("within"),
    http(&["http-gzip"]).malformed("gzip"),
    http(&["http-huge-header"]).fails(ErrorKind::ConnectionClosed, Delivery::Unknown, "too large"),
    // Redirects.
    http(&["http-redirect=same-origin"]),
    http(&["http-redirect=same-origin:always"]),
    http(&["http-redirect=other-origin"]).fails(ErrorKind::Refused, Delivery::Rejected, "HTTP 307"),
    http(&["http-redirect=other-origin:handshake"]).refused("HTTP 307"),
    http(&["http-redirect=loop"]).fails(ErrorKind::Refused, Delivery::Rejected, "HTTP 307"),
    // Event streams.
    http(&["http-stream-ends"]).fails(ErrorKind::ConnectionClosed, Delivery::Unknown, "ended"),
    http(&["http-stream-ends", "modern-only"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "ended",
    ),
    http(&["http-stream-stops"]).fails(ErrorKind::ConnectionClosed, Delivery::Unknown, "ended"),
    http(&["http-stream-silent"]).times_out("within"),
    http(&["http-stream-comments"]).times_out("within"),
    http(&["http-stream-giant"]).malformed("16 MiB"),
    http(&["http-stream-odd"]),
    // Sessions.
    http(&["http-forgets-session"]),
    http(&["http-forgets-sessions"]).fails(ErrorKind::Unavailable, Delivery::Rejected, "session"),
    http(&["http-session-id=empty"]),
    http(&["http-session-id=spaces"]),
    http(&["http-session-id=long"]),
    http(&["http-session-id=non-ascii"]),
    http(&["http-session-id=changing"]),
    http(&["http-get-ends"]).lingers(6),
    http(&["http-get-silent"]),
    http(&["http-delete-silent"]),
];
