//! A model that searches by itself, by five tools, and a model whose calls are made for it.

use std::time::Duration;

use manyhands::{
    Answer, CallError, Connector, Conversation, ErrorKind, ModelApi, Profile, Settings,
    StdioSettings,
};
use manyhands_testkit::ScriptedServer;
use serde_json::{Value, json};

use crate::choosing::{chat, ledger};
use crate::servers::{builder, id, kit, text};

async fn ask(talk: &Conversation, name: &str, arguments: Value) -> Result<Answer, CallError> {
    talk.call_meta(name, &arguments).await.unwrap()
}

/// What the toolkit itself answers.
async fn told(talk: &Conversation, name: &str, arguments: Value) -> Value {
    match ask(talk, name, arguments).await {
        Ok(Answer::Toolkit(value)) => value,
        other => Value::from(format!("no answer of the toolkit's own: {other:?}")),
    }
}

fn names(found: &Value) -> Vec<&str> {
    let tools = found["tools"].as_array().unwrap().iter();
    tools.map(|it| it["name"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_model_finds_looks_and_calls_by_itself() {
    let books = ledger();
    let kit = kit(&[("ledger", &books), ("chat", &chat())]).await;
    let tools = kit.meta_tools(ModelApi::Anthropic);
    let all: Vec<&str> = tools
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    let five = [
        "find_tools",
        "describe_tool",
        "call_tool",
        "read_resource",
        "get_prompt",
    ];
    assert_eq!(all, five);

    let talk = kit.conversation("c");
    let found = told(
        &talk,
        "find_tools",
        json!({"queries": ["pay an invoice"], "limit": 1}),
    )
    .await;
    assert_eq!(names(&found), ["ledger__pay_invoice"]);
    assert_eq!(found["tools"][0]["arguments"], "{query}");
    let known = told(
        &talk,
        "describe_tool",
        json!({"name": "ledger__pay_invoice"}),
    )
    .await;
    assert_eq!(known["inputSchema"]["required"], json!(["query"]));
    let call = json!({"name": "ledger__pay_invoice", "arguments": {"query": "7"}});
    let paid = ask(&talk, "call_tool", call).await.unwrap();
    assert!(
        matches!(&paid, Answer::Server(it) if it.text().contains("\"7\"")),
        "{paid:?}"
    );
    assert!(
        talk.call_meta("ledger__pay_invoice", &json!({}))
            .await
            .is_none()
    );
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_model_gets_wrong_is_answered_by_what_would_be_right() {
    let books = ledger();
    let kit = kit(&[("ledger", &books)]).await;
    let talk = kit.conversation("c");
    let nothing = told(&talk, "find_tools", json!({"queries": ["zebra"]})).await;
    let note = nothing["note"].as_str().unwrap();
    assert!(note.starts_with("no tool fits"), "{note}");
    for (tool, bad) in [
        ("find_tools", json!({})),
        ("find_tools", json!({"queries": []})),
        ("find_tools", json!({"queries": [1]})),
        ("find_tools", json!({"queries": vec!["x"; 9]})),
        ("find_tools", json!([])),
        ("describe_tool", json!({"name": " "})),
        ("call_tool", json!({"tool": "ledger__pay_invoice"})),
        (
            "call_tool",
            json!({"name": "ledger.pay_invoice", "arguments": {}}),
        ),
        (
            "call_tool",
            json!({"name": "ledger.pay_invoice", "arguments": [1]}),
        ),
    ] {
        let error = ask(&talk, tool, bad.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{tool} {bad}");
    }
    assert_eq!(books.calls().len(), 0);
    let misspelt = json!({"name": "ledger__pay_invoic"});
    for tool in ["describe_tool", "call_tool"] {
        let error = ask(&talk, tool, misspelt.clone())
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("did you mean ledger__pay_invoice"),
            "{error}"
        );
    }
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn prompts_and_resources_are_found_beside_tools_and_so_is_what_is_missing() {
    let docs = ScriptedServer::new("docs")
        .prompt(
            json!({"name": "dunning", "description": "A letter about an invoice that was not paid"}),
            json!({"messages": [{"role": "user", "content": {"type": "text", "text": "Dear .."}}]}),
        )
        .resource(
            json!({"uri": "file:///terms.md", "name": "Invoice terms"}),
            json!([{"uri": "file:///terms.md", "text": "30 days"}]),
        );
    let broken = Connector::stdio(StdioSettings::new("no-such-program-anywhere"));
    let kit = builder(&[("docs", &docs)])
        .add(id("broken"), broken)
        .connect()
        .await
        .unwrap();
    let talk = kit.conversation("c");
    let found = told(&talk, "find_tools", json!({"query": "invoice"})).await;
    assert_eq!(found["prompts"][0]["name"], "docs__dunning");
    assert_eq!(found["resources"][0]["uri"], "docs+file:///terms.md");
    assert_eq!(found["unavailable"][0]["server"], "broken");

    let prompt = ask(&talk, "get_prompt", json!({"name": "docs__dunning"}))
        .await
        .unwrap();
    assert!(
        matches!(&prompt, Answer::Server(it) if it.raw().get().contains("Dear ..")),
        "{prompt:?}"
    );
    let terms = ask(
        &talk,
        "read_resource",
        json!({"uri": "docs+file:///terms.md"}),
    )
    .await
    .unwrap();
    assert!(
        matches!(&terms, Answer::Server(it) if it.text() == "30 days"),
        "{terms:?}"
    );
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_model_finds_and_calls_only_what_its_conversation_is_about() {
    let talking = chat();
    let finance = Profile::default().with_servers([id("ledger")]);
    let kit = builder(&[("ledger", &ledger()), ("chat", &talking)])
        .settings(Settings::default().with_profile("finance", finance))
        .connect()
        .await
        .unwrap();
    let talk = kit.conversation("c").enable("finance").unwrap();
    let queries = json!({"queries": ["post a message", "pay an invoice"]});
    let found = told(&talk, "find_tools", queries).await;
    assert_eq!(names(&found)[0], "ledger__pay_invoice");
    assert!(
        names(&found).iter().all(|it| it.starts_with("ledger__")),
        "{found}"
    );
    let call = json!({"name": "chat__post_message", "arguments": {"query": "x"}});
    let error = ask(&talk, "call_tool", call).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(talking.calls().len(), 0);
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_one_turn_run_side_by_side_and_each_has_its_answer() {
    let slow = ScriptedServer::new("slow")
        .tool("wait", |_| text("waited"))
        .latency(Duration::from_secs(5));
    let kit = kit(&[("slow", &slow), ("chat", &chat())]).await;
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let calls = json!([
        call("1", "slow__wait", "{}"),
        call("2", "chat__post_message", "{\"query\": \"hi\"}"),
        call("3", "slow__wait", ""),
        call("4", "chat__post_mesage", "{}"),
        call("5", "chat__post_message", "{\"query\""),
        call("6", "find_tools", "{\"queries\": \"post\"}"),
    ]);
    let start = tokio::time::Instant::now();
    let done = kit.dispatch(ModelApi::OpenAi, &calls).await;
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    let kinds: Vec<Option<ErrorKind>> = done
        .answers
        .iter()
        .map(|it| it.result.as_ref().err().map(CallError::kind))
        .collect();
    assert_eq!(
        kinds,
        [
            None,
            None,
            None,
            Some(ErrorKind::NotFound),
            Some(ErrorKind::InvalidArguments),
            None
        ]
    );
    let messages = done.messages();
    let ids: Vec<&str> = messages
        .iter()
        .map(|it| it["tool_call_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6"]);
    assert!(
        messages[3]["content"]
            .as_str()
            .unwrap()
            .contains("did you mean chat__post_message"),
        "{}",
        messages[3]
    );
    kit.close().await;
}
