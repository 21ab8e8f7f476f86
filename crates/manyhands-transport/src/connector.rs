//! How a server is reached: one handle over every kind of transport.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use manyhands_core::ServerId;
use tokio::io::DuplexStream;
use tokio::sync::Semaphore;

use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::error::{ConnectError, OpenError};
use crate::fingerprint::Fingerprint;
use crate::http::{HttpSettings, legacy};
use crate::input::Input;
use crate::stdio::StdioSettings;
use crate::unix;
use crate::wire::{Keeper, TaskGuard, Wire};

/// How long a server may take from its start to the end of the handshake: 60 s.
///
/// `npx` and `uvx` download a package at the first start, which takes tens of seconds.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The buffer of an in-process connection, in bytes, each way.
const DUPLEX_BUFFER: usize = 64 * 1024;

/// Opens wires to a server by some means of its own.
///
/// ```
/// use manyhands_transport::{OpenError, Transport, Wire};
///
/// struct OverTcp(std::net::SocketAddr);
///
/// impl Transport for OverTcp {
///     async fn open(&self) -> Result<Wire, OpenError> {
///         let stream = tokio::net::TcpStream::connect(self.0).await.map_err(|error| {
///             OpenError::new(manyhands_transport::ConnectErrorKind::Unreachable, "nobody answers")
///                 .with_source(error)
///         })?;
///         Ok(Wire::from_io(stream))
///     }
/// }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Opens a new wire. It is called again for every new connection, and may be
    /// dropped at any await when the start limit is over.
    fn open(&self) -> impl Future<Output = Result<Wire, OpenError>> + Send;
}

type OpenFuture<'a> = Pin<Box<dyn Future<Output = Result<Wire, OpenError>> + Send + 'a>>;

/// The object-safe twin of [`Transport`].
trait DynTransport: Send + Sync + 'static {
    fn open_boxed(&self) -> OpenFuture<'_>;
}

impl<T: Transport> DynTransport for T {
    fn open_boxed(&self) -> OpenFuture<'_> {
        Box::pin(self.open())
    }
}

/// Knows how to reach one server. Clones share what was learned of it. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    kind: Kind,
    /// What somebody who knows better says of it.
    fingerprint: Option<Fingerprint>,
    known: Arc<Mutex<Known>>,
}

/// What earlier handshakes taught.
#[derive(Default)]
struct Known {
    /// The protocol version that the last one agreed on.
    version: Option<String>,
    /// The server ended at the last attempt to use it.
    doubtful: bool,
}

#[derive(Clone)]
enum Kind {
    Stdio(Arc<StdioSettings>),
    Http(Arc<HttpSettings>),
    Sse(Arc<HttpSettings>),
    Unix(Arc<Path>),
    Custom(Arc<dyn DynTransport>),
    Prepared(Prepare),
}

type PrepareFuture = Pin<Box<dyn Future<Output = Result<Connector, OpenError>> + Send>>;
type Prepare = Arc<dyn Fn() -> PrepareFuture + Send + Sync>;

/// What a connector opened.
pub(crate) enum Opened {
    /// One pair of streams for all messages.
    Wire(Wire),
    /// An exchange of its own for each message.
    Http(Arc<HttpSettings>),
}

