//! Servers for tests: scripted ones that answer as told, and misbehaving ones that do not.
//!
//! A [`ScriptedServer`] speaks MCP over anything that carries bytes or messages, and
//! remembers what was asked of it. A [`Fault`] makes it misbehave in one exact way, as
//! real servers do: it hangs, crashes, logs to stdout, or pages for ever; [`Fault::switches`]
//! has them all. An [`HttpServer`] serves it at a URL, with what can be wrong there too.
//! [`conformance`] is the suite that a custom [`Transport`](manyhands_transport::Transport)
//! should pass.
//!
//! A [`relay()`] stands between a client and any server: its [`Recorder`] makes a [`Tape`] of what
//! they say, from which a [`Replay`] answers later without the server, and its [`Storm`] loses,
//! delays, repeats and spoils messages, the same ones for the same seed. A [`TcpProxy`] does it to the bytes between an
//! HTTP client and its server.
//!
//! A [`VectorServer`] gives vectors for texts. [`oauth`] has an authorization server and MCP servers that ask for its tokens, and [`vault`] a
//! server of secrets, for tests of clients that log in.
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
//!
//! With the feature `binary`, off by default, there is a command that does the same over standard
//! input and output, before and in place of servers in any language:
//!
//! ```text
//! cargo run -p manyhands-testkit --features binary -- --help
//! cargo test -p manyhands-testkit --features binary
//! ```

pub mod conformance;
mod fault;
pub mod hostile;
mod http;
mod lines;
pub mod oauth;
mod outlet;
mod record;
mod recorder;
mod relay;
mod replay;
mod respond;
mod rpc;
mod script;
mod secrets;
mod server;
mod session;
mod storm;
mod tape;
mod tcp;
mod tell;
pub mod vault;
mod vectors;

pub use fault::{
    AnswerFault, Fault, Flood, HandshakeFault, HttpFault, HttpMoment, ListFault, OddId,
    OddSessionId, OddText, ProcessFault, Question, RedirectTo, Switch, TextFault, UnknownFault,
    WireFault,
};
pub use http::{HttpOptions, HttpServer};
pub use recorder::Recorder;
pub use relay::{Relay, relay, relay_halves};
pub use replay::Replay;
pub use server::ScriptedServer;
pub use storm::{Storm, StormCount};
pub use tape::{Entry, Line, Side, Tape, TapeError, TapeErrorKind};
pub use tcp::TcpProxy;
pub use vectors::VectorServer;
