//! One server, connected: however it is reached, whatever protocol version it speaks.
//!
//! A [`Connector`] knows how to reach a server; [`Connector::connect`] gives a
//! [`Connection`], or a [`ConnectError`] that says why not and what to do. Servers
//! are reached as a child process ([`StdioSettings`]), over HTTP
//! ([`HttpSettings`]), over a Unix socket ([`Connector::unix`]), in the same process ([`Connector::in_process`]), or over
//! anything else that implements [`Transport`].
//!
//! This crate knows of one server at a time and nothing of the others.
//!
//! ```
//! use manyhands_core::{ListKind, Request, ServerId};
//! use manyhands_transport::{ConnectOptions, Connector};
//! # use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Any MCP server that can speak over a byte stream will do; this one is a stub.
//! let connector = Connector::in_process(|io| async move {
//! #   let (read, mut write) = tokio::io::split(io);
//! #   let mut lines = tokio::io::BufReader::new(read).lines();
//! #   while let Ok(Some(line)) = lines.next_line().await {
//! #       let message: serde_json::Value = serde_json::from_str(&line).unwrap();
//! #       let result = match message["method"].as_str() {
//! #           Some("initialize") => serde_json::json!({"protocolVersion": "2025-11-25",
//! #               "capabilities": {"tools": {}}, "serverInfo": {"name": "stub", "version": "1"}}),
//! #           Some("tools/list") => serde_json::json!({"tools": []}),
//! #           Some("notifications/initialized") => continue,
//! #           _ => {
//! #               let error = serde_json::json!({"code": -32601, "message": "unknown"});
//! #               let reply = serde_json::json!({"jsonrpc": "2.0", "id": message["id"], "error": error});
//! #               write.write_all(format!("{reply}\n").as_bytes()).await.unwrap();
//! #               continue;
//! #           }
//! #       };
//! #       let reply = serde_json::json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
//! #       write.write_all(format!("{reply}\n").as_bytes()).await.unwrap();
//! #   }
//!     // read requests from `io`, write answers to it
//! });
//! let connection = connector.connect(ConnectOptions::new(ServerId::parse("stub")?)).await?;
//! let list = Request::List { kind: ListKind::Tools, cursor: None };
//! let reply = connection.request(list, Default::default()).await?;
//! assert_eq!(reply.parsed()["tools"], serde_json::json!([]));
//! # Ok(())
//! # }
//! ```

mod backoff;
mod connect;
mod connection;
mod connector;
mod diagnostics;
mod error;
mod explain;
mod fingerprint;
mod frames;
mod handshake;
mod hidden;
mod http;
mod input;
mod link;
mod outcome;
mod pipe;
mod session;
mod stdio;
mod subscriptions;
mod supervised;
mod unix;
mod wire;

pub use connection::Connection;
pub use connector::{ConnectOptions, Connector, Protocol, Transport};
pub use diagnostics::{Diagnostics, Snapshot};
pub use error::{ConnectError, ConnectErrorKind, OpenError};
pub use fingerprint::Fingerprint;
pub use frames::MAX_MESSAGE;
pub use http::{HttpSettings, TlsSettings, check_header_annotations};
pub use input::{Input, InputHandler, InputKind, InputRequest, InputResponse};
pub use session::ServerEvent;
pub use stdio::StdioSettings;
pub use supervised::{InUse, Outage, Phase, Phases, Restart, Supervised, Supervision};
pub use wire::Wire;
