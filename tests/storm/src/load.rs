//! The callers: each calls one server again and again, a pause between, and keeps how each call ended. It must not know
//! what the weather is like.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use manyhands::{CallError, Delivery, Reply, Toolkit};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::fleet::{DEADLINE, SERVERS, Server};
use crate::serve::{READ, WRITE};

/// Callers of each server.
pub(crate) const CALLERS: usize = 4;
/// How long a caller waits between calls.
const PAUSE: Duration = Duration::from_millis(15);
/// After how long a call counts as one that never ends.
const NEVER: Duration = Duration::from_secs(20);

/// One call, from the caller's side.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) call: u64,
    pub(crate) server: Server,
    pub(crate) writes: bool,
    pub(crate) begin: Instant,
    pub(crate) took: Duration,
    pub(crate) ending: Ending,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Answered,
    /// By the answer to something else.
    Wrong(String),
    Failed(&'static str, Delivery),
    Never,
}

/// The callers at work.
pub(crate) struct Load {
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    callers: JoinSet<Vec<Record>>,
}

impl Load {
    pub(crate) fn on(kit: &Toolkit, rng: &mut Rng) -> Self {
        let mut load = Self {
            next: Arc::default(),
            stop: Arc::default(),
            callers: JoinSet::new(),
        };
        for server in SERVERS {
            for _ in 0..CALLERS {
                let caller = Caller {
                    kit: kit.clone(),
                    server,
                    rng: rng.fork(),
                    next: load.next.clone(),
                    stop: load.stop.clone(),
                };
                load.callers.spawn(caller.call_on());
            }
        }
        load
    }

    /// How many calls were begun.
    pub(crate) fn calls(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Waits for the calls that are under way, and gives how many were begun, and all of them.
    pub(crate) async fn stop(mut self) -> Result<(u64, Vec<Record>)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut records = Vec::new();
        while let Some(of_one) = self.callers.join_next().await {
            records.extend(of_one?);
        }
        Ok((self.calls(), records))
    }
}

struct Caller {
    kit: Toolkit,
    server: Server,
    rng: Rng,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Caller {
    async fn call_on(mut self) -> Vec<Record> {
        let mut records = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let call = self.next.fetch_add(1, Ordering::Relaxed);
            let writes = self.rng.bool();
            let tool = if writes { WRITE } else { READ };
            let name = format!("{}.{tool}", self.server.name);
            let begin = Instant::now();
            let asked = self.kit.call(name, json!({ "call": call })).into_future();
            let ended = timeout(NEVER, asked).await;
            records.push(Record {
                call,
                server: self.server,
                writes,
                begin,
                took: begin.elapsed(),
                ending: ended.map_or(Ending::Never, |outcome| Ending::of(call, outcome)),
            });
            sleep(PAUSE).await;
        }
        records
    }
}

impl Ending {
    fn of(call: u64, outcome: Result<Reply, CallError>) -> Self {
        match outcome {
            Ok(reply) if reply.text() == call.to_string() => Self::Answered,
            Ok(reply) => Self::Wrong(reply.text().to_string()),
            Err(error) => Self::Failed(error.kind().code(), error.delivery()),
        }
    }
}

/// No call may take longer, on machines that are busy with other things too.
pub(crate) const LATEST: Duration = Duration::from_millis(DEADLINE.as_millis() as u64 + 500);
