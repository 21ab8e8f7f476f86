//! Why a server could not be connected, and what to do about it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use manyhands_core::ServerId;

use crate::diagnostics::Snapshot;

/// What kind of obstacle kept a server from being connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// Its settings cannot be used, e.g. an illegal header.
    Settings,
    /// Its program cannot be started.
    Command,
    /// Its program ended before the handshake was done.
    Exited,
    /// Nobody answers at its address.
    Unreachable,
    /// No TLS connection could be agreed on, most often for the sake of a certificate.
    Tls,
    /// It answered with an HTTP status that ends the attempt.
    HttpStatus,
    /// It wants credentials that it did not get.
    Unauthorized,
    /// It refuses the credentials that it got, and logging in again would not help.
    Forbidden,
    /// What answers does not speak MCP.
    NotMcp,
    /// It speaks no protocol version that we know, or refused the handshake.
    Incompatible,
    /// It did not finish the handshake within the start limit.
    TimedOut,
    /// A custom transport says no.
    Transport,
}

/// Why a transport could not be opened. It does not know the server's name yet.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct OpenError {
    kind: ConnectErrorKind,
    cause: String,
    mend: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl OpenError {
    /// Says what happened, as a lowercase clause such as "nobody answers at 127.0.0.1:1".
    pub fn new(kind: ConnectErrorKind, cause: impl Into<String>) -> Self {
        Self {
            kind,
            cause: cause.into(),
            mend: None,
            retry_after: None,
            source: None,
        }
    }

    /// Adds what to do about it, as a lowercase clause.
    #[must_use]
    pub fn with_mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// Adds how long the server asked to be left alone; it is not tried again before that.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Adds the error beneath it, whose text the cause must not repeat.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of obstacle it is.
    #[must_use]
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }

    /// What to do about it.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.mend.as_deref()
    }
}

/// Why one server is not connected.
#[derive(Debug)]
pub struct ConnectError {
    server: ServerId,
    reason: OpenError,
    diagnostics: Box<Snapshot>,
}

impl ConnectError {
    pub(crate) fn new(server: ServerId, reason: OpenError, diagnostics: Snapshot) -> Self {
        Self {
            server,
            reason,
            diagnostics: Box::new(diagnostics),
        }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// What kind of obstacle it is.
    #[must_use]
    pub fn kind(&self) -> ConnectErrorKind {
        self.reason.kind
    }

    /// What happened, as a lowercase clause without the server's name.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.reason.cause
    }

    /// What to do about it, as a lowercase clause.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.reason.mend()
    }

    /// How long the server asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.reason.retry_after
    }

    /// What the connection noticed before it failed.
    #[must_use]
    pub fn diagnostics(&self) -> &Snapshot {
        &self.diagnostics
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connect to {}: {}", self.server, self.reason.cause)?;
        match self.mend() {
            Some(mend) => write!(f, "; {mend}"),
            None => Ok(()),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}
