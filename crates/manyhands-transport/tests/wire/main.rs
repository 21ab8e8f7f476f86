//! What goes over the wire between a connection and a server that is written by hand, message by message.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod asking;
mod calling;
mod greeting;
mod tasks;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use manyhands_core::{Arguments, CallContext, Request, ServerId};
use manyhands_transport::{ConnectOptions, Connection, Connector};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::sync::mpsc;

/// Sends messages to the client, at any time.
#[derive(Clone)]
struct Say(mpsc::UnboundedSender<Option<Value>>);

impl Say {
    fn message(&self, message: Value) {
        let _ = self.0.send(Some(message));
    }

    fn result(&self, request: &Value, result: impl Into<Value>) {
        let result = result.into();
        self.message(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}));
    }

    fn error(&self, request: &Value, code: i64, message: &str) {
        let error = json!({"code": code, "message": message});
        self.message(json!({"jsonrpc": "2.0", "id": request["id"], "error": error}));
    }

    fn hang_up(&self) {
        let _ = self.0.send(None);
    }
}

type Behave = Arc<dyn Fn(&Value, &Say) + Send + Sync>;

/// A server that does with each message what a function says, and remembers all of them.
#[derive(Clone)]
struct Server {
    behave: Behave,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    fn new(behave: impl Fn(&Value, &Say) + Send + Sync + 'static) -> Self {
        Self {
            behave: Arc::new(behave),
            heard: Arc::default(),
        }
    }

    /// A server of 2025-11-25 that leaves everything after the handshake to `behave`.
    fn legacy(behave: impl Fn(&Value, &Say) + Send + Sync + 'static) -> Self {
        Self::new(move |message, say| match message["method"].as_str() {
            Some("initialize") => say.result(message, introduction("2025-11-25")),
            Some("server/discover") => say.error(message, -32_601, "unknown method"),
            Some("notifications/initialized") => {}
            _ => behave(message, say),
        })
    }

    /// A server of 2026-07-28 that leaves everything after the handshake to `behave`.
    fn modern(behave: impl Fn(&Value, &Say) + Send + Sync + 'static) -> Self {
        Self::new(move |message, say| match message["method"].as_str() {
            Some("server/discover") => say.result(message, discovery()),
            Some("initialize") => say.error(message, -32_022, "no"),
            _ => behave(message, say),
        })
    }

    fn connector(&self) -> Connector {
        let server = self.clone();
        Connector::in_process(move |io| server.clone().serve(io))
    }

    fn options(&self) -> ConnectOptions {
        ConnectOptions::new(ServerId::parse("s").unwrap())
    }

    async fn connect(&self) -> Connection {
        self.connector().connect(self.options()).await.unwrap()
    }

    async fn serve(self, io: DuplexStream) {
        let (read, mut write) = tokio::io::split(io);
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let say = Say(sender);
        let mut lines = BufReader::new(read).lines();
        loop {
            tokio::select! {
                line = lines.next_line() => {
                    let Ok(Some(line)) = line else { return };
                    let message: Value = serde_json::from_str(&line).unwrap();
                    self.heard.lock().unwrap().push(message.clone());
                    (self.behave)(&message, &say);
                }
                message = receiver.recv() => {
                    let Some(Some(message)) = message else { return };
                    write.write_all(format!("{message}\n").as_bytes()).await.unwrap();
                }
            }
        }
    }

    /// The messages of one method, as far as they came.
    fn heard(&self, method: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .filter(|it| it["method"] == method)
            .cloned()
            .collect()
    }

    /// Waits until a message of this method has come, for 5 s of any clock.
    async fn hears(&self, method: &str) -> Value {
        for _ in 0..500 {
            if let Some(message) = self.heard(method).pop() {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no {method} among {:?}", self.heard.lock().unwrap());
    }
}

fn introduction(version: &str) -> Value {
    json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}})
}

fn discovery() -> Value {
    json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "resultType": "complete"})
}

fn text(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

fn call(name: &str) -> Request {
    Request::CallTool {
        name: name.into(),
        arguments: Arguments::from_value(&json!({"a": 1})).unwrap(),
    }
}

fn within(seconds: u64) -> CallContext {
    CallContext::default().with_timeout(Duration::from_secs(seconds))
}
