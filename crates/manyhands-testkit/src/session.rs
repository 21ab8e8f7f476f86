//! One client, connected: requests are taken in as they come and answered as they are ready.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::fault::Fault;
use crate::record::{Record, lock};
use crate::respond::respond;
use crate::rpc::{self, Answer, INVALID_REQUEST, Message, Request};
use crate::script::Script;
use crate::server::ScriptedServer;

/// How many requests may be under way; a client that sends more is cut off.
const MAX_IN_FLIGHT: usize = 4_096;
/// How many messages may wait to be written.
const QUEUE: usize = 64;
/// How long a client that has stopped asking may take to read what is queued.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What servers write to stdout between messages.
const CHATTER: [&str; 6] = [
    "Server ready on stdio",
    "",
    r#"{"level":30,"msg":"listening"}"#,
    "\u{feff}",
    "\u{1b}[33mwarn\u{1b}[0m {not json}",
    "   ",
];

/// Serves one client until it leaves, the server is stopped, or a fault ends it.
pub(crate) async fn run(
    server: &ScriptedServer,
    incoming: impl Stream<Item = io::Result<Bytes>>,
    outgoing: impl Sink<Bytes, Error = io::Error>,
) {
    let _open = server.record().open();
    let stopped = server.record().stop_token();
    let (queue, queued) = mpsc::channel(QUEUE);
    let session = Session {
        server: server.clone(),
        queue,
        running: Mutex::default(),
        asked: Mutex::default(),
        questions: AtomicU64::default(),
        held: Mutex::default(),
    };
    let mut writing = pin!(write(queued, outgoing));
    tokio::select! {
        () = stopped.cancelled() => return,
        () = &mut writing => return,
        after = session.pump(incoming) => if let After::Close = after { return },
    }
    // A client that pipes its requests in leaves before it has read; one that is gone reads nothing.
    drop(session);
    tokio::select! {
        () = stopped.cancelled() => {}
        _ = timeout(LAST_WORDS, writing) => {}
    }
}

/// Writes what is queued, until the client no longer reads.
async fn write(mut queued: mpsc::Receiver<Bytes>, outgoing: impl Sink<Bytes, Error = io::Error>) {
    let mut outgoing = pin!(outgoing);
    while let Some(message) = queued.recv().await {
        if outgoing.send(message).await.is_err() {
            break;
        }
    }
}

pub(crate) struct Session {
    server: ScriptedServer,
    queue: mpsc::Sender<Bytes>,
    /// The requests under way by id, each with what cancels it.
    running: Mutex<HashMap<String, CancellationToken>>,
    /// The server's own questions by id, each with who waits for the answer.
    asked: Mutex<HashMap<String, oneshot::Sender<()>>>,
    questions: AtomicU64,
    /// The answers that are kept back.
    held: Mutex<Vec<String>>,
}

/// Whether the connection goes on after a request.
enum After {
    Continue,
    Close,
}

impl Session {
    pub(crate) fn called(&self, name: &str, arguments: &Value, size: usize) {
        self.record().called(name, arguments, size);
    }

    /// Asks the client a question, and waits until it says anything in return.
    pub(crate) async fn ask(&self) {
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        let id = json!(format!("question-{number}"));
        let (answered, answer) = oneshot::channel();
        {
            let mut asked = lock(&self.asked);
            // Calls that were cancelled meanwhile wait for no answer any more.
            asked.retain(|_, waiting| !waiting.is_closed());
            asked.insert(id.to_string(), answered);
        }
        let params = json!({
            "message": "Which one?",
            "requestedSchema": {"type": "object", "properties": {"which": {"type": "string"}}},
        });
        let method = "elicitation/create";
        let question = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.send(&self.server.script(), question.to_string()).await;
        // The sender stays in the map until the answer is there.
        let _ = answer.await;
    }

