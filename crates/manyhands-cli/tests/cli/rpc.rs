//! A client of `serve --stdio`, written by hand so that it agrees with nobody's mistakes.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Sandbox, wait};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
const ARGS: [&str; 4] = ["--config", "mcp.json", "serve", "--stdio"];

/// A server process and our ends of its pipes.
pub(crate) struct Client<'a> {
    // The folder must outlive the process that runs in it.
    _sandbox: &'a Sandbox,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    last_id: u64,
}

impl<'a> Client<'a> {
    pub(crate) fn start(sandbox: &'a Sandbox) -> Self {
        Self::start_with(sandbox, &[])
    }

    fn start_with(sandbox: &'a Sandbox, more: &[&str]) -> Self {
        let mut child = sandbox.spawn(&[&ARGS, more].concat(), Stdio::piped());
        let output = BufReader::new(child.stdout.take().unwrap());
        // Nobody reads its stderr, but it stays open: a pipe holds more than is ever written there.
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let input = child.stdin.take();
        Self {
            _sandbox: sandbox,
            child,
            input,
            lines,
            last_id: 0,
        }
    }

    /// Starts and shakes hands in the way of 2025-11-25.
    pub(crate) fn initialized(sandbox: &'a Sandbox) -> (Self, Value) {
        Self::initialized_with(sandbox, &[])
    }

    /// Does so with further arguments on the command line.
    pub(crate) fn initialized_with(sandbox: &'a Sandbox, more: &[&str]) -> (Self, Value) {
        let mut client = Self::start_with(sandbox, more);
        let answer = client.result(
            "initialize",
            &json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "by hand", "version": "0"}}),
        );
        client.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        (client, answer)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The result of a request that must not fail.
    pub(crate) fn result(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The whole answer to a request.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("{method}: no answer: {error}"));
            let message = parsed(&line);
            if message.get("id").is_some() {
                assert_eq!(message["id"], id, "{message}");
                return message;
            }
            assert!(
                message["method"]
                    .as_str()
                    .unwrap()
                    .starts_with("notifications/"),
                "{message}"
            );
        }
    }

    pub(crate) fn send(&mut self, message: impl fmt::Display) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    /// Closes its input and waits for its end; what it still prints must be messages too.
    pub(crate) fn close(mut self) -> ExitStatus {
        self.input = None;
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        let status = wait(&mut self.child, &ARGS);
        for line in self.lines.try_iter() {
            parsed(&line);
        }
        status
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        // After a failed assertion nobody else ends it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every line on its output is one message.
fn parsed(line: &str) -> Value {
    let message: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line:?}"));
    assert_eq!(message["jsonrpc"], "2.0", "not JSON-RPC: {line}");
    message
}

/// The one shape that every failed call has.
pub(crate) fn assert_error_shape(error: &Value) {
    let keys: Vec<&String> = error.as_object().unwrap().keys().collect();
    let expected = [
        "code",
        "message",
        "type",
        "server",
        "tool",
        "delivery",
        "retryable",
        "retry_after_ms",
        "trace_id",
    ];
    assert_eq!(keys, expected, "{error}");
    let trace = error["trace_id"].as_str().unwrap();
    assert!(
        trace.len() == 32 && trace.chars().all(|c| c.is_ascii_hexdigit()),
        "{error}"
    );
    assert!(
        error["message"].as_str().unwrap().starts_with("failed to "),
        "{error}"
    );
    assert!(error["retryable"].is_boolean(), "{error}");
}
