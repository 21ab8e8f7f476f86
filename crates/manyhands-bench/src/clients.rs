//! The two sides: one connection each, to a server of its own, and one way to call.
//! It must not know how often, or what is measured meanwhile.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use manyhands_core::model::{CallToolRequestParams, CallToolResponse, JsonObject};
use manyhands_core::{CallContext, Reply, Request, ServerId};
use manyhands_toolkit::{Builder, Toolkit};
use manyhands_transport::{
    ConnectOptions, Connection, Connector, HttpSettings, Protocol, StdioSettings,
};
use rmcp::service::RunningService;
use rmcp::transport::TokioChildProcess;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
};
use rmcp::{RoleClient, ServiceExt as _};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::cell::{Side, Transport};
use crate::server::{self, ARGUMENT, TOOL};

/// The buffer of a duplex, in bytes; the toolkit's own default.
const DUPLEX_BUFFER: usize = 64 * 1024;
/// How many requests may be under way over HTTP. rmcp's default of 16 would queue most of 64; the toolkit has 256.
const HTTP_REQUESTS: usize = 256;
const SERVER: &str = "bench";
/// What all sides speak, since raw rmcp does by default.
const PROTOCOL: &str = "2025-11-25";

/// One side, connected over one transport.
pub(crate) struct Client {
    way: Way,
    /// The server's process, where it is one of its own.
    pub(crate) server: Option<u32>,
    /// Ends an HTTP server when dropped.
    _http: Option<Child>,
}

enum Way {
    Raw(RunningService<RoleClient, ()>),
    Toolkit(Toolkit),
    Connection(Connection),
}

/// What came back, in the form in which the side gives it.
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be a cost that only the raw side has here, and that no user of rmcp pays"
)]
pub(crate) enum Answer {
    Raw(CallToolResponse),
    Ours(Reply),
}

impl Client {
    pub(crate) async fn connect(side: Side, transport: Transport) -> Result<Self> {
        let connected = match transport {
            Transport::Duplex => Self::over_duplex(side).await,
            Transport::Stdio => Self::over_stdio(side).await,
            Transport::Http => Self::over_http(side).await,
        };
        connected.with_context(|| {
            format!(
                "the {} side cannot be connected over {}",
                side.name(),
                transport.name()
            )
        })
    }

    /// Calls the tool once.
    pub(crate) async fn call(&self, text: &str) -> Result<Answer> {
        match &self.way {
            Way::Raw(running) => {
                let mut arguments = JsonObject::new();
                arguments.insert(ARGUMENT.to_owned(), text.into());
                let params = CallToolRequestParams::new(TOOL).with_arguments(arguments);
                Ok(Answer::Raw(running.peer().call_tool_once(params).await?))
            }
            Way::Toolkit(kit) => {
                let reply = kit.call("bench.echo", json!({ ARGUMENT: text })).await?;
                Ok(Answer::Ours(reply))
            }
            Way::Connection(connection) => {
                let call = Request::CallTool {
                    name: TOOL.into(),
                    arguments: json!({ ARGUMENT: text }).try_into()?,
                };
                let reply = connection.request(call, CallContext::default()).await?;
                Ok(Answer::Ours(reply))
            }
        }
    }

    async fn over_duplex(side: Side) -> Result<Self> {
        Ok(match side {
            Side::Raw => {
                let (ours, theirs) = tokio::io::duplex(DUPLEX_BUFFER);
                tokio::spawn(server::duplex(theirs));
                Self::raw(().serve(ours).await?, None)
            }
            side => Self::ours(side, Connector::in_process(server::duplex)).await?,
        })
    }

    async fn over_stdio(side: Side) -> Result<Self> {
        let program = this_program()?;
        Ok(match side {
            Side::Raw => {
                let mut command = Command::new(program);
                command.arg("serve-stdio");
                let child = TokioChildProcess::new(command)?;
                let pid = child.id();
                Self::raw(().serve(child).await?, pid)
            }
            side => {
                let program = program.to_str().context("its path is not UTF-8")?;
                let settings = StdioSettings::new(program).with_args(["serve-stdio"]);
                Self::ours(side, Connector::stdio(settings)).await?
            }
        })
    }

    async fn over_http(side: Side) -> Result<Self> {
        let (child, url) = spawn_http_server().await?;
        let mut client = match side {
            Side::Raw => {
                // rmcp's own client opens a connection for each request; this one keeps them, as the toolkit's does.
                let pooled = reqwest::Client::builder().no_proxy().build()?;
                let config = StreamableHttpClientTransportConfig::with_uri(url)
                    .max_concurrent_requests(HTTP_REQUESTS);
                let transport = StreamableHttpClientTransport::with_client(pooled, config);
                Self::raw(().serve(transport).await?, None)
            }
            side => Self::ours(side, Connector::http(HttpSettings::new(url))).await?,
        };
        client.server = child.id();
        client._http = Some(child);
        Ok(client)
    }

    fn raw(running: RunningService<RoleClient, ()>, server: Option<u32>) -> Self {
        Self {
            way: Way::Raw(running),
            server,
            _http: None,
        }
    }

    async fn ours(side: Side, connector: Connector) -> Result<Self> {
        if side == Side::Connection {
            let options = ConnectOptions::new(ServerId::parse(SERVER)?)
                .with_protocol(Protocol::Version(PROTOCOL.to_owned()));
            let connection = connector.connect(options).await?;
            return Ok(Self {
                server: connection.diagnostics().pid,
                way: Way::Connection(connection),
                _http: None,
            });
        }
        let kit = Builder::default()
            .add(ServerId::parse(SERVER)?, connector)
            .server(SERVER, |server| server.required().protocol(PROTOCOL))
            .connect()
            .await?;
        let report = kit.report();
        let server = report
            .server(SERVER)
            .and_then(|server| server.diagnostics.pid);
        Ok(Self {
            way: Way::Toolkit(kit),
            server,
            _http: None,
        })
    }
}

impl Answer {
    /// How long the echoed text is, read the way that each side offers.
    pub(crate) fn read(&self) -> Result<usize> {
        match self {
            Self::Raw(CallToolResponse::Complete(result)) => {
                ensure!(result.is_error != Some(true), "the tool failed");
                let text = result.content.first().and_then(|block| block.as_text());
                Ok(text.context("the answer holds no text")?.text.len())
            }
            Self::Raw(_) => bail!("the answer is not complete"),
            Self::Ours(reply) => {
                ensure!(!reply.is_error(), "the tool failed");
                Ok(reply.text().len())
            }
        }
    }
}

async fn spawn_http_server() -> Result<(Child, String)> {
    let mut child = Command::new(this_program()?)
        .arg("serve-http")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child
        .stdout
        .take()
        .context("the server's output is not a pipe")?;
    let mut port = String::new();
    BufReader::new(stdout).read_line(&mut port).await?;
    let url = format!("http://127.0.0.1:{}/mcp", port.trim());
    Ok((child, url))
}

fn this_program() -> Result<PathBuf> {
    std::env::current_exe().context("this program does not know where it lies")
}
