//! Four small MCP servers with fixed, fictional data.
//!
//! They are there to try Manyhands on without an account anywhere, and to show how a server is
//! written with rmcp: read `src/slack.rs` first, it uses the most. Three of them (slack, calendar,
//! jira) are meant for stdio and salesforce for HTTP, but each can be served on either, in every
//! protocol version. On all of them today is 2026-03-12.
//!
//! The crate knows nothing of clients, gateways, command lines or configuration.
//!
//! # Examples
//!
//! Serve slack in this process, and say hello to it:
//!
//! ```
//! use manyhands_demo::{DemoServer, Latency};
//! use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, server) = tokio::io::duplex(64 * 1024);
//! let (read, write) = tokio::io::split(server);
//! let slack: DemoServer = "slack".parse()?;
//! let serving = tokio::spawn(slack.serve(read, write, Latency::none()));
//!
//! let (read, mut write) = tokio::io::split(client);
//! let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
//!     "protocolVersion":"2025-11-25","capabilities":{},
//!     "clientInfo":{"name":"example","version":"1"}}}"#;
//! write.write_all(hello.replace('\n', " ").as_bytes()).await?;
//! write.write_all(b"\n").await?;
//!
//! let mut reply = String::new();
//! BufReader::new(read).read_line(&mut reply).await?;
//! assert!(reply.contains("manyhands-demo-slack"));
//!
//! drop(write); // the client leaves (both halves are gone), and so serving ends
//! serving.await??;
//! # Ok(())
//! # }
//! ```

mod calendar;
mod data;
mod error;
mod http;
mod jira;
mod salesforce;
mod slack;
mod tool;

#[cfg(test)]
mod tests;

use std::{fmt, future::Future, str::FromStr, sync::Arc, time::Duration};

use rmcp::{ServerHandler, ServiceExt, service::ServerInitializeError};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

pub use error::{ServeError, ServeErrorKind, UnknownServer};
pub use tool::Latency;

/// One of the demo servers. Its name in lower case is its [`Display`](fmt::Display) form, and parses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DemoServer {
    /// Channels and messages.
    Slack,
    /// Meetings and invitations.
    Calendar,
    /// Issues and comments.
    Jira,
    /// Sales leads.
    Salesforce,
}

/// How a demo server is meant to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoTransport {
    /// Over the standard input and output of a child process.
    Stdio,
    /// Over streamable HTTP on the loopback address.
    Http,
}

impl DemoServer {
    /// Every demo server.
    pub const ALL: [Self; 4] = [Self::Slack, Self::Calendar, Self::Jira, Self::Salesforce];

    /// Returns the name that the command line and the configuration use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Calendar => "calendar",
            Self::Jira => "jira",
            Self::Salesforce => "salesforce",
        }
    }

    /// Says in a few words what the server offers.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Slack => "chat channels and messages, one of them urgent",
            Self::Calendar => "today's meetings and their invitations",
            Self::Jira => "issues and the newest comments on them",
            Self::Salesforce => "sales leads and the stage each has reached",
        }
    }

    /// Returns how the server is meant to be reached.
    #[must_use]
    pub const fn transport(self) -> DemoTransport {
        match self {
            Self::Slack | Self::Calendar | Self::Jira => DemoTransport::Stdio,
            Self::Salesforce => DemoTransport::Http,
        }
    }

    /// Returns how long a tool takes under [`Latency::default`].
    #[must_use]
    pub const fn usual_latency(self) -> Duration {
        Duration::from_millis(match self {
            Self::Slack => 180,
            Self::Calendar => 120,
            Self::Jira => 240,
            Self::Salesforce => 300,
        })
    }

    /// Serves one client over a byte stream until the stream closes.
    ///
    /// For stdio, pass `tokio::io::stdin()` and `tokio::io::stdout()`; within a process, the halves
    /// of a [`tokio::io::duplex`]. A client that leaves before it said anything is no error.
    ///
    /// # Errors
    ///
    /// [`ServeErrorKind::Handshake`] if the client begins with something else than MCP, and
    /// [`ServeErrorKind::Task`] if answering panicked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the server; what was posted to it is lost.
    pub async fn serve<R, W>(self, read: R, write: W, latency: Latency) -> Result<(), ServeError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let time = latency.or(self.usual_latency());
        match self {
            Self::Slack => self.run(slack::Slack::new(time), read, write).await,
            Self::Calendar => self.run(calendar::Calendar::new(time), read, write).await,
            Self::Jira => self.run(jira::Jira::new(time), read, write).await,
            Self::Salesforce => {
                self.run(salesforce::Salesforce::new(time), read, write)
                    .await
            }
        }
    }

    /// Serves any number of clients over streamable HTTP at the path `/mcp`, until `shutdown` is ready.
    ///
    /// Every protocol version is answered at that one address. A request must name a loopback host,
    /// and must not come from a page in a browser.
    ///
    /// # Errors
    ///
    /// [`ServeErrorKind::Listener`] if the listener fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the listener; connections that are open end on their own.
    pub async fn serve_http(
        self,
        listener: TcpListener,
        latency: Latency,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let time = latency.or(self.usual_latency());
        match self {
            Self::Slack => http::serve(listener, Arc::new(slack::Slack::new(time)), shutdown).await,
            Self::Calendar => {
                http::serve(listener, Arc::new(calendar::Calendar::new(time)), shutdown).await
            }
            Self::Jira => http::serve(listener, Arc::new(jira::Jira::new(time)), shutdown).await,
            Self::Salesforce => {
                http::serve(
                    listener,
                    Arc::new(salesforce::Salesforce::new(time)),
                    shutdown,
                )
                .await
            }
        }
        .map_err(|error| ServeError::new(self, ServeErrorKind::Listener, error))
    }

    async fn run<R, W>(
        self,
        handler: impl ServerHandler,
        read: R,
        write: W,
    ) -> Result<(), ServeError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let running = match handler.serve((read, write)).await {
            Ok(running) => running,
            Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(ServeError::new(self, ServeErrorKind::Handshake, error)),
        };
        match running.waiting().await {
            Ok(_) => Ok(()),
            Err(error) => Err(ServeError::new(self, ServeErrorKind::Task, error)),
        }
    }
}

impl fmt::Display for DemoServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DemoServer {
    type Err = UnknownServer;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|server| server.name() == name)
            .ok_or_else(|| UnknownServer::new(name))
    }
}
