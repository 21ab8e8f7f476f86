//! How long eight equal calls take together, through the whole toolkit, beside one of them alone.
//!
//! The servers are in this process and answer after a fixed time: what is beyond that time is ours, and the machine's.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use manyhands_core::ServerId;
use manyhands_testkit::ScriptedServer;
use manyhands_toolkit::{Builder, Toolkit};
use serde_json::json;

use crate::resilience::median;

const CALLS: usize = 8;
const LATENCY: Duration = Duration::from_millis(100);
const AIM: Duration = Duration::from_millis(110);

/// Measures so many rounds, and gives a sentence.
pub(crate) fn measure(rounds: usize) -> Result<String> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let (alone, together) = runtime.block_on(async {
        let kit = kit().await?;
        let (mut alone, mut together) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let began = Instant::now();
            kit.call("s0.wait", json!({})).await?;
            alone.push(began.elapsed());
            let calls = (0..CALLS).map(|n| kit.call(format!("s{n}.wait"), json!({})));
            let began = Instant::now();
            let all = kit.fan_out(calls).await;
            together.push(began.elapsed());
            ensure!(all.is_complete(), "not all calls were answered: {all}");
        }
        kit.close().await;
        anyhow::Ok((median(alone), median(together)))
    })?;
    let met = if together <= AIM { "met" } else { "missed" };
    let ratio = together.as_secs_f64() / alone.as_secs_f64();
    Ok(format!(
        "Fan-out of {CALLS} calls of {LATENCY:?} each: {:.1} ms, and one alone {:.1} ms ({ratio:.2}x), medians of {rounds} rounds. \
         Aim: {AIM:?}: {met}.",
        together.as_secs_f64() * 1e3,
        alone.as_secs_f64() * 1e3,
    ))
}

async fn kit() -> Result<Toolkit> {
    let mut builder = Builder::default();
    for n in 0..CALLS {
        let name = format!("s{n}");
        let server = ScriptedServer::new(&name).tool("wait", |_| json!({"content": []}));
        builder = builder.add(ServerId::parse(&name)?, server.latency(LATENCY).connector());
    }
    Ok(builder.connect().await?)
}
