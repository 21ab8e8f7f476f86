//! Servers for tests: scripted ones that answer as told, and misbehaving ones that do not.
//!
//! A [`ScriptedServer`] speaks MCP over anything that carries bytes or messages, and
//! remembers what was asked of it. A [`Fault`] makes it misbehave in one exact way, as
//! real servers do: it hangs, crashes, logs to stdout, or pages for ever.
//! [`conformance`] is the suite that a custom [`Transport`](manyhands_transport::Transport)
//! should pass.
//!
//! The servers speak JSON-RPC by themselves, without rmcp, so that they can do what rmcp
//! would not. Their time is tokio's, so tests with `start_paused = true` never wait. This
//! crate knows connections and nothing of the crates above them.
//!
//! ```
//! use manyhands_core::{Arguments, Request, ServerId};
//! use manyhands_testkit::ScriptedServer;
//! use manyhands_transport::ConnectOptions;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = ScriptedServer::new("greeter").tool("greet", |arguments| {
//!     let text = format!("hello, {}", arguments["name"].as_str().unwrap_or("whoever you are"));
//!     json!({"content": [{"type": "text", "text": text}]})
//! });
//!
//! let options = ConnectOptions::new(ServerId::parse("greeter")?);
//! let connection = server.connector().connect(options).await?;
//! let arguments = Arguments::from_value(&json!({"name": "Ada"}))?;
//! let call = Request::CallTool { name: "greet".into(), arguments };
//! let reply = connection.request(call, Default::default()).await?;
//!
//! assert_eq!(reply.text(), "hello, Ada");
//! assert_eq!(server.calls(), [("greet".to_owned(), json!({"name": "Ada"}))]);
//! # Ok(())
//! # }
//! ```

pub mod conformance;
mod fault;
mod lines;
mod record;
mod respond;
mod rpc;
mod script;
mod server;
mod session;

pub use fault::Fault;
pub use server::ScriptedServer;
