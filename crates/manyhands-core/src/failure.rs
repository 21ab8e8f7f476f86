//! What a tool says itself of why it failed, or a server in the `data` of an error. It must not know what follows.

use std::borrow::Cow;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::{Map, Value};

use crate::duration::whole_millis;
use crate::error::{ErrorType, MAX_RETRY_AFTER};
use crate::text::clip;

/// How much of a tool's own words is kept, in bytes; the reply has all of them.
const MAX_MESSAGE: usize = 4 * 1024;
/// How much of its code is kept.
const MAX_CODE: usize = 200;
/// The longest JSON that is looked for behind other words.
const MAX_TOLD: usize = 64 * 1024;

/// A tool's own account of why it failed: `{code, message, type, retryAfter}`, of which it may leave out any.
///
/// The texts are a stranger's: bounded, and not yet fit for a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolFailure {
    /// The tool's code, where it gave one.
    pub code: Option<String>,
    /// What it says to people.
    pub message: String,
    /// The class it puts the failure in, where it gave one of the four.
    pub error_type: Option<ErrorType>,
    /// How long it asks to be left alone: `retryAfter` in seconds or `retryAfterMs`, a day at the most.
    pub retry_after: Option<Duration>,
}

impl ToolFailure {
    /// Reads what `value` says of a failure, by itself or in its `error`; none where it gives neither a class, nor a
    /// time to wait, nor a code with a message.
    #[must_use]
    pub fn told_in(value: &Value) -> Option<Self> {
        let whole = value.as_object()?;
        let inner = whole.get("error").and_then(Value::as_object);
        [inner, Some(whole)].into_iter().flatten().find_map(told_by)
    }

    /// Reads the account in a reply, from its structured content or the JSON in its text; its message is all there is
    /// to say where it has none of its own.
    pub(crate) fn of_reply(structured: Option<&Value>, text: &str) -> Self {
        let written = json_in(text);
        let values: Vec<&Value> = structured.into_iter().chain(&written).collect();
        let told = values.iter().find_map(|value| Self::told_in(value));
        let told = told.unwrap_or_default();
        if !told.message.is_empty() {
            return told;
        }
        let plain = values.iter().find_map(|value| plain_message(value));
        let message = match (plain, structured) {
            (Some(plain), _) => Cow::Borrowed(plain),
            (None, Some(value)) if text.is_empty() => Cow::Owned(value.to_string()),
            (None, _) => Cow::Borrowed(text),
        };
        let message = clip(&message, MAX_MESSAGE).into_owned();
        Self { message, ..told }
    }
}

impl Serialize for ToolFailure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("ToolFailure", 4)?;
        fields.serialize_field("code", &self.code)?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("type", &self.error_type)?;
        fields.serialize_field("retry_after_ms", &self.retry_after.map(whole_millis))?;
        fields.end()
    }
}

fn told_by(fields: &Map<String, Value>) -> Option<ToolFailure> {
    let message = fields.get("message").and_then(Value::as_str);
    let code = match fields.get("code") {
        None | Some(Value::Null) => None,
        Some(Value::String(code)) => Some(clip(code, MAX_CODE).into_owned()),
        Some(other) => Some(clip(&other.to_string(), MAX_CODE).into_owned()),
    };
    let failure = ToolFailure {
        error_type: fields.get("type").and_then(error_type),
        retry_after: retry_after(fields),
        message: clip(message.unwrap_or_default(), MAX_MESSAGE).into_owned(),
        code,
    };
    let says = failure.error_type.is_some() || failure.retry_after.is_some();
    (says || (failure.code.is_some() && message.is_some())).then_some(failure)
}

fn error_type(word: &Value) -> Option<ErrorType> {
    let word = word.as_str()?;
    let known = ErrorType::ALL.into_iter();
    known
        .into_iter()
        .find(|it| it.as_str().eq_ignore_ascii_case(word))
}

fn retry_after(fields: &Map<String, Value>) -> Option<Duration> {
    let named = |names: [&str; 2]| names.into_iter().find_map(|name| number(fields.get(name)?));
    let millis = named(["retryAfterMs", "retry_after_ms"]).map(|it| it / 1_000.0);
    let seconds = millis.or_else(|| named(["retryAfter", "retry_after"]))?;
    // What is no number is refused by the comparison too.
    let bounded = (seconds >= 0.0).then(|| seconds.min(MAX_RETRY_AFTER.as_secs_f64()));
    bounded.map(Duration::from_secs_f64)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
}

/// The message of an object that says nothing else of use.
fn plain_message(value: &Value) -> Option<&str> {
    let error = value.get("error");
    let fields = [
        value.get("message"),
        error.and_then(|it| it.get("message")),
        error,
    ];
    fields.into_iter().flatten().find_map(Value::as_str)
}

