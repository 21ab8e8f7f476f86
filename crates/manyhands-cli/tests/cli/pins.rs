//! Tools that change after they were approved, as a person finds out and approves them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use manyhands_testkit::{HttpServer, ScriptedServer, hostile};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::harness::{Finished, Sandbox, wait};
use crate::rpc::{Client, assert_error_shape};

/// A server that goes bad, one that stays as it is, and a configuration that names both.
struct Scene {
    _runtime: Runtime,
    _servers: [HttpServer; 2],
    bad: ScriptedServer,
    sandbox: Sandbox,
}

impl Scene {
    /// With the settings of the whole.
    fn new(settings: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let reply = |_: &Value| json!({"content": [{"type": "text", "text": "here"}]});
        let bad = hostile::rug_pull();
        let good = ScriptedServer::new("good").tool("where", reply);
        let servers = [&bad, &good].map(|it| runtime.block_on(HttpServer::start(it)).unwrap());
        let entries = json!({"bad": {"url": servers[0].url()}, "good": {"url": servers[1].url()}});
        let settings: Value = serde_json::from_str(settings).unwrap();
        let config = json!({"mcpServers": entries, "manyhands": settings});
        let sandbox = Sandbox::with_config(&config.to_string());
        Self {
            _runtime: runtime,
            _servers: servers,
            bad,
            sandbox,
        }
    }

    fn run(&self, args: &[&str]) -> Finished {
        self.sandbox.configured(args)
    }

    fn has_file(&self) -> bool {
        self.sandbox.path().join("mcp.lock.json").exists()
    }
}

#[test]
fn a_change_is_listed_shown_and_approved() {
    let scene = Scene::new("{}");
    let before = scene
        .sandbox
        .transcript(&[&["tools"], &["pins"], &["pins", "diff"]]);
    assert!(!scene.has_file());
    let approved = scene
        .sandbox
        .transcript(&[&["pins", "approve", "--all"], &["pins"]]);
    hostile::pull(&scene.bad);
    let after = scene.sandbox.transcript(&[
        &["pins"],
        &["pins", "diff"],
        &["pins", "diff", "bad.add", "good.where"],
        &["doctor"],
        &["call", "bad.add", "a=1"],
        &["pins", "approve", "bad.add"],
        &["pins", "approve", "bad.add"],
        &["pins"],
    ]);
    assert_snapshot!("pins", format!("{before}\n{approved}\n{after}"));
}

