//! Calls: what they carry, what keeps them alive, and what ends them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use manyhands_core::{CallContext, CallEvent, Delivery, Effect, ErrorKind};
use manyhands_transport::Connector;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{Say, Server, call, text, within};

#[tokio::test]
async fn what_is_not_known_here_survives_as_it_came() {
    let server = Server::legacy(|message, say| {
        say.result(
            message,
            json!({"content": [{"type": "hologram", "x": 1.50}], "x-new": {"b": 1, "a": 2}}),
        );
    });
    let reply = server
        .connect()
        .await
        .request(call("t"), within(5))
        .await
        .unwrap();
    let raw = r#"{"content":[{"type":"hologram","x":1.5}],"x-new":{"b":1,"a":2}}"#;
    assert_eq!(reply.raw().get(), raw);
}

#[tokio::test(start_paused = true)]
async fn progress_keeps_a_call_alive_and_is_told_until_the_total_is_over() {
    let server = Server::legacy(|message, say| {
        let (token, say) = (
            message["params"]["_meta"]["progressToken"].clone(),
            say.clone(),
        );
        tokio::spawn(async move {
            for n in 0..1000 {
                sleep(Duration::from_secs(4)).await;
                let params = json!({"progressToken": token, "progress": n, "message": "busy"});
                say.message(
                    json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}),
                );
            }
        });
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    let context = within(33)
        .with_idle_timeout(Duration::from_secs(5))
        .with_listener(move |event| listener.lock().unwrap().push(event));
    let started = Instant::now();
    let error = server
        .connect()
        .await
        .request(call("t"), context)
        .await
        .unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 33);
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 8);
    assert_eq!(
        told[2],
        CallEvent::Progress {
            progress: 2.0,
            total: None,
            message: Some("busy".into())
        }
    );
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_call_by_the_idle_clock() {
    for (signs, cause) in [
        (0, "no answer within 5s"),
        (1, "no further sign of progress within 5s"),
    ] {
        let server = Server::legacy(move |message, say| {
            for n in 0..signs {
                let token = &message["params"]["_meta"]["progressToken"];
                let params = json!({"progressToken": token, "progress": n});
                say.message(json!({"method": "notifications/progress", "params": params}));
            }
        });
        let context = within(60).with_idle_timeout(Duration::from_secs(5));
        let connection = server.connect().await;
        let error = connection.request(call("t"), context).await.unwrap_err();
        assert_eq!(
            (error.cause(), error.delivery()),
            (cause, Delivery::Unknown)
        );
        server.hears("notifications/cancelled").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_waits_for_is_cancelled_and_its_late_answer_ignored() {
    let server = Server::legacy(|message, say| {
        if message["method"] == "tools/call" {
            let (message, say) = (message.clone(), say.clone());
            tokio::spawn(async move {
                sleep(Duration::from_secs(2)).await;
                say.result(&message, text("late"));
            });
        }
    });
    let connection = server.connect().await;
    drop(
        tokio::time::timeout(
            Duration::from_secs(1),
            connection.request(call("a"), within(60)),
        )
        .await,
    );
    let cancelled = server.hears("notifications/cancelled").await;
    let asked = server.heard("tools/call").pop().unwrap();
    assert_eq!(cancelled["params"]["requestId"], asked["id"]);
    let reply = connection.request(call("b"), within(60)).await.unwrap();
    assert_eq!(reply.text(), "late");
    assert_eq!(connection.diagnostics().unasked, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_server_does_not_take_is_not_sent() {
    // It greets, and then reads nothing any more.
    let connector = Connector::in_process(|io| async move {
        let (read, write) = tokio::io::split(io);
        let server = Server::legacy(|_, _| {});
        let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
        tokio::spawn(server.serve(theirs));
        let mut joined = tokio::io::join(read, write);
        let copying = tokio::io::copy_bidirectional(&mut joined, &mut ours);
        let _ = tokio::time::timeout(Duration::from_secs(1), copying).await;
        std::future::pending::<()>().await;
    });
    let options = Server::legacy(|_, _| {}).options();
    let connection = connector.connect(options).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let large = || manyhands_core::Request::CallTool {
        name: "t".into(),
        arguments: json!({"x": "y".repeat(1024 * 1024)}).try_into().unwrap(),
    };
    let first = connection.request(large(), within(2)).await.unwrap_err();
    assert_eq!(first.delivery(), Delivery::Unknown, "{first}");
    let second = connection.request(call("t"), within(2)).await.unwrap_err();
    assert_eq!(
        (second.kind(), second.delivery()),
        (ErrorKind::DeadlineExceeded, Delivery::NotSent)
    );
    assert!(second.cause().contains("so it was not sent"), "{second}");
}

#[tokio::test(start_paused = true)]
async fn answers_in_odd_forms_end_their_call_at_once_and_no_other() {
    let odd: fn(&Value, &Say) = |message, say| match message["params"]["name"].as_str() {
        Some("null") => say.message(json!({"id": message["id"], "result": null})),
        Some("text-id") => {
            say.message(json!({"id": message["id"].to_string(), "result": text("ok")}));
        }
        Some("twice") => {
            say.result(message, text("first"));
            say.result(message, text("second"));
        }
        Some("other") => say.message(json!({"id": 4711, "result": text("?")})),
        _ => say.result(message, text("fine")),
    };
    let server = Server::legacy(odd);
    let connection = server.connect().await;
    let error = connection
        .request(call("null"), within(5))
        .await
        .unwrap_err();
    assert_eq!(error.cause(), "its result is not a JSON object");
    for (name, answer) in [("text-id", "ok"), ("twice", "first"), ("x", "fine")] {
        let reply = connection.request(call(name), within(5)).await.unwrap();
        assert_eq!(reply.text(), answer);
    }
    let error = connection
        .request(call("other"), within(5))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(connection.diagnostics().unasked, 2);
}

#[tokio::test]
async fn a_connection_that_ends_takes_its_calls_along_and_says_whether_they_left() {
    let server = Server::legacy(|_, say| say.hang_up());
    let connection = server.connect().await;
    let error = connection.request(call("t"), within(5)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::ConnectionClosed, Delivery::Unknown)
    );
    let error = connection.request(call("t"), within(5)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Unavailable, Delivery::NotSent)
    );
    connection.closed().await;
}

#[tokio::test]
async fn meta_of_the_caller_goes_along() {
    let server = Server::modern(|message, say| say.result(message, text("ok")));
    let context = CallContext::default().with_meta("traceparent", "00-1");
    server
        .connect()
        .await
        .request(call("t"), context)
        .await
        .unwrap();
    let meta = server.heard("tools/call")[0]["params"]["_meta"].clone();
    assert_eq!(meta["traceparent"], "00-1");
    assert_eq!(
        meta["io.modelcontextprotocol/protocolVersion"],
        "2026-07-28"
    );
}

#[tokio::test]
async fn an_error_knows_whether_its_call_may_be_made_again() {
    for (effect, expected) in [(Effect::Unknown, false), (Effect::ReadOnly, true)] {
        let server = Server::legacy(|_, say| say.hang_up());
        let context = within(5).with_effect(effect);
        let ended = server.connect().await.request(call("t"), context).await;
        assert_eq!(ended.unwrap_err().is_retryable(), expected, "{effect:?}");
    }
}

#[tokio::test]
async fn what_a_server_repeats_of_the_credentials_it_was_given_is_not_shown() {
    let server = Server::legacy(|message, say| {
        let data = json!({"code": "BAD canary-5f2b", "type": "authorization"});
        let error =
            json!({"code": -32_000, "message": "no user has Bearer canary-5f2b", "data": data});
        say.message(json!({"jsonrpc": "2.0", "id": message["id"], "error": error}));
    });
    let connection = server.connect().await;
    let given = within(5).with_header("Authorization", "Bearer canary-5f2b");
    let error = connection.request(call("t"), given).await.unwrap_err();
    assert_eq!(
        error.cause(),
        "the server answered with error -32000 (BAD [hidden]): no user has [hidden]"
    );
    let error = connection.request(call("t"), within(5)).await.unwrap_err();
    assert!(
        error.cause().ends_with("no user has Bearer canary-5f2b"),
        "{error}"
    );
}
