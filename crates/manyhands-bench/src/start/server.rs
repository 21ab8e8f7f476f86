//! A server that boots slowly, offers tools, and can be kept from ever answering. It must not know who starts it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use manyhands_testkit::{HandshakeFault, ScriptedServer};
use serde_json::json;
use tokio::io::{join, stdin, stdout};

/// The command that serves one.
pub(super) const COMMAND: &str = "serve-scripted";

/// What a server is told on its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scripted {
    pub(super) tools: usize,
    pub(super) boot: Duration,
    /// While this file is there, the server answers nothing. It is looked for at the start, so that the server that
    /// hangs is started by the same words as the one that was remembered.
    pub(super) hangs_by: PathBuf,
}

impl Scripted {
    pub(crate) fn parse(tools: &str, boot: &str, hangs_by: &str) -> Result<Self> {
        let boot = boot.parse().context("BOOT is a number of milliseconds")?;
        Ok(Self {
            tools: tools.parse().context("TOOLS is a number")?,
            boot: Duration::from_millis(boot),
            hangs_by: hangs_by.into(),
        })
    }

    pub(super) fn words(&self) -> [OsString; 4] {
        [
            COMMAND.into(),
            self.tools.to_string().into(),
            self.boot.as_millis().to_string().into(),
            self.hangs_by.clone().into(),
        ]
    }
}

/// Serves the parent process until it leaves.
pub(crate) async fn serve(scripted: &Scripted) {
    if scripted.hangs_by.exists() {
        std::future::pending::<()>().await;
    }
    let server = ScriptedServer::new("scripted").fault(HandshakeFault::BootsSlowly(scripted.boot));
    let server = (0..scripted.tools).fold(server, |server, n| {
        let definition = json!({
            "name": format!("task_{n}"),
            "description": "Looks up what is known of a customer's order, by its number or by the day it was made",
            "inputSchema": {"type": "object", "properties": {
                "order": {"type": "string", "description": "The number of the order, as on the invoice"},
                "day": {"type": "string", "format": "date", "description": "The day on which it was made"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
            }},
            "annotations": {"readOnlyHint": true},
        });
        let reply = json!({"content": [{"type": "text", "text": "none"}]});
        server.tool_definition(definition, move |_| reply.clone())
    });
    server.serve(join(stdin(), stdout())).await;
}
