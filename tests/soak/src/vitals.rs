//! What a process holds, as Linux and tokio tell it. It must not know who holds it.

use anyhow::{Context as _, Result};
use tokio::runtime::Handle;

/// The one process that stays as long as this one: it ends children that would outlive us.
const GUARD: &str = "manyhands-guard";

/// One look at this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vitals {
    /// Resident memory, in KiB.
    pub(crate) rss: u64,
    pub(crate) fds: u64,
    /// Child processes and their children, zombies among them; without the guard.
    pub(crate) children: u64,
    pub(crate) tasks: u64,
}

impl Vitals {
    pub(crate) fn now() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")
            .context("`/proc/self/status` cannot be read; this needs Linux")?;
        let fds = std::fs::read_dir("/proc/self/fd")?.count();
        let children = descendants()
            .len()
            .saturating_sub(children_with(GUARD).len().min(1));
        Ok(Self {
            rss: number_after(&status, "VmRSS:").context("the kernel tells no VmRSS")?,
            // The folder that is being read is one of them.
            fds: fds.saturating_sub(1) as u64,
            children: children as u64,
            tasks: Handle::current().metrics().num_alive_tasks() as u64,
        })
    }
}

fn number_after(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processes that this one started, directly or through others.
pub(crate) fn descendants() -> Vec<u32> {
    let processes: Vec<(u32, u32)> = all_processes();
    let mut found = vec![std::process::id()];
    let mut next = 0;
    // Each process is found once, so that this ends.
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            processes
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    found.split_off(1)
}

/// Direct children whose command line holds `word`.
pub(crate) fn children_with(word: &str) -> Vec<u32> {
    let me = std::process::id();
    let is_it = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
    };
    let mine = all_processes().into_iter().filter(|(_, of)| *of == me);
    mine.map(|(pid, _)| pid).filter(is_it).collect()
}

/// Every process with its parent. One that ends meanwhile is left out.
fn all_processes() -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; what follows the last one is numbers.
        let parent = stat
            .rsplit_once(')')?
            .1
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()?;
        Some((pid, parent))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_behind_its_key() {
        assert_eq!(number_after("A: 1\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(number_after("A: 1\n", "VmRSS:"), None);
    }

    #[tokio::test]
    async fn a_child_is_seen_while_it_is_there() {
        let mut command = tokio::process::Command::new("sleep");
        let mut child = command.arg("600.125").kill_on_drop(true).spawn().unwrap();
        let pid = child.id().unwrap();
        // Between fork and exec it still has the name of this program.
        for _ in 0..500 {
            if children_with("600.125") == [pid] {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(children_with("600.125"), [pid]);
        assert!(descendants().contains(&pid));
        child.kill().await.unwrap();
        assert!(!descendants().contains(&pid));
        assert!(Vitals::now().unwrap().fds > 0);
    }
}
