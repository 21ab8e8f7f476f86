//! Which processes a test has left behind.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long the last process may take to go after the program has ended.
const GONE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(10);

/// Fails if a process that began in this folder is still there: every child of the program inherits it.
pub(crate) fn assert_none_left(dir: &Path) {
    let started = Instant::now();
    loop {
        let left = running_in(dir);
        if left.is_empty() {
            return;
        }
        assert!(started.elapsed() < GONE, "left behind: {left:#?}");
        thread::sleep(POLL);
    }
}

/// Waits until a process with this in its command line is there.
#[cfg(target_os = "linux")]
pub(crate) fn await_running(dir: &Path, marker: &str) {
    let started = Instant::now();
    while !running_in(dir).iter().any(|line| line.contains(marker)) {
        assert!(started.elapsed() < GONE, "no process {marker} was started");
        thread::sleep(POLL);
    }
}

/// The command lines of the processes that run in this folder.
#[cfg(target_os = "linux")]
pub(crate) fn running_in(dir: &Path) -> Vec<String> {
    let processes = processes_in(dir).into_iter();
    processes.map(|(_, line)| line).collect()
}

/// The processes that run in this folder, with their command lines.
#[cfg(target_os = "linux")]
pub(crate) fn processes_in(dir: &Path) -> Vec<(i32, String)> {
    let dir = dir.canonicalize().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ours = processes.filter(|entry| {
        // One that has ended meanwhile, or is somebody else's, cannot be read.
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == dir)
    });
    let line = |path: &Path| std::fs::read_to_string(path.join("cmdline")).ok();
    let all = ours.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, line(&entry.path())?.replace('\0', " ")))
    });
    all.filter(|(_, line)| !line.is_empty()).collect()
}

/// Elsewhere there is no `/proc` to look into.
#[cfg(not(target_os = "linux"))]
pub(crate) fn running_in(_: &Path) -> Vec<String> {
    Vec::new()
}
