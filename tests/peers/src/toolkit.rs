//! Our library as a user writes it: the counterpart of `clients/library.py`, step by step.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use manyhands::prelude::*;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::figures::percentile;
use crate::orders::{Orders, VICTIM};
use crate::processes;

pub(crate) async fn run(orders: &Orders) -> Result<Value> {
    let begin = Instant::now();
    let config = json!({"mcpServers": orders.servers}).to_string();
    let kit = Toolkit::from_json(&config)?.connect().await?;
    let tools: Vec<String> = kit
        .catalogue()
        .tools()
        .map(|tool| tool.name().to_string())
        .collect();
    let ready = begin.elapsed();
    let outcome = match orders.scene.as_str() {
        "dead" => json!({"tools": tools.len(), "ms": ready.as_secs_f64() * 1e3}),
        "killed" => killed(&kit, orders).await?,
        _ => speed(&kit, orders, &tools, ready).await?,
    };
    kit.close().await;
    Ok(outcome)
}

async fn call(kit: &Toolkit, tool: &str) -> Result<()> {
    // The text is read, as a user would read it.
    let reply = kit.call(tool, json!({"text": "hello"})).await?;
    anyhow::ensure!(!reply.is_error() && reply.text().ends_with("is here"));
    Ok(())
}

async fn speed(kit: &Toolkit, orders: &Orders, tools: &[String], ready: Duration) -> Result<Value> {
    let echoes: Vec<String> = tools
        .iter()
        .filter(|tool| tool.ends_with("echo"))
        .cloned()
        .collect();
    for echo in &echoes {
        call(kit, echo).await?;
    }
    let limit = Duration::from_secs(orders.seconds);
    let before = processes::cpu(std::process::id())?;
    let mut times = Vec::new();
    let begin = Instant::now();
    for echo in echoes.iter().cycle().take(orders.sequential) {
        let start = Instant::now();
        call(kit, echo).await?;
        times.push(start.elapsed());
        if begin.elapsed() > limit {
            break;
        }
    }
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..orders.in_flight {
        let (kit, echoes, count) = (
            kit.clone(),
            echoes.clone(),
            orders.parallel / orders.in_flight,
        );
        callers.spawn(async move {
            let mut done = 0_u32;
            for echo in echoes.iter().cycle().skip(number).take(count) {
                if begin.elapsed() > limit {
                    break;
                }
                call(&kit, echo).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(result) = callers.join_next().await {
        done += result??;
    }
    let took = begin.elapsed();
    let used = processes::cpu(std::process::id())? - before;
    Ok(json!({
        "ready_ms": ready.as_secs_f64() * 1e3,
        "p50_us": percentile(&times, 0.5),
        "p99_us": percentile(&times, 0.99),
        "calls_per_s": f64::from(done) / took.as_secs_f64(),
        "cpu_us": used.as_secs_f64() * 1e6 / f64::from(done + u32::try_from(times.len())?),
        "rss_mib": f64::from(u32::try_from(processes::memory(std::process::id())?)?) / 1024.0,
    }))
}

async fn killed(kit: &Toolkit, orders: &Orders) -> Result<Value> {
    let victim = format!("{VICTIM}.echo");
    call(kit, &victim).await?;
    let killed = processes::kill_below(std::process::id(), Path::new(&orders.victim))?;
    let begin = Instant::now();
    let (mut again, mut said) = (None, None);
    while begin.elapsed() < Duration::from_secs(orders.seconds) {
        match call(kit, &victim).await {
            Ok(()) => {
                again = Some(begin.elapsed().as_secs_f64() * 1e3);
                break;
            }
            Err(error) => said = said.or(Some(error.to_string())),
        }
        sleep(Duration::from_millis(200)).await;
    }
    let others = call(kit, "s0.echo").await.is_ok();
    Ok(json!({"killed": killed, "again_ms": again, "said": said, "others": others}))
}
