//! The embedder against an endpoint at a port of this machine, which does what endpoints do.

use std::time::Duration;

use manyhands_registry::{EmbedError, Embedder};
use serde_json::json;

use crate::stub::{Endpoint, Play};
use crate::{EmbeddingSettings, OpenAiEmbedder};

const KEY: &str = "sk-planted-canary";

fn settings(endpoint: &Endpoint) -> EmbeddingSettings {
    EmbeddingSettings::new(&endpoint.url, "small").with_key(KEY)
}

async fn embed(settings: EmbeddingSettings, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
    let texts = texts.iter().map(|it| (*it).to_owned()).collect();
    OpenAiEmbedder::new(settings)?.embed(texts).await
}

fn answer(status: u16, body: &(impl ToString + ?Sized)) -> Play {
    Play::Answer(status, "", body.to_string())
}

/// What is said when an endpoint does this with two texts.
async fn told(play: Play) -> String {
    let endpoint = Endpoint::start([play]).await;
    let error = embed(settings(&endpoint), &["a", "b"]).await.unwrap_err();
    assert_eq!(endpoint.asked().len(), 1, "{error}");
    let text = error.to_string();
    assert!(text.starts_with("embed texts: http://127.0.0.1:"), "{text}");
    assert!(!text.contains("planted"), "{text}");
    text.split_once("/v1/embeddings ").unwrap().1.to_owned()
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts_whatever_that_of_the_answer() {
    let endpoint = Endpoint::start([]).await;
    let texts = ["a", "bb", "ccc", "dddd", "eeeee"];
    let vectors = embed(settings(&endpoint).with_batch(2), &texts)
        .await
        .unwrap();
    let lengths: Vec<f32> = vectors.iter().map(|it| it[0]).collect();
    assert_eq!(lengths, [1.0, 2.0, 3.0, 4.0, 5.0]);
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(
        asked[1].body,
        json!({"model": "small", "input": ["ccc", "dddd"]})
    );
    assert!(asked[0].head.starts_with("POST /v1/embeddings HTTP"));
    assert!(
        asked[0]
            .head
            .contains("authorization: Bearer sk-planted-canary\r\n")
    );
}

#[tokio::test]
async fn dimensions_are_asked_for_and_held_to() {
    let endpoint = Endpoint::start([]).await;
    let error = embed(settings(&endpoint).with_dimensions(3), &["a"])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a vector of 2 dimensions, where 3 are expected"),
        "{error}"
    );
    assert_eq!(endpoint.asked()[0].body["dimensions"], 3);
    // A later batch is held to the first one.
    let first = answer(200, &json!({"data": [{"embedding": [1, 2, 3]}]}));
    let endpoint = Endpoint::start([first]).await;
    let error = embed(settings(&endpoint).with_batch(1), &["a", "b"])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a vector of 2 dimensions, where 3 are expected"),
        "{error}"
    );
}

#[tokio::test]
async fn answers_that_are_no_vectors_are_told() {
    let data = |items: serde_json::Value| answer(200, &json!({"data": items}));
    let (one, two) = (
        json!({"index": 0, "embedding": [1]}),
        json!({"index": 1, "embedding": [1]}),
    );
    for (play, wanted) in [
        (
            answer(200, "<html>Sign in</html>"),
            "answers with something other than vectors",
        ),
        (
            answer(200, "{\"data\": [{\"embedding\": [null, 1]}]}"),
            "answers with something other than vectors",
        ),
        (
            answer(200, &"[".repeat(100_000)),
            "answers with something other than vectors",
        ),
        (data(json!([one])), "answers 2 texts with 1 vectors"),
        (
            data(json!([one, one])),
            "answers with two vectors for one text",
        ),
        (
            data(json!([one, {"index": 7, "embedding": [1]}])),
            "answers with two vectors for one text",
        ),
        (
            data(json!([one, {"index": 1, "embedding": [1, 2]}])),
            "a vector of 2 dimensions, where 1 are expected",
        ),
        (
            data(json!([{"index": 0, "embedding": []}, two])),
            "a vector of 0 dimensions",
        ),
        (
            answer(200, &"x".repeat(17 << 20)),
            "answers with more than 16 MiB; set a smaller `batch`",
        ),
    ] {
        let text = told(play).await;
        assert!(text.contains(wanted), "{text}");
    }
}