impl Connector {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            fingerprint: None,
            known: Arc::default(),
        }
    }

    /// Reaches a server by starting it as a child process.
    #[must_use]
    pub fn stdio(settings: StdioSettings) -> Self {
        Self::of(Kind::Stdio(Arc::new(settings)))
    }

    /// Reaches a server at a URL, over streamable HTTP; or, where it knows none, over what came before it.
    #[must_use]
    pub fn http(settings: HttpSettings) -> Self {
        Self::of(Kind::Http(Arc::new(settings)))
    }

    /// Reaches a server at a URL, over the HTTP transport of 2024-11-05: an event stream, and a POST per message.
    #[must_use]
    pub fn sse(settings: HttpSettings) -> Self {
        Self::of(Kind::Sse(Arc::new(settings)))
    }

    /// Reaches a server that speaks newline-delimited JSON at a Unix socket; `@name` is one of Linux's abstract sockets.
    ///
    /// For a server that speaks HTTP there, see [`HttpSettings::unix_socket`].
    #[must_use]
    pub fn unix(path: impl AsRef<Path>) -> Self {
        Self::of(Kind::Unix(path.as_ref().into()))
    }

    /// Reaches a server that runs in this process: `serve` is called with its end of
    /// an in-memory duplex for every new connection.
    pub fn in_process<F, Fut>(serve: F) -> Self
    where
        F: Fn(DuplexStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::custom(InProcess(serve))
    }

    /// Reaches a server by your own [`Transport`].
    pub fn custom(transport: impl Transport) -> Self {
        Self::of(Kind::Custom(Arc::new(transport)))
    }

    /// Reaches a server in a way that `prepare` finds out anew for every connection, such as one whose settings hold
    /// secrets that are looked up only then.
    pub fn prepared<F, Fut>(prepare: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Connector, OpenError>> + Send + 'static,
    {
        Self::of(Kind::Prepared(Arc::new(move || Box::pin(prepare()))))
    }

    /// Sets the fingerprint, for a connector that cannot tell it by itself.
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.fingerprint = Some(fingerprint);
        self
    }

    /// Which server it reaches, and as whom. None where that is known only later, or to others: for servers in this
    /// process, your own transports, and connectors that are prepared anew each time.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        if self.fingerprint.is_some() {
            return self.fingerprint.clone();
        }
        match &self.kind {
            Kind::Stdio(settings) => Fingerprint::of_stdio(settings),
            Kind::Http(settings) => Fingerprint::of_http("http", settings),
            Kind::Sse(settings) => Fingerprint::of_http("sse", settings),
            Kind::Unix(path) => Fingerprint::of_unix(path),
            Kind::Custom(_) | Kind::Prepared(_) => None,
        }
    }

    /// Connects: opens the transport and shakes hands, within the start limit.
    ///
    /// # Errors
    /// [`ConnectError`] with the cause and what to do about it.
    ///
    /// # Cancel safety
    /// Dropping the future ends what it started, child process included.
    pub async fn connect(&self, options: ConnectOptions) -> Result<Connection, ConnectError> {
        // Made rarely, and large: it is kept off its caller's own future.
        Box::pin(crate::connect::connect(self, options)).await
    }

    /// The connector to open, which shares what is known of the server with this one.
    pub(crate) async fn ready(&self) -> Result<Self, OpenError> {
        let mut kind = self.kind.clone();
        while let Kind::Prepared(prepare) = kind {
            kind = prepare().await?.kind;
        }
        Ok(Self {
            kind,
            ..self.clone()
        })
    }

    pub(crate) async fn open(&self) -> Result<Opened, OpenError> {
        match &self.kind {
            Kind::Stdio(settings) => settings.open().map(Opened::Wire),
            Kind::Http(settings) => Ok(Opened::Http(settings.clone())),
            Kind::Sse(settings) => legacy::open(settings).await.map(Opened::Wire),
            Kind::Unix(path) => unix::open(path).await.map(Opened::Wire),
            Kind::Custom(transport) => transport.open_boxed().await.map(Opened::Wire),
            Kind::Prepared(_) => {
                let ready = self.ready().await?;
                Box::pin(ready.open()).await
            }
        }
    }

    /// The protocol version that the last handshake of this connector agreed on.
    ///
    /// It is what to remember of a server, and to hand in as [`ConnectOptions::known_version`], where a program
    /// is started anew.
    #[must_use]
    pub fn known_version(&self) -> Option<String> {
        self.known().version.clone()
    }

    pub(crate) fn remember(&self, version: Option<&str>) {
        *self.known() = Known {
            version: version.map(str::to_owned),
            doubtful: false,
        };
    }

    /// Notes that the server ended when it was greeted as it is known; says whether that is new.
    pub(crate) fn doubt(&self) -> bool {
        !std::mem::replace(&mut self.known().doubtful, true)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A text stays a text after a panic elsewhere.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its transport is older than `server/discover`.
    pub(crate) fn predates_discovery(&self) -> bool {
        matches!(self.kind, Kind::Sse(_))
    }

    pub(crate) fn spawns(&self) -> bool {
        matches!(self.kind, Kind::Stdio(_))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Stdio(settings) => settings.fmt(f),
            Kind::Http(settings) | Kind::Sse(settings) => settings.fmt(f),
            Kind::Unix(path) => f.debug_tuple("Unix").field(path).finish(),
            Kind::Custom(_) => f.write_str("Custom"),
            Kind::Prepared(_) => f.write_str("Prepared"),
        }
    }
}

struct InProcess<F>(F);

impl<F, Fut> Transport for InProcess<F>
where
    F: Fn(DuplexStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    async fn open(&self) -> Result<Wire, OpenError> {
        let (ours, theirs) = tokio::io::duplex(DUPLEX_BUFFER);
        let task = TaskGuard(tokio::spawn((self.0)(theirs)).abort_handle());
        Ok(Wire::from_io(ours).with_keeper(Keeper::Task(task), Diagnostics::default()))
    }
}

/// On whose behalf, and within which limits, a connection is made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// The server's name in errors.
    pub server: ServerId,
    /// How long the server may take from its start to the end of the handshake; 60 s by default.
    pub start_limit: Duration,
    /// Shared by servers that should not all be spawned in the same instant; none by default.
    pub spawn_permits: Option<Arc<Semaphore>>,
    /// Which protocol version is spoken; found out by default.
    pub protocol: Protocol,
    /// The version that the server is known to speak from an earlier run; it is tried first, and found out anew
    /// where it does not do.
    pub known_version: Option<String>,
    /// Answers what the server asks; by default everything is declined.
    pub input: Input,
}

/// Which protocol version is spoken with a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Protocol {
    /// The newest that both sides speak, found out by asking.
    #[default]
    Auto,
    /// This one, such as `2025-11-25`, without asking for others.
    Version(String),
}

impl ConnectOptions {
    /// The defaults, for this server.
    #[must_use]
    pub fn new(server: ServerId) -> Self {
        Self {
            server,
            start_limit: START_LIMIT,
            spawn_permits: None,
            protocol: Protocol::Auto,
            known_version: None,
            input: Input::default(),
        }
    }

    /// Sets which protocol version is spoken.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sets which version the server is known to speak.
    #[must_use]
    pub fn with_known_version(mut self, version: Option<String>) -> Self {
        self.known_version = version;
        self
    }

    /// Sets who answers what the server asks.
    #[must_use]
    pub fn with_input(mut self, input: Input) -> Self {
        self.input = input;
        self
    }

    /// Sets how long the server may take to start.
    #[must_use]
    pub fn with_start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Makes spawning wait for a permit; the start limit begins after the wait.
    #[must_use]
    pub fn with_spawn_permits(mut self, permits: Arc<Semaphore>) -> Self {
        self.spawn_permits = Some(permits);
        self
    }
}
