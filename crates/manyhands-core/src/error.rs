//! One shape for everything that can go wrong with a call, for people, models and machines.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::call::{Capability, Effect, TraceId};
use crate::duration::{Rounded, whole_millis};
use crate::names::ServerId;

/// The longest that a server may ask to be left alone: a day.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What went wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// No server offers this name.
    NotFound,
    /// The arguments do not fit what the capability takes.
    InvalidArguments,
    /// The server is not connected: it is starting, failed to start, or stopped earlier.
    Unavailable,
    /// The configuration of its server, or its absence, keeps it from being called.
    Misconfigured,
    /// The connection ended while the call was under way.
    ConnectionClosed,
    /// The server did not answer in time.
    DeadlineExceeded,
    /// The server answered that it is too busy.
    RateLimited,
    /// The server wants credentials that it did not get.
    Unauthorized,
    /// The server knows the credentials, and they do not allow this.
    Forbidden,
    /// The server answered with a protocol error.
    Refused,
    /// The server asked a question that nobody here can answer.
    InputRequired,
    /// What came back cannot be understood.
    MalformedReply,
}

impl ErrorKind {
    /// A stable word for programs, in `snake_case`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::InvalidArguments => "invalid_arguments",
            Self::Unavailable => "unavailable",
            Self::Misconfigured => "misconfigured",
            Self::ConnectionClosed => "connection_closed",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Refused => "refused",
            Self::InputRequired => "input_required",
            Self::MalformedReply => "malformed_reply",
        }
    }

    /// The class that decides what a caller does next.
    #[must_use]
    pub fn error_type(self) -> ErrorType {
        match self {
            Self::Unavailable
            | Self::ConnectionClosed
            | Self::DeadlineExceeded
            | Self::RateLimited => ErrorType::Transient,
            Self::Unauthorized | Self::Forbidden => ErrorType::Authorization,
            Self::Misconfigured | Self::MalformedReply => ErrorType::Critical,
            Self::NotFound | Self::InvalidArguments | Self::Refused | Self::InputRequired => {
                ErrorType::Permanent
            }
        }
    }
}

/// The four classes of failure, by what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorType {
    /// Passes by itself: wait, or take another way.
    Transient,
    /// Something is broken: a person should look.
    Critical,
    /// A login or a permission is missing.
    Authorization,
    /// The same request will fail again: change it.
    Permanent,
}

impl ErrorType {
    /// All four.
    pub(crate) const ALL: [Self; 4] = [
        Self::Transient,
        Self::Critical,
        Self::Authorization,
        Self::Permanent,
    ];

    /// The word for it in JSON: `transient`, `critical`, `authorization` or `permanent`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Critical => "critical",
            Self::Authorization => "authorization",
            Self::Permanent => "permanent",
        }
    }
}

/// How far a failed call got: whether doing it again could do it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It never left: repeating is safe.
    NotSent,
    /// The server turned it away without acting on it: repeating does nothing twice.
    Rejected,
    /// The server may have acted on it.
    Unknown,
}

impl Delivery {
    /// The word for it in JSON: `not_sent`, `rejected` or `unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// A call that did not give a reply.
///
/// `Display` gives a lowercase fragment that fits "failed to {error}" and says
/// what to do next. [`Serialize`] gives the shape for machines and models:
/// `{code, message, type, server, tool, delivery, retryable, retry_after_ms, trace_id}`,
/// always with all of these fields; `tool` names a prompt or a resource where the call was about one.
///
/// It can be cloned, since calls that were answered together fail together.
#[derive(Debug, Clone)]
pub struct CallError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    error_type: ErrorType,
    delivery: Delivery,
    effect: Effect,
    cause: String,
    advice: Option<String>,
    server: Option<ServerId>,
    capability: Option<Capability>,
    retry_after: Option<Duration>,
    rpc_code: Option<i64>,
    trace: TraceId,
    source: Option<Arc<dyn Error + Send + Sync>>,
    tried: Vec<Tried>,
    exhausted: bool,
}

/// How often a call was tried at one server before it was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tried {
    /// Where.
    pub server: ServerId,
    /// How often; 0 where nothing came that far.
    pub times: u32,
    /// How long it took, waits between the attempts included.
    pub took: Duration,
    /// Why it failed there, where that is another cause than the error's own.
    pub cause: Option<String>,
}

impl Tried {
    /// Says how often `server` was tried, and how long that took.
    #[must_use]
    pub fn new(server: ServerId, times: u32, took: Duration) -> Self {
        Self {
            server,
            times,
            took,
            cause: None,
        }
    }

