//! What the tools of all four servers share: their error, their limit and their pretended work.
//!
//! It knows nothing of any one server.

use std::{
    num::NonZeroU8,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use manyhands_core::model::{CallToolResponse, CallToolResult, ErrorData};
use rmcp::handler::server::tool::IntoCallToolResult;
use serde::Serialize;

/// How long each tool of a demo server pretends to work.
///
/// By default each server has a time of its own ([`DemoServer::usual_latency`]), so that calling
/// several at once is visibly faster than calling one after the other.
///
/// [`DemoServer::usual_latency`]: crate::DemoServer::usual_latency
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency(Option<Duration>);

impl Latency {
    /// Answers at once; for tests.
    #[must_use]
    pub const fn none() -> Self {
        Self(Some(Duration::ZERO))
    }

    /// Takes the same time on every server.
    #[must_use]
    pub const fn fixed(time: Duration) -> Self {
        Self(Some(time))
    }

    pub(crate) fn or(self, usual: Duration) -> Duration {
        self.0.unwrap_or(usual)
    }
}

/// A tool's failure as its caller sees it: a result marked `isError`, whose structured content says
/// in fields what a program needs and in `message` what to do next.
#[derive(Debug, Serialize)]
pub(crate) struct ToolError {
    code: &'static str,
    message: String,
    r#type: ErrorType,
}

/// What a caller may conclude from a failure.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum ErrorType {
    /// The same call may work in a moment.
    Transient,
    /// The server is broken; a person has to look at it.
    Critical,
    /// The caller is not allowed to do this.
    Authorization,
    /// The same call will never work.
    Permanent,
}

impl ToolError {
    pub(crate) fn transient(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, message, ErrorType::Transient)
    }

    pub(crate) fn critical(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, message, ErrorType::Critical)
    }

    pub(crate) fn authorization(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, message, ErrorType::Authorization)
    }

    pub(crate) fn permanent(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, message, ErrorType::Permanent)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    fn new(code: &'static str, message: impl Into<String>, r#type: ErrorType) -> Self {
        Self {
            code,
            message: message.into(),
            r#type,
        }
    }
}

impl IntoCallToolResult for ToolError {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        let value = serde_json::to_value(self)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(CallToolResult::structured_error(value).into())
    }
}

/// How many rows a list returns when the caller does not say.
pub(crate) const DEFAULT_LIMIT: NonZeroU8 = NonZeroU8::new(20).expect("20 is not zero");

pub(crate) fn default_limit() -> NonZeroU8 {
    DEFAULT_LIMIT
}

/// Locks a server's memory.
pub(crate) fn lock<T>(memory: &Mutex<T>) -> Result<MutexGuard<'_, T>, ToolError> {
    memory.lock().map_err(|_| {
        ToolError::critical(
            "memory_damaged",
            "an earlier call broke the server's memory; restart the server",
        )
    })
}
