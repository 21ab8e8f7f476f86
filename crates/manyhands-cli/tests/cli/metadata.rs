//! What is known of tools: definitions for models, and contracts that say too little.

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Sandbox;

fn sandbox() -> Sandbox {
    Sandbox::with_config(
        r#"{"mcpServers": {"slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"], "manyhands": {
            "tags": ["chat"],
            "tools": {
                "search_messages": {"title": "Search", "whenToUse": "For work only.", "returns": "the messages"},
                "post_message": {"hidden": true},
                "get_unred": {"timeout": "5s"}
            }
        }}}}"#,
    )
}

fn document(args: &[&str]) -> Value {
    let finished = sandbox().configured(args);
    assert_eq!(finished.code, Some(0), "{finished}");
    serde_json::from_str(&finished.stdout).unwrap()
}

fn exported(format: &str) -> Value {
    document(&["tools", "--export", format])
}

#[test]
fn tools_are_exported_as_each_api_takes_them() {
    let openai = exported("openai");
    assert_eq!(openai.as_array().unwrap().len(), 3);
    let search = &openai[2]["function"];
    assert_eq!(search["name"], "slack__search_messages");
    let description = search["description"].as_str().unwrap();
    assert!(
        description.contains("\nFor work only.\nReturns the messages."),
        "{description}"
    );
    assert_eq!(exported("langchain"), openai);
    assert_eq!(exported("anthropic")[2]["input_schema"]["type"], "object");
    let gemini = &exported("gemini")[0]["functionDeclarations"][2];
    assert_eq!(gemini["parameters"]["type"], "OBJECT");
    let openapi = exported("openapi");
    let post = &openapi["paths"]["/slack__search_messages"]["post"];
    assert_eq!(post["summary"], "Search");
    assert_eq!(post["tags"], serde_json::json!(["slack", "chat"]));
}

#[test]
fn a_list_says_who_says_it() {
    let tools = document(&["--json", "tools"])["tools"].take();
    let search = &tools[2]["metadata"];
    assert_eq!(
        search["title"],
        serde_json::json!({"value": "Search", "origin": "config"})
    );
    assert_eq!(search["purpose"]["origin"], "server");
}

#[test]
fn what_cannot_be_exported_or_called_is_told() {
    let sandbox = sandbox();
    assert_snapshot!(
        "refused",
        sandbox.transcript(&[
            &["tools", "--export", "opnai"],
            &["call", "slack.post_message", "text=hello"],
        ])
    );
}

#[test]
fn doctor_tells_of_weak_contracts_where_it_is_asked_to() {
    let sandbox = Sandbox::beside_slack(
        r#""chat": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"], "manyhands": {"tools": {
            "search_messages": {"description": "Search messages"}, "post_message": {"hidden": true}
        }}}"#,
    );
    assert_snapshot!("lint", sandbox.configured(&["doctor", "--lint"]));
    let finished = sandbox.configured(&["--json", "doctor", "--lint"]);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    let lint = &document["lint"];
    assert_eq!(lint[0]["server"], "chat");
    assert_eq!(
        lint[0]["count"],
        lint[0]["findings"].as_array().unwrap().len()
    );
}

#[test]
fn a_key_that_no_tool_has_is_told_with_its_line() {
    let sandbox = Sandbox::with_config(
        r#"{"mcpServers": {"a": {"command": "true", "manyhands": {"tools": {
  "t": {"tiltle": "T"}}}},
 "b": {"command": "true", "manyhands": {"tools": {
  "t": {"cost": "lots"}}}}
}}"#,
    );
    assert_snapshot!("unknown_key", sandbox.configured(&["doctor"]));
}
