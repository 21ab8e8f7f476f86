//! What servers ask back, in both ways.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use manyhands_core::{CallError, ErrorKind, Reply};
use manyhands_transport::{Input, InputHandler, InputKind, InputRequest, InputResponse};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::{Say, Server, call, text, within};

/// Agrees to everything after a minute.
struct Slow;

impl InputHandler for Slow {
    fn kinds(&self) -> Vec<InputKind> {
        vec![InputKind::Form, InputKind::Sampling]
    }

    async fn answer(&self, request: InputRequest) -> InputResponse {
        sleep(Duration::from_secs(60)).await;
        assert!(request.kind() != InputKind::Form || request.message() == "sure?");
        match request.kind() {
            InputKind::Form => {
                InputResponse::accept(Map::from_iter([("sure".into(), true.into())]))
            }
            _ => InputResponse::result(
                json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "4"}}),
            ),
        }
    }
}

struct Panics;

impl InputHandler for Panics {
    fn kinds(&self) -> Vec<InputKind> {
        vec![InputKind::Form]
    }

    async fn answer(&self, _: InputRequest) -> InputResponse {
        panic!("as the test wants it")
    }
}

fn question() -> Value {
    let schema =
        json!({"type": "object", "properties": {"name": {"type": "string", "default": "Ada"}}});
    json!({"message": "sure?", "requestedSchema": schema})
}

/// A legacy server that asks during a call and answers with what it was told.
fn legacy(method: &'static str, params: Value) -> Server {
    let open = Arc::new(Mutex::new(Value::Null));
    Server::legacy(move |message, say| {
        let mut open = open.lock().unwrap();
        if message["method"] == "tools/call" {
            *open = message.clone();
            say.message(json!({"jsonrpc": "2.0", "id": "q-1", "method": method, "params": params}));
        } else if message["id"] == "q-1" {
            let told = message.get("result").unwrap_or(&message["error"]);
            say.result(&open, text(&told.to_string()));
        }
    })
}

async fn asked(server: &Server, input: Input) -> Result<Reply, CallError> {
    let options = server.options().with_input(input);
    let connection = server.connector().connect(options).await.unwrap();
    // The idle clock is shorter than all rounds together, and longer than each.
    let context = within(30).with_idle_timeout(Duration::from_millis(2_500));
    connection.request(call("t"), context).await
}

#[tokio::test(start_paused = true)]
async fn a_legacy_servers_question_is_answered_while_the_clocks_stand_still() {
    let server = legacy("elicitation/create", question());
    let reply = asked(&server, Input::new(Slow)).await.unwrap();
    let answer: Value = serde_json::from_str(&reply.text()).unwrap();
    assert_eq!(
        answer,
        json!({"action": "accept", "content": {"name": "Ada", "sure": true}})
    );
    let capabilities = &server.heard("initialize")[0]["params"]["capabilities"];
    assert_eq!(
        *capabilities,
        json!({"sampling": {}, "elicitation": {"form": {}}})
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_handler_every_question_is_declined_at_once() {
    for (method, answer) in [
        ("elicitation/create", json!({"action": "decline"})),
        ("roots/list", json!({"roots": []})),
        (
            "sampling/createMessage",
            json!({"code": -1, "message": "the request was declined"}),
        ),
        ("ping", json!({})),
        (
            "something/else",
            json!({"code": -32_601, "message": "this client does not offer it"}),
        ),
    ] {
        let reply = asked(&legacy(method, question()), Input::default())
            .await
            .unwrap();
        assert_eq!(reply.text(), answer.to_string(), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_costs_its_question_only() {
    let reply = asked(
        &legacy("elicitation/create", question()),
        Input::new(Panics),
    )
    .await;
    assert!(reply.unwrap().text().contains("could not be answered"));
}

/// A server of 2026-07-28 that wants input before it answers, and takes a second for each round.
fn modern(rounds: usize) -> Server {
    Server::modern(move |message, say| {
        let (message, say) = (message.clone(), say.clone());
        tokio::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            next_round(&message, &say, rounds);
        });
    })
}

fn next_round(message: &Value, say: &Say, rounds: usize) {
    let params = &message["params"];
    let round = params["requestState"].as_str().map_or(0, str::len);
    if round >= rounds {
        return say.result(message, text(&params["inputResponses"].to_string()));
    }
    let form = json!({"method": "elicitation/create", "params": question()});
    let model = json!({"method": "sampling/createMessage", "params": {}});
    say.result(
        message,
        json!({
            "resultType": "input_required",
            "inputRequests": {"form": form, "model": model},
            "requestState": "x".repeat(round + 1),
        }),
    );
}

#[tokio::test(start_paused = true)]
async fn the_rounds_of_a_modern_server_are_gone_through() {
    let server = modern(3);
    let reply = asked(&server, Input::new(Slow)).await.unwrap();
    let answers: Value = serde_json::from_str(&reply.text()).unwrap();
    assert_eq!(
        answers["form"]["content"],
        json!({"name": "Ada", "sure": true})
    );
    assert_eq!(answers["model"]["content"]["text"], "4");
    let calls = server.heard("tools/call");
    let ids: Vec<_> = calls.iter().map(|call| call["id"].to_string()).collect();
    assert_eq!(calls.len(), 4);
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    assert!(
        calls
            .iter()
            .all(|call| call["params"]["arguments"] == json!({"a": 1}))
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_has_enough_is_given_up() {
    let server = modern(usize::MAX);
    let error = asked(&server, Input::new(Slow)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputRequired);
    assert_eq!(server.heard("tools/call").len(), 11);
}

#[tokio::test(start_paused = true)]
async fn without_a_handler_a_modern_question_ends_the_call_or_is_declined() {
    let error = asked(&modern(1), Input::default()).await.unwrap_err();
    assert_eq!(
        error.cause(),
        "the server wants a model's answer, and the request was declined"
    );
    let form_only = Server::modern(|message, say| {
        let params = &message["params"];
        if params.get("inputResponses").is_some() {
            return say.result(message, text(&params["inputResponses"].to_string()));
        }
        let form = json!({"method": "elicitation/create", "params": question()});
        say.result(
            message,
            json!({"resultType": "input_required", "inputRequests": {"f": form}}),
        );
    });
    let reply = asked(&form_only, Input::default()).await.unwrap();
    assert_eq!(reply.text(), r#"{"f":{"action":"decline"}}"#);
}
