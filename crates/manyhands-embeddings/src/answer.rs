//! What an endpoint answers: vectors in the order of the texts, or why there are none. It must not know how it was asked.

use manyhands_core::{Printable, clip};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

/// How much of an endpoint's words is shown, in bytes.
const MAX_SHOWN: usize = 160;
/// The shortest part of a key that is not shown: endpoints quote keys in part.
const PART: usize = 6;

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    /// Whose vector it is. Some servers leave it out, and answer in order.
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// The vectors for `count` texts, in their order, all of `dimensions` if that is known; or what is wrong with them, as a
/// clause that follows the endpoint's name.
pub(crate) fn vectors(
    body: &[u8],
    count: usize,
    dimensions: Option<usize>,
) -> Result<Vec<Vec<f32>>, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| {
        "answers with something other than vectors; check that its URL is the one of an OpenAI-compatible API, such as \
         `https://host/v1`"
            .to_owned()
    })?;
    let got = answer.data.len();
    if got != count {
        return Err(format!("answers {count} texts with {got} vectors"));
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; count];
    let mut expected = dimensions;
    for (at, item) in answer.data.into_iter().enumerate() {
        let found = item.embedding.len();
        let expected = *expected.get_or_insert(found);
        if found == 0 || found != expected {
            return Err(format!(
                "answers with a vector of {found} dimensions, where {expected} are expected; check the model, and \
                 `dimensions` if that is set"
            ));
        }
        match vectors.get_mut(item.index.unwrap_or(at)) {
            Some(place @ None) => *place = Some(item.embedding),
            _ => return Err("answers with two vectors for one text".to_owned()),
        }
    }
    // There are as many as texts, no two for the same.
    Ok(vectors.into_iter().flatten().collect())
}

/// What an answer that is no success means, as a clause that follows the endpoint's name.
pub(crate) fn refusal(status: StatusCode, body: &[u8], key: Option<&str>) -> String {
    let code = status.as_u16();
    let said = said(body, key);
    match code {
        401 | 403 => {
            // What is said here is about the key, and tells parts of it in ways that nobody can foresee.
            let mend = match key {
                Some(_) => "check the key, and that it may be used for this model",
                None => "it wants a key",
            };
            format!("does not let us in (HTTP {code}); {mend}")
        }
        300..=399 => {
            format!("sends us to another address (HTTP {code}); give its URL as it is there")
        }
        404 => format!(
            "has no such model, or is not there (HTTP 404{said}); check its URL and the model"
        ),
        413 => format!("takes fewer texts at once (HTTP 413{said}); set a smaller `batch`"),
        429 => format!(
            "has had too many requests (HTTP 429{said}); try again later, or check what it allows"
        ),
        500.. => format!("has failed (HTTP {code}{said}); try again later"),
        _ => format!("refuses the request (HTTP {code}{said}); check the model and its settings"),
    }
}

/// What an endpoint says of it, unless it repeats something of the key.
fn said(body: &[u8], key: Option<&str>) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = body.get("error").or_else(|| body.get("message"));
    let error = error.or_else(|| body.get("detail")).unwrap_or(&Value::Null);
    let message = error.get("message").unwrap_or(error);
    let Some(message) = message.as_str().map(str::trim).filter(|it| !it.is_empty()) else {
        return String::new();
    };
    if key.is_some_and(|key| quotes(message, key)) {
        return String::new();
    }
    format!(": {}", Printable(&clip(message, MAX_SHOWN)))
}

/// Whether a text has any part of a secret that is long enough to tell.
fn quotes(text: &str, secret: &str) -> bool {
    let secret: Vec<char> = secret.chars().collect();
    let mut parts = secret.windows(PART.min(secret.len().max(1)));
    parts.any(|part| text.contains(&part.iter().collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_is_told_unless_it_has_some_of_the_key() {
        let told = |status, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            refusal(status, body.as_bytes(), Some("sk-planted-canary"))
        };
        let body = |text: &str| serde_json::json!({"error": {"message": text}}).to_string();
        let said = told(400, &body("no\u{1b}[31m such input"));
        assert_eq!(
            said,
            r"refuses the request (HTTP 400: no\u{1b}[31m such input); check the model and its settings"
        );
        assert!(told(404, r#"{"error": "model not found"}"#).contains("HTTP 404: model not found"));
        assert!(told(422, r#"{"detail": "too long"}"#).contains(": too long"));
        for secret in ["key sk-planted-canary is bad", "sk-pla****nary", "-canary"] {
            assert!(
                told(500, &body(secret)).starts_with("has failed (HTTP 500);"),
                "{secret}"
            );
        }
        assert!(!told(401, &body("sk-p")).contains("sk-p"));
        assert!(told(429, &body(&"x".repeat(9_000))).len() < 300);
    }
}
