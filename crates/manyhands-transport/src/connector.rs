//! How a server is reached: one handle over every kind of transport.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::ServerId;
use tokio::io::DuplexStream;
use tokio::sync::Semaphore;

use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::error::{ConnectError, OpenError};
use crate::http::HttpSettings;
use crate::stdio::StdioSettings;
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

/// Knows how to reach one server. Cheap to clone.
#[derive(Clone)]
pub struct Connector(Kind);

#[derive(Clone)]
enum Kind {
    Stdio(Arc<StdioSettings>),
    Http(Arc<HttpSettings>),
    Custom(Arc<dyn DynTransport>),
}

/// What a connector opened: messages that we frame, or HTTP that rmcp speaks.
pub(crate) enum Opened {
    Wire(Wire),
    Http(Arc<HttpSettings>),
}

impl Connector {
    /// Reaches a server by starting it as a child process.
    #[must_use]
    pub fn stdio(settings: StdioSettings) -> Self {
        Self(Kind::Stdio(Arc::new(settings)))
    }

    /// Reaches a server at a URL, over streamable HTTP.
    #[must_use]
    pub fn http(settings: HttpSettings) -> Self {
        Self(Kind::Http(Arc::new(settings)))
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
        Self(Kind::Custom(Arc::new(transport)))
    }

    /// Connects: opens the transport and shakes hands, within the start limit.
    ///
    /// # Errors
    /// [`ConnectError`] with the cause and what to do about it.
    ///
    /// # Cancel safety
    /// Dropping the future ends what it started, child process included.
    pub async fn connect(&self, options: ConnectOptions) -> Result<Connection, ConnectError> {
        crate::handshake::connect(self, options).await
    }

    pub(crate) async fn open(&self) -> Result<Opened, OpenError> {
        match &self.0 {
            Kind::Stdio(settings) => settings.open().map(Opened::Wire),
            Kind::Http(settings) => Ok(Opened::Http(settings.clone())),
            Kind::Custom(transport) => transport.open_boxed().await.map(Opened::Wire),
        }
    }

    pub(crate) fn spawns(&self) -> bool {
        matches!(self.0, Kind::Stdio(_))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Stdio(settings) => settings.fmt(f),
            Kind::Http(settings) => settings.fmt(f),
            Kind::Custom(_) => f.write_str("Custom"),
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
}

impl ConnectOptions {
    /// The defaults, for this server.
    #[must_use]
    pub fn new(server: ServerId) -> Self {
        Self {
            server,
            start_limit: START_LIMIT,
            spawn_permits: None,
        }
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
