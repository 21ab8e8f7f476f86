//! The starts themselves, each in a runtime of its own, as in a program of its own. It must not know how they are told.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use manyhands::{Builder, Catalogue, ServerStatus, Toolkit};
use serde_json::json;

use super::fleet::Fleet;
use crate::cpu::{self, Process};
use crate::many_threads;

/// How often each is done.
pub(super) struct Plan {
    pub(super) alone: usize,
    pub(super) cold: usize,
    pub(super) warm: usize,
}

/// What is known of one fleet.
pub(super) struct Results<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) servers: usize,
    pub(super) tools: usize,
    /// Those that are not ready although they were waited for, each with its reason. They are in no figure.
    pub(super) missing: Vec<String>,
    pub(super) alone: Vec<Alone>,
    pub(super) cold: Vec<Cold>,
    pub(super) warm: Vec<Warm>,
}

/// One round of one server after another.
pub(super) struct Alone {
    pub(super) sum: Duration,
    pub(super) slowest: Duration,
}

/// One start of all at once.
pub(super) struct Cold {
    pub(super) ready: Duration,
    pub(super) own_cpu: Duration,
    pub(super) servers_cpu: Duration,
}

/// Starts with what was remembered, in one way.
pub(super) struct Warm {
    pub(super) what: &'static str,
    pub(super) starts: Vec<WarmStart>,
}

pub(super) struct WarmStart {
    pub(super) whole: Duration,
    pub(super) own_cpu: Duration,
    /// The tool that was called then, and how long that took with the start of its server.
    pub(super) first_call: Option<(String, Duration)>,
}

/// What remembered servers are up to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Each is started by its first call.
    Trusted,
    /// The same, and none would ever answer.
    Hanging,
    /// All are started and asked anew in the background.
    AskedAgain,
    /// The same, and none ever answers.
    AskedAgainHanging,
}

impl Way {
    fn what(self) -> &'static str {
        match self {
            Self::Trusted => "remembered",
            Self::Hanging => "remembered, and hanging if started",
            Self::AskedAgain => "remembered, and all asked again meanwhile",
            Self::AskedAgainHanging => "the same, and hanging",
        }
    }

    fn hangs(self) -> bool {
        matches!(self, Self::Hanging | Self::AskedAgainHanging)
    }

    fn asks_again(self) -> bool {
        matches!(self, Self::AskedAgain | Self::AskedAgainHanging)
    }
}

impl Plan {
    pub(super) fn new(quick: bool) -> Self {
        let [alone, cold, warm] = if quick { [2; 3] } else { [3, 5, 9] };
        Self { alone, cold, warm }
    }
}

pub(super) fn run<'a>(fleet: &'a Fleet, plan: &Plan) -> Result<Results<'a>> {
    eprintln!("{}", fleet.what);
    let mut results = first(fleet)?;
    for _ in 0..plan.cold {
        results
            .cold
            .push(many_threads()?.block_on(cold(fleet, results.tools))?);
    }
    for _ in 0..plan.alone {
        results
            .alone
            .push(many_threads()?.block_on(alone(fleet, results.missing.len()))?);
    }
    let ways = [
        Way::Trusted,
        Way::Hanging,
        Way::AskedAgain,
        Way::AskedAgainHanging,
    ];
    let possible = ways
        .into_iter()
        .filter(|way| !way.hangs() || fleet.hangs_by.is_some());
    for way in possible {
        results.warm.push(Warm {
            what: way.what(),
            starts: warm(fleet, way, plan.warm, results.tools)?,
        });
    }
    Ok(results)
}

/// A start that is not timed: it has the machine read the programs once, and everything remembered.
fn first(fleet: &Fleet) -> Result<Results<'_>> {
    let runtime = many_threads()?;
    let (report, tools) = runtime.block_on(async {
        let kit = fleet.builder()?.remember_in(&fleet.memory).start();
        kit.all_started().await;
        let told = (kit.report(), kit.catalogue().tools().count());
        kit.close().await;
        anyhow::Ok(told)
    })?;
    let missing = report
        .servers
        .iter()
        .filter(|server| server.status != ServerStatus::Ready);
    let missing: Vec<String> = missing.map(|it| format!("{}: {it}", it.id)).collect();
    ensure!(tools > 0, "no server is ready: {}", missing.join("; "));
    Ok(Results {
        fleet,
        servers: report.servers.len() - missing.len(),
        tools,
        missing,
        alone: Vec::new(),
        cold: Vec::new(),
        warm: Vec::new(),
    })
}

