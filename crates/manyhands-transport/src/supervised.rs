//! One server, kept connected: started when it is wanted, restarted when it fails, stopped when nobody calls.
//!
//! A [`Supervised`] is shared by all who use one server in one authorization context, so that they
//! share its child process. It knows of one server, and nothing of what that server offers.

mod phase;
mod restart;
mod supervisor;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{
    CallContext, CallError, Delivery, ErrorKind, Reply, Request, ServerId, Transit, handed_on,
};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::connector::{ConnectOptions, Connector};
use crate::wire::TaskGuard;
pub use phase::{Outage, Phase, Phases};
pub use restart::Restart;
pub use supervisor::InUse;
use supervisor::{Shared, Supervisor};

/// How long a call may take in total when its context does not say: 30 s, as on a connection.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// How long `close` takes at most: 5 s.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// One server, kept connected. Clones share it; dropping the last one ends the server.
///
/// ```
/// use std::time::Duration;
/// use manyhands_core::ServerId;
/// use manyhands_transport::{ConnectOptions, Connector, Phase, StdioSettings, Supervised, Supervision};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::stdio(StdioSettings::new("no-such-server"));
/// let options = ConnectOptions::new(ServerId::parse("files")?);
/// let files = Supervised::new(connector, options, Supervision::default());
/// assert!(matches!(files.phase(), Phase::Idle));
///
/// let error = files.connection(Duration::from_secs(5)).await.unwrap_err();
/// assert_eq!(error.cause(), "the command no-such-server was not found");
/// assert!(matches!(files.phase(), Phase::Failed { retry_at: None, .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Supervised(Arc<Handle>);

struct Handle {
    server: ServerId,
    shared: Arc<Shared>,
    /// Cancelled when the supervisor has ended.
    ended: CancellationToken,
    _task: TaskGuard,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Whoever still looks at the phases must not keep the connection.
        self.shared.enter(Phase::Closed);
    }
}

/// How a server is kept connected.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Supervision {
    /// How it is started again when it fails.
    pub restart: Restart,
    /// How long no call must have been made or be under way for it to be stopped; never by default.
    pub idle_stop: Option<Duration>,
    /// What the random part of waiting times comes from; another one each time by default.
    pub seed: Option<u64>,
}

impl Supervision {
    /// Sets how it is started again when it fails.
    #[must_use]
    pub fn with_restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Stops it when nobody has called it for so long. The next call starts it again.
    #[must_use]
    pub fn with_idle_stop(mut self, limit: Option<Duration>) -> Self {
        self.idle_stop = limit;
        self
    }

