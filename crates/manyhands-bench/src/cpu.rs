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
        Process::This => "/proc/self/task".to_owned(),
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

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
