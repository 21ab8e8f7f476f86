//! One client, connected: requests are taken in as they come and answered as they are ready.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, Sink, Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::{broadcast, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::fault::Fault;
use crate::outlet::{self, Frame, Outlet};
use crate::record::{Record, lock};
use crate::respond::{Exchange, respond};
use crate::rpc::{self, Answer, INVALID_REQUEST, Message, Request};
use crate::script::Script;
use crate::server::ScriptedServer;

/// How many requests may be under way; a client that sends more is cut off.
const MAX_IN_FLIGHT: usize = 4_096;
/// How long a client that has stopped asking may take to read what is queued.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long a server that stops reading lives on.
const DEAF: Duration = Duration::from_secs(60);

/// Serves one client until it leaves, the server is stopped, or a fault ends it.
pub(crate) async fn run(
    server: &ScriptedServer,
    incoming: impl Stream<Item = io::Result<Bytes>>,
    outgoing: impl Sink<Frame, Error = io::Error>,
) {
    let _open = server.record().open();
    let stopped = server.record().stop_token();
    let (out, queued) = Outlet::new();
    let session = Session::new(server);
    let mut writing = pin!(outlet::write(queued, outgoing));
    tokio::select! {
        () = stopped.cancelled() => return,
        () = &mut writing => return,
        after = session.pump(incoming, &out) => if let After::Close = after { return },
    }
    // A client that pipes its requests in leaves before it has read; one that is gone reads nothing.
    drop((session, out));
    tokio::select! {
        () = stopped.cancelled() => {}
        _ = timeout(LAST_WORDS, writing) => {}
    }
}

/// What the server knows of one client, over one connection or many requests of HTTP.
pub(crate) struct Session {
    server: ScriptedServer,
    /// The requests under way by id, each with what cancels it.
    running: Mutex<HashMap<String, CancellationToken>>,
    /// The server's own questions by id, each with who waits for the answer.
    asked: Mutex<HashMap<String, oneshot::Sender<()>>>,
    questions: AtomicU64,
    /// The answers that are kept back.
    held: Mutex<Vec<Bytes>>,
    /// How many lists were asked for.
    lists: AtomicUsize,
    is_deaf: AtomicBool,
}

/// Whether the connection goes on after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Continue,
    Close,
}

impl Session {
    pub(crate) fn new(server: &ScriptedServer) -> Self {
        Self {
            server: server.clone(),
            running: Mutex::default(),
            asked: Mutex::default(),
            questions: AtomicU64::default(),
            held: Mutex::default(),
            lists: AtomicUsize::default(),
            is_deaf: AtomicBool::default(),
        }
    }

    pub(crate) fn server(&self) -> &ScriptedServer {
        &self.server
    }

    pub(crate) fn called(&self, name: &str, arguments: &Value, size: usize) {
        self.record().called(name, arguments, size);
    }

    /// Counts one more list, and says how many there were before.
    pub(crate) fn next_list(&self) -> usize {
        self.lists.fetch_add(1, Ordering::Relaxed)
    }

    /// How many lists were asked for so far.
    pub(crate) fn lists(&self) -> usize {
        self.lists.load(Ordering::Relaxed)
    }

    /// Asks the client a question, and waits until it says anything in return.
    pub(crate) async fn ask(&self, out: &Outlet, method: &str, params: Value) {
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        let id = json!(format!("question-{number}"));
        let (answered, answer) = oneshot::channel();
        {
            let mut asked = lock(&self.asked);
            // Calls that were cancelled meanwhile wait for no answer any more.
            asked.retain(|_, waiting| !waiting.is_closed());
            asked.insert(id.to_string(), answered);
        }
        let question = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        out.send(&self.server.script(), question.to_string()).await;
        // The sender stays in the map until the answer is there.
        let _ = answer.await;
    }

    /// Takes in and answers what comes. Whether the client may read on is what it ends with.
    async fn pump(&self, incoming: impl Stream<Item = io::Result<Bytes>>, out: &Outlet) -> After {
        if let Some(time) = self.server.script().boot_time() {
            sleep(time).await;
        }
        let mut news = self.server.news();
        let mut incoming = pin!(incoming);
        let mut work = FuturesUnordered::new();
        loop {
            let is_deaf = self.is_deaf.load(Ordering::Relaxed);
            tokio::select! {
                message = incoming.next(), if !is_deaf => {
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
                        work.push(self.work(request, cancel, out.clone()));
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
                told = news.recv() => self.tell(told, out).await,
                () = sleep(DEAF), if is_deaf => return After::Close,
            }
        }
    }

    /// Passes on what the server says by itself; since 2026-07-28 only those hear it who listen.
    async fn tell(&self, told: Result<Value, broadcast::error::RecvError>, out: &Outlet) {
        let script = self.server.script();
        if let Ok(news) = told
            && !script.has(&Fault::ModernOnly)
        {
            out.send(&script, news.to_string()).await;
        }
    }

    /// Takes in one message; gives the request that it is, with what cancels it.
    pub(crate) fn take(&self, message: &[u8]) -> Option<(Request, CancellationToken)> {
        let request = match rpc::read(message)? {
            Message::Request(request) => {
                self.record().asked(&request.method);
                request
            }
            Message::Notification { method, params } => {
                self.record().asked(&method);
                self.notified(&method, &params);
                return None;
            }
            Message::Response { id } => {
                self.record().answered();
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
    pub(crate) async fn work(
        &self,
        request: Request,
        cancel: CancellationToken,
        out: Outlet,
    ) -> After {
        let script = self.server.script();
        let exchange = Exchange {
            session: self,
            out: &out,
            script: &script,
            request: &request,
        };
        let answer = if request.method.is_empty() {
            Answer::error(INVALID_REQUEST, "not a JSON-RPC request")
        } else {
            tokio::select! {
                answer = respond(&exchange) => answer,
                () = cancel.cancelled() => exchange.late().unwrap_or(Answer::Silence),
            }
        };
        lock(&self.running).remove(&request.id.to_string());
        if matches!(answer, Answer::Close) {
            return After::Close;
        }
        exchange.send(answer).await;
        exchange.after().await
    }

    /// The answers to tool calls that may go out now that these are there.
    pub(crate) fn release(&self, script: &Script, messages: Vec<Bytes>) -> Vec<Bytes> {
        let wanted = script.find(|fault| match fault {
            Fault::AnswersInReverse(count) => Some((*count).min(MAX_IN_FLIGHT)),
            _ => None,
        });
        let Some(wanted) = wanted else {
            return messages;
        };
        let mut held = lock(&self.held);
        held.extend(messages);
        if held.len() < wanted {
            return Vec::new();
        }
        let mut ready = std::mem::take(&mut *held);
        ready.reverse();
        ready
    }

    /// Reads nothing more.
    pub(crate) fn stop_reading(&self) {
        self.is_deaf.store(true, Ordering::Relaxed);
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        self.server.record()
    }
}
