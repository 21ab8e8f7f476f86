//! The one client of all programs in the middle: JSON-RPC by hand, so that no side's own client is measured with it.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::timeout;

/// No answer takes longer on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A running program that is one MCP server towards us.
pub(crate) struct Session {
    child: Child,
    input: AsyncMutex<ChildStdin>,
    waiting: Waiting,
    next: AtomicU64,
}

impl Session {
    /// Starts it and shakes hands.
    pub(crate) async fn start(command: &mut Command) -> Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().context("the program cannot be started")?;
        let input = child.stdin.take().context("it has no input")?;
        let output = child.stdout.take().context("it has no output")?;
        let waiting = Waiting::default();
        tokio::spawn(listen(output, Arc::clone(&waiting)));
        let session = Self {
            child,
            input: AsyncMutex::new(input),
            waiting,
            next: AtomicU64::new(0),
        };
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "peers", "version": "1"},
        });
        session.request("initialize", hello).await?;
        session
            .send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await?;
        Ok(session)
    }

    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().context("the program has ended")
    }

    /// Sends a request and waits for its result.
    pub(crate) async fn request(&self, method: &str, params: Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        lock(&self.waiting).insert(id, sender);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await?;
        let answer = timeout(LIMIT, receiver)
            .await
            .with_context(|| format!("no answer to {method}"))?;
        let answer = answer.context("the program has ended")?;
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => bail!("{}", answer.get("error").unwrap_or(&answer)),
        }
    }

    /// Calls a tool; a result that says it failed is an error here.
    pub(crate) async fn call(&self, tool: &str) -> Result<()> {
        let result = self
            .request(
                "tools/call",
                json!({"name": tool, "arguments": {"text": "hello"}}),
            )
            .await?;
        if result.get("isError") == Some(&Value::Bool(true)) {
            bail!(
                "{}",
                result
                    .pointer("/content/0/text")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            );
        }
        Ok(())
    }

    pub(crate) async fn tools(&self) -> Result<Vec<String>> {
        let result = self.request("tools/list", json!({})).await?;
        let tools = result
            .get("tools")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        Ok(tools
            .filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned()))
            .collect())
    }

    /// Closes its input, and kills it if it stays.
    pub(crate) async fn end(mut self) {
        drop(self.input);
        if timeout(Duration::from_secs(5), self.child.wait())
            .await
            .is_err()
        {
            // It is ours; that it may just have ended is no trouble.
            let _ = self.child.kill().await;
        }
    }

    async fn send(&self, message: &Value) -> Result<()> {
        let line = format!("{message}\n");
        let mut input = self.input.lock().await;
        input
            .write_all(line.as_bytes())
            .await
            .context("the program has closed its input")?;
        Ok(input.flush().await?)
    }
}

async fn listen(output: ChildStdout, waiting: Waiting) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let id = message.get("id").and_then(Value::as_u64);
        if let Some(sender) = id.and_then(|id| lock(&waiting).remove(&id)) {
            // Whoever gave up waiting needs no answer.
            let _ = sender.send(message);
        }
    }
    lock(&waiting).clear();
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Value>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
