//! `call` with names and arguments that are wrong; the good server answers the next one.

use insta::assert_snapshot;

use crate::harness::Sandbox;

/// What the good server says in one line.
const GOOD: &[&str] = &["resources", "slack+slack://channel/design"];

/// A wrong call, then a right request to the good server.
fn then_a_good_one(wrong: &[&str]) -> String {
    Sandbox::beside_slack(r#""jira": {"command": "@MANYHANDS@", "args": ["demo-server", "jira"]}"#)
        .transcript(&[wrong, GOOD])
}

#[test]
fn arguments_that_cannot_be_read() {
    for (name, argument) in [
        ("arguments_not_an_object", "[1]"),
        ("arguments_broken_json", r#"{"query":"#),
        ("arguments_wrong_type", "limit=many"),
        ("arguments_unknown_key", "quarry=deployment"),
        ("arguments_without_value", "deployment"),
    ] {
        assert_snapshot!(
            name,
            then_a_good_one(&["call", "slack.search_messages", argument])
        );
    }
}

#[test]
fn arguments_that_the_server_refuses() {
    assert_snapshot!(
        "arguments_refused_by_the_server",
        then_a_good_one(&["call", "jira.list_recent_comments", r#"{"limit": "many"}"#])
    );
    assert_snapshot!(
        "arguments_missing",
        then_a_good_one(&["call", "jira.add_comment", "key=PX-142"])
    );
}

#[test]
fn names_that_point_nowhere() {
    for (name, tool) in [
        ("unknown_tool", "slack.serch_messages"),
        ("unknown_server", "slak.search_messages"),
        ("name_without_a_dot", "search_messages"),
        ("name_like_nothing", "frobnicate"),
    ] {
        assert_snapshot!(name, then_a_good_one(&["call", tool]));
    }
}

#[test]
fn a_tool_that_says_no_ends_with_1() {
    let call = [
        "call",
        "slack.post_message",
        "channel=nowhere",
        "text=hello",
    ];
    assert_snapshot!("tool_error", then_a_good_one(&call));
    assert_snapshot!(
        "tool_error_json",
        then_a_good_one(&[&["--json"], &call[..]].concat())
    );
}

#[test]
fn prompts_and_resources_that_are_not_there() {
    let sandbox = Sandbox::beside_slack(r#""gone": {"command": "no-such-program-anywhere"}"#);
    assert_snapshot!(
        "prompts_and_resources_unknown",
        sandbox.transcript(&[
            &["prompts", "slack.summarise_channel"],
            &["prompts", "slack.summarize_channel"],
            &["prompts", "gone.prompt"],
            &["resources", "slack://channel/project-x"],
            &["resources", "slack+slack://channel/nowhere"],
            &["resources", "gone+file:///x"],
            GOOD,
        ])
    );
}