    /// Takes in and answers what comes. Whether the client may read on is what it ends with.
    async fn pump(&self, incoming: impl Stream<Item = io::Result<Bytes>>) -> After {
        let mut incoming = pin!(incoming);
        let mut work = FuturesUnordered::new();
        loop {
            tokio::select! {
                message = incoming.next() => {
                    let Some(Ok(message)) = message else {
                        // What can be answered at once still is.
                        while let Some(Some(done)) = work.next().now_or_never() {
                            if let After::Close = done {
                                return done;
                            }
                        }
                        return After::Continue;
                    };
                    if let Some((request, cancel)) = self.take(&message) {
                        work.push(self.work(request, cancel));
                    }
                    if work.len() > MAX_IN_FLIGHT {
                        return After::Close;
                    }
                }
                done = work.next(), if !work.is_empty() => {
                    if let Some(After::Close) = done {
                        return After::Close;
                    }
                }
            }
        }
    }

    /// Takes in one message; gives the request that it is, with what cancels it.
    fn take(&self, message: &[u8]) -> Option<(Request, CancellationToken)> {
        let request = match rpc::read(message)? {
            Message::Request(request) => request,
            Message::Notification { method, params } => {
                self.notified(&method, &params);
                return None;
            }
            Message::Response { id } => {
                if let Some(waiting) = lock(&self.asked).remove(&id) {
                    // Whoever asked may have been cancelled since.
                    let _ = waiting.send(());
                }
                return None;
            }
            Message::Invalid => Request {
                id: Value::Null,
                method: String::new(),
                params: Value::Null,
                size: message.len(),
            },
        };
        let cancel = CancellationToken::new();
        lock(&self.running).insert(request.id.to_string(), cancel.clone());
        Some((request, cancel))
    }

    fn notified(&self, method: &str, params: &Value) {
        if method == "notifications/cancelled" {
            self.record().was_cancelled();
            let id = params.get("requestId").unwrap_or(&Value::Null).to_string();
            if let Some(cancel) = lock(&self.running).remove(&id) {
                cancel.cancel();
            }
        }
    }

    /// Sees one request through.
    async fn work(&self, request: Request, cancel: CancellationToken) -> After {
        let script = self.server.script();
        let answer = if request.method.is_empty() {
            Answer::error(INVALID_REQUEST, "not a JSON-RPC request")
        } else {
            tokio::select! {
                answer = respond(self, &script, &request) => answer,
                () = cancel.cancelled() => Answer::Silence,
            }
        };
        lock(&self.running).remove(&request.id.to_string());
        if matches!(answer, Answer::Close) {
            return After::Close;
        }
        let is_call = request.method == "tools/call";
        let id = if is_call && script.has(&Fault::WrongId) {
            json!("nobody asked with this id")
        } else {
            request.id
        };
        if let Some(message) = answer.render(&id) {
            let ready = if is_call {
                self.release(&script, message)
            } else {
                vec![message]
            };
            for message in ready {
                self.send(&script, message).await;
            }
        }
        After::Continue
    }

    /// The answers that may go out now that this one is there.
    fn release(&self, script: &Script, message: String) -> Vec<String> {
        let wanted = script.find(|fault| match fault {
            Fault::AnswersInReverse(count) => Some((*count).min(MAX_IN_FLIGHT)),
            _ => None,
        });
        let mut held = lock(&self.held);
        held.push(message);
        if held.len() < wanted.unwrap_or_default() {
            return Vec::new();
        }
        let mut ready = std::mem::take(&mut *held);
        ready.reverse();
        ready
    }

    async fn send(&self, script: &Script, message: String) {
        let chatter: &[&str] = if script.has(&Fault::ChatterOnStdout) {
            &CHATTER
        } else {
            &[]
        };
        // The queue is closed once the client no longer reads, and then the session is about to end.
        for line in chatter {
            let _ = self.queue.send(Bytes::from_static(line.as_bytes())).await;
        }
        let _ = self.queue.send(message.into()).await;
    }

    fn record(&self) -> &Arc<Record> {
        self.server.record()
    }
}
