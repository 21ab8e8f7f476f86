//! A client has its arguments completed under the toolkit's names, whatever the servers behind can do.
#![expect(
    clippy::unwrap_used,
    reason = "a test that goes wrong should end where it does"
)]

use manyhands_core::ServerId;
use manyhands_testkit::ScriptedServer;
use manyhands_toolkit::Builder;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

/// The answers to these requests, one after the other.
async fn answers(requests: &[(&str, Value)]) -> Vec<Value> {
    let id = |text: &str| ServerId::parse(text).unwrap();
    let many = |params: &Value| {
        let values = vec![params["ref"].to_string(); 101];
        json!({"completion": {"values": values, "total": 101, "hasMore": false}})
    };
    let able = ScriptedServer::new("able")
        .prompt(json!({"name": "p"}), json!({"messages": []}))
        .template(json!({"uriTemplate": "a:{b}", "name": "t"}))
        .completion(many);
    let unable =
        ScriptedServer::new("unable").template(json!({"uriTemplate": "a:{b}", "name": "t"}));
    let kit = Builder::default()
        .add(id("able"), able.connector())
        .add(id("unable"), unable.connector())
        .connect()
        .await
        .unwrap();
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (read, write) = tokio::io::split(theirs);
    tokio::spawn(manyhands_gateway::serve(kit, read, write));
    let (read, mut write) = tokio::io::split(ours);
    let mut lines = BufReader::new(read).lines();
    let mut answers = Vec::new();
    for (number, (method, params)) in requests.iter().enumerate() {
        let message = json!({"jsonrpc": "2.0", "id": number, "method": method, "params": params});
        let line = format!("{message}\n");
        write.write_all(line.as_bytes()).await.unwrap();
        let answer = lines.next_line().await.unwrap().unwrap();
        answers.push(serde_json::from_str(&answer).unwrap());
        if number == 0 {
            let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
            let line = format!("{ready}\n");
            write.write_all(line.as_bytes()).await.unwrap();
        }
    }
    answers
}

fn ask(of: &Value) -> (&'static str, Value) {
    let argument = json!({"name": "b", "value": ""});
    (
        "completion/complete",
        json!({"ref": of, "argument": argument}),
    )
}

#[tokio::test(start_paused = true)]
async fn arguments_are_completed_under_the_names_of_the_lists() {
    let template = |uri: &str| json!({"type": "ref/resource", "uri": uri});
    let about = json!({"protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"}});
    let answers = answers(&[
        ("initialize", about),
        ask(&template("able+a:{b}")),
        ask(&json!({"type": "ref/prompt", "name": "able__p"})),
        ask(&template("unable+a:{b}")),
        ask(&template("a:{b}")),
    ])
    .await;
    assert_eq!(
        answers[0]["result"]["capabilities"]["completions"],
        json!({})
    );
    for (answer, theirs) in [
        (&answers[1], template("a:{b}")),
        (&answers[2], json!({"type": "ref/prompt", "name": "p"})),
    ] {
        // More than a hundred are not allowed, and that there are more is told.
        let found = &answer["result"]["completion"];
        assert_eq!(
            found["values"].as_array().map(Vec::len),
            Some(100),
            "{answer}"
        );
        assert_eq!(
            (&found["hasMore"], &found["total"]),
            (&json!(true), &json!(101))
        );
        let asked: Value = serde_json::from_str(found["values"][0].as_str().unwrap()).unwrap();
        assert_eq!(asked, theirs);
    }
    assert_eq!(answers[3]["result"]["completion"]["values"], json!([]));
    assert_eq!(answers[4]["error"]["code"], -32_602, "{}", answers[4]);
}