async fn cold(fleet: &Fleet, tools: usize) -> Result<Cold> {
    let (before, cpu) = (cpu::of_ended_children()?, cpu::used(Process::This)?);
    let begin = Instant::now();
    let kit = fleet.builder()?.start();
    kit.all_started().await;
    let ready = begin.elapsed();
    let own_cpu = cpu::used(Process::This)?.saturating_sub(cpu);
    complete(&kit.catalogue(), tools)?;
    kit.close().await;
    let servers_cpu = cpu::of_ended_children()?.saturating_sub(before);
    Ok(Cold {
        ready,
        own_cpu,
        servers_cpu,
    })
}

/// Waits for each server before the next one is started, as a simple client does. Ending them is not in the time.
async fn alone(fleet: &Fleet, missing: usize) -> Result<Alone> {
    let ids: Vec<_> = fleet.builder()?.ids().cloned().collect();
    let mut times = Vec::new();
    for id in &ids {
        let begin = Instant::now();
        let kit = fleet.builder()?.only(id).start();
        kit.all_started().await;
        let took = begin.elapsed();
        let report = kit.report();
        if report.server(id.as_str()).map(|it| &it.status) == Some(&ServerStatus::Ready) {
            times.push(took);
        }
        kit.close().await;
    }
    let (ready, expected) = (times.len(), ids.len() - missing);
    ensure!(
        ready == expected,
        "{ready} servers were ready one after another, and {expected} together"
    );
    Ok(Alone {
        sum: times.iter().sum(),
        slowest: times.into_iter().max().unwrap_or_default(),
    })
}

fn warm(fleet: &Fleet, way: Way, rounds: usize, tools: usize) -> Result<Vec<WarmStart>> {
    let hangs_by = fleet.hangs_by.as_ref().filter(|_| way.hangs());
    if let Some(file) = hangs_by {
        fs::write(file, "").context("the servers cannot be told to hang")?;
    }
    let starts = (0..rounds).map(|_| many_threads()?.block_on(warm_start(fleet, way, tools)));
    let starts = starts.collect();
    if let Some(file) = hangs_by {
        fs::remove_file(file).context("the servers hang for ever")?;
    }
    starts
}

async fn warm_start(fleet: &Fleet, way: Way, tools: usize) -> Result<WarmStart> {
    let cpu = cpu::used(Process::This)?;
    let begin = Instant::now();
    let builder = fleet.builder()?.remember_in(&fleet.memory);
    let kit = aged(builder, way).start();
    let catalogue = kit.catalogue();
    let found = catalogue.tools().count();
    let whole = begin.elapsed();
    let own_cpu = cpu::used(Process::This)?.saturating_sub(cpu);
    ensure!(
        found == tools,
        "{found} of {tools} tools were remembered; is what they offer the same at each start?"
    );
    let report = kit.report();
    let mut states = report.servers.iter().map(|it| &it.status);
    ensure!(
        states.any(|it| *it == ServerStatus::Cached) != way.asks_again(),
        "servers that were {} are not: {report}",
        way.what()
    );
    let first_call = if way == Way::Trusted {
        first_call(&kit, &catalogue).await?
    } else {
        None
    };
    kit.close().await;
    Ok(WarmStart {
        whole,
        own_cpu,
        first_call,
    })
}

/// Takes what is remembered for as old as `way` has it.
fn aged(builder: Builder, way: Way) -> Builder {
    if way.asks_again() {
        builder.servers(|server| server.cache_for(Duration::ZERO))
    } else {
        builder
    }
}

/// Calls the first tool that only reads and needs no argument: servers that nobody here wrote are not to be changed.
async fn first_call(kit: &Toolkit, catalogue: &Catalogue) -> Result<Option<(String, Duration)>> {
    let harmless = catalogue.tools().find(|entry| {
        let tool = entry.definition();
        let reads = tool.annotations.as_ref().and_then(|it| it.read_only_hint);
        let required = tool
            .input_schema
            .get("required")
            .and_then(|it| it.as_array());
        reads == Some(true) && required.is_none_or(Vec::is_empty)
    });
    let Some(tool) = harmless else {
        return Ok(None);
    };
    let name = tool.name().to_string();
    let begin = Instant::now();
    match kit.call(name.as_str(), json!({})).await {
        Ok(_) => Ok(Some((name, begin.elapsed()))),
        Err(error) => bail!("the first call after a warm start failed to {error}"),
    }
}

fn complete(catalogue: &Catalogue, tools: usize) -> Result<()> {
    let found = catalogue.tools().count();
    ensure!(
        found == tools,
        "{found} tools were offered where there were {tools} at the first start"
    );
    Ok(())
}
