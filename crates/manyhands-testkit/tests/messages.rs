//! The scripted server, message by message, where a client would hide what is seen.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{sink, stream};
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A client that sends and reads messages by hand.
struct Raw {
    to_server: mpsc::Sender<Bytes>,
    from_server: mpsc::Receiver<Bytes>,
}

impl Raw {
    fn new(server: &ScriptedServer) -> Self {
        let (to_server, from_client) = mpsc::channel::<Bytes>(16);
        let (to_client, from_server) = mpsc::channel::<Bytes>(16);
        let incoming = stream::unfold(from_client, |mut channel| async move {
            Some((Ok(channel.recv().await?), channel))
        });
        let outgoing = sink::unfold(to_client, |channel, message| async move {
            let sent = channel.send(message).await;
            sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            Ok(channel)
        });
        let server = server.clone();
        tokio::spawn(async move { server.serve_messages(incoming, outgoing).await });
        Self {
            to_server,
            from_server,
        }
    }

    async fn send(&self, message: impl ToString) {
        let sent = self.to_server.send(message.to_string().into()).await;
        sent.expect("the server reads");
    }

    async fn request(&self, id: u32, method: &str, params: Value) {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send(request).await;
    }

    /// The next message; none where nothing comes for a minute, or the server has left.
    async fn next(&mut self) -> Option<Value> {
        let wait = Duration::from_secs(60);
        let message = tokio::time::timeout(wait, self.from_server.recv()).await;
        let message = message.ok().flatten()?;
        Some(serde_json::from_slice(&message).expect("it is JSON"))
    }

    async fn answer(&mut self, method: &str, params: Value) -> Value {
        self.request(1, method, params).await;
        self.next().await.expect("there is an answer")
    }
}

fn server() -> ScriptedServer {
    ScriptedServer::new("s").tool("t", Value::clone)
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_is_answered_with_its_code() {
    let mut raw = Raw::new(&server());
    assert_eq!(raw.answer("ping", json!({})).await["result"], json!({}));
    for (method, code) in [
        ("server/discover", -32_601),
        ("no/such/method", -32_601),
        ("prompts/get", -32_602),
        ("resources/read", -32_002),
    ] {
        let answer = raw.answer(method, json!({"name": "?"})).await;
        assert_eq!(answer["error"]["code"], code, "{method}");
    }
    raw.send("{").await;
    let answer = raw.next().await.unwrap();
    assert_eq!(
        (&answer["error"]["code"], &answer["id"]),
        (&json!(-32_600), &Value::Null)
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_not_answered() {
    let mut raw = Raw::new(&server().latency(Duration::from_secs(1)));
    raw.request(1, "tools/call", json!({"name": "t"})).await;
    raw.request(2, "tools/call", json!({"name": "t"})).await;
    let cancelled = "notifications/cancelled";
    raw.send(json!({"jsonrpc": "2.0", "method": cancelled, "params": {"requestId": 1}}))
        .await;
    assert_eq!(raw.next().await.unwrap()["id"], 2);
    assert_eq!(raw.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn answers_kept_back_come_in_reverse() {
    let mut raw = Raw::new(&server().fault(Fault::AnswersInReverse(3)));
    for id in 1..=4 {
        raw.request(id, "tools/call", json!({"name": "t"})).await;
    }
    for id in [3, 2, 1] {
        assert_eq!(raw.next().await.unwrap()["id"], id);
    }
    assert_eq!(raw.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_question_holds_the_call_up_until_it_is_answered() {
    let mut raw = Raw::new(&server().fault(Fault::AsksBack));
    raw.request(1, "tools/call", json!({"name": "t"})).await;
    let question = raw.next().await.unwrap();
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(raw.next().await, None);
    raw.send(json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}}))
        .await;
    assert_eq!(raw.next().await.unwrap()["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_wants_its_version_and_says_that_results_are_complete() {
    let mut raw = Raw::new(&server().fault(Fault::ModernOnly));
    for method in ["initialize", "server/discover", "tools/list"] {
        let refused = raw
            .answer(method, json!({"protocolVersion": "2025-11-25"}))
            .await;
        assert_eq!(refused["error"]["code"], -32_022, "{method}");
        assert_eq!(refused["error"]["data"]["requested"], "2025-11-25");
    }
    let meta = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    for method in ["server/discover", "tools/list"] {
        let answer = raw.answer(method, meta.clone()).await;
        assert_eq!(answer["result"]["resultType"], "complete", "{method}");
        assert_eq!(answer["result"]["ttlMs"], 0, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_too_much_at_once_is_cut_off() {
    let server = server().fault(Fault::HangsOnCall);
    let raw = Raw::new(&server);
    for id in 0..4_096 {
        raw.request(id, "tools/call", json!({"name": "t"})).await;
    }
    server.until(|it| it.calls().len() == 1_024).await;
    assert_eq!(server.open_connections(), 1);
    raw.request(4_096, "tools/call", json!({"name": "t"})).await;
    let cut_off = server.until(|it| it.open_connections() == 0);
    let waited = tokio::time::timeout(Duration::from_secs(60), cut_off).await;
    assert!(waited.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_after_asking_is_still_answered() {
    let mut raw = Raw::new(&server().latency(Duration::from_secs(1)));
    raw.request(1, "tools/call", json!({"name": "t"})).await;
    raw.request(2, "ping", json!({})).await;
    raw.to_server = mpsc::channel(1).0;
    // The call takes time, which a client that is gone does not have.
    assert_eq!(raw.next().await.unwrap()["id"], 2);
    assert_eq!(raw.next().await, None);
}
