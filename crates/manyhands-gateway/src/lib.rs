//! A whole toolkit served as one MCP server, so that any MCP client can use it.
//!
//! Tools and prompts appear under names that model APIs accept (`server__tool`),
//! resources under `server+uri`. A client of any protocol version is welcome.
//! This crate knows nothing of models.
//!
//! ```
//! # async fn example(kit: manyhands_toolkit::Toolkit) -> Result<(), manyhands_gateway::ServeError> {
//! let (ours, theirs) = tokio::io::duplex(64 * 1024);
//! let (read, write) = tokio::io::split(ours);
//! // An MCP client speaks on `theirs`; this returns when it closes.
//! manyhands_gateway::serve(kit, read, write).await
//! # }
//! ```

mod convert;
mod handler;

use manyhands_toolkit::Toolkit;
use rmcp::service::{ServerInitializeError, serve_server};
use tokio::io::{AsyncRead, AsyncWrite};

use handler::Gateway;

/// Serves a toolkit over a byte stream, newline-delimited, until the client closes it.
///
/// # Errors
/// [`ServeError`] when the client does not speak MCP or the stream breaks.
pub async fn serve<R, W>(kit: Toolkit, read: R, write: W) -> Result<(), ServeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    match serve_server(Gateway::new(kit), (read, write)).await {
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
