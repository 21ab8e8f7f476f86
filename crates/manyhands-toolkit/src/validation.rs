//! What goes to a tool and what comes back, checked against the tool's schemas. It must not know how either is checked.

use manyhands_core::{Arguments, CallError, Delivery, ErrorKind, Reply};
use manyhands_registry::{Mismatch, ToolEntry, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is made of arguments and results that do not fit a tool's schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Validate {
    /// Nothing is checked.
    Off,
    /// Arguments that do not fit are not sent. A result that does not fit is handed on, and told in the log.
    #[default]
    Warn,
    /// Arguments that do not fit are not sent. A result that does not fit is an error; the tool has acted all the same.
    Strict,
}

/// Checks arguments before they are sent. A null for what could be left out is left out, where it would not fit.
pub(crate) fn arguments(tool: &ToolEntry, given: Arguments) -> Result<Arguments, CallError> {
    let mismatch = match tool.check_arguments(&given) {
        Ok(verdict) => {
            told(tool, "arguments", verdict);
            return Ok(given);
        }
        Err(mismatch) => mismatch,
    };
    let object = given.as_object();
    let kept: Map<String, Value> = object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if kept.len() < object.len() {
        let kept = kept.into();
        if tool.check_arguments(&kept).is_ok() {
            return Ok(kept);
        }
    }
    let cause = mismatch.to_string();
    Err(
        CallError::new(ErrorKind::InvalidArguments, Delivery::NotSent, cause)
            .with_server(tool.name().server().clone())
            .with_advice("correct the arguments; the tool's schema has the rest"),
    )
}

/// Checks what came back.
pub(crate) fn result(
    tool: &ToolEntry,
    reply: Reply,
    validate: Validate,
) -> Result<Reply, CallError> {
    match tool.check_result(&reply) {
        Ok(verdict) => {
            told(tool, "result", verdict);
            Ok(reply)
        }
        Err(mismatch) if validate == Validate::Strict => Err(unfit(tool, &mismatch)),
        Err(mismatch) => {
            tracing::warn!(tool = %tool.name(), %mismatch, "a result does not fit its schema");
            Ok(reply)
        }
    }
}

fn unfit(tool: &ToolEntry, mismatch: &Mismatch) -> CallError {
    let cause = format!("the result does not fit the tool's schema: {mismatch}");
    CallError::new(ErrorKind::MalformedReply, Delivery::Unknown, cause)
        .with_server(tool.name().server().clone())
        .with_advice("the tool has acted; update the server, or set `manyhands.validate` to \"warn\" in its entry")
}

fn told(tool: &ToolEntry, what: &str, verdict: Verdict) {
    if let Verdict::Unchecked(why) = verdict {
        tracing::debug!(tool = %tool.name(), what, %why, "unchecked");
    }
}
