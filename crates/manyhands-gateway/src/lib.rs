//! A whole toolkit served as one MCP server, so that any MCP client can use it.
//!
//! Tools and prompts appear under names that model APIs accept (`server__tool`),
//! resources under `server+uri`. A client of any protocol version is welcome.
//! This crate knows nothing of models.
//!
//! ```
//! use manyhands_core::ServerId;
//! use manyhands_testkit::ScriptedServer;
//! use manyhands_toolkit::Builder;
//! use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let weather = ScriptedServer::new("weather").tool("today", |_| serde_json::json!({"content": []}));
//! let kit = Builder::default().add(ServerId::parse("weather")?, weather.connector()).connect().await?;
//!
//! let (client, server) = tokio::io::duplex(64 * 1024);
//! let (read, write) = tokio::io::split(server);
//! tokio::spawn(manyhands_gateway::serve(kit, read, write));
//!
//! // Any MCP client will do; this one writes its requests by hand.
//! let (read, mut write) = tokio::io::split(client);
//! # let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"doc","version":"1"}}}"#;
//! # let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
//! let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
//! write.write_all(format!("{initialize}\n{initialized}\n{list}\n").as_bytes()).await?;
//! let mut answers = BufReader::new(read).lines();
//! answers.next_line().await?;
//! let tools = answers.next_line().await?.unwrap_or_default();
//! assert!(tools.contains("weather__today"), "{tools}");
//! # Ok(())
//! # }
//! ```

mod convert;
mod handler;
mod shown;

use rmcp::service::{ServerInitializeError, serve_server};
use tokio::io::{AsyncRead, AsyncWrite};

use handler::Gateway;
pub use shown::Shown;

/// Serves a toolkit, or what one conversation of it is about, over a byte stream, newline-delimited, until the client
/// closes it.
///
/// # Errors
/// [`ServeError`] when the client does not speak MCP or the stream breaks.
pub async fn serve<R, W>(shown: impl Into<Shown>, read: R, write: W) -> Result<(), ServeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    match serve_server(Gateway::new(shown.into()), (read, write)).await {
        Ok(running) => running
            .waiting()
            .await
            .map(drop)
            .map_err(|error| ServeError(Box::new(error))),
        // A client that connects and leaves has done nothing wrong.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(ServeError(Box::new(error))),
    }
}

/// Serving ended other than by the client closing it.
#[derive(Debug, thiserror::Error)]
#[error("serve the toolkit to an MCP client")]
pub struct ServeError(#[source] Box<dyn std::error::Error + Send + Sync>);
