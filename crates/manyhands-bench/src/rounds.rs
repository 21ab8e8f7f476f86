//! The measuring itself: both sides take turns within one run, so that what disturbs one disturbs the other.
//! It must not know what is done with the figures.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::cell::{Cell, Plan, Side, Transport};
use crate::clients::Client;
use crate::cpu::{Process, used};
use crate::options::Count;

/// One round of one side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) calls_per_second: f64,
    /// Of this process, per call. Over a duplex that is both ends.
    pub(crate) client_cpu_us: f64,
    /// Of the server's process, per call, where it has one.
    pub(crate) server_cpu_us: Option<f64>,
}

impl Sample {
    /// Of both ends, per call.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.client_cpu_us + self.server_cpu_us.unwrap_or_default()
    }
}

/// The rounds of one cell. Rounds with the same index followed each other.
#[derive(Debug)]
pub(crate) struct Rounds {
    pub(crate) cell: Cell,
    samples: [Vec<Sample>; Side::ALL.len()],
}

impl Rounds {
    /// The rounds of one side.
    pub(crate) fn of(&self, side: Side) -> &[Sample] {
        let at = Side::ALL.iter().position(|it| *it == side);
        at.and_then(|at| self.samples.get(at))
            .map_or(&[], Vec::as_slice)
    }
}

/// Measures every cell of the plan.
pub(crate) async fn run(plan: &Plan) -> Result<Vec<Rounds>> {
    let mut results = Vec::new();
    for transport in plan.transports() {
        let mut clients = Vec::new();
        for side in Side::ALL {
            clients.push(Arc::new(Client::connect(side, transport).await?));
        }
        for cell in plan.cells.iter().filter(|it| it.transport == transport) {
            results.push(compare(&clients, *cell, plan).await?);
        }
    }
    Ok(results)
}

async fn compare(clients: &[Arc<Client>], cell: Cell, plan: &Plan) -> Result<Rounds> {
    for client in clients {
        check(client, cell.payload).await?;
        round(client, cell, plan.read).await?;
    }
    let mut rounds = Rounds {
        cell,
        samples: Default::default(),
    };
    for _ in 0..plan.rounds {
        for (client, samples) in clients.iter().zip(&mut rounds.samples) {
            samples.push(round(client, cell, plan.read).await?);
        }
    }
    Ok(rounds)
}

/// Makes sure that what will be timed is the answer that was asked for.
async fn check(client: &Client, payload: usize) -> Result<()> {
    let length = client.call(&text(payload)).await?.read()?;
    ensure!(
        length == payload,
        "{payload} bytes were sent, and {length} came back"
    );
    Ok(())
}

async fn round(client: &Arc<Client>, cell: Cell, read: bool) -> Result<Sample> {
    let text: Arc<str> = text(cell.payload).into();
    let server = || client.server.map(|pid| used(Process::Other(pid)));
    let (before, server_before) = (used(Process::This)?, server().transpose()?);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..cell.in_flight {
        tasks.spawn(caller(
            client.clone(),
            text.clone(),
            cell.calls.div_ceil(cell.in_flight),
            read,
        ));
    }
    let mut times = Vec::with_capacity(cell.calls);
    while let Some(result) = tasks.join_next().await {
        times.append(&mut result??);
    }
    let wall = started.elapsed();
    let (after, server_after) = (used(Process::This)?, server().transpose()?);
    times.sort_unstable();
    let calls = times.len() as f64;
    Ok(Sample {
        p50_us: micros(percentile(&times, 50)),
        p99_us: micros(percentile(&times, 99)),
        calls_per_second: calls / wall.as_secs_f64(),
        client_cpu_us: micros(after.saturating_sub(before)) / calls,
        server_cpu_us: server_before
            .zip(server_after)
            .map(|(before, after)| micros(after.saturating_sub(before)) / calls),
    })
}

/// One of the tasks that keep calls under way.
async fn caller(
    client: Arc<Client>,
    text: Arc<str>,
    calls: usize,
    read: bool,
) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let started = Instant::now();
        let answer = client.call(&text).await?;
        if read {
            black_box(answer.read()?);
        }
        times.push(started.elapsed());
        drop(black_box(answer));
    }
    Ok(times)
}

/// Calls as often as it says, over a duplex, and measures nothing.
pub(crate) async fn count(count: &Count) -> Result<()> {
    let client = Arc::new(Client::connect(count.side, Transport::Duplex).await?);
    let text = text(count.payload).into();
    tokio::spawn(caller(client, text, count.calls, false)).await??;
    Ok(())
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

/// The time that so many of a hundred of the sorted times do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    let index = rank.saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times[..1], 99), Duration::from_millis(1));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