#[test]
fn names_that_mean_nothing_and_servers_that_are_away_are_told() {
    let scene = Scene::new(r#"{"pins": "warn"}"#);
    scene.run(&["pins", "approve", "--all"]);
    let text = scene.sandbox.read("mcp.lock.json");
    let more = text.replace("\"bad\": {", "\"gone\": {\n      \"t\": {\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}\n    },\n    \"bad\": {");
    scene.sandbox.write("mcp.lock.json", &more);
    let said = scene.sandbox.transcript(&[
        &["pins"],
        &["pins", "diff", "bad.ad"],
        &["pins", "approve", "bad.add", "bad.ad"],
        &["pins", "approve", "gone.t"],
        &["pins", "approve"],
        &["pins", "forget", "good.where", "gone.tt"],
        &["pins", "forget", "good.where", "gone.t"],
        &["pins"],
    ]);
    let config = scene.sandbox.read("mcp.json");
    let away = json!({"mcpServers": {"bad": {"command": "no-such-program-anywhere"}}});
    scene.sandbox.write("mcp.json", &away.to_string());
    let away = scene
        .sandbox
        .transcript(&[&["pins"], &["pins", "approve", "bad.add"]]);
    scene.sandbox.write("mcp.json", &config);
    scene.sandbox.write(
        "mcp.lock.json",
        "{\n  \"version\": 1,\n  \"servers\": {\n<<<<<<< HEAD\n",
    );
    let broken = scene
        .sandbox
        .transcript(&[&["pins"], &["pins", "forget", "bad.add"]]);
    assert_snapshot!("pins_odd", format!("{said}\n{away}\n{broken}"));
    assert!(
        scene
            .sandbox
            .read("mcp.lock.json")
            .ends_with("<<<<<<< HEAD\n")
    );
}

#[test]
fn programs_get_documents() {
    let scene = Scene::new(r#"{"pins": "block"}"#);
    scene.run(&["tools"]);
    // What was seen first is pinned, without a word from anybody.
    assert!(scene.has_file());
    let document = |args: &[&str]| -> Value {
        let finished = scene.run(&[&["--json"], args].concat());
        serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished}"))
    };
    hostile::pull(&scene.bad);
    let pins = document(&["pins"]);
    assert_eq!(pins["setting"], "block");
    assert_eq!(
        pins["counts"],
        json!({"pinned": 1, "changed": 1, "new": 0, "missing": 0, "unasked": 0})
    );
    assert_eq!(pins["tools"][0]["name"], "bad.add");
    assert_eq!(pins["tools"][0]["state"], "changed");
    assert_eq!(pins["tools"][0]["differences"].as_array().unwrap().len(), 2);
    let doctor = document(&["doctor"]);
    assert_eq!(doctor["servers"][0]["changed"][0]["tool"], "bad.add");
    assert_eq!(doctor["servers"][1]["changed"], json!([]));
    let refused = scene.run(&["--json", "call", "bad.add", "a=1"]);
    assert_eq!(refused.code, Some(2), "{refused}");
    let error: Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_error_shape(&error["error"]);
    assert_eq!(error["error"]["delivery"], "not_sent");
    assert_eq!(document(&["tools"])["tools"].as_array().unwrap().len(), 1);
    assert_eq!(document(&["pins", "diff"])["tools"][0]["name"], "bad.add");
    assert_eq!(
        document(&["pins", "approve", "bad.add"])["approved"],
        json!(["bad.add"])
    );
    assert_eq!(document(&["tools"])["tools"].as_array().unwrap().len(), 2);
    assert_eq!(
        document(&["pins", "forget", "bad.add"])["forgotten"],
        json!(["bad.add"])
    );
}

#[test]
fn an_approval_reaches_a_serve_that_is_running() {
    let scene = Scene::new(r#"{"pins": "block"}"#);
    scene.run(&["tools"]);
    hostile::pull(&scene.bad);
    let (mut client, _) = Client::initialized(&scene.sandbox);
    let mut names = |wanted: usize| {
        let start = Instant::now();
        loop {
            let listed = client.result("tools/list", &json!({}));
            let tools = listed["tools"].as_array().unwrap();
            let names: Vec<String> = tools
                .iter()
                .map(|it| it["name"].as_str().unwrap().to_owned())
                .collect();
            if names.len() == wanted {
                return names;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{names:?}");
        }
    };
    assert_eq!(names(1), ["good__where"]);
    let args = ["--config", "mcp.json", "pins", "approve", "bad.add"];
    let mut beside = scene.sandbox.spawn(&args, Stdio::null());
    assert!(wait(&mut beside, &args).success());
    assert_eq!(names(2), ["bad__add", "good__where"]);
    client.close();
}

#[test]
fn doctor_flags_what_looks_hostile_without_obeying_it() {
    let runtime = Runtime::new().unwrap();
    let server = hostile::poisoned("slack__post_message");
    let server = runtime.block_on(HttpServer::start(&server)).unwrap();
    let sandbox = Sandbox::beside_slack(&format!(r#""sums": {{"url": "{}"}}"#, server.url()));
    let doctor = sandbox.configured(&["doctor"]);
    assert_snapshot!("flags", doctor);
    let finished = sandbox.configured(&["--json", "doctor"]);
    assert!(!finished.stdout.contains('\u{e006f}'), "{finished}");
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    let kinds = document["servers"][1]["flags"].as_array().unwrap().iter();
    let kinds: Vec<&str> = kinds.map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["hidden_characters", "steering", "orders"]);
}