#[tokio::test]
async fn refusals_say_what_to_do_and_nothing_of_the_key() {
    let quoting = json!({"error": {"message": format!("{KEY} is no key")}});
    for (play, wanted) in [
        (
            answer(401, &quoting),
            "does not let us in (HTTP 401); check the key, and that it may be used for this model",
        ),
        (
            answer(404, &json!({"error": "no model small"})),
            "has no such model, or is not there (HTTP 404: no model small);",
        ),
        (
            answer(500, &quoting),
            "has failed (HTTP 500); try again later",
        ),
        (
            Play::Answer(307, "location: /elsewhere\r\n", String::new()),
            "sends us to another address (HTTP 307)",
        ),
        (
            Play::Answer(429, "retry-after: 3600\r\n", String::new()),
            "wants us to come back in 60 min (HTTP 429)",
        ),
        (
            Play::Answer(503, "retry-after: 18446744073709551615\r\n", String::new()),
            "wants us to come back in",
        ),
    ] {
        let text = told(play).await;
        assert!(text.starts_with(wanted), "{text}");
    }
    let endpoint = Endpoint::start([answer(401, "")]).await;
    let keyless = EmbeddingSettings::new(&endpoint.url, "small");
    let error = embed(keyless, &["a"]).await.unwrap_err();
    assert!(
        error.to_string().ends_with("(HTTP 401); it wants a key"),
        "{error}"
    );
    assert!(!endpoint.asked()[0].head.contains("authorization"));
}

#[tokio::test]
async fn what_passes_is_tried_again_and_not_for_ever() {
    let busy = |status| Play::Answer(status, "retry-after: 0\r\n", String::new());
    let endpoint = Endpoint::start([busy(429), busy(503)]).await;
    assert_eq!(
        embed(settings(&endpoint), &["abc"]).await.unwrap(),
        [[3.0, 1.0]]
    );
    assert_eq!(endpoint.asked().len(), 3);
    let endpoint = Endpoint::start([429, 429, 503, 429, 429].map(busy)).await;
    let error = embed(settings(&endpoint), &["abc"]).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has had too many requests (HTTP 429)"),
        "{error}"
    );
    assert_eq!(endpoint.asked().len(), 4);
}

// With the clock paused, the deadline passes as soon as nothing else happens.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_costs_only_the_time_limit() {
    let endpoint = Endpoint::start([Play::Hang]).await;
    let limited = settings(&endpoint).with_timeout(Duration::from_secs(3));
    let error = embed(limited, &["a"]).await.unwrap_err();
    assert!(
        error.to_string().contains("has not answered within 3 s;"),
        "{error}"
    );
    let endless = settings(&Endpoint::start([Play::Hang]).await).with_timeout(Duration::MAX);
    let error = embed(endless, &["a"]).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has not answered within 60 min;"),
        "{error}"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_told() {
    let error = embed(
        EmbeddingSettings::new("http://127.0.0.1:1/v1", "small"),
        &["a"],
    );
    let error = error.await.unwrap_err().to_string();
    assert!(
        error.starts_with("embed texts: http://127.0.0.1:1/v1/embeddings cannot be reached: "),
        "{error}"
    );
}

#[test]
fn settings_that_would_leak_or_cannot_be_sent_are_refused() {
    let refused = |url: &str| {
        let settings = EmbeddingSettings::new(url, "small").with_key(KEY);
        OpenAiEmbedder::new(settings).err().map(|it| it.to_string())
    };
    for url in [
        "https://api.example.com/v1",
        "http://localhost:11434/v1/",
        "http://[::1]/v1?version=k1",
    ] {
        assert_eq!(refused(url), None, "{url}");
    }
    for (url, wanted) in [
        (
            "http://api.example.com/v1",
            "would send texts and key to api.example.com unencrypted",
        ),
        ("https://me:hunter2@api.example.com/v1", "has a user in it"),
        ("sk-hunter2", "is not an absolute http or https URL"),
        (
            "ftp://localhost/hunter2",
            "is not an absolute http or https URL",
        ),
    ] {
        let told = refused(url).unwrap();
        assert!(told.contains(wanted) && !told.contains("hunter2"), "{told}");
    }
    let plain = EmbeddingSettings::new("http://10.0.0.1/v1", "small");
    assert!(OpenAiEmbedder::new(plain.clone()).is_err());
    assert!(OpenAiEmbedder::new(plain.allow_plain_http()).is_ok());
    let odd = EmbeddingSettings::new("http://localhost/v1", "small").with_key("hunter2\n");
    let told = OpenAiEmbedder::new(odd).err().unwrap().to_string();
    assert!(
        told.contains("no header may hold") && !told.contains("hunter2"),
        "{told}"
    );
}

#[test]
fn nothing_secret_is_shown() {
    for url in [
        "https://api.example.com/v1?key=planted",
        "sk-planted-canary",
    ] {
        let settings = EmbeddingSettings::new(url, "small").with_key(KEY);
        let mut shown = format!("{settings:?}");
        shown.extend(
            OpenAiEmbedder::new(settings)
                .ok()
                .map(|it| format!("{it:?}")),
        );
        assert!(
            shown.contains("small") && !shown.contains("planted"),
            "{shown}"
        );
    }
}

#[test]
fn settings_are_read_as_an_mcp_json_has_them() {
    let read = json!({"url": "https://api.example.com/v1", "model": "small", "apiKey": KEY, "timeout": "5s"});
    let read: EmbeddingSettings = serde_json::from_value(read).unwrap();
    assert_eq!((read.timeout.0, read.batch), (Duration::from_secs(5), 64));
    assert_eq!(read.key.unwrap().expose(), KEY);
}
