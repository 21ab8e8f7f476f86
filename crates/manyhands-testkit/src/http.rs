//! A scripted server at a URL: streamable HTTP, written by hand so that it can also be wrong.

mod body;
mod browser;
mod exchange;
mod fault;
mod gzip;
mod head;
mod service;
mod sessions;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::fault::{Fault, HttpFault};
use crate::server::ScriptedServer;
pub(crate) use body::Head;
pub(crate) use browser::{Place, get};
pub(crate) use head::{Request, Response};
pub(crate) use service::{Answer, Guard, Serves, accept, serve};
use sessions::Sessions;

/// How a scripted server is served over HTTP.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// Gives each client that introduces itself a session; otherwise each request stands alone, as
    /// it does with [`Fault::ModernOnly`] in any case. On by default.
    pub sessions: bool,
    /// Answers requests by an event stream each; otherwise by JSON, but where more than the answer
    /// is sent. On by default.
    pub event_streams: bool,
    /// Where to listen; by default at a free port of 127.0.0.1.
    pub address: SocketAddr,
    /// Who may answer a request before the server does.
    guard: Option<Guard>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            sessions: true,
            event_streams: true,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            guard: None,
        }
    }
}

impl HttpOptions {
    /// Sets whether clients get sessions.
    #[must_use]
    pub fn with_sessions(mut self, sessions: bool) -> Self {
        self.sessions = sessions;
        self
    }

    /// Sets whether requests are answered by event streams.
    #[must_use]
    pub fn with_event_streams(mut self, event_streams: bool) -> Self {
        self.event_streams = event_streams;
        self
    }

    /// Sets where to listen.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Asks this guard about each request first. What it answers is not counted as come in.
    #[must_use]
    pub(crate) fn with_guard(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }
}

/// A [`ScriptedServer`] at a URL, until this is dropped.
///
/// It speaks streamable HTTP with sessions, without, or that of 2026-07-28, over HTTP/1.1 with
/// connections that are kept. Its faults are the server's: the families about messages show over
/// HTTP too, and [`HttpFault`] only there. Its time is the operating system's, so tests leave the
/// clock running.
///
/// ```
/// use manyhands_core::{ListKind, Request, ServerId};
/// use manyhands_testkit::{HttpServer, ScriptedServer};
/// use manyhands_transport::{ConnectOptions, Connector, HttpSettings};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = ScriptedServer::new("s").tool("t", |_| serde_json::json!({"content": []}));
/// let http = HttpServer::start(&server).await?;
/// let connector = Connector::http(HttpSettings::new(http.url()));
/// let connection = connector.connect(ConnectOptions::new(ServerId::parse("s")?)).await?;
/// let list = Request::List { kind: ListKind::Tools, cursor: None };
/// assert!(connection.request(list, Default::default()).await.is_ok());
/// assert_eq!((http.sessions(), server.asked("tools/list")), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

/// What all connections know.
#[derive(Debug)]
struct Shared {
    server: ScriptedServer,
    options: HttpOptions,
    sessions: Sessions,
    counts: Counts,
    changes: watch::Sender<()>,
    /// Whether sessions were forgotten that should be forgotten once.
    has_forgotten: AtomicBool,
    /// Where redirects to another origin lead.
    elsewhere: SocketAddr,
}

#[derive(Debug, Default)]
struct Counts {
    posts: AtomicUsize,
    gets: AtomicUsize,
    deletes: AtomicUsize,
    elsewhere: AtomicUsize,
}

impl HttpServer {
    /// Serves at a free port of 127.0.0.1, with sessions and event streams.
    ///
    /// # Errors
    /// Fails where no port can be had.
    pub async fn start(server: &ScriptedServer) -> io::Result<Self> {
        Self::start_with(server, HttpOptions::default()).await
    }

    /// Serves as the options say.
    ///
    /// # Errors
    /// Fails where the address cannot be had.
    pub async fn start_with(server: &ScriptedServer, options: HttpOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let elsewhere = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server: server.clone(),
            options,
            sessions: Sessions::default(),
            counts: Counts::default(),
            changes: watch::Sender::default(),
            has_forgotten: AtomicBool::default(),
            elsewhere: elsewhere.local_addr()?,
        });
        let serving = tokio::spawn(listen(listener, shared.clone()));
        let watching = tokio::spawn(fault::elsewhere(elsewhere, shared.clone()));
        Ok(Self {
            address,
            shared,
            _tasks: [serving, watching].map(AbortOnDropHandle::new),
        })
    }

    /// Where clients reach it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// The address that it listens at.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many `POST`s have come in.
    #[must_use]
    pub fn posts(&self) -> usize {
        self.shared.counts.posts.load(Ordering::Relaxed)
    }

    /// How many `GET`s have come in.
    #[must_use]
    pub fn gets(&self) -> usize {
        self.shared.counts.gets.load(Ordering::Relaxed)
    }

    /// How many `DELETE`s have come in.
    #[must_use]
    pub fn deletes(&self) -> usize {
        self.shared.counts.deletes.load(Ordering::Relaxed)
    }

    /// How many sessions have been made.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.shared.sessions.made()
    }

    /// How many sessions are open.
    #[must_use]
    pub fn open_sessions(&self) -> usize {
        self.shared.sessions.open()
    }

    /// How many requests went to the place where [`RedirectTo::OtherOrigin`](crate::RedirectTo) leads.
    #[must_use]
    pub fn led_astray(&self) -> usize {
        self.shared.counts.elsewhere.load(Ordering::Relaxed)
    }

    /// Waits until `condition` holds, looking again with each request.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        while !condition(self) {
            // The sender lives as long as `self` does.
            let _ = changes.changed().await;
        }
    }
}

impl Shared {
    fn count(&self, pick: impl Fn(&Counts) -> &AtomicUsize) {
        pick(&self.counts).fetch_add(1, Ordering::Relaxed);
        self.changes.send_replace(());
    }

    /// Whether the server has this fault.
    fn has(&self, fault: HttpFault) -> bool {
        self.server.script().has(&Fault::Http(fault))
    }
}

/// Takes in connections, unless the server never does.
async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    if shared.has(HttpFault::NeverAccepts) {
        return std::future::pending().await;
    }
    accept(listener, |stream| converse(stream, shared.clone())).await;
}

/// Answers one request after the other, until either side closes the connection.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let _open = shared.server.record().open();
    let stopped = shared.server.record().stop_token();
    // Without it each answer would wait for an acknowledgement; that it fails changes no answer.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = stopped.cancelled() => {}
        // What goes wrong with a connection ends it, and there is nobody to tell.
        _ = exchange::all(stream, &shared) => {}
    }
}
