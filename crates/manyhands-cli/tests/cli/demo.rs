//! `demo`, whole and with one server killed.

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{Finished, Sandbox};

/// What each server's part of the answer must hold.
const FACTS: [(&str, &[&str]); 4] = [
    (
        "calendar",
        &[
            "You have 3 meetings today",
            "10 AM: Sync with the design team",
        ],
    ),
    ("jira", &["There are 2 new comments on your Jira tickets"]),
    ("salesforce", &["to the proposal stage"]),
    ("slack", &["Urgent: a message from John in #project-x"]),
];
const COLLISION: &str = "search_messages is offered by 2 servers, and stays two tools: slack.search_messages and calendar.search_messages";

fn demo(args: &[&str]) -> Finished {
    let finished = Sandbox::new().run(&[&["demo"], args].concat());
    assert_eq!(finished.code, Some(0), "{finished}");
    assert_eq!(finished.stderr, "");
    finished
}

fn assert_facts(answer: &str, missing: Option<&str>) {
    for (server, facts) in FACTS {
        for fact in facts {
            assert_eq!(
                answer.contains(fact),
                missing != Some(server),
                "{server}: {fact:?} in {answer}"
            );
        }
    }
}

/// The part below the heading "Answer".
fn answer(finished: &Finished) -> &str {
    finished.stdout.split_once("\nAnswer\n").unwrap().1
}

#[test]
fn four_servers_give_one_answer() {
    let finished = demo(&[]);
    assert!(finished.stdout.contains(COLLISION), "{finished}");
    assert!(
        finished.stdout.contains("One toolkit: 14 tools"),
        "{finished}"
    );
    assert_facts(answer(&finished), None);
    assert_snapshot!("demo_answer", answer(&finished));
}

#[test]
fn a_killed_server_is_a_sentence_in_the_answer() {
    for (server, gap) in [
        (
            "jira",
            "I couldn't fetch your Jira updates (the server stopped), but here's your Slack, calendar and Salesforce summary.",
        ),
        (
            "slack",
            "I couldn't fetch your Slack messages (the server stopped), but here's your calendar, Jira and Salesforce summary.",
        ),
        (
            "calendar",
            "I couldn't fetch your calendar (the server stopped), but here's your Slack, Jira and Salesforce summary.",
        ),
        (
            "salesforce",
            "I couldn't fetch your Salesforce leads (the server stopped), but here's your Slack, calendar and Jira summary.",
        ),
    ] {
        let finished = demo(&["--fail", server]);
        let told =
            format!("{server} is left alone for now, its breaker is open: {server} has failed");
        assert!(finished.stdout.contains(&told), "{finished}");
        let told = format!("{server} has failed");
        let mark = finished
            .stdout
            .lines()
            .find(|it| it.contains(" answered instead"));
        assert!(mark.is_some_and(|it| it.contains(&told)), "{finished}");
        assert_eq!(answer(&finished).lines().next(), Some(gap), "{finished}");
        assert_facts(answer(&finished), Some(server));
        assert!(finished.stdout.contains(&format!(
            "(killed the {server} server while its call was under way)"
        )));
    }
}

#[test]
fn the_same_facts_as_one_document() {
    let finished = demo(&["--json"]);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_facts(document["answer"].as_str().unwrap(), None);
    assert_eq!(
        document["collisions"]["search_messages"],
        serde_json::json!(["slack", "calendar"])
    );
    assert_eq!(document["tools"].as_array().map(Vec::len), Some(14));
    assert_eq!(document["gaps"], serde_json::json!([]));
    let servers = document["servers"].as_array().unwrap();
    assert_eq!(servers.len(), 4);
    assert!(
        servers.iter().all(|server| server["state"] == "ready"),
        "{servers:?}"
    );
    let calls = document["calls"].as_array().unwrap();
    assert!(
        calls.iter().all(|call| call["result"].is_object()),
        "{calls:?}"
    );
    let events = calls
        .iter()
        .find(|call| call["server"] == "calendar")
        .unwrap();
    assert_eq!(events["result"]["events"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_killed_server_as_one_document() {
    let finished = demo(&["--json", "--fail", "jira"]);
    let document: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        document["gaps"],
        serde_json::json!([{"server": "jira", "reason": "the server stopped"}])
    );
    assert_facts(document["answer"].as_str().unwrap(), Some("jira"));
    let calls = document["calls"].as_array().unwrap();
    let failed = calls.iter().find(|call| call["server"] == "jira").unwrap();
    let other = &document["fallback"];
    assert_eq!(other["state"], "open-until");
    assert_eq!(other["substitution"]["wanted"], "jira.search_issues");
    assert_eq!(other["substitution"]["used"], "slack.search_messages");
    assert_eq!(
        other["result"]["messages"].as_array().map(Vec::len),
        Some(1)
    );
    let answer = document["answer"].as_str().unwrap();
    let told =
        "Jira cannot be asked about the deployment now; this is what Slack has:\n  - John: URGENT";
    assert!(answer.contains(told), "{answer}");
    crate::rpc::assert_error_shape(&failed["error"]);
    assert_eq!(failed["error"]["delivery"], "unknown");
}

#[test]
fn an_unknown_server_cannot_be_killed() {
    assert_snapshot!(
        "demo_fail_unknown",
        Sandbox::new().run(&["demo", "--fail", "github"])
    );
}
