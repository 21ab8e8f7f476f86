//! Tools found by meaning, as the configuration's `embeddings` says.

use manyhands::{Access, Builder, FromConfig, ModelApi, Query, Selection, Toolkit};
use manyhands_testkit::{ScriptedServer, VectorServer};
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use crate::log::Log;
use crate::servers::{id, state, text};

/// What must be written nowhere.
const KEY: &str = "sk-planted-canary";

fn books() -> ScriptedServer {
    ScriptedServer::new("books")
        .tool("pay_invoice", |_| text("paid"))
        .tool("list_rooms", |_| text("none"))
}

async fn endpoint() -> VectorServer {
    let server = VectorServer::start([vec!["invoice", "remuneration"], vec!["room"]]).await;
    let server = server.unwrap();
    server.require_key(KEY);
    server
}

/// A toolkit with one server in this process, and with these `embeddings`.
fn builder(embeddings: &Value, access: &Access) -> Builder {
    let file = json!({"mcpServers": {}, "manyhands": {"embeddings": embeddings}});
    let builder = Toolkit::from_json_with(&file.to_string(), access).unwrap();
    builder.add(id("books"), books().connector())
}

fn named(selection: &Selection) -> Vec<String> {
    let chosen = selection.chosen.iter();
    chosen.map(|it| it.tool.name().to_string()).collect()
}

fn logged() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("trace"))
        .with_writer(log.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn a_tool_that_no_word_finds_is_found_by_its_meaning() {
    let (log, _guard) = logged();
    let endpoint = endpoint().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, KEY).unwrap();
    let file = format!("${{secret:file:{}}}", file.display());
    for key in [&format!("${{NO_SUCH_VARIABLE:-{KEY}}}"), &file] {
        let embeddings = json!({"url": endpoint.url(), "model": "small", "apiKey": key});
        let kit = builder(&embeddings, &Access::default());
        let kit = kit.connect().await.unwrap();
        let query = Query::new("remuneration").with_limit(1);
        assert_eq!(kit.select(query.clone()).now().chosen.len(), 0);
        assert_eq!(kit.tools_to_embed(), 2);
        kit.embed_tools().await.unwrap();
        assert_eq!(kit.tools_to_embed(), 0);
        let found = kit.select(query.clone()).by_meaning().await;
        assert_eq!(
            named(&found),
            ["books.pay_invoice"],
            "{:?}",
            found.without_embedder
        );
        assert_eq!(kit.check_embedder().await, Some(Ok(3)));
        kit.close().await;
    }
    assert!(!log.text().contains("canary"), "{}", log.text());
}

#[tokio::test]
async fn a_model_that_searches_finds_by_meaning_too() {
    let endpoint = endpoint().await;
    let embeddings = json!({"url": endpoint.url(), "model": "small", "apiKey": KEY});
    let kit = builder(&embeddings, &Access::default());
    let kit = kit.connect().await.unwrap();
    kit.embed_tools().await.unwrap();
    let wanted = json!({"queries": ["remuneration"], "limit": 1}).to_string();
    let call = json!({"id": "1", "type": "function", "function": {"name": "find_tools", "arguments": wanted}});
    let calls = json!([call]);
    let talk = kit.conversation("c");
    for done in [
        kit.dispatch(ModelApi::OpenAi, &calls).await,
        talk.dispatch(ModelApi::OpenAi, &calls).await,
    ] {
        let told = json!(done.messages()).to_string();
        assert!(told.contains("books__pay_invoice"), "{told}");
        assert!(!told.contains("list_rooms"), "{told}");
    }
    kit.close().await;
}

#[tokio::test]
async fn an_endpoint_that_is_down_costs_nothing_but_a_notice() {
    let endpoint = endpoint().await;
    for status in [Some(500), Some(403), None] {
        let (log, _guard) = logged();
        let url = match status {
            Some(_) => endpoint.url(),
            None => "http://127.0.0.1:1/v1".to_owned(),
        };
        endpoint.fail(status);
        let embeddings = json!({"url": url, "model": "small", "apiKey": KEY});
        let kit = builder(&embeddings, &Access::default());
        let kit = kit.connect().await.unwrap();
        kit.embed_tools().await.unwrap_err();
        let query = Query::new("pay the invoice");
        let by_words = kit.select(query.clone()).now();
        let found = kit.select(query.clone()).by_meaning().await;
        assert_eq!(named(&found), named(&by_words));
        assert_eq!(named(&found), ["books.pay_invoice"]);
        let told = found.without_embedder.unwrap();
        assert!(told.starts_with("embed texts: http://127.0.0.1:"), "{told}");
        assert!(kit.check_embedder().await.unwrap().is_err());
        kit.close().await;
        let written = format!("{told}{}", log.text());
        assert!(!written.contains("canary"), "{written}");
    }
}