/// The JSON object that a text is, or ends with: SDKs put words of their own before what a tool raised.
fn json_in(text: &str) -> Option<Value> {
    let object = text.get(text.find('{')?..)?;
    let short = object.len() <= MAX_TOLD;
    short.then(|| serde_json::from_str(object).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;
    use serde_json::json;

    fn read(structured: &Value, text: &str) -> ToolFailure {
        ToolFailure::of_reply(Some(structured).filter(|it| !it.is_null()), text)
    }

    #[test]
    fn an_account_is_found_wherever_servers_put_it() {
        let own = json!({"code": "busy", "message": "later", "type": "transient", "retryAfter": 7});
        let text = own.to_string();
        let expected = ToolFailure {
            code: Some("busy".into()),
            message: "later".into(),
            error_type: Some(ErrorType::Transient),
            retry_after: Some(Duration::from_secs(7)),
        };
        for (structured, text) in [
            (own.clone(), ""),
            (json!({"error": own}), ""),
            (Value::Null, text.as_str()),
            (json!({"result": "no account"}), text.as_str()),
            (Value::Null, &format!("Error executing tool post: {text}")),
            (Value::Null, &json!({"error": own}).to_string()),
        ] {
            assert_eq!(read(&structured, text), expected, "{structured} {text}");
        }
    }

    #[test]
    fn without_an_account_the_message_is_what_there_is_to_say() {
        for (structured, text, message) in [
            (Value::Null, "no such channel", "no such channel"),
            (json!({"error": "boom"}), "", "boom"),
            (json!({"error": {"message": "boom"}}), "x", "boom"),
            (json!({"message": "boom", "type": "novel"}), "x", "boom"),
            (json!({"a": 1}), "in words", "in words"),
            (json!({"a": 1}), "", r#"{"a":1}"#),
            (Value::Null, "", ""),
        ] {
            let failure = read(&structured, text);
            assert_eq!(
                (failure.message.as_str(), failure.error_type),
                (message, None)
            );
        }
    }

    #[test]
    fn a_time_to_wait_is_read_in_both_units_and_bounded() {
        let wait = |fields: Value| ToolFailure::told_in(&fields).and_then(|it| it.retry_after);
        let seconds = |number| Some(Duration::from_secs_f64(number));
        for (fields, expected) in [
            (json!({"retryAfter": 1.5}), seconds(1.5)),
            (json!({"retry_after": " 2 "}), seconds(2.0)),
            (json!({"retryAfterMs": 250, "retryAfter": 9}), seconds(0.25)),
            (json!({"retry_after_ms": 3_000}), seconds(3.0)),
            (json!({"retryAfter": 1e300}), Some(MAX_RETRY_AFTER)),
            (json!({"retryAfter": "inf"}), Some(MAX_RETRY_AFTER)),
            (json!({"retryAfter": -1}), None),
            (json!({"retryAfter": "NaN"}), None),
            (json!({"retryAfter": [1]}), None),
        ] {
            assert_eq!(wait(fields.clone()), expected, "{fields}");
        }
    }

    #[test]
    fn classes_are_read_in_any_case_and_others_are_none() {
        let class =
            |word: &str| ToolFailure::told_in(&json!({"type": word, "code": 1, "message": ""}));
        for known in ErrorType::ALL {
            let word = known.as_str().to_uppercase();
            assert_eq!(class(&word).unwrap().error_type, Some(known));
        }
        assert_eq!(class("fatal").unwrap().error_type, None);
    }

    #[test]
    fn no_json_whatever_gives_an_unbounded_text() {
        let mut random = Rng::with_seed(11);
        for _ in 0..2_000 {
            let (structured, text) = (any(&mut random, 4), any(&mut random, 3).to_string());
            let failure = read(&structured, &text);
            assert!(failure.message.len() <= MAX_MESSAGE, "{structured}");
            assert!(failure.code.is_none_or(|code| code.len() <= MAX_CODE));
            assert!(
                failure
                    .retry_after
                    .is_none_or(|wait| wait <= MAX_RETRY_AFTER)
            );
        }
    }

    /// Any JSON, with the fields that are looked for among its keys.
    fn any(random: &mut Rng, depth: usize) -> Value {
        const KEYS: [&str; 7] = [
            "error",
            "code",
            "message",
            "type",
            "retryAfter",
            "retry_after_ms",
            "x",
        ];
        let length = random.usize(..6_000);
        match random.u8(..if depth == 0 { 5 } else { 8 }) {
            0 => Value::Null,
            1 => json!(random.i64(..)),
            2 => json!(f64::from_bits(random.u64(..))),
            3 => json!("é\u{1b}".repeat(length)),
            4 => json!("transient"),
            5 => (0..random.usize(..3))
                .map(|_| any(random, depth - 1))
                .collect(),
            _ => {
                let field =
                    |random: &mut Rng| (KEYS[random.usize(..7)].to_owned(), any(random, depth - 1));
                Value::Object((0..random.usize(..6)).map(|_| field(random)).collect())
            }
        }
    }
}
