//! One JSON-RPC message from a server, read as far as it tells what it is.
//!
//! What servers get wrong and what does not matter is read all the same: an id as text or as `7.0`, bytes that are no
//! UTF-8, a byte order mark, several messages in one list.

use std::borrow::Cow;
use std::time::Duration;

use manyhands_core::{Printable, clip};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// What is said of an answer that is longer than a message may be.
pub(crate) const TOO_LONG: &str = "its answer is over 16 MiB";
/// How many messages one list may hold.
const MAX_BATCH: usize = 1_000;
/// How much of an error's text is kept, in bytes, and of its data.
const MAX_ERROR: usize = 600;
const MAX_DATA: usize = 16 * 1024;

/// What a server sent.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// It answers the request of this id.
    Answer(u64, Result<&'a RawValue, RpcError>),
    /// It answers the request of this id, and says nothing.
    Empty(u64),
    /// It asks something of us; its id goes back as it came.
    Question {
        id: &'a RawValue,
        method: Cow<'a, str>,
        params: Option<&'a RawValue>,
    },
    /// It tells something.
    Notification {
        method: Cow<'a, str>,
        params: Option<&'a RawValue>,
    },
}

/// A JSON-RPC error, with what is odd about it mended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    /// Printable and bounded.
    pub(crate) message: String,
    /// Null where it is too large to keep.
    pub(crate) data: Value,
    /// How long what carried it asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    jsonrpc: Option<IgnoredAny>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    /// `null` is a result too.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(reader).map(Some)
}

/// Reads one line or body and hands on each message in it; `false` when there is none.
pub(crate) fn read(bytes: &[u8], mut each: impl FnMut(Message<'_>)) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    if text.starts_with('[') {
        let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text) else {
            return false;
        };
        let mut found = false;
        for message in list.iter().take(MAX_BATCH) {
            if let Some(message) = sort(message.get()) {
                each(message);
                found = true;
            }
        }
        return found;
    }
    match sort(text) {
        Some(message) => {
            each(message);
            true
        }
        None => false,
    }
}

fn sort(text: &str) -> Option<Message<'_>> {
    let Envelope {
        jsonrpc,
        id,
        method,
        params,
        result,
        error,
    } = serde_json::from_str(text).ok()?;
    if let Some(method) = method {
        return Some(match id {
            Some(id) => Message::Question { id, method, params },
            None => Message::Notification { method, params },
        });
    }
    let id = number(id?.get())?;
    match (error, result) {
        // Both at once is illegal; whoever reports an error means it.
        (Some(error), _) => Some(Message::Answer(id, Err(RpcError::read(error)))),
        (None, Some(result)) => Some(Message::Answer(id, Ok(result))),
        // A line of a log may well have an id.
        (None, None) => jsonrpc.map(|_| Message::Empty(id)),
    }
}

/// Our id, which is always a whole number, however the server wrote it.
fn number(raw: &str) -> Option<u64> {
    if let Ok(id) = raw.parse() {
        return Some(id);
    }
    match serde_json::from_str(raw).ok()? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => {
            let float = number.as_f64()?;
            // Larger ones are not exact, and are none of ours.
            let whole = float.fract() == 0.0 && (0.0..9e15).contains(&float);
            whole.then(|| format!("{float:.0}").parse().ok()).flatten()
        }
        _ => None,
    }
}

impl RpcError {
    pub(crate) fn read(raw: &RawValue) -> Self {
        let Ok(error) = serde_json::from_str::<Value>(raw.get()) else {
            return Self::new(0, "an error that is nested too deep to be read");
        };
        let code = error.get("code").map_or(0, |code| match code {
            Value::String(text) => text.parse().unwrap_or(0),
            other => other
                .as_i64()
                .unwrap_or_else(|| other.as_f64().map_or(0, |float| float as i64)),
        });
        let message = match error.get("message").unwrap_or(&error) {
            Value::String(text) => Self::new(code, text),
            other => Self::new(code, &other.to_string()),
        };
        let data = error.get("data").cloned().unwrap_or_default();
        let small = raw.get().len() <= MAX_DATA;
        Self {
            data: if small { data } else { Value::Null },
            ..message
        }
    }

    pub(crate) fn new(code: i64, message: &str) -> Self {
        Self {
            code,
            message: clip(&Printable(&clip(message, MAX_ERROR)).to_string(), MAX_ERROR)
                .into_owned(),
            data: Value::Null,
            retry_after: None,
        }
    }

    /// Whether only a server of 2026-07-28 or later answers so.
    pub(crate) fn is_modern(&self) -> bool {
        (-32_022..=-32_020).contains(&self.code)
    }
}

/// Whether `serde_json`, whose limit is 128, would refuse to read it: nobody above could see what it says.
pub(crate) fn nested_too_deep(json: &[u8]) -> bool {
    const LIMIT: usize = 126;
    if opened(json) <= LIMIT {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > LIMIT {
            return true;
        }
    }
    false
}

/// How many brackets and braces open, in texts too. The sums of one byte each are what a compiler makes wide additions of.
fn opened(json: &[u8]) -> usize {
    // `[` and `{` differ in this bit alone.
    let opens = |byte: &u8| u8::from(byte | 0x20 == b'{');
    let chunks = json.chunks(usize::from(u8::MAX));
    chunks
        .map(|it| usize::from(it.iter().map(opens).sum::<u8>()))
        .sum()
}

