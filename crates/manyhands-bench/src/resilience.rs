//! What each layer of `manyhands-resilience` costs, alone and all together, beside the same service without them.
//!
//! The service does nothing, and is in the same process: what is timed is the layers. It must not know how they work.

use std::fmt::Write as _;
use std::future::{Ready, ready};
use std::num::NonZeroU32;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result};
use manyhands_core::{Arguments, Call, CallContext, CallError, Effect, Reply, Request, ServerId};
use manyhands_resilience::{
    AttemptSpanLayer, BreakerLayer, BulkheadLayer, CoalesceLayer, DeadlineLayer, DeadlineSettings,
    KeyBy, RateLimitLayer, RateLimitSettings, RetryLayer, StackSettings, Statistics,
    StatisticsLayer, stack,
};
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::runtime::{Builder, Runtime};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt as _};

use crate::conditions;
use crate::cpu::{self, Process};
use crate::fan_out;
use crate::instructions::{ALLOCATIONS, INSTRUCTIONS, can_count, each};
use crate::table;

// The kernel adds up CPU time every few milliseconds, so that a round has to be much longer than that.
const CALLS: usize = 500_000;
const ROUNDS: usize = 7;
const AIM: Duration = Duration::from_micros(3);

/// What is measured, by the names that the table has.
const SIDES: [&str; 11] = [
    "bare",
    "total-deadline",
    "retry",
    "attempt-span",
    "breaker",
    "bulkhead",
    "rate-limit",
    "statistics",
    "coalesce",
    "stack",
    "stack-boxed",
];

/// Prints the table.
pub(crate) fn measure(quick: bool) -> Result<()> {
    let (rounds, calls) = if quick { (3, 50_000) } else { (ROUNDS, CALLS) };
    let mut times = SIDES.map(|side| (side, Vec::new()));
    let runtime = runtime()?;
    for _ in 0..rounds {
        for (side, times) in &mut times {
            times.push(per_call(side, &runtime, calls)?);
        }
    }
    let mut text = head(rounds, calls);
    let counts = !quick && can_count()?;
    let medians = times.map(|(side, times)| (side, median(times)));
    let [(_, bare), ..] = medians;
    for (side, time) in medians {
        let (instructions, blocks) = if counts {
            counted(side)?
        } else {
            ("-".to_owned(), "-".to_owned())
        };
        let (time_ns, over) = (time.as_nanos(), time.saturating_sub(bare).as_nanos());
        writeln!(
            text,
            "| {side} | {time_ns} | {over} | {instructions} | {blocks} |"
        )?;
    }
    let of_stack = medians.iter().find(|(side, _)| *side == "stack");
    let stack = of_stack.context("the stack is one of the sides")?.1;
    let met = if stack <= AIM { "met" } else { "missed" };
    writeln!(
        text,
        "\nAim: the stack at most {AIM:?} per call; measured {stack:?}: {met}."
    )?;
    writeln!(text, "{}", fan_out::measure(rounds * 3)?)?;
    print!("{text}");
    Ok(())
}

/// Makes a number of calls and nothing else, for a counter around this process.
pub(crate) fn count(side: &str, calls: usize) -> Result<()> {
    per_call(side, &runtime()?, calls).map(drop)
}

fn head(rounds: usize, calls: usize) -> String {
    let machine = table::machine(&json!({"conditions": conditions::machine()}));
    format!(
        "{machine}, one thread, {rounds} rounds of {calls} calls.\n\n\
         | service | CPU ns/call | over bare | instructions | allocations |\n| --- | --- | --- | --- | --- |\n"
    )
}

fn counted(side: &str) -> Result<(String, String)> {
    let command = ["count-resilience", side];
    let instructions = each(&INSTRUCTIONS, &command, &[])?;
    let blocks = each(&ALLOCATIONS, &command, &[])?;
    Ok((format!("{instructions:.0}"), format!("{blocks:.1}")))
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}

fn per_call(side: &str, runtime: &Runtime, calls: usize) -> Result<Duration> {
    let bare = NoOp(reply()?);
    let deadline = DeadlineSettings::default();
    let statistics = Statistics::default();
    let go = Go { runtime, calls };
    match side {
        "bare" => go.time(bare),
        "total-deadline" => go.time(DeadlineLayer::total(&deadline).layer(bare)),
        "retry" => go.time(RetryLayer::new(<_>::default()).layer(bare)),
        "attempt-span" => go.time(AttemptSpanLayer::default().layer(bare)),
        "breaker" => go.time(BreakerLayer::new(<_>::default(), KeyBy::server()).layer(bare)),
        "bulkhead" => go.time(BulkheadLayer::new(<_>::default()).layer(bare)),
        "rate-limit" => go.time(RateLimitLayer::new(fast(), KeyBy::server()).layer(bare)),
        "statistics" => go.time(StatisticsLayer::new(statistics, KeyBy::capability()).layer(bare)),
        "coalesce" => go.time(CoalesceLayer::default().layer(bare)),
        "stack" => go.time(stack(&StackSettings::default(), &statistics).layer(bare)),
        "stack-boxed" => {
            let service = stack(&StackSettings::default(), &statistics).layer(bare);
            go.time(BoxCloneSyncService::new(service))
        }
        other => anyhow::bail!("`{other}` is none of {}", SIDES.join(", ")),
    }
}

struct Go<'a> {
    runtime: &'a Runtime,
    calls: usize,
}

impl Go<'_> {
    fn time<S>(&self, mut service: S) -> Result<Duration>
    where
        S: Service<Call, Response = Reply, Error = CallError>,
    {
        let call = call()?;
        self.runtime.block_on(async {
            // Nothing waits here, so that CPU time is all there is; others on the machine do not count.
            let before = cpu::used(Process::This)?;
            for _ in 0..self.calls {
                service.ready().await?.call(call.clone()).await?;
            }
            let calls = u32::try_from(self.calls).unwrap_or(u32::MAX);
            Ok((cpu::used(Process::This)? - before) / calls.max(1))
        })
    }
}

/// A rate that no benchmark reaches.
fn fast() -> RateLimitSettings {
    let many = NonZeroU32::MAX;
    RateLimitSettings::default()
        .with_rate(many, Duration::from_millis(1))
        .with_burst(many)
}

fn call() -> Result<Call> {
    let arguments = Arguments::from_value(&json!({"query": "outage", "limit": 20}))?;
    let name = "search_messages".into();
    let mut call = Call::new(server()?, Request::CallTool { name, arguments });
    call.context = CallContext::default().with_effect(Effect::ReadOnly);
    Ok(call)
}

fn reply() -> Result<Reply> {
    Ok(Reply::new(
        server()?,
        to_raw_value(&json!({"content": []}))?,
        Duration::ZERO,
    ))
}

fn server() -> Result<ServerId> {
    Ok(ServerId::parse("slack")?)
}

/// A service that has its answer ready.
#[derive(Clone)]
struct NoOp(Reply);

impl Service<Call> for NoOp {
    type Response = Reply;
    type Error = CallError;
    type Future = Ready<Result<Reply, CallError>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Call) -> Self::Future {
        ready(Ok(self.0.clone()))
    }
}
