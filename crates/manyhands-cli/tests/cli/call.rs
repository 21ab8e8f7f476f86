//! `call`, as it works.

use serde_json::Value;

use crate::harness::{Finished, Sandbox};

fn sandbox() -> Sandbox {
    Sandbox::beside_slack(r#""jira": {"command": "@MANYHANDS@", "args": ["demo-server", "jira"]}"#)
}

fn json(finished: &Finished) -> Value {
    assert_eq!(finished.code, Some(0), "{finished}");
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished}"))
}

#[test]
fn pairs_are_typed_by_the_tools_schema() {
    let called = sandbox().configured(&["call", "jira.list_recent_comments", "limit=1"]);
    let value = json(&called);
    assert_eq!(
        value["comments"].as_array().map(Vec::len),
        Some(1),
        "{called}"
    );
    assert_eq!(called.stderr, "");
}

#[test]
fn a_pair_that_looks_like_a_number_stays_a_text_where_the_schema_says_so() {
    let called = sandbox().configured(&["call", "slack.search_messages", "query=2.4", "limit=2"]);
    let value = json(&called);
    let texts: Vec<&str> = value["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|text| text.contains("2.4")), "{texts:?}");
}

#[test]
fn a_call_that_was_given_up_says_how_often_it_was_tried() {
    let entry = r#""busy": {"command": "@MANYHANDS@", "args": ["demo-server", "jira"], "manyhands": {
        "chaos": {"enabled": true, "faults": [{"percent": 100, "kind": "rate_limited", "delivery": "rejected"}]},
        "retry": {"attempts": 2, "backoff": "1ms"}
    }}"#;
    let sandbox = Sandbox::beside_slack(entry);
    let call = ["call", "busy.list_recent_comments", "limit=1"];
    let called = sandbox.configured(&call);
    assert_eq!(called.code, Some(3), "{called}");
    let tried = "this fault was made on purpose; tried 2 times on busy in ";
    assert!(called.stderr.contains(tried), "{called}");
    let called = sandbox.configured(&[&["--json"], &call[..]].concat());
    let document: Value = serde_json::from_str(&called.stdout).unwrap();
    let message = document["error"]["message"].as_str().unwrap();
    assert!(message.contains(tried), "{called}");
}

#[test]
fn one_json_object_is_taken_as_it_is() {
    let called = sandbox().configured(&[
        "call",
        "slack.search_messages",
        r#"{"query": "deployment", "limit": 1}"#,
    ]);
    let value = json(&called);
    assert_eq!(value["messages"][0]["author"], "John");
}

#[test]
fn json_output_is_one_document_with_the_whole_result() {
    let called = sandbox().configured(&[
        "--json",
        "call",
        "slack.search_messages",
        "query=deployment",
    ]);
    let value = json(&called);
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    let expected = [
        "server",
        "took_ms",
        "is_error",
        "failure",
        "result",
        "substitution",
    ];
    assert_eq!(keys, expected);
    assert_eq!(value["server"], "slack");
    assert_eq!(value["is_error"], false);
    assert!(value["took_ms"].is_u64());
    assert_eq!(
        value["result"]["structuredContent"]["messages"][0]["channel"],
        "project-x"
    );
    assert_eq!(value["result"]["content"][0]["type"], "text");
}

#[test]
fn json_output_of_a_failed_call_has_the_error_shape() {
    let called = sandbox().configured(&["--json", "call", "slack.serch_messages"]);
    assert_eq!(called.code, Some(2));
    let value: Value = serde_json::from_str(&called.stdout).unwrap();
    crate::rpc::assert_error_shape(&value["error"]);
    assert_eq!(value["error"]["server"], "slack");
    assert_eq!(value["error"]["tool"], "slack.serch_messages");
}

#[cfg(unix)]
#[test]
fn only_the_server_that_is_called_is_started() {
    let sandbox =
        Sandbox::beside_slack(r#""other": {"command": "sh", "args": ["-c", "touch started"]}"#);
    let started = sandbox.path().join("started");
    let called = sandbox.configured(&["call", "slack.list_channels"]);
    assert_eq!(called.code, Some(0), "{called}");
    assert_eq!(called.stderr, "");
    assert!(
        !started.exists(),
        "a call to slack started the other server"
    );
    sandbox.configured(&["tools"]);
    assert!(started.exists(), "a listing starts all servers");
}

#[test]
fn a_short_wait_does_not_change_how_arguments_are_read() {
    let sandbox = sandbox();
    let called =
        sandbox.configured(&["--wait", "0s", "call", "slack.search_messages", "query=2.4"]);
    assert_eq!(called.code, Some(3), "{called}");
    assert!(
        called.stderr.contains("slack is still starting after 0ns"),
        "{called}"
    );
    let called = sandbox.configured(&[
        "--wait",
        "30s",
        "call",
        "slack.search_messages",
        "query=2.4",
    ]);
    assert_eq!(json(&called)["summary"], "3 messages");
}
