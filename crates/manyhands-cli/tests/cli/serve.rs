//! `serve --stdio`: all servers as one, for a client that starts it as a command.

use serde_json::{Value, json};

use crate::harness::Sandbox;
use crate::rpc::{Client, assert_error_shape};

fn sandbox() -> Sandbox {
    Sandbox::beside_slack(
        r#""jira": {"command": "@MANYHANDS@", "args": ["demo-server", "jira"]},
    "gone": {"command": "no-such-program-anywhere"}"#,
    )
}

fn names(list: &Value) -> Vec<&str> {
    let entries = list.as_array().unwrap().iter();
    entries
        .map(|entry| entry["name"].as_str().unwrap())
        .collect()
}

fn search(limit: u8) -> Value {
    json!({"name": "slack__search_messages", "arguments": {"query": "2.4", "limit": limit}})
}

#[test]
fn tools_are_listed_and_called() {
    let sandbox = sandbox();
    let (mut client, hello) = Client::initialized(&sandbox);
    assert_eq!(hello["protocolVersion"], "2025-11-25");
    assert_eq!(hello["serverInfo"]["name"], "manyhands");

    let listed = client.result("tools/list", &json!({}));
    let tools = names(&listed["tools"]);
    assert_eq!(tools.len(), 8, "{tools:?}");
    assert!(tools.contains(&"slack__search_messages"), "{tools:?}");
    assert!(tools.contains(&"jira__search_issues"), "{tools:?}");
    assert!(tools.iter().all(|name| !name.contains('.')), "{tools:?}");

    let called = client.result("tools/call", &search(1));
    assert_eq!(called["isError"], false);
    assert_eq!(
        called["structuredContent"]["messages"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert!(client.close().success());
    #[cfg(unix)]
    crate::processes::assert_none_left(sandbox.path());
}

#[test]
fn a_tool_that_is_not_there_is_an_error_that_a_model_can_read() {
    let sandbox = sandbox();
    let (mut client, _) = Client::initialized(&sandbox);
    let called = client.result(
        "tools/call",
        &json!({"name": "slack__no_such_tool", "arguments": {}}),
    );
    assert_eq!(called["isError"], true);
    let error = &called["structuredContent"];
    assert_error_shape(error);
    assert_eq!(error["code"], "not_found");
    assert_eq!(error["delivery"], "not_sent");
    assert_eq!(called["content"][0]["text"], error["message"]);
    // It is one call that failed, not the connection.
    assert_eq!(client.result("tools/call", &search(2))["isError"], false);
}

#[test]
fn prompts_and_resources_are_under_one_set_of_names() {
    let sandbox = sandbox();
    let (mut client, _) = Client::initialized(&sandbox);
    let prompts = client.result("prompts/list", &json!({}));
    assert_eq!(
        names(&prompts["prompts"]),
        ["slack__summarize_channel", "jira__triage_issue"]
    );
    let prompt = client.result(
        "prompts/get",
        &json!({"name": "slack__summarize_channel", "arguments": {"channel": "project-x"}}),
    );
    assert!(
        prompt["messages"][0]["content"]["text"]
            .as_str()
            .unwrap()
            .contains("URGENT")
    );

    let uri = "slack+slack://channel/project-x";
    let resources = client.result("resources/list", &json!({}));
    assert_eq!(resources["resources"][0]["uri"], uri);
    let templates = client.result("resources/templates/list", &json!({}));
    assert_eq!(
        templates["resourceTemplates"][0]["uriTemplate"],
        "slack+slack://channel/{name}"
    );
    let read = client.result("resources/read", &json!({"uri": uri}));
    assert_eq!(read["contents"][0]["uri"], uri);
    assert!(
        read["contents"][0]["text"]
            .as_str()
            .unwrap()
            .contains("URGENT")
    );
}

#[test]
fn prompts_and_resources_that_are_not_there_are_protocol_errors() {
    let sandbox = sandbox();
    let (mut client, _) = Client::initialized(&sandbox);
    for (method, params) in [
        ("prompts/get", json!({"name": "slack__no_such_prompt"})),
        (
            "resources/read",
            json!({"uri": "slack://channel/project-x"}),
        ),
    ] {
        let answer = client.request(method, &params);
        assert_eq!(answer["error"]["code"], -32_602, "{answer}");
        assert_eq!(answer["error"]["data"]["code"], "not_found", "{answer}");
    }
}

#[test]
fn the_stateless_protocol_works_without_a_handshake() {
    let sandbox = sandbox();
    let mut client = Client::start(&sandbox);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let found = client.result("server/discover", &json!({"_meta": meta}));
    let versions = found["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{found}");
    assert!(versions.contains(&json!("2025-11-25")), "{found}");
    assert!(found["capabilities"]["tools"].is_object(), "{found}");

    let listed = client.result("tools/list", &json!({"_meta": meta}));
    assert!(names(&listed["tools"]).contains(&"slack__search_messages"));
    let mut call = search(1);
    call["_meta"] = meta;
    assert_eq!(client.result("tools/call", &call)["isError"], false);
    assert!(client.close().success());
}

#[test]
fn what_is_not_json_does_not_end_the_session() {
    let sandbox = sandbox();
    let (mut client, _) = Client::initialized(&sandbox);
    client.send("garbage");
    assert_eq!(client.result("ping", &json!({})), json!({}));
}

#[test]
fn closing_its_input_at_once_ends_it() {
    let sandbox = sandbox();
    assert!(Client::start(&sandbox).close().success());
    #[cfg(unix)]
    crate::processes::assert_none_left(sandbox.path());
}

#[cfg(unix)]
#[test]
fn being_told_to_end_it_takes_its_servers_along() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let sandbox = sandbox();
    let (mut client, _) = Client::initialized(&sandbox);
    client.result("tools/list", &json!({}));
    #[cfg(target_os = "linux")]
    assert_eq!(
        crate::processes::running_in(sandbox.path()).len(),
        3,
        "itself and two servers"
    );
    kill(
        Pid::from_raw(i32::try_from(client.id()).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    let status = client.ended();
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    crate::processes::assert_none_left(sandbox.path());
}
