//! What each server says that it offers.

use manyhands_core::model::{
    ClientConfig, GetPromptRequestParams, ProtocolVersion, ReadResourceRequestParams, Tool,
};
use rmcp::service::{ClientLifecycleMode, serve_client_with_lifecycle_and_ct};
use serde_json::{Value, json};
use tokio::io::{duplex, split};

use super::{Client, connect};
use crate::{DemoServer, Latency};

async fn offers(client: &Client) -> [Vec<String>; 4] {
    let tools = client.list_all_tools().await.unwrap();
    let prompts = client.list_all_prompts().await.unwrap_or_default();
    let resources = client.list_all_resources().await.unwrap_or_default();
    let templates = client
        .list_all_resource_templates()
        .await
        .unwrap_or_default();
    [
        tools.into_iter().map(|t| t.name.into_owned()).collect(),
        prompts.into_iter().map(|p| p.name).collect(),
        resources.into_iter().map(|r| r.uri).collect(),
        templates.into_iter().map(|t| t.uri_template).collect(),
    ]
}

fn expected(server: DemoServer) -> Value {
    match server {
        DemoServer::Slack => json!([
            [
                "get_unread",
                "list_channels",
                "post_message",
                "search_messages"
            ],
            ["summarize_channel"],
            ["slack://channel/project-x"],
            ["slack://channel/{name}"]
        ]),
        DemoServer::Calendar => json!([
            ["create_event", "list_events", "search_messages"],
            [],
            ["calendar://today"],
            []
        ]),
        DemoServer::Jira => json!([
            [
                "add_comment",
                "create_issue",
                "list_recent_comments",
                "search_issues"
            ],
            ["triage_issue"],
            [],
            []
        ]),
        DemoServer::Salesforce => json!([
            ["get_lead", "top_leads", "update_lead_stage"],
            [],
            [],
            ["salesforce://lead/{id}"]
        ]),
    }
}

#[tokio::test]
async fn each_server_lists_its_tools_prompts_and_resources() {
    for server in DemoServer::ALL {
        let client = connect(server, Latency::none()).await;
        assert_eq!(json!(offers(&client).await), expected(server), "{server}");
    }
}

/// Asserts that a schema describes each of its properties.
fn assert_described(what: &str, schema: &Value) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        assert!(
            property.get("description").is_some(),
            "{what}: {name} has no description"
        );
    }
}

fn assert_exemplary(tool: &Tool) {
    let name = &tool.name;
    assert!(tool.title.is_some(), "{name} has no title");
    assert!(
        tool.description.as_ref().is_some_and(|d| d.len() > 30),
        "{name} says too little"
    );
    let hints = tool.annotations.as_ref().unwrap();
    let writes = ["post", "create", "add", "update"]
        .iter()
        .any(|verb| name.starts_with(verb));
    assert_eq!(hints.read_only_hint, Some(!writes), "{name}");
    assert_eq!(hints.destructive_hint.is_some(), writes, "{name}");
    assert_described(name, &json!(tool.input_schema));
    assert_described(name, &json!(tool.output_schema.as_ref().unwrap()));
}

#[tokio::test]
async fn every_tool_has_a_title_a_description_hints_and_described_schemas() {
    for server in DemoServer::ALL {
        let client = connect(server, Latency::none()).await;
        for tool in client.list_all_tools().await.unwrap() {
            assert_exemplary(&tool);
        }
    }
}

#[tokio::test]
async fn resources_and_prompts_carry_the_data() {
    let slack = connect(DemoServer::Slack, Latency::none()).await;
    for (uri, wanted) in [
        ("slack://channel/project-x", "John: URGENT"),
        ("slack://channel/design", "Lena: New onboarding"),
    ] {
        let read = slack
            .read_resource(ReadResourceRequestParams::new(uri))
            .await;
        let contents = json!(read.unwrap().contents);
        assert!(
            contents[0]["text"].as_str().unwrap().contains(wanted),
            "{contents}"
        );
    }
    let nowhere = ReadResourceRequestParams::new("slack://channel/nowhere");
    slack.read_resource(nowhere).await.unwrap_err();

    let jira = connect(DemoServer::Jira, Latency::none()).await;
    let key = json!({"key": "PX-142"}).as_object().unwrap().clone();
    let request = GetPromptRequestParams::new("triage_issue").with_arguments(key);
    let messages = json!(jira.get_prompt(request).await.unwrap().messages);
    assert!(
        messages[0]["content"]["text"]
            .as_str()
            .unwrap()
            .contains("A rollback is ready")
    );
}

#[tokio::test]
async fn the_newest_protocol_version_is_served_without_a_handshake() {
    let (ours, theirs) = duplex(64 * 1024);
    let (read, write) = split(theirs);
    tokio::spawn(DemoServer::Calendar.serve(read, write, Latency::none()));
    let mode = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    let client =
        serve_client_with_lifecycle_and_ct(ClientConfig::default(), ours, mode, Default::default())
            .await
            .unwrap();
    assert_eq!(client.list_all_tools().await.unwrap().len(), 3);
}