    /// Adds why it failed there, of which a short text is kept.
    #[must_use]
    pub fn with_cause(mut self, cause: &str) -> Self {
        self.cause = Some(crate::Printable(&crate::clip(cause, 200)).to_string());
        self
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (server, took) = (&self.server, Rounded(self.took));
        match self.times {
            0 => write!(f, "{server} in vain")?,
            1 => write!(f, "once on {server} in {took}")?,
            times => write!(f, "{times} times on {server} in {took}")?,
        }
        match &self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl CallError {
    /// Says what went wrong, and whether the server may have acted. `cause` is a lowercase fragment.
    pub fn new(kind: ErrorKind, delivery: Delivery, cause: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            error_type: kind.error_type(),
            delivery,
            effect: Effect::default(),
            cause: cause.into(),
            advice: None,
            server: None,
            capability: None,
            retry_after: None,
            rpc_code: None,
            trace: TraceId::default(),
            source: None,
            tried: Vec::new(),
            exhausted: false,
        }))
    }

    /// Adds what to do next, as a lowercase fragment.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Adds which server it concerns.
    #[must_use]
    pub fn with_server(mut self, server: ServerId) -> Self {
        self.0.server = Some(server);
        self
    }

    /// Adds which tool, prompt or resource it concerns.
    #[must_use]
    pub fn with_capability(mut self, capability: Option<Capability>) -> Self {
        self.0.capability = capability;
        self
    }

    /// Adds how long the server asked to be left alone; more than a day is cut to one.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait.map(|wait| wait.min(MAX_RETRY_AFTER));
        self
    }

    /// Adds the JSON-RPC error code that the server answered with.
    #[must_use]
    pub fn with_rpc_code(mut self, code: i64) -> Self {
        self.0.rpc_code = Some(code);
        self
    }

    /// Replaces how far the call got.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = delivery;
        self
    }

    /// Adds what the call does to the world, where that is known.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.0.effect = effect;
        self
    }

    /// Replaces the class that follows from the kind.
    #[must_use]
    pub fn with_type(mut self, error_type: ErrorType) -> Self {
        self.0.error_type = error_type;
        self
    }

    /// Ties it to the call that it ended.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceId) -> Self {
        self.0.trace = trace;
        self
    }

    /// Adds the error beneath it, whose text `cause` must not repeat.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds how often the call was tried at one server; a call that went to several has one for each.
    #[must_use]
    pub fn with_tried(mut self, tried: Tried) -> Self {
        self.0.tried.push(tried);
        self
    }

    /// Replaces where and how often the call was tried.
    #[must_use]
    pub fn with_all_tried(mut self, tried: impl IntoIterator<Item = Tried>) -> Self {
        self.0.tried = tried.into_iter().collect();
        self
    }

    /// Marks it as final: trying this way again was already given up, so that a layer further out leaves it alone.
    #[must_use]
    pub fn exhausted(mut self) -> Self {
        self.0.exhausted = true;
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The class that decides what to do next.
    #[must_use]
    pub fn error_type(&self) -> ErrorType {
        self.0.error_type
    }

    /// How far the call got.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// What happened, as a lowercase fragment without the names.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.0.cause
    }

    /// What to do next, as a lowercase fragment.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// The server it concerns, where one is known.
    #[must_use]
    pub fn server(&self) -> Option<&ServerId> {
        self.0.server.as_ref()
    }

    /// The tool, prompt or resource it concerns.
    #[must_use]
    pub fn capability(&self) -> Option<&Capability> {
        self.0.capability.as_ref()
    }

    /// How long the server asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The JSON-RPC error code that the server answered with, where that is what happened.
    #[must_use]
    pub fn rpc_code(&self) -> Option<i64> {
        self.0.rpc_code
    }

    /// Ties this error to log lines of the same call.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.0.trace
    }

    /// How often the call was tried, at each server; empty where it was tried once.
    #[must_use]
    pub fn tried(&self) -> &[Tried] {
        &self.0.tried
    }

    /// Whether a layer further in has already given up trying this way again.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.0.exhausted
    }

    /// Whether the same call may be sent again: it passes by itself, and a second time does no more than one.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.error_type == ErrorType::Transient && self.may_repeat(self.0.effect)
    }

    /// Whether a call that does `effect` to the world may be sent a second time after this: the first one was
    /// certainly not acted on, or acting on it twice does no more than acting once.
    #[must_use]
    pub fn may_repeat(&self, effect: Effect) -> bool {
        let not_acted_on = match self.0.delivery {
            Delivery::NotSent | Delivery::Rejected => true,
            Delivery::Unknown => false,
        };
        not_acted_on || effect.is_harmless_twice()
    }

    fn write_action(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.capability, &self.0.server) {
            (Some(capability), _) => {
                let verb = match capability.kind() {
                    crate::CapabilityKind::Tool => "call",
                    crate::CapabilityKind::Prompt => "get prompt",
                    crate::CapabilityKind::Resource => "read",
                };
                match capability.name() {
                    "" => write!(f, "{verb} \"\": "),
                    name => write!(f, "{verb} {}: ", crate::Printable(&crate::clip(name, 200))),
                }
            }
            (None, Some(server)) => write!(f, "ask {server}: "),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_action(f)?;
        f.write_str(&self.0.cause)?;
        for (position, tried) in self.0.tried.iter().enumerate() {
            let before = if position == 0 { "; tried " } else { ", " };
            write!(f, "{before}{tried}")?;
        }
        match &self.0.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl Serialize for CallError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Inner {
            kind,
            error_type,
            delivery,
            server,
            capability,
            retry_after,
            trace,
            ..
        } = &*self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", kind.code())?;
        map.serialize_entry("message", &format!("failed to {self}"))?;
        map.serialize_entry("type", error_type)?;
        map.serialize_entry("server", server)?;
        map.serialize_entry("tool", &capability.as_ref().map(Capability::name))?;
        map.serialize_entry("delivery", delivery)?;
        map.serialize_entry("retryable", &self.is_retryable())?;
        map.serialize_entry("retry_after_ms", &retry_after.map(whole_millis))?;
        map.serialize_entry("trace_id", &trace.to_string())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CapabilityKind;

    fn stopped() -> CallError {
        CallError::new(
            ErrorKind::ConnectionClosed,
            Delivery::Unknown,
            "the server stopped",
        )
        .with_server(ServerId::parse("slack").unwrap())
        .with_capability(Some(Capability::new(
            CapabilityKind::Tool,
            "slack.post_message",
        )))
        .with_advice("check whether it took effect before sending it again")
    }

    #[test]
    fn the_text_names_the_tool_the_cause_and_the_next_step() {
        assert_eq!(
            format!("failed to {}", stopped()),
            "failed to call slack.post_message: the server stopped; check whether it took effect \
             before sending it again"
        );
    }

    #[test]
    fn the_json_has_the_one_shape() {
        let json = serde_json::to_value(stopped()).unwrap();
        let keys: Vec<_> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            keys,
            [
                "code",
                "message",
                "type",
                "server",
                "tool",
                "delivery",
                "retryable",
                "retry_after_ms",
                "trace_id"
            ]
        );
        assert_eq!(json["type"], "transient");
        assert_eq!(json["delivery"], "unknown");
        assert_eq!(json["tool"], "slack.post_message");
        let about = Capability::new(CapabilityKind::Resource, "slack+slack://x");
        let json = serde_json::to_value(stopped().with_capability(Some(about))).unwrap();
        assert_eq!(json["tool"], "slack+slack://x");
        assert_eq!(json.as_object().unwrap().len(), 9);
    }

    #[test]
    fn the_text_says_how_often_and_where_it_was_tried() {
        let other = ServerId::parse("teams").unwrap();
        let slack = ServerId::parse("slack").unwrap();
        let error = CallError::new(ErrorKind::Unavailable, Delivery::NotSent, "it is down")
            .with_tried(Tried::new(slack, 3, Duration::from_millis(2_130)))
            .with_tried(Tried::new(other, 1, Duration::from_millis(40)))
            .with_advice("start it");
        assert_eq!(
            error.to_string(),
            "it is down; tried 3 times on slack in 2.1 s, once on teams in 40 ms; start it"
        );
    }

    #[test]
    fn a_call_that_may_have_happened_is_not_retryable() {
        assert!(!stopped().is_retryable());
        let unsent = CallError::new(ErrorKind::Unavailable, Delivery::NotSent, "it is starting");
        assert!(unsent.is_retryable());
        let refused = CallError::new(ErrorKind::Refused, Delivery::Rejected, "no such tool");
        assert!(!refused.is_retryable());
        let harmless = [Effect::ReadOnly, Effect::Idempotent];
        assert!(harmless.map(|effect| stopped().with_effect(effect).is_retryable()) == [true; 2]);
        assert!(!refused.with_effect(Effect::ReadOnly).is_retryable());
    }

    #[test]
    fn nobody_is_left_alone_for_longer_than_a_day() {
        let error = stopped().with_retry_after(Some(Duration::MAX));
        assert_eq!(error.retry_after(), Some(MAX_RETRY_AFTER));
    }
}
