//! Programs that stand between one client and many servers, over stdio on both sides.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::figures::{percentile, together};
use crate::orders::{SERVERS, Servers, TOOLS, VICTIM};
use crate::plan::Plan;
use crate::processes;
use crate::stdio::Session;

/// Calls one after the other, and calls at once.
pub(crate) const SEQUENTIAL: usize = 300;
pub(crate) const PARALLEL: usize = 2_000;
pub(crate) const IN_FLIGHT: usize = 32;
/// Each of the two ends after so long, whatever was done.
pub(crate) const PHASE: Duration = Duration::from_secs(10);
/// How long tools are waited for, and a killed server.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
enum Program {
    Manyhands,
    /// Its proxy as its documentation recommends it: a session, and so a server's process, for each request.
    Fastmcp,
    /// Its proxy over a client that is connected once.
    FastmcpKept,
}

impl Program {
    const ALL: [Self; 3] = [Self::Manyhands, Self::FastmcpKept, Self::Fastmcp];

    fn name(self) -> &'static str {
        match self {
            Self::Manyhands => "manyhands",
            Self::Fastmcp => "fastmcp",
            Self::FastmcpKept => "fastmcp-kept",
        }
    }

    /// How it is started over these servers; none where it is not installed.
    fn command(self, plan: &Plan, servers: &Servers, one_is_dead: bool) -> Result<Option<Command>> {
        let name = if one_is_dead {
            "one-dead.json"
        } else {
            "mcp.json"
        };
        let config = servers.write(name, &json!({"mcpServers": servers.entries(one_is_dead)}))?;
        Ok(match self {
            Self::Manyhands => {
                let mut command = Command::new(&plan.manyhands);
                command
                    .arg("--config")
                    .arg(config)
                    .args(["serve", "--stdio"]);
                Some(command)
            }
            Self::Fastmcp | Self::FastmcpKept => plan.python("fastmcp").map(|python| {
                let mut command = Command::new(python);
                command
                    .arg(plan.script("fastmcp_proxy.py"))
                    .arg(self.name())
                    .arg(config);
                command
                    .env("FASTMCP_CHECK_FOR_UPDATES", "off")
                    .env("FASTMCP_LOG_LEVEL", "ERROR");
                command
            }),
        })
    }
}

/// All of them, taking turns.
pub(crate) async fn run(plan: &Plan, servers: &Servers) -> Result<Value> {
    let mut turns: Vec<Vec<Value>> = vec![Vec::new(); Program::ALL.len()];
    for round in 0..plan.rounds {
        for (program, turns) in Program::ALL.into_iter().zip(&mut turns) {
            if let Some(mut command) = program.command(plan, servers, false)? {
                eprintln!("round {}: {}", round + 1, program.name());
                turns.push(speed(&mut command).await.with_context(|| program.name())?);
            }
        }
    }
    let mut rows = Vec::new();
    for (program, turns) in Program::ALL.into_iter().zip(&turns) {
        let mut row = json!({"name": program.name(), "figures": together(turns)});
        if let (Some(mut dead), Some(mut killed), Some(fields)) = (
            program.command(plan, servers, true)?,
            program.command(plan, servers, false)?,
            row.as_object_mut(),
        ) {
            eprintln!("failures: {}", program.name());
            fields.insert("dead".to_owned(), one_dead(&mut dead).await);
            fields.insert("killed".to_owned(), one_killed(&mut killed, servers).await?);
            rows.push(row);
        }
    }
    Ok(rows.into())
}

