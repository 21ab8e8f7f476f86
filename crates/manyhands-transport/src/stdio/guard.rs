//! The end of children whose parent was killed: a small process of ours that outlives us by moments.
//!
//! We can be ended without a chance to say goodbye, and a child that ignores the end of its input would run on for
//! ever. So one shell per process of ours, in a process group of its own, is told of every child's group as it comes
//! and goes. Its input ends when we do, however that happens; then it ends the groups that are still there, and itself.
//! Where there is no shell, children start all the same.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::Thread;

/// Reads `+GROUP` and `-GROUP` lines until they end. Then it gives the groups that are left a second to end by
/// themselves, as a server does whose input closes, a second more after SIGTERM, and kills what remains.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
groups=' '
while IFS= read -r line; do
  group=${line#?}
  case $line in
    +*) groups="$groups$group " ;;
    -*) case $groups in *" $group "*) groups="${groups%%" $group "*} ${groups#*" $group "}" ;; esac ;;
  esac
done
for signal in TERM KILL; do
  case $groups in *[0-9]*) sleep 1 ;; esac
  left=' '
  for group in $groups; do kill -s "$signal" -- "-$group" 2>/dev/null && left="$left$group "; done
  groups=$left
done
"#;
/// What the guard is called in a list of processes.
const NAME: &str = "manyhands-guard";

/// A child's process group, which does not outlive us while this is held.
pub(super) struct Guarded(u32);

impl Guarded {
    /// Has the group whose leader is `pid` ended when we are. Never waits.
    pub(super) fn new(pid: u32) -> Self {
        change(|groups| groups.insert(pid));
        Self(pid)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        change(|groups| groups.remove(&self.0));
    }
}

/// The groups that must not outlive us: one entry per living child, so this does not grow.
static GROUPS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn change(apply: impl FnOnce(&mut BTreeSet<u32>) -> bool) {
    // The thread that tells the guard; none where it could not be started.
    static TELLER: OnceLock<Option<Thread>> = OnceLock::new();
    apply(&mut GROUPS.lock().unwrap_or_else(PoisonError::into_inner));
    // Writing to the guard may block, so it has a thread of its own, which no runtime's end can stop.
    let teller = TELLER.get_or_init(|| {
        let thread = std::thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(keep_told);
        match thread {
            Ok(thread) => Some(thread.thread().clone()),
            Err(error) => {
                tracing::debug!(%error, "children may outlive us: no thread could be started");
                None
            }
        }
    });
    if let Some(teller) = teller {
        teller.unpark();
    }
}

/// Tells the guard of every change, and starts it anew where it has ended.
fn keep_told() {
    let (mut guard, mut told) = (None, BTreeSet::new());
    loop {
        let groups = GROUPS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Err(error) = tell(&mut guard, &mut told, &groups) {
            tracing::debug!(%error, "children may outlive us: their guard does not run");
        }
        std::thread::park();
    }
}

/// Makes the guard know these groups and no others.
fn tell(
    guard: &mut Option<Child>,
    told: &mut BTreeSet<u32>,
    groups: &BTreeSet<u32>,
) -> io::Result<()> {
    if let Some(running) = guard
        && (running.try_wait()?.is_some() || write(running, told, groups).is_err())
    {
        // It was killed by somebody; what it was killed with says nothing about the next one.
        let _ = running.kill().and_then(|()| running.wait());
        *guard = None;
    }
    if guard.is_none() && !groups.is_empty() {
        write(guard.insert(start()?), &BTreeSet::new(), groups)?;
    }
    told.clone_from(groups);
    Ok(())
}

/// Writes what differs between what the guard knows and what it should know.
fn write(guard: &mut Child, told: &BTreeSet<u32>, groups: &BTreeSet<u32>) -> io::Result<()> {
    let gone = told.difference(groups).map(|group| format!("-{group}\n"));
    let new = groups.difference(told).map(|group| format!("+{group}\n"));
    let lines: String = gone.chain(new).collect();
    match &mut guard.stdin {
        Some(pipe) => pipe.write_all(lines.as_bytes()),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

fn start() -> io::Result<Child> {
    // Its input is closed in every other child, so that it ends exactly when we do.
    Command::new("/bin/sh")
        .args(["-c", SCRIPT, NAME])
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(groups: &[u32]) -> BTreeSet<u32> {
        groups.iter().copied().collect()
    }

    /// A guard that writes down what it is told, for as long as somebody reads it.
    fn notebook() -> Child {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().unwrap()
    }

    fn read(mut guard: Child) -> String {
        drop(guard.stdin.take());
        io::read_to_string(guard.stdout.take().unwrap()).unwrap()
    }

    #[test]
    fn it_is_told_what_changed() {
        let (mut guard, mut told) = (Some(notebook()), BTreeSet::new());
        for groups in [&[1, 2][..], &[1, 2], &[2, 3], &[]] {
            tell(&mut guard, &mut told, &set(groups)).unwrap();
        }
        assert_eq!(read(guard.unwrap()), "+1\n+2\n-1\n+3\n-2\n-3\n");
    }

    #[test]
    fn a_dead_guard_is_replaced_when_it_is_needed() {
        let (mut guard, mut told) = (Some(notebook()), set(&[1]));
        let dead = guard.as_mut().unwrap();
        dead.kill().and_then(|()| dead.wait()).unwrap();
        tell(&mut guard, &mut told, &set(&[])).unwrap();
        assert!(guard.is_none(), "there is nothing to guard");
        // A group of no process, so that its end harms nobody.
        tell(&mut guard, &mut told, &set(&[u32::MAX / 2])).unwrap();
        let mut new = guard.unwrap();
        assert_eq!(new.try_wait().unwrap(), None);
        drop(new.stdin.take());
        assert!(new.wait().unwrap().success());
    }

    #[test]
    fn without_a_shell_there_is_an_error_and_no_panic() {
        let mut broken = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
        assert!(write(&mut broken, &set(&[]), &set(&[1])).is_err());
        broken.wait().unwrap();
    }
}
