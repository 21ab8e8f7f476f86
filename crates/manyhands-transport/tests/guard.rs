//! Children end with us however we end, SIGKILL included.
//!
//! The helper is this test binary itself, started once more: it connects to a child that ignores the end of its input
//! and SIGTERM, and is then killed.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that goes wrong should end where it does"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use manyhands_core::ServerId;
use manyhands_transport::{ConnectOptions, Connector, StdioSettings};

/// Where the helper's child says who it is.
const FOLDER: &str = "MANYHANDS_GUARD_TEST";
/// A child that nothing but SIGKILL ends, with a child of its own.
const STUBBORN: &str = "trap '' TERM HUP INT; sleep 1000 & echo $! > grandchild; echo $$ > child; while :; do sleep 1; done";

#[tokio::test]
#[ignore = "it is the helper of the other tests, and ends with its child"]
async fn helper() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let settings = StdioSettings::new("sh")
        .with_args(["-c", STUBBORN])
        .with_cwd(folder);
    let options = ConnectOptions::new(ServerId::parse("s").unwrap());
    let _ = Connector::stdio(settings).connect(options).await;
}

/// The helper, ended at the latest when this is dropped.
struct Helper(Child);

impl Helper {
    fn start(folder: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "helper", "--ignored"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// Sends a signal to the helper alone.
    fn signal(&self, signal: &str) {
        let (pid, mut kill) = (self.0.id().to_string(), Command::new("kill"));
        assert!(kill.args(["-s", signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Waits until `found` gives something; real processes know no paused clock.
async fn soon<T>(mut found: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..2000 {
        if let Some(found) = found() {
            return Some(found);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    None
}

async fn written(path: PathBuf) -> String {
    let read = || {
        std::fs::read_to_string(&path)
            .ok()
            .filter(|text| text.ends_with('\n'))
    };
    soon(read).await.unwrap().trim().to_owned()
}

/// Whether a process is there and not a zombie.
fn alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn gone(pid: &str) -> bool {
    soon(|| (!alive(pid)).then_some(())).await.is_some()
}

/// The guard of a process, by its name among that process's children.
async fn guard_of(pid: u32) -> String {
    let is_guard = |pid: &&str| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        alive(pid) && String::from_utf8_lossy(&line).contains("manyhands-guard")
    };
    let find = || {
        // Each thread lists the children that it started itself.
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let lists = threads
            .flatten()
            .map(|thread| thread.path().join("children"));
        let lists = lists.filter_map(|path| std::fs::read_to_string(path).ok());
        lists
            .flat_map(|list| {
                list.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .find(|pid| is_guard(&pid.as_str()))
    };
    soon(find).await.expect("there is a guard")
}

#[tokio::test]
async fn children_end_when_we_are_killed_or_interrupted() {
    for signal in ["KILL", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let helper = Helper::start(folder.path());
        let child = written(folder.path().join("child")).await;
        let grandchild = written(folder.path().join("grandchild")).await;
        let guard = guard_of(helper.0.id()).await;
        assert!(alive(&child) && alive(&grandchild));
        helper.signal(signal);
        assert!(
            gone(&child).await && gone(&grandchild).await,
            "after {signal}"
        );
        assert!(gone(&guard).await, "the guard ends as well");
    }
}
