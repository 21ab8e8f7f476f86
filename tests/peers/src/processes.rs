//! What Linux tells of other processes: their children, their CPU time, their memory.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The CPU time of all threads that a process has now, its children left out.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let folder = format!("/proc/{pid}/task");
    let mut nanos: u64 = 0;
    for thread in
        std::fs::read_dir(&folder).with_context(|| format!("`{folder}` cannot be read"))?
    {
        // A thread that ends meanwhile takes its time with it; those of a pool stay.
        let text = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let used = text
            .split_whitespace()
            .next()
            .and_then(|it| it.parse::<u64>().ok());
        nanos += used.unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanos))
}

/// Resident memory in KiB.
pub(crate) fn memory(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|it| it.split_whitespace().next()?.parse().ok());
    number.context("the kernel tells no VmRSS")
}

/// The processes below `pid` whose command line holds `path`.
fn below(pid: u32, path: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parents: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(one) = family.get(next).copied() {
        family.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == one)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    let path = path.display().to_string();
    let holds = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&path))
    };
    family.into_iter().skip(1).filter(holds).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// Kills the processes below `pid` that were started with `path`, and says how many.
pub(crate) fn kill_below(pid: u32, path: &Path) -> Result<usize> {
    let victims = below(pid, path);
    for victim in &victims {
        Command::new("kill")
            .args(["-KILL", &victim.to_string()])
            .status()
            .context("`kill` cannot be run")?;
    }
    Ok(victims.len())
}