async fn speed(command: &mut Command) -> Result<Value> {
    let begin = Instant::now();
    let session = Session::start(command).await?;
    let tools = listed(&session, SERVERS * TOOLS, begin).await?;
    let ready = begin.elapsed();
    let echoes: Vec<String> = tools
        .into_iter()
        .filter(|tool| tool.ends_with("echo"))
        .collect();
    for echo in &echoes {
        session.call(echo).await?;
    }
    let pid = session.pid()?;
    let before = processes::cpu(pid)?;
    let times = one_by_one(&session, &echoes).await?;
    let session = Arc::new(session);
    let (done, took) = at_once(&session, &echoes).await?;
    let used = processes::cpu(pid)? - before;
    let memory = processes::memory(pid)?;
    if let Some(session) = Arc::into_inner(session) {
        session.end().await;
    }
    let calls = u32::try_from(times.len() + done)?;
    Ok(json!({
        "ready_ms": ready.as_secs_f64() * 1e3,
        "p50_us": percentile(&times, 0.5),
        "p99_us": percentile(&times, 0.99),
        "calls_per_s": f64::from(u32::try_from(done)?) / took.as_secs_f64(),
        "cpu_us": used.as_secs_f64() * 1e6 / f64::from(calls),
        "rss_mib": f64::from(u32::try_from(memory)?) / 1024.0,
    }))
}

/// Waits until so many tools are listed.
async fn listed(session: &Session, count: usize, begin: Instant) -> Result<Vec<String>> {
    loop {
        let tools = session.tools().await?;
        if tools.len() >= count {
            return Ok(tools);
        }
        if begin.elapsed() > PATIENCE {
            anyhow::bail!(
                "{} of {count} tools are listed after {PATIENCE:?}",
                tools.len()
            );
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn one_by_one(session: &Session, echoes: &[String]) -> Result<Vec<Duration>> {
    let begin = Instant::now();
    let mut times = Vec::new();
    for echo in echoes.iter().cycle().take(SEQUENTIAL) {
        let start = Instant::now();
        session.call(echo).await?;
        times.push(start.elapsed());
        if begin.elapsed() > PHASE {
            break;
        }
    }
    Ok(times)
}

async fn at_once(session: &Arc<Session>, echoes: &[String]) -> Result<(usize, Duration)> {
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..IN_FLIGHT {
        let (session, echoes) = (Arc::clone(session), echoes.to_vec());
        callers.spawn(async move {
            let mut done = 0;
            for echo in echoes
                .iter()
                .cycle()
                .skip(number)
                .take(PARALLEL / IN_FLIGHT)
            {
                if begin.elapsed() > PHASE {
                    break;
                }
                session.call(echo).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(result) = callers.join_next().await {
        done += result??;
    }
    Ok((done, begin.elapsed()))
}

/// One server of five cannot be started: what is left?
async fn one_dead(command: &mut Command) -> Value {
    let begin = Instant::now();
    let session = match Session::start(command).await {
        Ok(session) => session,
        Err(error) => return json!({"tools": 0, "said": error.to_string()}),
    };
    let wanted = (SERVERS - 1) * TOOLS;
    let outcome = match listed(&session, wanted, begin).await {
        Ok(tools) => json!({"tools": tools.len(), "ms": begin.elapsed().as_secs_f64() * 1e3}),
        Err(error) => {
            json!({"tools": session.tools().await.map_or(0, |it| it.len()), "said": error.to_string()})
        }
    };
    session.end().await;
    outcome
}

/// One server is killed: do the others answer, and does it answer again?
async fn one_killed(command: &mut Command, servers: &Servers) -> Result<Value> {
    let session = Session::start(command).await?;
    let tools = listed(&session, SERVERS * TOOLS, Instant::now()).await?;
    let named = |server: &str| {
        let is_it = |tool: &&String| tool.starts_with(server) && tool.ends_with("echo");
        tools
            .iter()
            .find(is_it)
            .cloned()
            .with_context(|| format!("no tool of {server}"))
    };
    let (victim, other) = (named(VICTIM)?, named("s0")?);
    session.call(&victim).await?;
    let killed = processes::kill_below(session.pid()?, &servers.script(VICTIM))?;
    let begin = Instant::now();
    let (mut again, mut said) = (None, None);
    while begin.elapsed() < PATIENCE {
        match session.call(&victim).await {
            Ok(()) => {
                again = Some(begin.elapsed().as_secs_f64() * 1e3);
                break;
            }
            Err(error) => said = said.or(Some(error.to_string())),
        }
        sleep(Duration::from_millis(200)).await;
    }
    let others = session.call(&other).await.is_ok();
    session.end().await;
    Ok(json!({"killed": killed, "again_ms": again, "said": said, "others": others}))
}
