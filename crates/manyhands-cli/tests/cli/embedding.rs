//! Tools found by meaning: what is said while vectors are made, when there are none, and never.

use insta::assert_snapshot;
use manyhands_testkit::VectorServer;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::harness::Sandbox;
use crate::rpc::Client;

const KEY: &str = "sk-planted-canary";

/// An endpoint that knows what an epistle is, and a configuration that names it.
struct Scene {
    _runtime: Runtime,
    endpoint: VectorServer,
    sandbox: Sandbox,
}

impl Scene {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let topics = [vec!["unread", "epistle"], vec!["ticket", "issue"]];
        let endpoint = runtime.block_on(VectorServer::start(topics)).unwrap();
        endpoint.require_key(KEY);
        let scene = Self {
            sandbox: Sandbox::new(),
            endpoint,
            _runtime: runtime,
        };
        scene.sandbox.write("key", KEY);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let ours = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(scene.sandbox.path().join("key"), ours).unwrap();
        }
        scene.configure(
            &json!({"url": scene.endpoint.url(), "model": "small", "apiKey": "${secret:file:key}"}),
        );
        scene
    }

    fn configure(&self, embeddings: &Value) {
        let slack = json!({"command": "@MANYHANDS@", "args": ["demo-server", "slack"]});
        let file = json!({"mcpServers": {"slack": slack}, "manyhands": {"embeddings": embeddings}});
        self.sandbox.write("mcp.json", &file.to_string());
    }

    /// What a person sees, without the endpoint's port.
    fn told(&self, commands: &[&[&str]]) -> String {
        let told = self.sandbox.transcript(commands);
        assert!(!told.contains("sk-planted"), "{told}");
        told.replace(&self.endpoint.url(), "http://ENDPOINT/v1")
    }
}

const FIND: &[&str] = &["find", "epistle", "--limit", "1"];

#[test]
fn what_no_word_says_is_found_and_trouble_is_told() {
    let scene = Scene::new();
    let first = scene.told(&[FIND, FIND, &["doctor"]]);
    scene.endpoint.fail(500);
    let down = scene.told(&[FIND, &["doctor"]]);
    scene.configure(&json!({"url": "http://embed.example/v1", "model": "small", "apiKey": KEY}));
    let refused = scene.told(&[FIND, &["doctor"]]);
    assert_snapshot!("embedding", format!("{first}\n{down}\n{refused}"));
}

#[test]
fn programs_are_told_why_there_was_no_meaning() {
    let scene = Scene::new();
    let found = || -> Value {
        let finished = scene
            .sandbox
            .configured(&["-v", "--json", "find", "epistle"]);
        assert!(!finished.to_string().contains("sk-planted"));
        serde_json::from_str(&finished.stdout).unwrap()
    };
    let all = found();
    assert_eq!(all["without_embedder"], Value::Null);
    assert_eq!(all["tools"][0]["name"], "slack.get_unread");
    scene.endpoint.fail(503);
    let none = found();
    assert_eq!(none["tools"], json!([]));
    let told = none["without_embedder"].as_str().unwrap();
    assert!(told.starts_with("embed texts: http://127.0.0.1"), "{told}");
    let doctor = scene.sandbox.configured(&["--json", "doctor"]);
    let doctor: Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(doctor["embedder"]["dimensions"], Value::Null);
    assert!(doctor["embedder"]["cause"].is_string(), "{doctor}");
}

#[test]
fn a_client_whose_model_searches_finds_by_meaning() {
    let scene = Scene::new();
    let (mut client, _) = Client::initialized_with(&scene.sandbox, &["--search"]);
    // The tools are embedded before anything is searched for.
    let is_embedded = (0..5_000).any(|_| {
        client.result("tools/list", &json!({}));
        scene.endpoint.asked().len() == 4
    });
    assert!(is_embedded, "{:?}", scene.endpoint.asked());
    let call = json!({"name": "find_tools", "arguments": {"queries": ["epistle"], "limit": 1}});
    // What was asked for is there a moment later.
    let found = (0..500).find_map(|_| {
        let found = client.result("tools/call", &call);
        found["structuredContent"]["tools"].get(0).cloned()
    });
    assert_eq!(found.unwrap()["name"], "slack__get_unread");
    assert!(client.close().success());
}

#[test]
fn trust_shows_who_reads_what_tools_say() {
    let scene = Scene::new();
    assert_snapshot!("embedding_trust", scene.told(&[&["trust", "mcp.json"]]));
}
