//! What a server answered: raw JSON, with views that are made on first use.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use memchr::memmem;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::failure::ToolFailure;
use crate::names::{QualifiedName, ServerId};
use crate::substitution::Substitution;

/// A server's result, kept as the JSON it sent.
#[derive(Debug, Clone)]
pub struct Reply(Arc<Inner>, Option<Arc<Substitution>>);

#[derive(Debug)]
struct Inner {
    server: ServerId,
    raw: Box<RawValue>,
    took: Duration,
    parsed: OnceLock<Value>,
    failure: OnceLock<Option<ToolFailure>>,
}

impl Reply {
    /// Keeps `raw` as what `server` answered after `took`.
    #[must_use]
    pub fn new(server: ServerId, raw: Box<RawValue>, took: Duration) -> Self {
        let inner = Inner {
            server,
            raw,
            took,
            parsed: OnceLock::new(),
            failure: OnceLock::new(),
        };
        Self(Arc::new(inner), None)
    }

    /// Marks it as the answer of another tool than the one that was called.
    #[must_use]
    pub fn in_place_of_another(mut self, substitution: Substitution) -> Self {
        self.1 = Some(Arc::new(substitution));
        self
    }

    /// Which tool answered in place of the one that was called, and why; none where that one answered.
    #[must_use]
    pub fn substitution(&self) -> Option<&Substitution> {
        self.1.as_deref()
    }

    /// The tool that was called, where another one answered.
    #[must_use]
    pub fn substitute_for(&self) -> Option<&QualifiedName> {
        self.substitution().map(|it| &it.wanted)
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

    /// Whether the tool says that it failed. Cheap: a reply that says nothing of the kind is searched, and not parsed.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.failure().is_some()
    }

    /// What the tool says of its failure; none when it succeeded.
    ///
    /// A tool's own `{code, message, type}` is understood, as structured content or as a JSON text.
    #[must_use]
    pub fn failure(&self) -> Option<&ToolFailure> {
        let failure = self.0.failure.get_or_init(|| {
            let structured = || self.parsed().get("structuredContent");
            says_failed(self.0.raw.get()).then(|| {
                ToolFailure::of_reply(structured().filter(|it| !it.is_null()), &self.text())
            })
        });
        failure.as_ref()
    }

    /// The blocks of a tool's result, or the contents of a resource.
    fn blocks(&self) -> &[Value] {
        let parsed = self.parsed();
        let list = parsed.get("content").or_else(|| parsed.get("contents"));
        list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// Whether a result says `"isError": true` of itself, rather than somewhere inside.
fn says_failed(json: &str) -> bool {
    const KEY: &str = "\"isError\"";
    // Within a text the quotes are escaped, so that what is found is a key. Most are false, which is enough to know.
    let is_true = |at: usize| {
        let after = json.get(at + KEY.len()..).unwrap_or_default();
        let value = after.trim_start().strip_prefix(':');
        value.is_some_and(|value| value.trim_start().starts_with("true"))
    };
    if !memmem::find_iter(json.as_bytes(), KEY).any(is_true) {
        return false;
    }
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap_or_default();
    let said = fields.get("isError");
    said.is_some_and(|value| value.get() == "true")
}

/// The text of one block: its own, or that of the resource inside it.
fn block_text(block: &Value) -> Option<&str> {
    let text = block
        .get("text")
        .or_else(|| block.get("resource")?.get("text"));
    text.and_then(Value::as_str)
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
    use crate::error::ErrorType;
    use fastrand::Rng;
    use serde_json::json;

    fn reply(result: &Value) -> Reply {
        of(&result.to_string())
    }

    fn of(raw: &str) -> Reply {
        let raw = RawValue::from_string(raw.to_owned()).unwrap();
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
            let reply = reply(&result);
            let failure = reply.failure().unwrap();
            assert_eq!(failure.code.as_deref(), Some("channel_not_found"));
            assert_eq!(failure.message, "no #x");
            assert_eq!(failure.error_type, Some(ErrorType::Permanent));
        }
        assert_eq!(reply(&json!({"content": []})).failure(), None);
    }

    #[test]
    fn a_reply_fails_only_if_it_says_so_of_itself() {
        for (raw, expected) in [
            (r#"{"isError":true}"#, true),
            ("{\"content\":[],\n \"isError\" :\ttrue}", true),
            (
                r#"{"isError":false,"structuredContent":{"isError":true}}"#,
                false,
            ),
            (
                r#"{"structuredContent":{"isError":true},"isError":true}"#,
                true,
            ),
            (
                r#"{"content":[{"type":"text","text":"\"isError\":true"}]}"#,
                false,
            ),
            (r#"{"isError":"true"}"#, false),
            (r#"{"isError":1}"#, false),
            (r#"{"isError":null}"#, false),
            (r#"["isError",true]"#, false),
            (r#""isError""#, false),
        ] {
            let reply = of(raw);
            assert_eq!(reply.is_error(), expected, "{raw}");
            assert!(
                reply.0.parsed.get().is_none() || expected,
                "{raw} was parsed"
            );
        }
    }

    #[test]
    fn whatever_else_a_reply_holds_its_failure_is_what_a_parser_finds() {
        let mut random = Rng::with_seed(5);
        let mut failures = 0;
        for _ in 0..5_000 {
            let raw = any(&mut random, 4);
            let parsed: Value = serde_json::from_str(&raw).unwrap();
            let expected = parsed.get("isError") == Some(&Value::Bool(true));
            failures += usize::from(expected);
            assert_eq!(of(&raw).is_error(), expected, "{raw}");
        }
        assert!((50..4_000).contains(&failures), "{failures}");
    }

    /// Any JSON text of few words, most of which are about failing.
    fn any(random: &mut Rng, depth: usize) -> String {
        const TEXTS: [&str; 6] = [
            r#""isError""#,
            r#""isError\"""#,
            r#""\"isError\":true""#,
            r#""\\""#,
            r#""x""#,
            r#""true""#,
        ];
        let text = |random: &mut Rng| TEXTS[random.usize(..6)].to_owned();
        let space = |random: &mut Rng| [" ", "", "\n\t"][random.usize(..3)];
        match random.u8(..if depth == 0 { 3 } else { 8 }) {
            0 => "true".to_owned(),
            1 => "false".to_owned(),
            2 => text(random),
            3 => {
                let items: Vec<String> = (0..random.usize(..4))
                    .map(|_| any(random, depth - 1))
                    .collect();
                format!("[{}]", items.join(","))
            }
            _ => {
                let field = |random: &mut Rng| {
                    let (before, after) = (space(random), space(random));
                    format!("{}{before}:{after}{}", text(random), any(random, depth - 1))
                };
                let fields: Vec<String> = (0..random.usize(..4)).map(|_| field(random)).collect();
                format!("{{{}}}", fields.join(","))
            }
        }
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
