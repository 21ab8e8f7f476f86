//! What the tools answer: the facts of the briefing, what was written, and refusals.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{ask, call, connect, refusal};
use crate::{DemoServer, Latency};

#[tokio::test]
async fn slack_has_an_urgent_message_from_john() {
    let slack = connect(DemoServer::Slack, Latency::none()).await;
    let unread = ask(&slack, "get_unread", json!({})).await;
    assert_eq!(
        (&unread["unread"], &unread["urgent"]),
        (&json!(4), &json!(1))
    );
    let first = &unread["messages"][0];
    assert_eq!(
        (&first["author"], &first["channel"]),
        (&json!("John"), &json!("project-x"))
    );
    assert!(
        first["text"]
            .as_str()
            .unwrap()
            .contains("deployment is failing")
    );

    let found = ask(
        &slack,
        "search_messages",
        json!({"query": "urgent deployment"}),
    )
    .await;
    assert_eq!(found["messages"], json!([first]));
}

#[tokio::test]
async fn calendar_has_three_meetings_today_the_design_sync_first() {
    let calendar = connect(DemoServer::Calendar, Latency::none()).await;
    let today = ask(&calendar, "list_events", json!({})).await;
    assert_eq!(
        today["summary"],
        "3 meetings on 2026-03-12: 10 AM Sync with the design team; \
         1:30 PM Project X deployment review; 4 PM Proposal call with Juniper & Finch"
    );
    assert_eq!(today["events"].as_array().unwrap().len(), 3);
    assert_eq!(today["events"][0]["start"], "10:00");

    let found = ask(&calendar, "search_messages", json!({"query": "canary"})).await;
    assert_eq!(found["messages"][0]["event_id"], "evt-303");
}

#[tokio::test]
async fn jira_has_two_new_comments() {
    let jira = connect(DemoServer::Jira, Latency::none()).await;
    let new = ask(&jira, "list_recent_comments", json!({})).await;
    let summary = "2 new comments since 2026-03-12: Priya on PX-142; Lena on PX-145";
    assert_eq!(new["summary"], summary);
    let all = ask(
        &jira,
        "list_recent_comments",
        json!({"since": "2026-03-01", "limit": 3}),
    )
    .await;
    assert_eq!(all["comments"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_top_lead_of_salesforce_has_advanced_to_a_proposal() {
    let salesforce = connect(DemoServer::Salesforce, Latency::none()).await;
    let top = ask(&salesforce, "top_leads", json!({"limit": 2})).await;
    assert_eq!(
        top["summary"],
        "2 open leads; the top one, Juniper & Finch Logistics (480000 USD), has moved from \
         qualification to proposal"
    );
    let lead = &top["leads"][0];
    let stages = (&lead["previous_stage"], &lead["stage"]);
    assert_eq!(stages, (&json!("Qualification"), &json!("Proposal")));
}

#[tokio::test]
async fn what_is_written_is_found_again() {
    let slack = connect(DemoServer::Slack, Latency::none()).await;
    let post = json!({"channel": "general", "text": "See you at noon"});
    let posted = ask(&slack, "post_message", post).await;
    let found = ask(&slack, "search_messages", json!({"query": "NOON"})).await;
    assert_eq!(found["messages"], json!([posted]));

    let calendar = connect(DemoServer::Calendar, Latency::none()).await;
    let event =
        json!({"title": "Stand-up", "date": "2026-03-13", "start": "09:00", "end": "09:15"});
    let created = ask(&calendar, "create_event", event).await;
    let friday = ask(&calendar, "list_events", json!({"date": "2026-03-13"})).await;
    assert_eq!(friday["events"][0], created);

    let jira = connect(DemoServer::Jira, Latency::none()).await;
    let issue = ask(&jira, "create_issue", json!({"title": "Roll back 2.4"})).await;
    ask(
        &jira,
        "add_comment",
        json!({"key": issue["key"], "text": "Done."}),
    )
    .await;
    let new = ask(&jira, "list_recent_comments", json!({"limit": 1})).await;
    assert_eq!(new["comments"][0]["issue"], issue["key"]);

    let salesforce = connect(DemoServer::Salesforce, Latency::none()).await;
    let update = json!({"id": "lead-602", "stage": "Won"});
    let once = ask(&salesforce, "update_lead_stage", update.clone()).await;
    assert_eq!(once["previous_stage"], "Negotiation");
    assert_eq!(ask(&salesforce, "update_lead_stage", update).await, once);
}

#[tokio::test]
async fn refusals_carry_a_code_a_message_and_a_type() {
    let cases = [
        (
            DemoServer::Slack,
            "search_messages",
            json!({"channel": "x"}),
            "channel_not_found",
            "permanent",
        ),
        (
            DemoServer::Slack,
            "post_message",
            json!({"channel": "announcements", "text": "Hi"}),
            "channel_read_only",
            "authorization",
        ),
        (
            DemoServer::Calendar,
            "list_events",
            json!({"date": "2026-13-01"}),
            "invalid_date",
            "permanent",
        ),
        (
            DemoServer::Calendar,
            "create_event",
            json!({"title": "x", "start": "10:00", "end": "09:00"}),
            "invalid_time",
            "permanent",
        ),
        (
            DemoServer::Jira,
            "add_comment",
            json!({"key": "PX-1", "text": "x"}),
            "issue_not_found",
            "permanent",
        ),
        (
            DemoServer::Salesforce,
            "get_lead",
            json!({"id": "lead-1"}),
            "lead_not_found",
            "permanent",
        ),
        (
            DemoServer::Salesforce,
            "update_lead_stage",
            json!({"id": "lead-603", "stage": "Won"}),
            "lead_being_edited",
            "transient",
        ),
    ];
    for (server, tool, arguments, code, r#type) in cases {
        let client = connect(server, Latency::none()).await;
        let error = refusal(&client, tool, arguments).await;
        assert_eq!(
            (&error["code"], &error["type"]),
            (&json!(code), &json!(r#type))
        );
        assert!(error["message"].is_string(), "{error}");
    }
}

#[tokio::test]
async fn arguments_of_another_shape_are_a_result_that_a_model_can_read() {
    let slack = connect(DemoServer::Slack, Latency::none()).await;
    for arguments in [json!({"limit": 0}), json!({"qeury": "x"})] {
        let result = call(&slack, "search_messages", arguments).await;
        assert_eq!(result.is_error, Some(true), "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_takes_its_servers_usual_time_unless_told_otherwise() {
    for (server, tool) in [
        (DemoServer::Slack, "get_unread"),
        (DemoServer::Calendar, "list_events"),
        (DemoServer::Jira, "list_recent_comments"),
        (DemoServer::Salesforce, "top_leads"),
    ] {
        let seven = Duration::from_secs(7);
        for (latency, expected) in [
            (Latency::default(), server.usual_latency()),
            (Latency::fixed(seven), seven),
            (Latency::none(), Duration::ZERO),
        ] {
            let client = connect(server, latency).await;
            let began = Instant::now();
            ask(&client, tool, json!({})).await;
            assert_eq!(
                began.elapsed().as_millis(),
                expected.as_millis(),
                "{server}"
            );
        }
    }
}
