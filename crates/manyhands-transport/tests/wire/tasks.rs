//! Calls that a server turns into tasks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manyhands_core::ErrorKind;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{Server, call, text, within};

fn task(status: &str) -> Value {
    json!({"resultType": "complete", "taskId": "t-1", "status": status, "pollIntervalMs": 2000})
}

/// A server that makes a task of every call and lets it work for so many looks, then ends it so.
fn server(looks: usize, end: Value) -> Server {
    let seen = AtomicUsize::new(0);
    Server::modern(move |message, say| match message["method"].as_str() {
        Some("tools/call") => {
            let mut created = task("working");
            created["resultType"] = json!("task");
            say.result(message, created);
        }
        Some("tasks/get") => {
            assert_eq!(message["params"]["taskId"], "t-1");
            let working = seen.fetch_add(1, Ordering::Relaxed) < looks;
            say.result(
                message,
                if working {
                    task("working")
                } else {
                    end.clone()
                },
            );
        }
        _ => say.result(message, json!({})),
    })
}

fn with(status: &str, field: &str, value: Value) -> Value {
    let mut end = task(status);
    end[field] = value;
    end
}

#[tokio::test(start_paused = true)]
async fn a_task_is_followed_to_its_result() {
    let server = server(3, with("completed", "result", text("done")));
    let reply = server
        .connect()
        .await
        .request(call("t"), within(30))
        .await
        .unwrap();
    assert_eq!(reply.text(), "done");
    assert_eq!(server.heard("tasks/get").len(), 4);
    sleep(Duration::from_secs(1)).await;
    assert!(server.heard("tasks/cancel").is_empty());
    let meta = &server.heard("tools/call")[0]["params"]["_meta"];
    let capabilities = &meta["io.modelcontextprotocol/clientCapabilities"];
    assert!(capabilities["extensions"]["io.modelcontextprotocol/tasks"].is_object());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_an_error_of_its_call() {
    let failed = with(
        "failed",
        "error",
        json!({"code": -32_050, "message": "no disk"}),
    );
    let error = server(1, failed)
        .connect()
        .await
        .request(call("t"), within(30))
        .await
        .unwrap_err();
    assert_eq!(error.rpc_code(), Some(-32_050));
    let error = server(1, task("cancelled"))
        .connect()
        .await
        .request(call("t"), within(30))
        .await;
    assert!(error.unwrap_err().cause().contains("the server gave it up"));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_nobody_waits_for_is_cancelled() {
    for drop_it in [true, false] {
        let server = server(usize::MAX, Value::Null);
        let connection = server.connect().await;
        let calling = connection.request(call("t"), within(9));
        if drop_it {
            assert!(timeout(Duration::from_secs(5), calling).await.is_err());
        } else {
            assert_eq!(
                calling.await.unwrap_err().kind(),
                ErrorKind::DeadlineExceeded
            );
        }
        assert_eq!(
            server.hears("tasks/cancel").await["params"]["taskId"],
            "t-1"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_asks_each_question_once() {
    let asks = with(
        "input_required",
        "inputRequests",
        json!({"q": {"method": "elicitation/create", "params": {"message": "?"}}}),
    );
    let looks = AtomicUsize::new(0);
    let server = Server::modern(move |message, say| match message["method"].as_str() {
        Some("tools/call") => say.result(message, with("working", "resultType", json!("task"))),
        Some("tasks/get") => say.result(
            message,
            match looks.fetch_add(1, Ordering::Relaxed) {
                0..3 => asks.clone(),
                _ => with("completed", "result", text("done")),
            },
        ),
        _ => say.result(message, json!({})),
    });
    let reply = server
        .connect()
        .await
        .request(call("t"), within(30))
        .await
        .unwrap();
    assert_eq!(reply.text(), "done");
    let updates = server.heard("tasks/update");
    assert_eq!(updates.len(), 1);
    assert_eq!(
        updates[0]["params"]["inputResponses"],
        json!({"q": {"action": "decline"}})
    );
}