/// The id in the first or last bytes of a message that was too long to be kept, where it stands plainly.
pub(crate) fn id_at_the_edge(head: &[u8], tail: &[u8]) -> Option<u64> {
    let head = String::from_utf8_lossy(head);
    let before = head.find("\"result\"").or(head.find("\"error\""));
    let at_start = before.and_then(|end| head.get(..end)).unwrap_or_default();
    let digits = |text: &str| -> Option<u64> {
        let rest = text
            .split_once("\"id\"")?
            .1
            .trim_start()
            .strip_prefix(':')?;
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        rest.get(..end)?.parse().ok()
    };
    digits(at_start).or_else(|| {
        let tail = String::from_utf8_lossy(tail);
        // Only what follows the result's own end can be the message's id.
        let last = tail.trim_end().rfind("\"id\"")?;
        let text = tail.get(last..)?;
        let rest = text.trim_end().strip_suffix('}')?;
        let number = rest.split_once(':')?.1.trim();
        number.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Vec<String> {
        let mut found = Vec::new();
        let any = read(line.as_bytes(), |message| {
            found.push(match message {
                Message::Answer(id, Ok(result)) => format!("{id}={}", result.get()),
                Message::Answer(id, Err(error)) => {
                    format!("{id}!{} {}", error.code, error.message)
                }
                Message::Empty(id) => format!("{id}:nothing"),
                Message::Question { id, method, .. } => format!("{}?{method}", id.get()),
                Message::Notification { method, params } => {
                    format!("{method}({})", params.map_or("", |params| params.get()))
                }
            });
        });
        assert_eq!(any, !found.is_empty(), "{line}");
        found
    }

    #[test]
    fn answers_are_matched_however_the_id_is_written() {
        for id in ["7", "7.0", "\"7\"", " 7 ", "7e0"] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
            assert_eq!(shown(&line), ["7={}"], "{id}");
        }
        for id in ["-1", "null", "7.5", "\"x\"", "1e300", "[7]", "{}"] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
            assert!(shown(&line).is_empty(), "{id}");
        }
    }

    #[test]
    fn odd_messages_are_sorted_by_what_they_mean() {
        for (line, meaning) in [
            (r#"{"id":1,"result":null}"#, "1=null"),
            (
                r#"{"id":1,"result":{},"error":{"code":5,"message":"both"}}"#,
                "1!5 both",
            ),
            (r#"{"id":1,"result":{},"error":null}"#, "1={}"),
            (r#"{"id":1,"error":"just text"}"#, "1!0 just text"),
            (
                r#"{"id":1,"error":{"code":"-32601","message":["x"]}}"#,
                "1!-32601 [\"x\"]",
            ),
            (r#"{"id":"q","method":"ping"}"#, "\"q\"?ping"),
            (r#"{"method":"n","params":{"a": 1}}"#, "n({\"a\": 1})"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "1:nothing"),
            ("\u{feff}{\"id\":1,\"result\":1}\r", "1=1"),
        ] {
            assert_eq!(shown(line), [meaning], "{line}");
        }
        for nothing in [
            "",
            "ready",
            "3",
            "{}",
            r#"{"id":1}"#,
            r#"{"level":30,"msg":"x"}"#,
            "[]",
        ] {
            assert!(shown(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn lists_and_broken_text_are_read() {
        assert_eq!(
            shown(r#"[{"id":1,"result":{}}, 5, {"method":"n"}]"#),
            ["1={}", "n()"]
        );
        let broken = [br#"{"id":1,"result":"a"#.as_slice(), b"\xff", br#""}"#].concat();
        let mut results = 0;
        assert!(read(&broken, |_| results += 1));
        assert_eq!(results, 1);
    }

    #[test]
    fn depth_is_counted_outside_of_texts() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!nested_too_deep(nested(126).as_bytes()));
        assert!(serde_json::from_str::<Value>(&nested(126)).is_ok());
        assert!(nested_too_deep(nested(127).as_bytes()));
        assert!(!nested_too_deep(
            format!(r#"["\"{}"]"#, "[".repeat(500)).as_bytes()
        ));
        assert!(!nested_too_deep(
            format!("[{}1]", "[],".repeat(500)).as_bytes()
        ));
    }

    #[test]
    fn the_id_of_an_endless_answer_is_found_at_either_edge() {
        let found = |head: &str, tail: &str| id_at_the_edge(head.as_bytes(), tail.as_bytes());
        assert_eq!(
            found(r#"{"jsonrpc":"2.0","id": 12,"result":{"#, "xx"),
            Some(12)
        );
        assert_eq!(
            found(r#"{"result":{"id":3,"#, r#"xx"}],"jsonrpc":"2.0","id":12}"#),
            Some(12)
        );
        assert_eq!(found(r#"{"result":{"id":3,"#, r#"{"id":5}]}}"#), None);
        assert_eq!(found("", r#"xx"}],"jsonrpc":"2.0","id":12}"#), Some(12));
        assert_eq!(found("plain text", "more text"), None);
    }
}
