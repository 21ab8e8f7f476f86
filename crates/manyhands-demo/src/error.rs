//! The errors that starting and running a demo server can end in.
//!
//! A tool's own errors are results, not these: see the module `tool`.

use std::{error::Error, fmt};

use crate::DemoServer;

/// Why a demo server stopped before its client was done with it.
#[derive(Debug)]
pub struct ServeError {
    server: DemoServer,
    kind: ServeErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

/// The part of serving that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServeErrorKind {
    /// The client's first messages were not a handshake of any known protocol version.
    Handshake,
    /// The task that answers requests ended in a panic.
    Task,
    /// The HTTP listener failed.
    Listener,
}

impl ServeError {
    pub(crate) fn new(
        server: DemoServer,
        kind: ServeErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            server,
            kind,
            source: source.into(),
        }
    }

    /// The part of serving that failed.
    #[must_use]
    pub fn kind(&self) -> ServeErrorKind {
        self.kind
    }

    /// The server that failed.
    #[must_use]
    pub fn server(&self) -> DemoServer {
        self.server
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.server;
        match self.kind {
            ServeErrorKind::Handshake => {
                write!(
                    f,
                    "agree on a protocol with the client of demo server {server}"
                )
            }
            ServeErrorKind::Task => write!(f, "keep demo server {server} running"),
            ServeErrorKind::Listener => write!(f, "serve demo server {server} over http"),
        }
    }
}

impl Error for ServeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// A name that none of the demo servers has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find a demo server named {name:?}: there are slack, calendar, jira and salesforce")]
pub struct UnknownServer {
    name: String,
}

impl UnknownServer {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }

    /// The name that was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
