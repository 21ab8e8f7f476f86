//! A child in a process group of its own, and the certainty that it ends.

use std::io;
use std::time::Duration;

use futures_util::StreamExt as _;
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::codec::FramedRead;

use crate::diagnostics::Diagnostics;
use crate::error::{ConnectErrorKind, OpenError};
use crate::frames::{Frame, Lines};
#[cfg(unix)]
use crate::stdio::guard::Guarded;

/// How long a child may take to end by itself after its input has closed.
const AFTER_EOF: Duration = Duration::from_millis(1_500);
/// How long it may take after SIGTERM, before SIGKILL.
const AFTER_TERM: Duration = Duration::from_millis(1_500);
/// How long a killed child may take to be reaped; it cannot refuse, only be stuck in the kernel.
const AFTER_KILL: Duration = Duration::from_millis(500);
/// How long the rest of a child's stderr may take to be read after it has ended.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// The longest line of stderr that is looked at.
const STDERR_LINE: usize = 64 * 1024;

/// A running child. Dropping it kills its whole process group.
pub(crate) struct Process {
    child: Box<dyn ChildWrapper>,
    diagnostics: Diagnostics,
    stderr: Option<JoinHandle<()>>,
    /// Dropped after the group was killed, so that the guard never knows a group that is not ours any more.
    #[cfg(unix)]
    _guarded: Option<Guarded>,
}

impl Process {
    /// Starts the child as the leader of a new process group.
    pub(super) fn spawn(command: Command, diagnostics: Diagnostics) -> io::Result<Self> {
        let mut wrapped = CommandWrap::from(command);
        wrapped.wrap(KillOnDrop);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::tokio::ProcessGroup::leader());
        let mut child = wrapped.spawn()?;
        diagnostics.spawned(child.id());
        let stderr = child.stderr().take();
        let stderr = stderr.map(|pipe| tokio::spawn(keep_tail(pipe, diagnostics.clone())));
        Ok(Self {
            #[cfg(unix)]
            _guarded: child.id().map(Guarded::new),
            child,
            diagnostics,
            stderr,
        })
    }

    /// Takes the pipes for the wire, once.
    pub(super) fn pipes(&mut self) -> Result<(ChildStdout, ChildStdin), OpenError> {
        let (stdout, stdin) = (self.child.stdout().take(), self.child.stdin().take());
        stdout.zip(stdin).ok_or_else(|| {
            OpenError::new(ConnectErrorKind::Command, "its pipes could not be opened")
        })
    }

    /// Waits until the child has ended, for at most `limit`. Cancel safe.
    pub(crate) async fn ended(&mut self, limit: Duration) -> bool {
        // Waiting on the group would wait for grandchildren that outlive the server.
        let Ok(status) = timeout(limit, self.child.inner_mut().wait()).await else {
            return false;
        };
        if let Some(reader) = self.stderr.as_mut().filter(|reader| !reader.is_finished()) {
            // Its last words are still in the pipe; a grandchild may keep the pipe open for ever.
            let _ = timeout(LAST_WORDS, reader).await;
        }
        if let Ok(status) = status {
            self.diagnostics.exited(status.to_string());
        }
        true
    }

    /// Ends the child and its group: its input is closed already, then SIGTERM, then SIGKILL.
    pub(crate) async fn close(mut self) {
        if !self.ended(AFTER_EOF).await {
            self.terminate();
            if !self.ended(AFTER_TERM).await {
                self.kill();
                self.ended(AFTER_KILL).await;
            }
        }
    }

    #[cfg(unix)]
    fn terminate(&self) {
        const SIGTERM: i32 = 15;
        // The group can be gone already, which is what is wanted.
        let _ = self.child.signal(SIGTERM);
    }

    #[cfg(not(unix))]
    fn terminate(&self) {}

    fn kill(&mut self) {
        // The group can be gone already, which is what is wanted.
        let _ = self.child.start_kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(reader) = &self.stderr {
            reader.abort();
        }
        // The leader may have ended while its own children run on, so the group is killed in any case.
        self.kill();
    }
}

/// Reads stderr to its end, so that the child never blocks on it, and keeps the last lines.
async fn keep_tail(pipe: ChildStderr, diagnostics: Diagnostics) {
    let mut lines = FramedRead::new(pipe, Lines::new(STDERR_LINE));
    while let Some(Ok(frame)) = lines.next().await {
        match frame {
            Frame::Message(line) => diagnostics.stderr_line(&line),
            Frame::OversizedEnd { .. } => {}
            Frame::Oversized { .. } => diagnostics.stderr_line(b"(a line over 64 KiB was dropped)"),
        }
    }
}
