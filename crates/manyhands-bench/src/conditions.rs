//! Where and with what the figures were taken. Figures without it say nothing.

use std::process::Command;

use serde_json::{Value, json};

use crate::WORKERS;
use crate::cell::Plan;

const LOCK: &str = include_str!("../../../Cargo.lock");

/// What is known of the machine, of this build, and of how calls are made.
pub(crate) fn describe(plan: &Plan) -> Value {
    let mut known = machine();
    let runtime = format!("multi-thread, {WORKERS} workers, for both sides and for the servers");
    let calls = [
        ("runtime", runtime.into()),
        ("rounds_of_each_side", plan.rounds.into()),
        ("answers_read", plan.read.into()),
    ];
    if let Some(known) = known.as_object_mut() {
        known.extend(calls.map(|(name, value)| (name.to_owned(), value)));
    }
    known
}

/// What is known of the machine and of this build; what cannot be found out is null.
pub(crate) fn machine() -> Value {
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "cpu": cpu_model(),
        "kernel": file("/proc/sys/kernel/osrelease"),
        "load_average": load_average(),
        "rustc": output("rustc", &["--version"]),
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
        "manyhands": env!("CARGO_PKG_VERSION"),
        "rmcp": locked("rmcp"),
        "tokio": locked("tokio"),
    })
}

fn cpu_model() -> Option<String> {
    let info = file("/proc/cpuinfo")?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How busy the machine was over the last minute, this run included.
fn load_average() -> Option<f64> {
    file("/proc/loadavg")?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn file(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(path).ok()?.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned())
}

/// The version that the lock file holds.
fn locked(package: &str) -> Option<&'static str> {
    let (_, rest) = LOCK.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next()
}