/// What cannot be used, and what is said of it.
fn broken() -> Vec<(Value, &'static str)> {
    let plain = "would send texts and key to embed.example unencrypted; write it with https";
    let url = "https://embed.example/v1";
    vec![
        (
            json!({"url": "http://embed.example/v1", "model": "m", "apiKey": KEY}),
            plain,
        ),
        (
            json!({"url": "http://embed.example/v1", "model": "m", "apiKey": "${secret:env:X}"}),
            plain,
        ),
        (
            json!({"url": "${NO_SUCH_VARIABLE:-sk-planted-canary}", "model": "m"}),
            "is not an absolute http or https URL",
        ),
        (
            json!({"url": url}),
            "manyhands.embeddings (the given JSON, line 1): the key `model` is missing; add it",
        ),
        (
            json!({"url": url, "model": "m", "apikey": KEY}),
            "the key `apikey` means nothing here; did you mean `apiKey`?",
        ),
        (
            json!({"url": url, "model": {"sk-planted-canary": 1}}),
            "manyhands.embeddings.model (the given JSON, line 1): expected a string, found an object",
        ),
        (
            json!({"url": url, "model": "m", "timeout": "soon"}),
            "manyhands.embeddings.timeout (the given JSON, line 1): ",
        ),
        (
            json!({"url": url, "model": "m", "apiKey": "${NO_SUCH_VARIABLE}"}),
            "manyhands.embeddings.apiKey (the given JSON, line 1): the variable `NO_SUCH_VARIABLE` is not set; set it",
        ),
        (
            json!({"url": url, "model": "m", "apiKey": "${secret:nowhere:x}"}),
            "no source of secrets is called `nowhere` here",
        ),
        (
            json!([KEY]),
            "manyhands.embeddings (the given JSON, line 1): expected an object, found a list",
        ),
    ]
}

#[tokio::test]
async fn embeddings_that_cannot_be_used_are_told_and_nothing_else_fails() {
    for (embeddings, wanted) in broken() {
        let (log, _guard) = logged();
        let kit = builder(&embeddings, &Access::default());
        let warned = log.text();
        assert!(
            warned.contains("tools are found by their words alone: failed to embed texts: "),
            "{warned}"
        );
        assert!(warned.contains(wanted), "{warned}");
        let kit = kit.connect().await.unwrap();
        assert_eq!(state(&kit, "books"), "ready");
        kit.embed_tools().await.unwrap_err();
        let found = kit.select("invoice").by_meaning().await;
        assert_eq!(named(&found), ["books.pay_invoice"]);
        let told = found.without_embedder.unwrap();
        assert!(told.contains(wanted), "{told}");
        kit.close().await;
        let written = format!("{told}{}", log.text());
        assert!(!written.contains("canary"), "{written}");
    }
}

#[tokio::test]
async fn vectors_are_kept_for_the_next_start_unless_the_model_is_another_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint().await;
    let started = async |key: &str, model: &str| {
        let embeddings = json!({"url": endpoint.url(), "model": model, "apiKey": key});
        let builder = builder(&embeddings, &Access::default());
        builder.remember_in(folder.path()).connect().await.unwrap()
    };
    let asked_by = async |model: &str| {
        let before = endpoint.asked().len();
        let kit = started(KEY, model).await;
        kit.embed_tools().await.unwrap();
        let found = kit.select("remuneration").at_most(1).by_meaning().await;
        assert_eq!(named(&found), ["books.pay_invoice"]);
        kit.close().await;
        endpoint.asked().len() - before
    };
    assert_eq!(asked_by("small").await, 3, "both tools and the query");
    assert_eq!(
        asked_by("small").await,
        2,
        "one tool, to see that it is the same model, and the query"
    );
    let kept = std::fs::read(folder.path().join("vectors.bin")).unwrap();
    assert!(!String::from_utf8_lossy(&kept).contains("canary"));
    endpoint.turn();
    assert_eq!(
        asked_by("small").await,
        4,
        "another model: one tool, both tools and the query"
    );
    assert_eq!(asked_by("small").await, 2);
    assert_eq!(asked_by("large").await, 3, "of another name");

    // An endpoint that is away at first is asked again.
    let kit = started("wrong", "large").await;
    assert_eq!(kit.tools_to_embed(), 0);
    kit.embed_tools().await.unwrap_err();
    kit.embed_tools().await.unwrap_err();
    std::fs::write(folder.path().join("vectors.bin"), "no vectors").unwrap();
    assert_eq!(asked_by("large").await, 3, "what is broken is made anew");
    assert_eq!(asked_by("large").await, 2);
    kit.close().await;
}
