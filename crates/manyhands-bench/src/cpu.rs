//! How much CPU a process has used, user and system together, as Linux tells it.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// A process whose time is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Process {
    This,
    Other(u32),
}

/// The CPU time of all threads that the process has now.
///
/// `/proc/PID/stat` counts in ticks of 10 ms, which is a tenth of a round; `schedstat` counts in nanoseconds, for
/// each thread. The threads of a runtime stay, so that none takes its time with it.
pub(crate) fn used(process: Process) -> Result<Duration> {
    let folder = match process {
        Process::This => {
            // What a thread has used since it last gave way may not be counted yet.
            std::thread::yield_now();
            "/proc/self/task".to_owned()
        }
        Process::Other(pid) => format!("/proc/{pid}/task"),
    };
    let context = || format!("`{folder}` cannot be read; the benchmark needs Linux");
    let mut nanos = 0;
    for thread in std::fs::read_dir(&folder).with_context(context)? {
        let path = thread.with_context(context)?.path().join("schedstat");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        nanos += first_number(&text)
            .with_context(|| format!("{} begins with no number", path.display()))?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// The CPU time of all children that have ended and were waited for, and of theirs, in ticks of 10 ms.
pub(crate) fn of_ended_children() -> Result<Duration> {
    const PATH: &str = "/proc/self/stat";
    let text = std::fs::read_to_string(PATH)
        .with_context(|| format!("`{PATH}` cannot be read; the benchmark needs Linux"))?;
    ticks_of_children(&text).with_context(|| format!("`{PATH}` is not as it was"))
}

/// Linux counts for programs in ticks of 10 ms, whatever it does inside.
fn ticks_of_children(stat: &str) -> Option<Duration> {
    // The name, which is the second field, may hold anything; what follows it does not.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(10 * (user + system)))
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 200 0 0 11 12 130 4 20 0 2 0 999 1 1";
        assert_eq!(ticks_of_children(stat), Some(Duration::from_millis(1340)));
        assert_eq!(ticks_of_children("7 (a) S 1 7"), None);
    }
}
