//! `groups`, and calls that another tool answers.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Sandbox;
use crate::rpc::Client;

fn sandbox(groups: &str) -> Sandbox {
    let config = r#"{"mcpServers": {
        "slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"]},
        "teams": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"]},
        "jira": {"command": "no-such-program-anywhere"},
        "calendar": {"command": "@MANYHANDS@", "args": ["demo-server", "calendar"]}
    }, "manyhands": {"groups": @GROUPS@}}"#;
    Sandbox::with_config(&config.replace("@GROUPS@", groups))
}

const GROUPS: &str = r#"{
    "chat": ["slack.search_messages", "teams.search_messages"],
    "issues": ["jira.search_issues", {"tool": "calendar.search_messages", "arguments": "{query: .text}"}],
    "posts": {"tools": ["slack.post_mesage", "teams.post_message"], "fallback": false}
}"#;

#[test]
fn groups_are_listed_with_what_is_wrong_and_what_may_be_wanted() {
    let sandbox = sandbox(GROUPS);
    assert_snapshot!(sandbox.transcript(&[
        &["groups"],
        &["groups", "--propose"],
        &[
            "explain",
            "teams.search_messages",
            "--for",
            "search messages"
        ],
    ]));
    let finished = sandbox.configured(&["--json", "groups", "--propose"]);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        document["groups"][0]["tools"][1]["why"],
        "after slack.search_messages: declared later"
    );
    let proposed: Vec<&Value> = document["proposals"].as_array().unwrap().iter().collect();
    assert!(
        proposed
            .iter()
            .all(|it| it["declaration"].as_array().unwrap().len() > 1),
        "{proposed:?}"
    );
    let none = self::sandbox("{}").configured(&["groups"]);
    assert!(none.stdout.contains("groups --propose"), "{none}");
}

#[test]
fn a_call_says_who_answered_in_place_of_whom() {
    let sandbox = sandbox(GROUPS);
    assert_snapshot!(sandbox.transcript(&[
        &["call", "jira.search_issues", r#"{"text": "deployment"}"#],
        &["call", "jira.search_issues", r#"{"query": 7, "text": 7}"#],
        &["doctor"],
    ]));
    let finished = sandbox.configured(&[
        "--json",
        "call",
        "jira.search_issues",
        r#"{"text": "deployment"}"#,
    ]);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(document["substitution"]["wanted"], "jira.search_issues");
    assert_eq!(document["substitution"]["used"], "calendar.search_messages");
    assert_eq!(document["server"], "calendar");
}

#[test]
fn a_program_that_is_none_is_told_before_anything_starts() {
    let group = r#"{"issues": ["jira.search_issues", {"tool": "calendar.search_messages", "arguments": "{query"}]}"#;
    assert_snapshot!(sandbox(group).configured(&["tools"]));
}

#[test]
fn a_client_is_told_who_answered_and_expects_no_form_that_the_other_does_not_keep() {
    let sandbox = Sandbox::with_config(
        r#"{"mcpServers": {
            "slack": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"], "manyhands": {"retry": false, "chaos": {
                "enabled": true, "faults": [{"percent": 100, "kind": "rate_limited", "delivery": "rejected"}]
            }}},
            "teams": {"command": "@MANYHANDS@", "args": ["demo-server", "slack"]}
        }, "manyhands": {"groups": {"chat": ["slack.search_messages", "teams.search_messages"]}}}"#,
    );
    let (mut client, _) = Client::initialized(&sandbox);
    let listed = client.result("tools/list", &json!({}));
    let form = |name: &str| {
        let mut tools = listed["tools"].as_array().unwrap().iter();
        let tool = tools.find(|it| it["name"] == name).unwrap();
        tool.get("outputSchema").is_some()
    };
    assert!(form("slack__get_unread") && !form("slack__search_messages"));

    let call = json!({"name": "slack__search_messages", "arguments": {"query": "2.4"}});
    let called = client.result("tools/call", &call);
    let told = called["content"][0]["text"].as_str().unwrap();
    assert!(
        told.starts_with("[slack.search_messages could not be used ("),
        "{told}"
    );
    assert!(
        told.ends_with("; teams.search_messages answered instead]"),
        "{told}"
    );
    let mark = &called["_meta"]["manyhands/substitution"];
    assert_eq!(mark["used"], "teams.search_messages");
    assert!(client.close().success());
}
