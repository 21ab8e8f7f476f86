//! What rmcp reports, told as our replies and errors: the one place that decides whether a server may have acted.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use manyhands_core::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, CustomResult, ErrorData,
    GetPromptRequest, GetPromptRequestParams, ListPromptsRequest, ListResourceTemplatesRequest,
    ListResourcesRequest, ListToolsRequest, PaginatedRequestParams, ReadResourceRequest,
    ReadResourceRequestParams, ServerResult,
};
use manyhands_core::{
    CallError, Delivery, ErrorKind, ErrorType, ListKind, Printable, Reply, Request, ServerId, clip,
};
use rmcp::service::ServiceError;
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::diagnostics::Snapshot;
use crate::explain::evidence;

/// What rmcp's HTTP client reports.
pub(crate) type HttpError = StreamableHttpError<reqwest::Error>;

/// How much of a server's own error text is passed on.
const MAX_TEXT: usize = 600;

/// Puts a request into rmcp's types.
pub(crate) fn to_wire(request: &Request) -> Result<ClientRequest, CallError> {
    let page =
        |cursor: &Option<String>| PaginatedRequestParams::default().with_cursor(cursor.clone());
    Ok(match request {
        Request::CallTool { name, arguments } => {
            let params = CallToolRequestParams::new(name.to_string());
            CallToolRequest::new(params.with_arguments(arguments.as_object().clone())).into()
        }
        Request::GetPrompt { name, arguments } => {
            let params = GetPromptRequestParams::new(name.to_string());
            GetPromptRequest::new(params.with_arguments(arguments.as_object().clone())).into()
        }
        Request::ReadResource { uri } => {
            ReadResourceRequest::new(ReadResourceRequestParams::new(uri.to_string())).into()
        }
        Request::List {
            kind: ListKind::Tools,
            cursor,
        } => ListToolsRequest::with_param(page(cursor)).into(),
        Request::List {
            kind: ListKind::Prompts,
            cursor,
        } => ListPromptsRequest::with_param(page(cursor)).into(),
        Request::List {
            kind: ListKind::Resources,
            cursor,
        } => ListResourcesRequest::with_param(page(cursor)).into(),
        Request::List {
            kind: ListKind::ResourceTemplates,
            cursor,
        } => ListResourceTemplatesRequest::with_param(page(cursor)).into(),
        other => {
            let cause = format!("the request {} is not known here", other.method());
            return Err(CallError::new(
                ErrorKind::InvalidArguments,
                Delivery::NotSent,
                cause,
            ));
        }
    })
}

/// Keeps a result, unless it is none: a question back, a task, or a form that nobody knows.
pub(crate) fn to_reply(
    server: &ServerId,
    raw: Box<RawValue>,
    took: Duration,
) -> Result<Reply, CallError> {
    match result_type(&raw).as_deref() {
        None | Some("complete") => Ok(Reply::new(server.clone(), raw, took)),
        Some("input_required") => Err(CallError::new(
            ErrorKind::InputRequired,
            Delivery::Unknown,
            "the server asks a question before it goes on, and nobody here can answer",
        )
        .with_advice("give what it asks for in the arguments, where the tool allows it")),
        Some(other) => Err(CallError::new(
            ErrorKind::MalformedReply,
            Delivery::Unknown,
            format!(
                "it answered with a result of type {:?}, which is not known",
                clip(other, 60)
            ),
        )
        .with_advice("look at the server's documentation")),
    }
}

/// The result's text: as the server sent it where the framing is ours, and printed again where rmcp reads the wire.
pub(crate) fn text_of(result: ServerResult, as_text: bool) -> Result<Box<RawValue>, CallError> {
    let raw = match result {
        ServerResult::CustomResult(CustomResult(Value::String(text))) if as_text => {
            RawValue::from_string(text)
        }
        other => to_raw_value(&other),
    };
    raw.map_err(|error| {
        CallError::new(
            ErrorKind::MalformedReply,
            Delivery::Unknown,
            "its reply cannot be kept",
        )
        .with_source(error)
    })
}

/// What a result says it is; none where it says nothing, which means that it is complete.
fn result_type(raw: &RawValue) -> Option<String> {
    // A search is far cheaper than a parse, and most servers leave the field out.
    if !raw.get().contains("\"resultType\"") {
        return None;
    }
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_str(raw.get());
    // What follows the field is not read, which the reader reports as an error.
    let _ = reader.deserialize_map(UntilResultType(&mut found));
    found
}

/// Reads an object up to its `resultType`.
struct UntilResultType<'a>(&'a mut Option<String>);

