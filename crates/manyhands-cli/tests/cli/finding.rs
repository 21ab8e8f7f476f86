//! `find`, `explain`, and serving a part of all tools.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Sandbox;
use crate::rpc::Client;

fn sandbox() -> Sandbox {
    Sandbox::with_config(
        r#"{"mcpServers": {
            "slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"], "manyhands": {
                "tools": {"post_message": {"hidden": true}}
            }},
            "jira": {"command": "@MANYHANDS@", "args": ["demo-server", "jira"], "manyhands": {"lazy": true}},
            "gone": {"command": "no-such-program-anywhere"}
        }, "manyhands": {"profiles": {"tickets": {"servers": ["jira"], "tools": ["slack.get_unread"]}}}}"#,
    )
}

#[test]
fn tools_are_found_by_what_is_wanted_and_each_says_why() {
    let sandbox = sandbox();
    let told = sandbox.transcript(&[
        &["find", "urgent", "messages", "--limit", "2"],
        &[
            "find",
            "unread messages",
            "--then",
            "open tickets",
            "--limit",
            "2",
            "--profile",
            "tickets",
        ],
        &["find", "open tickets", "--within-tokens", "10"],
        &["find", "zebra", "--server", "slack"],
        &["find", "tickets", "--profile", "ticket"],
        &["find"],
    ]);
    assert_snapshot!("find", told);
}

#[test]
fn what_is_found_is_one_document() {
    let finished = sandbox().configured(&["--json", "find", "open tickets", "--limit", "1"]);
    let found: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(found["tools"][0]["wire"], "jira__search_issues");
    assert_eq!(
        found["left_out"][0]["cause"],
        "there were enough better ones"
    );
    assert_eq!(found["missing"][0]["server"], "gone");
}

#[test]
fn why_a_tool_is_shown_or_not() {
    let told = sandbox().transcript(&[
        &[
            "explain",
            "slack.search_messages",
            "--for",
            "unread messages",
            "--limit",
            "1",
        ],
        &["explain", "slack__post_message"],
        &["explain", "slack.post_message"],
        &["explain", "jira.search_isues"],
        &["explain", "gone.anything"],
        &["explain", "slack.search_messages", "--profile", "tickets"],
        &["explain", "slack.summarize_channel"],
    ]);
    assert_snapshot!("explain", told);
}

fn names(client: &mut Client<'_>) -> Vec<String> {
    let listed = client.result("tools/list", &json!({}));
    let tools = listed["tools"].as_array().unwrap().iter();
    tools
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_profile_is_all_that_its_client_sees() {
    let sandbox = sandbox();
    let (mut client, hello) = Client::initialized_with(&sandbox, &["--profile", "tickets"]);
    let instructions = hello["instructions"].as_str().unwrap();
    assert!(!instructions.contains("gone"), "{instructions}");
    let tools = names(&mut client);
    assert!(tools.contains(&"slack__get_unread".to_owned()), "{tools:?}");
    assert!(
        !tools.contains(&"slack__search_messages".to_owned()),
        "{tools:?}"
    );
    assert!(tools.iter().any(|it| it.starts_with("jira__")), "{tools:?}");
    let prompts = client.result("prompts/list", &json!({}));
    assert_eq!(prompts["prompts"][0]["name"], "jira__triage_issue");
    let call = json!({"name": "slack__search_messages", "arguments": {"query": "x"}});
    let refused = client.result("tools/call", &call);
    assert_eq!(refused["structuredContent"]["code"], "not_found");
    let call = json!({"name": "slack__get_unread", "arguments": {}});
    assert_eq!(client.result("tools/call", &call)["isError"], false);
    assert!(client.close().success());
}

#[test]
fn five_tools_are_enough_for_a_client_whose_model_searches() {
    let sandbox = sandbox();
    let (mut client, _) = Client::initialized_with(&sandbox, &["--search"]);
    let five = [
        "find_tools",
        "describe_tool",
        "call_tool",
        "read_resource",
        "get_prompt",
    ];
    assert_eq!(names(&mut client), five);
    let call = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
    let find = call(
        "find_tools",
        json!({"queries": ["search tickets"], "limit": 1}),
    );
    let found = client.result("tools/call", &find);
    let name = found["structuredContent"]["tools"][0]["name"].clone();
    assert_eq!(name, "jira__search_issues");
    let asked = json!({"name": name, "arguments": {"query": "login"}});
    let called = client.result("tools/call", &call("call_tool", asked));
    assert_eq!(called["isError"], false, "{called}");
    let wrong = call("call_tool", json!({"name": "jira__search_isues"}));
    let refused = client.result("tools/call", &wrong);
    assert_eq!(refused["structuredContent"]["code"], "not_found");
    // A model that has read a name may take it for a tool of its own.
    let direct = call("jira__search_issues", json!({"query": "login"}));
    assert_eq!(client.result("tools/call", &direct)["isError"], false);
    assert!(client.close().success());
}
