//! Something that stands as long as we hold its standard input, and tells in lines of JSON what happens there.

use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::outcome::holds;

/// How long it may take to start, and to end.
const LIMIT: Duration = Duration::from_secs(20);
/// How long a line may take from its program to us.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// What it wrote to its standard error, which says why it did not start.
type Said = Arc<Mutex<String>>;

#[derive(Debug)]
pub(super) struct Service {
    name: &'static str,
    child: Child,
    /// Closed, it tells the program to end; so it does too when we are killed.
    input: Option<ChildStdin>,
    told: Arc<Mutex<Vec<Value>>>,
    said: Said,
}

impl Service {
    /// Starts it, and gives what its first line says.
    pub(super) async fn start(
        name: &'static str,
        command: &mut Command,
    ) -> Result<(Self, Value), String> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        let said = Said::default();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(keep(stderr, said.clone()));
        }
        let mut lines = child.stdout.take().map(|it| BufReader::new(it).lines());
        let mut service = Self {
            name,
            input: child.stdin.take(),
            child,
            told: Arc::default(),
            said,
        };
        match first(lines.as_mut()).await {
            Some(first) => {
                if let Some(lines) = lines {
                    tokio::spawn(collect(lines, service.told.clone()));
                }
                Ok((service, first))
            }
            None => {
                let ended = service.end().await.err().unwrap_or_default();
                let said = service.said();
                Err(format!("expected that {name} starts; came {said:?}{ended}"))
            }
        }
    }

    /// Whether something happened there so often, such as a grant of this kind. What was told last may be on its way.
    pub(super) async fn counted(
        &self,
        event: &str,
        grant: Option<&str>,
        wanted: usize,
    ) -> Result<(), String> {
        let end = Instant::now() + ON_ITS_WAY;
        while self.count(event, grant) < wanted && Instant::now() < end {
            sleep(Duration::from_millis(20)).await;
        }
        let came = self.count(event, grant);
        let what = grant.unwrap_or(event);
        holds(
            came == wanted,
            &format!("{what} {wanted} times"),
            &format!("{came} times"),
        )
    }

    fn count(&self, event: &str, grant: Option<&str>) -> usize {
        let told = lock(&self.told);
        let fits = |it: &&Value| {
            it.get("event").and_then(Value::as_str) == Some(event)
                && (grant.is_none() || it.get("grant").and_then(Value::as_str) == grant)
        };
        told.iter().filter(fits).count()
    }

    /// Everything that it told, for failures.
    pub(super) fn story(&self) -> String {
        let told = lock(&self.told);
        told.iter().map(ToString::to_string).collect()
    }

    fn said(&self) -> String {
        lock(&self.said).clone()
    }

    /// Ends it, whatever it takes; one that does not go by itself is a failure.
    pub(super) async fn end(&mut self) -> Result<(), String> {
        drop(self.input.take());
        if timeout(LIMIT, self.child.wait()).await.is_ok() {
            return Ok(());
        }
        if let Some(leader) = self.child.id() {
            let group = format!("-{leader}");
            let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = timeout(LIMIT, killed).await;
        }
        holds(
            false,
            "that it ends",
            &format!("{} had to be killed", self.name),
        )
    }
}

async fn first(lines: Option<&mut Lines<BufReader<ChildStdout>>>) -> Option<Value> {
    let line = timeout(LIMIT, lines?.next_line()).await.ok()?.ok()??;
    serde_json::from_str(&line).ok()
}

async fn collect(mut lines: Lines<BufReader<ChildStdout>>, told: Arc<Mutex<Vec<Value>>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(value) = serde_json::from_str(&line) {
            lock(&told).push(value);
        }
    }
}

async fn keep(stderr: impl AsyncRead + Unpin, said: Said) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        lock(&said).push_str(&format!("{line}\n"));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one push, so that a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
