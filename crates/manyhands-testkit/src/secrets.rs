//! Hides the values of keys that look secret, in JSON of any depth and in JSON that breaks off.
//!
//! The text is read token by token, not parsed, so that all else stays as it was written.

use std::borrow::Cow;

const HIDDEN: &str = r#""[hidden]""#;
/// The ends of secret keys, once they are reduced to small letters and digits.
const SECRET: [&str; 14] = [
    "token",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "cookie",
    "credential",
    "credentials",
    "authorization",
];
/// JSON in a text in a text: each level doubles its backslashes, so nobody nests far.
const MAX_NESTING: usize = 4;

/// Replaces strings and numbers under secret keys by `"[hidden]"`, in texts that hold JSON as well.
///
/// Objects under such keys are left to their own keys: a schema describes `password` by an object.
pub(crate) fn hide(text: &str) -> Cow<'_, str> {
    hide_in(text, MAX_NESTING)
}

fn hide_in(text: &str, levels: usize) -> Cow<'_, str> {
    // Large texts without any key are common, and passed at the speed of a search.
    if !text.contains('"') {
        return Cow::Borrowed(text);
    }
    let mut rest = text;
    let mut hidden = String::new();
    // Where `hidden` ends in `text`.
    let mut done = text;
    let mut secret = false;
    let mut lists = 0_usize;
    while let Some((token, after)) = token(rest) {
        let replacement = match token.as_bytes().first() {
            Some(b'"') if after.trim_start().starts_with(':') => {
                secret = is_secret(token);
                lists = 0;
                None
            }
            Some(b'"' | b'-' | b'0'..=b'9') if secret => Some(HIDDEN.to_owned()),
            Some(b'"') => levels.checked_sub(1).and_then(|left| inner(token, left)),
            Some(b'[') => {
                lists += 1;
                None
            }
            Some(b']') => {
                lists = lists.saturating_sub(1);
                secret &= lists > 0;
                None
            }
            Some(b'{' | b'}') => {
                secret = false;
                None
            }
            Some(b',') => {
                secret &= lists > 0;
                None
            }
            _ => None,
        };
        if let Some(replacement) = replacement {
            let kept = done.len() - rest.len();
            hidden.push_str(done.split_at(kept).0);
            hidden.push_str(&replacement);
            done = after;
        }
        rest = after;
    }
    if done.len() == text.len() {
        return Cow::Borrowed(text);
    }
    hidden.push_str(done);
    Cow::Owned(hidden)
}

/// The next token and what follows it: a string with its quotes, a sign, or a run of anything else.
fn token(text: &str) -> Option<(&str, &str)> {
    let first = *text.as_bytes().first()?;
    let end = match first {
        b'"' => string_end(text),
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
        _ if first.is_ascii_whitespace() => text.len() - text.trim_ascii_start().len(),
        _ => {
            let ends = |byte: u8| {
                let sign = matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':');
                sign || byte.is_ascii_whitespace()
            };
            text.bytes().position(ends).unwrap_or(text.len())
        }
    };
    text.split_at_checked(end)
}

/// Where a string ends, its closing quote included; the end of the text where there is none.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// A string that holds JSON, with its secrets hidden; none where it holds none.
fn inner(token: &str, levels: usize) -> Option<String> {
    // Without an escape there is no quote in it.
    if !token.contains('\\') {
        return None;
    }
    let text: String = serde_json::from_str(token).ok()?;
    match hide_in(&text, levels) {
        Cow::Owned(hidden) => Some(serde_json::Value::String(hidden).to_string()),
        Cow::Borrowed(_) => None,
    }
}

/// Whether a key, given with its quotes, looks as if its value were secret.
fn is_secret(key: &str) -> bool {
    let key: String = serde_json::from_str(key).unwrap_or_else(|_| key.to_owned());
    let letters = key.chars().filter(char::is_ascii_alphanumeric);
    let key: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    // A progress token says which request a notification belongs to.
    key != "progresstoken" && SECRET.iter().any(|secret| key.ends_with(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_keys_are_hidden_and_nothing_else_changes() {
        for (text, expected) in [
            (r#"{"a" : [1.0, "token"]}"#, r#"{"a" : [1.0, "token"]}"#),
            (
                r#"{"apiKey":"x","b":"y"}"#,
                r#"{"apiKey":"[hidden]","b":"y"}"#,
            ),
            (r#"{"X-API-Key": "a\"b" }"#, r#"{"X-API-Key": "[hidden]" }"#),
            (r#"{"PASSWORD":-1e9}"#, r#"{"PASSWORD":"[hidden]"}"#),
            (r#"{"t\u006fken":"x"}"#, r#"{"t\u006fken":"[hidden]"}"#),
            (
                r#"{"GH_TOKEN":["x","y"],"z":["w"]}"#,
                r#"{"GH_TOKEN":["[hidden]","[hidden]"],"z":["w"]}"#,
            ),
            (
                r#"{"credentials":"x","secret":null,"token":true}"#,
                r#"{"credentials":"[hidden]","secret":null,"token":true}"#,
            ),
            (
                r#"{"password":{"type":"string"},"b":"c"}"#,
                r#"{"password":{"type":"string"},"b":"c"}"#,
            ),
            (
                r#"{"maxTokens":9,"progressToken":"p","nextCursor":"c"}"#,
                r#"{"maxTokens":9,"progressToken":"p","nextCursor":"c"}"#,
            ),
            (
                r#"{"Authorization":"Bearer br"#,
                r#"{"Authorization":"[hidden]""#,
            ),
            ("no \"JSON: é{", "no \"JSON: é{"),
        ] {
            assert_eq!(hide(text), expected);
        }
    }

    #[test]
    fn json_within_texts_is_searched_too() {
        let inner = serde_json::json!({"password": "x", "n": 1}).to_string();
        let text = serde_json::json!({"text": format!("got {inner}")}).to_string();
        let expected = r#"{"text":"got {\"password\":\"[hidden]\",\"n\":1}"}"#;
        assert_eq!(hide(&text), expected);
    }

    #[test]
    fn depth_is_no_obstacle() {
        let deep = |value: &str| format!("{}{value}{}", "[".repeat(5_000), "]".repeat(5_000));
        let text = deep(r#"{"token":"x"}"#);
        assert_eq!(hide(&text), deep(r#"{"token":"[hidden]"}"#));
    }
}
