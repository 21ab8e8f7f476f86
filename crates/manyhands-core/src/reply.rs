//! What a server answered: raw JSON, with views that are made on first use.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::ErrorType;
use crate::names::ServerId;

/// A server's result, kept as the JSON it sent.
#[derive(Debug, Clone)]
pub struct Reply(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: ServerId,
    raw: Box<RawValue>,
    took: Duration,
    parsed: OnceLock<Value>,
}

impl Reply {
    /// Keeps `raw` as what `server` answered after `took`.
    #[must_use]
    pub fn new(server: ServerId, raw: Box<RawValue>, took: Duration) -> Self {
        Self(Arc::new(Inner {
            server,
            raw,
            took,
            parsed: OnceLock::new(),
        }))
    }

    /// The server that answered.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.0.server
    }

    /// The result as it came, unknown fields included.
    #[must_use]
    pub fn raw(&self) -> &RawValue {
        &self.0.raw
    }

    /// How long the server took, from sending to the whole answer.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.0.took
    }

    /// The whole result as a JSON value.
    #[must_use]
    pub fn parsed(&self) -> &Value {
        // Nesting deeper than serde_json's limit of 128 leaves an empty view; the raw text stays.
        self.0
            .parsed
            .get_or_init(|| serde_json::from_str(self.0.raw.get()).unwrap_or_default())
    }

    /// Decodes the result as one of the protocol's own types, e.g. [`CallToolResult`](crate::model::CallToolResult).
    ///
    /// # Errors
    /// [`DecodeError`] when the result does not have that form.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_str(self.0.raw.get()).map_err(|source| DecodeError {
            server: self.0.server.clone(),
            source,
        })
    }

    /// What the answer says, in the form that is easiest to use: the structured content;
    /// else, where one text is all there is, the JSON object or list it holds; else the text.
    #[must_use]
    pub fn value(&self) -> Value {
        let parsed = self.parsed();
        match parsed.get("structuredContent") {
            None | Some(Value::Null) => {}
            Some(content) => return content.clone(),
        }
        let text = self.text();
        match self.blocks() {
            [_] => match serde_json::from_str(&text) {
                Ok(json @ (Value::Object(_) | Value::Array(_))) => json,
                _ => Value::String(text),
            },
            [] if parsed.get("messages").is_some() => parsed.clone(),
            _ => Value::String(text),
        }
    }

    /// All text of the answer, block by block, joined by line breaks.
    #[must_use]
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.blocks().iter().filter_map(block_text).collect();
        texts.join("\n")
    }

    /// Whether the tool says that it failed.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.parsed().get("isError") == Some(&Value::Bool(true))
    }

    /// What the tool says of its failure; none when it succeeded.
    ///
    /// A tool's own `{code, message, type}` is understood, as structured content or as a JSON text.
    #[must_use]
    pub fn failure(&self) -> Option<ToolFailure> {
        self.is_error().then(|| ToolFailure::read(&self.value()))
    }

    /// The blocks of a tool's result, or the contents of a resource.
    fn blocks(&self) -> &[Value] {
        let parsed = self.parsed();
        let list = parsed.get("content").or_else(|| parsed.get("contents"));
        list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// The text of one block: its own, or that of the resource inside it.
fn block_text(block: &Value) -> Option<&str> {
    let text = block
        .get("text")
        .or_else(|| block.get("resource")?.get("text"));
    text.and_then(Value::as_str)
}

/// A tool's own account of why it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolFailure {
    /// The tool's code, where it gave one.
    pub code: Option<String>,
    /// What it says to people.
    pub message: String,
    /// The class it puts the failure in, where it gave one of the four.
    pub error_type: Option<ErrorType>,
}

impl ToolFailure {
    fn read(value: &Value) -> Self {
        let details = value
            .get("error")
            .filter(|inner| inner.is_object())
            .unwrap_or(value);
        let code = details.get("code").map(|code| match code {
            Value::String(code) => code.clone(),
            other => other.to_string(),
        });
        let message = match details.get("message").and_then(Value::as_str) {
            Some(message) => message.to_owned(),
            None => value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned),
        };
        let error_type = details
            .get("type")
            .and_then(|word| ErrorType::deserialize(word).ok());
        Self {
            code,
            message,
            error_type,
        }
    }
}

/// A reply that does not have the form of the type asked for.
#[derive(Debug, thiserror::Error)]
#[error("read the reply of {server}")]
pub struct DecodeError {
    server: ServerId,
    source: serde_json::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(result: &Value) -> Reply {
        let raw = RawValue::from_string(result.to_string()).unwrap();
        Reply::new(ServerId::parse("s").unwrap(), raw, Duration::ZERO)
    }

    #[test]
    fn the_value_is_structured_content_then_json_then_text() {
        let text = |text: &str| json!({"type": "text", "text": text});
        let cases = [
            (
                json!({"content": [text("x")], "structuredContent": {"a": 1}}),
                json!({"a": 1}),
            ),
            (json!({"content": [text("[1, 2]")]}), json!([1, 2])),
            (
                json!({"content": [text("12345678901234567890")]}),
                json!("12345678901234567890"),
            ),
            (json!({"content": [text("a"), text("b")]}), json!("a\nb")),
            (
                json!({"contents": [{"uri": "u", "text": "hello"}]}),
                json!("hello"),
            ),
            (
                json!({"content": [{"type": "resource", "resource": {"text": "in"}}]}),
                json!("in"),
            ),
            (json!({}), json!("")),
        ];
        for (result, expected) in cases {
            assert_eq!(reply(&result).value(), expected, "{result}");
        }
    }

    #[test]
    fn a_tools_own_error_shape_is_understood() {
        let own = json!({"code": "channel_not_found", "message": "no #x", "type": "permanent"});
        for result in [
            json!({"isError": true, "content": [], "structuredContent": own}),
            json!({"isError": true, "content": [{"type": "text", "text": own.to_string()}]}),
            json!({"isError": true, "content": [{"type": "text", "text": json!({"error": own}).to_string()}]}),
        ] {
            let failure = reply(&result).failure().unwrap();
            assert_eq!(failure.code.as_deref(), Some("channel_not_found"));
            assert_eq!(failure.message, "no #x");
            assert_eq!(failure.error_type, Some(ErrorType::Permanent));
        }
        assert_eq!(reply(&json!({"content": []})).failure(), None);
    }

    #[test]
    fn nesting_beyond_the_limit_leaves_the_raw_text() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let raw = RawValue::from_string(deep.clone()).unwrap();
        let reply = Reply::new(ServerId::parse("s").unwrap(), raw, Duration::ZERO);
        assert_eq!(reply.parsed(), &Value::Null);
        assert_eq!(reply.raw().get(), deep);
    }
}