    /// Makes all waiting times those of this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}

impl Supervised {
    /// Gets ready to keep a server connected, and starts nothing yet. Needs a Tokio runtime.
    #[must_use]
    pub fn new(connector: Connector, options: ConnectOptions, supervision: Supervision) -> Self {
        let (shared, ended) = (Arc::new(Shared::default()), CancellationToken::new());
        let server = options.server.clone();
        let supervisor = Supervisor::new(shared.clone(), connector, options, supervision);
        let guard = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            let _guard = guard;
            supervisor.run().await;
        });
        Self(Arc::new(Handle {
            server,
            shared,
            ended,
            _task: TaskGuard(task.abort_handle()),
        }))
    }

    /// The server's name.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.0.server
    }

    /// What it is doing now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.shared.phase.borrow().clone()
    }

    /// What it is doing from now on.
    #[must_use]
    pub fn phases(&self) -> Phases {
        Phases::new(self.0.shared.phase.subscribe())
    }

    /// Starts it, as a call would: where it is idle, or has failed and its cool-down is over.
    pub fn start(&self) {
        self.0.shared.want();
    }

    /// Starts it also where it has failed for good, since what kept it from starting may have changed.
    pub fn retry(&self) {
        self.0.shared.retry();
    }

    /// Counts as a call while it is held, so that the server is not stopped for being idle.
    #[must_use]
    pub fn in_use(&self) -> InUse {
        InUse::new(self.0.shared.clone())
    }

    /// The connection, for as long as it lasts. Starts the server where a call would, and waits for it for at most
    /// `limit`. Whoever holds the connection beyond the last handle keeps the server running.
    ///
    /// # Errors
    /// [`CallError`] with `NotSent`: why it is not up, what to do about it, and when it is tried again.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; the server goes on starting.
    pub async fn connection(&self, limit: Duration) -> Result<Connection, CallError> {
        let end = Instant::now() + limit;
        self.up(end, limit)
            .await
            .map_err(|error| error.with_server(self.0.server.clone()))
    }

    /// Sends one request and waits for its reply: for the context's timeout, or 30 s in total. A server that is not up
    /// is started or waited for on that time, up to the idle timeout. A request that was not sent because the connection had ended is sent on
    /// the next one; one that may have been sent is never repeated.
    ///
    /// # Errors
    /// [`CallError`], whose `delivery` says whether the server may have acted on it. It is `NotSent`, and comes at
    /// once, when the server will not be tried again in time.
    ///
    /// # Cancel safety
    /// Dropping the future tells the server that the request is cancelled.
    pub async fn request(
        &self,
        request: Request,
        mut context: CallContext,
    ) -> Result<Reply, CallError> {
        let _in_use = self.in_use();
        let limit = context.timeout.unwrap_or(CALL_LIMIT);
        context.timeout = Some(limit);
        let end = Instant::now() + limit;
        let left = || {
            Some(handed_on(
                limit,
                end.saturating_duration_since(Instant::now()),
            ))
        };
        loop {
            let connection = match self.open_connection() {
                Some(connection) => connection,
                None => {
                    let connection = Box::pin(self.wait_for_up(&request, &context)).await?;
                    context.timeout = left();
                    connection
                }
            };
            context.transit.iter().for_each(Transit::leave);
            match connection.send(&request, &context).await {
                // It belongs on the next connection, which the loop waits for.
                Err(error) if error.delivery() == Delivery::NotSent && connection.is_closed() => {
                    context.transit.iter().for_each(Transit::hold);
                    context.timeout = left();
                }
                result => return result,
            }
        }
    }

    /// When the server last answered anything, on this connection or an earlier one.
    #[must_use]
    pub fn last_answer(&self) -> Option<Instant> {
        let earlier = *self.0.shared.answered.borrow();
        let now = self.open_connection().and_then(|it| it.last_answer());
        now.max(earlier)
    }

    /// Whether a call made now would start it: it is idle, or has failed and its cool-down is over.
    #[must_use]
    pub fn would_start(&self) -> bool {
        self.0.shared.waits_for_a_wish()
    }

    /// Whether a request would be sent at once.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.open_connection().is_some()
    }

    /// Waits until `request` can be sent, as [`request`](Self::request) does: on the context's time, up to the idle
    /// timeout.
    ///
    /// # Errors
    /// [`CallError`] with `NotSent`, as of [`connection`](Self::connection). It is final: the server is started again by
    /// rules of its own, and whoever asks again at once is told the same.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; the server goes on starting.
    pub async fn wait_for_start(
        &self,
        request: &Request,
        context: &CallContext,
    ) -> Result<(), CallError> {
        let _in_use = self.in_use();
        self.wait_for_up(request, context).await.map(drop)
    }

    async fn wait_for_up(
        &self,
        request: &Request,
        context: &CallContext,
    ) -> Result<Connection, CallError> {
        let limit = context.timeout.unwrap_or(CALL_LIMIT);
        // A server that does not come up shows no sign of progress.
        let patience = context.idle_timeout.unwrap_or(limit).min(limit);
        let up = self.up(Instant::now() + patience, patience).await;
        up.map_err(|error| {
            error
                .with_server(self.0.server.clone())
                .with_capability(request.capability(&self.0.server))
                .with_trace(context.trace)
                .exhausted()
        })
    }

    fn open_connection(&self) -> Option<Connection> {
        match &*self.0.shared.phase.borrow() {
            Phase::Up(connection) if !connection.is_closed() => Some(connection.clone()),
            _ => None,
        }
    }

    /// Ends it for good once the calls that were sent have ended; calls that still wait for it are ended at once, as
    /// `NotSent`. Takes 5 s longer than those calls at most.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the server as it is.
    pub async fn retire(&self) {
        let mut phases = self.phases();
        let down = async {
            while matches!(self.phase(), Phase::Up(_)) && phases.next().await.is_some() {}
        };
        tokio::select! {
            () = self.0.shared.unused() => {}
            () = down => {}
        }
        self.close().await;
    }

    /// Ends it for good: says goodbye, then kills what does not go. Takes 5 s at most.
    pub async fn close(&self) {
        self.0.shared.enter(Phase::Closed);
        // The connection has limits of its own, which add up to less.
        let _ = timeout(CLOSE_LIMIT, self.0.ended.cancelled()).await;
    }

    /// A connection that has not ended, by `end`.
    async fn up(&self, end: Instant, limit: Duration) -> Result<Connection, CallError> {
        // The usual case needs nothing of what follows.
        if let Some(connection) = self.open_connection() {
            return Ok(connection);
        }
        let mut phases = self.0.shared.phase.subscribe();
        let mut last_failure = None;
        loop {
            self.start();
            match &*phases.borrow_and_update() {
                Phase::Up(connection) if !connection.is_closed() => return Ok(connection.clone()),
                Phase::BackingOff { until, why } if *until > end => {
                    return Err(why.error(Some(*until)));
                }
                Phase::Failed { retry_at, why } => return Err(why.error(*retry_at)),
                Phase::Closed => return Err(closed()),
                Phase::Starting { after: why } => last_failure.clone_from(why),
                Phase::Idle | Phase::Up(_) | Phase::BackingOff { .. } => {}
            }
            if timeout_at(end, phases.changed()).await.is_err() {
                return Err(still_starting(limit, last_failure));
            }
        }
    }
}

fn closed() -> CallError {
    let cause = "its server was closed here";
    CallError::new(ErrorKind::Unavailable, Delivery::NotSent, cause)
        .with_advice("connect it anew to use it")
}

/// The caller's time is over. What a server is known to fail with says more than that it is slow.
fn still_starting(limit: Duration, last_failure: Option<Outage>) -> CallError {
    // What is left of a limit is no round figure, and nobody wants to read nanoseconds.
    let millis = limit.saturating_add(Duration::from_micros(500)).as_millis();
    let limit = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
    if let Some(why) = last_failure {
        let more = format!("started again, it is not up after {limit:?}");
        return why.and(&more).error(None);
    }
    let cause = format!("its server is still starting after {limit:?}");
    CallError::new(ErrorKind::Unavailable, Delivery::NotSent, cause)
        .with_advice("try again in a while, or raise the timeout")
}

impl fmt::Debug for Supervised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervised")
            .field("server", &self.0.server)
            .field("phase", &self.phase())
            .finish()
    }
}
