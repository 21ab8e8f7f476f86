//! The scripted server as tests hold it: a builder, a record, and ways to be reached.

use std::fmt;
use std::io;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream};
use manyhands_transport::Connector;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast;

use crate::fault::{Fault, WireFault};
use crate::outlet::Frame;
use crate::record::Record;
use crate::relay::{self, Relay};
use crate::script::Script;
use crate::storm::Storm;
use crate::{lines, session};

/// How much a pipe within the process holds, in bytes.
const PIPE: usize = 64 * 1024;

/// An MCP server that answers as it was told, and remembers what it was asked.
///
/// Clones are the same server: what is added to one shows at once in all of them, on
/// connections that are open as well.
#[derive(Clone)]
pub struct ScriptedServer {
    script: Arc<RwLock<Arc<Script>>>,
    record: Arc<Record>,
}

impl ScriptedServer {
    /// A server that introduces itself by this name and offers nothing yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let script = Script {
            name: name.to_owned(),
            ..Script::default()
        };
        Self {
            script: Arc::new(RwLock::new(Arc::new(script))),
            record: Arc::default(),
        }
    }

    /// Adds a tool that takes any arguments. `reply` turns them into a `CallToolResult`; they are
    /// `null` where the client sent none.
    #[must_use]
    pub fn tool(self, name: &str, reply: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        let definition = json!({"name": name, "inputSchema": {"type": "object"}});
        self.tool_definition(definition, reply)
    }

    /// Adds a tool under a definition of your own, which may be malformed.
    #[must_use]
    pub fn tool_definition(
        self,
        definition: Value,
        reply: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.with(|script| script.tools.push((definition, Arc::new(reply))))
    }

    /// Gives the tool of this definition's name this definition from now on; what it answers stays. Clients are not told:
    /// [`notify`](Self::notify) does that.
    pub fn redefine(&self, definition: &Value) {
        let _ = self.clone().with(|script| {
            let tools = script.tools.iter_mut().map(|(tool, _)| tool);
            for tool in tools.filter(|it| it.get("name") == definition.get("name")) {
                tool.clone_from(definition);
            }
        });
    }

    /// Adds a prompt and what getting it gives, a `GetPromptResult`.
    #[must_use]
    pub fn prompt(self, definition: Value, result: Value) -> Self {
        self.with(|script| script.prompts.push((definition, result)))
    }

    /// Adds a resource and what reading it gives: one `ResourceContents`, or a list of them.
    #[must_use]
    pub fn resource(self, definition: Value, contents: Value) -> Self {
        self.with(|script| script.resources.push((definition, contents)))
    }

    /// Adds a resource template, which is listed and nothing more.
    #[must_use]
    pub fn template(self, definition: Value) -> Self {
        self.with(|script| script.templates.push(definition))
    }

    /// Completes arguments: `reply` gets the parameters of `completion/complete`, and gives its result.
    #[must_use]
    pub fn completion(self, reply: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        self.with(|script| script.completion = Some(Arc::new(reply)))
    }

    /// Gives lists in pages of `n` items; whole by default.
    #[must_use]
    pub fn page_size(self, n: usize) -> Self {
        self.with(|script| script.page_size = Some(n))
    }

    /// Waits this long before it answers a call, a prompt or a read; not at all by default.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Self {
        self.with(|script| script.latency = latency)
    }

    /// Misbehaves in this way too.
    #[must_use]
    pub fn fault(self, fault: impl Into<Fault>) -> Self {
        let fault = fault.into();
        self.with(|script| script.faults.push(fault))
    }

    /// Takes back all that [`fault`](Self::fault) said.
    pub fn heal(&self) {
        let _ = self.clone().with(|script| script.faults.clear());
    }

    /// The tool calls seen so far, oldest first, by name and arguments, whether they were answered
    /// or not. The last 1,024 are kept, of 64 MiB at most.
    #[must_use]
    pub fn calls(&self) -> Vec<(String, Value)> {
        self.record.calls()
    }

    /// How many requests or notifications of this method have come in; 64 methods are counted.
    #[must_use]
    pub fn asked(&self, method: &str) -> usize {
        self.record.times_asked(method)
    }

    /// How many answers have come in to what the server asked.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.record.times_answered()
    }

    /// Tells all clients of something: those of 2026-07-28 that listen to it, and all others. One
    /// that lags more than 1,024 such notifications behind misses some.
    pub fn notify(&self, method: &str, params: &Value) {
        let news = json!({"jsonrpc": "2.0", "method": method, "params": params});
        // With nobody connected there is nobody to tell.
        let _ = self.record.news().send(news);
    }

    /// How many cancellations have come in.
    #[must_use]
    pub fn cancelled(&self) -> usize {
        self.record.cancelled()
    }

    /// How many connections have been opened so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.record.connections()
    }

    /// How many connections are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.record.open_connections()
    }

    /// Waits until `condition` holds, looking again whenever the server has seen something.
    ///
    /// ```
    /// # use manyhands_testkit::ScriptedServer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let server = ScriptedServer::new("s");
    /// server.until(|seen| seen.open_connections() == 0).await;
    /// # }
    /// ```
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.record.changes();
        while !condition(self) {
            // The sender lives as long as `self` does.
            let _ = changes.changed().await;
        }
    }

    /// Serves one client over a byte stream, in lines of JSON, until the client closes it.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn serve(&self, io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let (read, write) = tokio::io::split(io);
        let pause = self.script().find(|fault| match fault {
            Fault::Wire(WireFault::Drips(pause)) => Some(*pause),
            _ => None,
        });
        match pause {
            Some(pause) => {
                let outgoing = lines::dripping(write, pause);
                session::run(self, lines::incoming(read), outgoing).await;
            }
            None => session::run(self, lines::incoming(read), lines::outgoing(write)).await,
        }
    }

    /// Serves one client over whole messages, until they end.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn serve_messages(
        &self,
        incoming: impl Stream<Item = io::Result<Bytes>>,
        outgoing: impl Sink<Bytes, Error = io::Error>,
    ) {
        let outgoing = outgoing.with(|frame: Frame| std::future::ready(Ok(frame.into_bytes())));
        session::run(self, incoming, outgoing).await;
    }

    /// Reaches this server within the process.
    #[must_use]
    pub fn connector(&self) -> Connector {
        let server = self.clone();
        Connector::in_process(move |io| {
            let server = server.clone();
            async move { server.serve(io).await }
        })
    }

    /// Reaches this server within the process, through a relay.
    #[must_use]
    pub fn connector_through(&self, relay: Relay) -> Connector {
        let server = self.clone();
        Connector::in_process(move |client| {
            let (server, relay) = (server.clone(), relay.clone());
            async move {
                let (ours, theirs) = tokio::io::duplex(PIPE);
                tokio::join!(server.serve(theirs), relay::relay(client, ours, relay));
            }
        })
    }

    /// Reaches this server within the process, through a storm.
    #[must_use]
    pub fn stormy_connector(&self, storm: Storm) -> Connector {
        self.connector_through(Relay::default().with_storm(storm))
    }

    /// Closes all open connections now, as a crash would. New ones can be opened.
    pub fn stop(&self) {
        self.record.stop();
    }

    /// The script as it is now.
    pub(crate) fn script(&self) -> Arc<Script> {
        let script = self.script.read();
        script
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn news(&self) -> broadcast::Receiver<Value> {
        self.record.news().subscribe()
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    fn with(self, change: impl FnOnce(&mut Script)) -> Self {
        let script = self.script.write();
        let mut script = script.unwrap_or_else(std::sync::PoisonError::into_inner);
        change(Arc::make_mut(&mut script));
        drop(script);
        self
    }
}

impl fmt::Debug for ScriptedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedServer")
            .field("name", &self.script().name)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