impl<'de> Visitor<'de> for UntilResultType<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "resultType" {
                *self.0 = map.next_value()?;
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The caller's time is over. An answer that came in a form nobody can use looks like none, and is told.
pub(crate) fn deadline(limit: Duration, unusable: u64, seen: &Snapshot) -> CallError {
    let error = |cause| CallError::new(ErrorKind::DeadlineExceeded, Delivery::Unknown, cause);
    if unusable == 0 {
        return error(format!("no answer within {limit:?}")).with_advice(
            "raise the timeout if the server is only slow, and check whether the call took effect before repeating it",
        );
    }
    let what = match (seen.oversized, &seen.stray_sample) {
        (1.., _) => "over 16 MiB".to_owned(),
        (0, Some(sample)) => format!("not MCP, or nested too deep, such as {sample:?}"),
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

/// Sorts what rmcp reports for a call.
pub(crate) fn classify(error: ServiceError) -> CallError {
    match error {
        ServiceError::McpError(answer) => refused(&answer),
        ServiceError::TransportSend(error) => not_sent(error),
        other => CallError::new(
            ErrorKind::MalformedReply,
            Delivery::Unknown,
            "its answer is not MCP",
        )
        .with_advice("look at the server's log")
        .with_source(shown(&other.to_string())),
    }
}

/// The server answered with a JSON-RPC error.
fn refused(answer: &ErrorData) -> CallError {
    let code = answer.code.0;
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
    let cause = format!(
        "the server answered with error {code}: {}",
        shown(&answer.message)
    );
    CallError::new(ErrorKind::Refused, delivery, cause)
        .with_type(error_type)
        .with_advice(advice)
}

/// The request did not get through: over HTTP the answer's status says how far it got.
fn not_sent(error: DynamicTransportError) -> CallError {
    let Some(http) = find::<HttpError>(error.error.as_ref()) else {
        return CallError::new(
            ErrorKind::ConnectionClosed,
            Delivery::NotSent,
            "the connection broke while sending",
        )
        .with_advice("try again")
        .with_source(error);
    };
    match http {
        HttpError::HttpStatus(answer) => by_status(answer.status, answer.retry_after.as_deref()),
        HttpError::AuthRequired(_) | HttpError::InsufficientScope(_) => by_status(401, None),
        HttpError::Client(inner) if inner.is_connect() => CallError::new(
            ErrorKind::Unavailable,
            Delivery::NotSent,
            format!("nobody answers ({})", deepest(inner)),
        )
        .with_advice("check that the server is running, then try again"),
        HttpError::UnexpectedServerResponse(text) if http_status(text).is_some() => {
            by_status(http_status(text).unwrap_or_default(), None)
        }
        HttpError::SessionExpired => CallError::new(
            ErrorKind::Unavailable,
            Delivery::Rejected,
            "the session has expired",
        )
        .with_advice("try again"),
        HttpError::UnexpectedContentType(found) => CallError::new(
            ErrorKind::MalformedReply,
            Delivery::Unknown,
            wrong_content(found.as_deref()),
        )
        .with_advice("look at the server's log"),
        other => CallError::new(
            ErrorKind::ConnectionClosed,
            Delivery::Unknown,
            shown(&other.to_string()),
        )
        .with_advice("check whether the call took effect before repeating it"),
    }
}

/// The server answered a call with an HTTP status other than success.
fn by_status(status: u16, retry_after: Option<&str>) -> CallError {
    let wait = retry_after
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let (kind, delivery, advice) = match status {
        401 | 403 => (
            ErrorKind::Unauthorized,
            Delivery::Rejected,
            "check the credentials in its `headers`",
        ),
        429 => (
            ErrorKind::RateLimited,
            Delivery::Rejected,
            "wait, then try again",
        ),
        502..=504 => (
            ErrorKind::Unavailable,
            Delivery::Unknown,
            "wait, then check whether the call took effect",
        ),
        400..=499 => (
            ErrorKind::Refused,
            Delivery::Rejected,
            "check the server's URL and version",
        ),
        _ => (
            ErrorKind::Refused,
            Delivery::Unknown,
            "look at the server's log",
        ),
    };
    let error = CallError::new(
        kind,
        delivery,
        format!("the server answered with HTTP {status}"),
    )
    .with_advice(advice)
    .with_retry_after(wait);
    if status == 500 {
        error.with_type(ErrorType::Critical)
    } else {
        error
    }
}

pub(crate) fn wrong_content(found: Option<&str>) -> String {
    match found {
        Some(found) => format!(
            "answered with {} instead of JSON or an event stream",
            clip(&shown(found), 60)
        ),
        None => "answered without saying what kind of content it is".to_owned(),
    }
}

/// The status in rmcp's text for an unexpected answer, `HTTP 404 Not Found: ..`; there is no other place for it.
pub(crate) fn http_status(text: &str) -> Option<u16> {
    text.strip_prefix("HTTP ")?.get(..3)?.parse().ok()
}

pub(crate) fn shown(text: &str) -> String {
    clip(&Printable(text).to_string(), MAX_TEXT).into_owned()
}

/// The text of the innermost error, which is the one that tells: "connection refused" under three wrappers.
pub(crate) fn deepest(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    shown(&inner.to_string())
}

/// Finds an error of one type along the chain of sources.
pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        current = error.source();
    }
    None
}
