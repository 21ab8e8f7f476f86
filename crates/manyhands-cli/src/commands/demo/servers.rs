//! The demo's server processes: three that the toolkit starts, and one at a URL that we start.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use manyhands::Toolkit;
use manyhands_demo::{DemoServer, DemoTransport};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::fallback;
use crate::failure::{Failure, UNAVAILABLE};

/// How long our own HTTP server may take to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(10);

/// The processes that the demo owns.
pub(super) struct Processes {
    program: PathBuf,
    /// The server that is to be killed in the middle of its call.
    doomed: Option<DemoServer>,
    remote: Child,
    url: String,
}

impl Processes {
    /// Starts the server that is reached over HTTP; the toolkit starts the others.
    pub(super) async fn start(doomed: Option<DemoServer>) -> Result<Self, Failure> {
        let failed = |what: &str| {
            Failure::new(
                format!("failed to start the demo's servers: {what}"),
                UNAVAILABLE,
            )
        };
        let program = std::env::current_exe()
            .map_err(|error| failed(&format!("where this program lies is unknown ({error})")))?;
        let mut remote = Command::new(&program)
            .args(arguments(DemoServer::Salesforce, doomed))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&error.to_string()))?;
        let stdout = remote
            .stdout
            .take()
            .ok_or_else(|| failed("it has no output"))?;
        let mut lines = BufReader::new(stdout).lines();
        match timeout(START_LIMIT, lines.next_line()).await {
            Ok(Ok(Some(url))) => Ok(Self {
                program,
                doomed,
                remote,
                url,
            }),
            _ => Err(failed("the HTTP server did not say where it listens")),
        }
    }

    /// The `mcp.json` that a user would write for these servers.
    pub(super) fn config(&self) -> String {
        let entry = |server: DemoServer| match server.transport() {
            DemoTransport::Http => {
                json!({"type": "http", "url": self.url, "manyhands": self.settings(server)})
            }
            DemoTransport::Stdio => {
                json!({"command": self.program, "args": arguments(server, self.doomed), "manyhands": self.settings(server)})
            }
        };
        let servers = DemoServer::ALL
            .into_iter()
            .map(|server| (server.name().to_owned(), entry(server)));
        let groups = self.doomed.map_or_else(|| json!({}), fallback::groups);
        // A slow machine shall show the whole demo, not a part of it.
        let settings = json!({"grace": "30s", "groups": groups});
        json!({"mcpServers": servers.collect::<Map<_, _>>(), "manyhands": settings}).to_string()
    }

    /// One failure has to do, so that the demo stays short: five are usual.
    fn settings(&self, server: DemoServer) -> Value {
        if self.doomed == Some(server) {
            json!({"breaker": {"consecutive": 1, "open": "1m"}})
        } else {
            json!({})
        }
    }

    /// Kills one server's process, as a crash would.
    pub(super) async fn kill(&mut self, server: DemoServer, kit: &Toolkit) -> Result<(), Failure> {
        let failed = |what: String| {
            Failure::new(
                format!("failed to kill the {server} server: {what}"),
                UNAVAILABLE,
            )
        };
        if server.transport() == DemoTransport::Http {
            return self
                .remote
                .kill()
                .await
                .map_err(|error| failed(error.to_string()));
        }
        let report = kit.report();
        let pid = report
            .server(server.name())
            .and_then(|server| server.diagnostics.pid);
        kill_process(pid.ok_or_else(|| failed("it has no process".to_owned()))?).map_err(failed)
    }

    /// Lets our own server end by closing its input.
    pub(super) async fn stop(mut self) {
        drop(self.remote.stdin.take());
        // What does not end by itself is killed by the drop.
        let _ = timeout(Duration::from_secs(1), self.remote.wait()).await;
    }
}

/// The command line of a demo server. The doomed one works slowly, so that it surely dies in the middle of its call.
fn arguments(server: DemoServer, doomed: Option<DemoServer>) -> Vec<&'static str> {
    let mut arguments = vec!["demo-server", server.name()];
    if doomed == Some(server) {
        arguments.extend(["--latency", "20s"]);
    }
    arguments
}

#[cfg(unix)]
fn kill_process(pid: u32) -> Result<(), String> {
    use nix::sys::signal::{Signal, kill};
    let pid = i32::try_from(pid).map_err(|error| error.to_string())?;
    kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).map_err(|error| error.to_string())
}

#[cfg(not(unix))]
fn kill_process(_: u32) -> Result<(), String> {
    Err("this works on Unix only; try `--fail salesforce`".to_owned())
}
