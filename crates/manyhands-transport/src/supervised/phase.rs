//! What a supervised server is doing, and why it is not up where it is not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{CallError, Delivery, ErrorKind};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::diagnostics::Snapshot;
use crate::error::{ConnectError, ConnectErrorKind};

/// What a supervised server is doing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Phase {
    /// Nothing: nobody has asked for it yet, or nobody did for so long that it was stopped.
    Idle,
    /// It is being started.
    Starting {
        /// Why it is started again; none where it did not fail before.
        after: Option<Outage>,
    },
    /// It is connected.
    Up(Connection),
    /// It failed, and is started again by itself.
    BackingOff {
        /// When.
        until: Instant,
        /// What happened.
        why: Outage,
    },
    /// It failed, and is not started again by itself.
    Failed {
        /// From when on a call tries once more; none where no repetition would help.
        retry_at: Option<Instant>,
        /// What happened.
        why: Outage,
    },
    /// It was closed for good.
    Closed,
}

/// Why a server is not up. Cheap to clone.
#[derive(Clone)]
pub struct Outage(Arc<Inner>);

struct Inner {
    kind: Option<ConnectErrorKind>,
    cause: String,
    mend: Option<String>,
    retry_after: Option<Duration>,
    diagnostics: Snapshot,
    /// From when on a call may look whether somebody has mended what no repetition mends.
    look_at: Option<Instant>,
}

impl Outage {
    /// The connection could not be made.
    pub(super) fn refused(error: &ConnectError) -> Self {
        Self(Arc::new(Inner {
            kind: Some(error.kind()),
            cause: error.cause().to_owned(),
            mend: error.mend().map(str::to_owned),
            retry_after: error.retry_after(),
            diagnostics: error.diagnostics().clone(),
            look_at: None,
        }))
    }

    /// The connection ended; `how` is a clause.
    pub(super) fn lost(connection: &Connection, how: String) -> Self {
        let diagnostics = connection.diagnostics();
        let cause = match diagnostics.last_words() {
            Some(words) => format!("{how}; its last words: \"{words}\""),
            None => how,
        };
        Self(Arc::new(Inner {
            kind: None,
            cause,
            mend: Some("look at its log".to_owned()),
            retry_after: None,
            diagnostics,
            look_at: None,
        }))
    }

    /// The same, with what else is to be known about it.
    pub(super) fn and(&self, more: &str) -> Self {
        self.with(format!("{}; {more}", self.0.cause), self.0.look_at)
    }

    /// The same, which a call may look at again from then on.
    pub(super) fn look_at(&self, at: Instant) -> Self {
        self.with(self.0.cause.clone(), Some(at))
    }

    /// Whether a call may look whether somebody has mended it.
    pub(super) fn may_be_mended(&self) -> bool {
        self.0.look_at.is_some_and(|at| at <= Instant::now())
    }

    fn with(&self, cause: String, look_at: Option<Instant>) -> Self {
        let Inner {
            kind,
            mend,
            retry_after,
            diagnostics,
            ..
        } = &*self.0;
        Self(Arc::new(Inner {
            kind: *kind,
            cause,
            mend: mend.clone(),
            retry_after: *retry_after,
            diagnostics: diagnostics.clone(),
            look_at,
        }))
    }

    /// What kind of obstacle kept it from being connected; none for a connection that ended.
    #[must_use]
    pub fn kind(&self) -> Option<ConnectErrorKind> {
        self.0.kind
    }

    /// What happened, as a lowercase clause without the server's name.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.0.cause
    }

    /// What to do about it, as a lowercase clause.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.0.mend.as_deref()
    }

    /// How long the server asked to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What was noticed beside the protocol.
    #[must_use]
    pub fn diagnostics(&self) -> &Snapshot {
        &self.0.diagnostics
    }

    /// Whether starting it again may help.
    pub(super) fn may_pass(&self) -> bool {
        use ConnectErrorKind::{
            Command, Exited, Forbidden, HttpStatus, Incompatible, NotMcp, Settings, TimedOut, Tls,
            Transport, Unauthorized, Unreachable,
        };
        match self.0.kind {
            None | Some(Exited | Unreachable | HttpStatus | TimedOut | Transport) => true,
            Some(Settings | Command | Tls | Unauthorized | Forbidden | NotMcp | Incompatible) => {
                false
            }
        }
    }

    /// The error of a call that was not sent, and that may be made again at `retry_at`.
    pub(super) fn error(&self, retry_at: Option<Instant>) -> CallError {
        let kind = match self.0.kind {
            Some(ConnectErrorKind::Unauthorized) => ErrorKind::Unauthorized,
            Some(ConnectErrorKind::Forbidden) => ErrorKind::Forbidden,
            _ => ErrorKind::Unavailable,
        };
        let wait = retry_at.map(|at| at.saturating_duration_since(Instant::now()));
        // Whole seconds are what a person wants to know, and rounded up they are never too early.
        let again =
            wait.map(|wait| format!("try again in {} s", wait.as_secs_f64().ceil().max(1.0)));
        let advice: Vec<&str> = self.mend().into_iter().chain(again.as_deref()).collect();
        let error = CallError::new(kind, Delivery::NotSent, self.cause()).with_retry_after(wait);
        if advice.is_empty() {
            error
        } else {
            error.with_advice(advice.join("; "))
        }
    }
}

impl fmt::Debug for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outage").field(&self.0.cause).finish()
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause())
    }
}

/// Follows the phases of one supervised server. It does not keep the server alive.
#[derive(Debug, Clone)]
pub struct Phases {
    phase: watch::Receiver<Phase>,
    over: bool,
}

impl Phases {
    pub(super) fn new(mut phase: watch::Receiver<Phase>) -> Self {
        phase.mark_changed();
        Self { phase, over: false }
    }

    /// Gives the phase now, then each new one as it comes; none after [`Phase::Closed`].
    ///
    /// A reader that is slower than the server misses phases in between, never the last one.
    ///
    /// # Cancel safety
    /// Dropping the future loses no phase.
    pub async fn next(&mut self) -> Option<Phase> {
        if self.over || self.phase.changed().await.is_err() {
            return None;
        }
        let phase = self.phase.borrow_and_update().clone();
        self.over = matches!(phase, Phase::Closed);
        Some(phase)
    }
}
