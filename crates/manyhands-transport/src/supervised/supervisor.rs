//! The task that takes one server through its phases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::Supervision;
use super::phase::{Outage, Phase};
use super::restart::{History, Next};
use crate::connection::Connection;
use crate::connector::{ConnectOptions, Connector};

/// How long after a failure that no repetition mends a call may look whether somebody has mended it.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What the handles and the supervisor share.
pub(super) struct Shared {
    pub(super) phase: watch::Sender<Phase>,
    /// How many calls are under way.
    users: AtomicUsize,
    /// Told when the last call under way has ended.
    unused: Notify,
    /// When the last call ended, in milliseconds after `created`.
    last_used: AtomicU64,
    created: Instant,
    /// When the server last answered anything on a connection that has ended.
    pub(super) answered: watch::Sender<Option<Instant>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Idle),
            users: AtomicUsize::new(0),
            unused: Notify::new(),
            last_used: AtomicU64::new(0),
            created: Instant::now(),
            answered: watch::Sender::new(None),
        }
    }
}

impl Shared {
    /// Goes on to another phase; [`Phase::Closed`] is the last one.
    pub(super) fn enter(&self, next: Phase) {
        self.phase.send_if_modified(|now| {
            let goes_on = !matches!(now, Phase::Closed);
            if goes_on {
                *now = next;
            }
            goes_on
        });
    }

    /// Has it started, where nothing else will start it and nothing speaks against it.
    pub(super) fn want(&self) {
        self.start_from(can_be_wished);
    }

    /// Whether whoever wants it now has it started.
    pub(super) fn waits_for_a_wish(&self) -> bool {
        can_be_wished(&self.phase.borrow())
    }

    /// Has it started, where nothing else will start it.
    pub(super) fn retry(&self) {
        self.start_from(|phase| matches!(phase, Phase::Idle | Phase::Failed { .. }));
    }

    fn start_from(&self, waits_for_a_wish: impl Fn(&Phase) -> bool) {
        // Looking first spares the usual call the writer's lock.
        if waits_for_a_wish(&self.phase.borrow()) {
            self.phase.send_if_modified(|now| {
                let starts = waits_for_a_wish(now);
                if starts {
                    let after = match now {
                        Phase::Failed { why, .. } => Some(why.clone()),
                        _ => None,
                    };
                    *now = Phase::Starting { after };
                }
                starts
            });
        }
    }

    /// Stops being up where no call is under way.
    ///
    /// A call counts itself before it looks at the phase, and this looks at the count while nobody can look at the
    /// phase: so a call either is seen here or sees that it has to start the server again.
    fn leave_if_unused(&self) -> bool {
        self.phase.send_if_modified(|now| {
            let unused = self.users.load(Ordering::SeqCst) == 0 && matches!(now, Phase::Up(_));
            if unused {
                *now = Phase::Idle;
            }
            unused
        })
    }

    fn used_now(&self) {
        let millis = u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_used.fetch_max(millis, Ordering::SeqCst);
    }

    /// Waits until no call is under way.
    pub(super) async fn unused(&self) {
        loop {
            let told = self.unused.notified();
            tokio::pin!(told);
            // From here on nothing is missed that ends after the look below.
            told.as_mut().enable();
            if self.users.load(Ordering::SeqCst) == 0 {
                return;
            }
            told.await;
        }
    }

    /// Waits until no call was under way for as long as `limit`, and it stopped being up.
    async fn unused_for(&self, limit: Option<Duration>) {
        let Some(limit) = limit else {
            return std::future::pending().await;
        };
        self.used_now();
        loop {
            let last_used = Duration::from_millis(self.last_used.load(Ordering::SeqCst));
            let end = self.created + last_used + limit;
            if Instant::now() < end {
                sleep_until(end).await;
            } else if self.leave_if_unused() {
                return;
            } else {
                // A call under way ends later than now, so its end counts from then.
                sleep(limit).await;
            }
        }
    }
}

fn can_be_wished(phase: &Phase) -> bool {
    match phase {
        Phase::Idle => true,
        Phase::Failed { retry_at, why } => {
            why.may_be_mended() || retry_at.is_some_and(|at| at <= Instant::now())
        }
        _ => false,
    }
}

/// While it is held, its server is not stopped for being idle.
pub struct InUse(Arc<Shared>);

impl InUse {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        shared.users.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.used_now();
        if self.0.users.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.unused.notify_waiters();
        }
    }
}

impl std::fmt::Debug for InUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InUse").finish_non_exhaustive()
    }
}

/// Starts, follows, restarts and stops one server.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    connector: Connector,
    options: ConnectOptions,
    idle_stop: Option<Duration>,
    history: History,
    /// The connection, until everything that belongs to it is gone.
    connection: Option<Connection>,
}

/// How a connection, or the attempt to get one, ended.
enum End {
    /// It was stopped because nobody used it.
    Idle,
    /// It failed after so long a life.
    Failed(Outage, Duration),
}

impl Supervisor {
    pub(super) fn new(
        shared: Arc<Shared>,
        connector: Connector,
        options: ConnectOptions,
        supervision: Supervision,
    ) -> Self {
        let jitter = supervision.seed.map_or_else(Rng::new, Rng::with_seed);
        Self {
            shared,
            connector,
            options,
            idle_stop: supervision.idle_stop,
            history: History::new(supervision.restart, jitter),
            connection: None,
        }
    }

    /// Runs until the server is closed for good.
    pub(super) async fn run(mut self) {
        let mut phase = self.shared.phase.subscribe();
        tokio::select! {
            // The sender lives as long as `self` does.
            _ = phase.wait_for(|phase| matches!(phase, Phase::Closed)) => {}
            () = self.supervise() => {}
        }
        self.clear_away().await;
    }

    async fn supervise(&mut self) {
        let mut phase = self.shared.phase.subscribe();
        let mut last_chance = false;
        loop {
            // Only who wants the server leads from idle or failed to starting.
            let _ = phase
                .wait_for(|phase| matches!(phase, Phase::Starting { .. }))
                .await;
            last_chance = self.keep_up(last_chance).await;
        }
    }

    /// Starts the server, and again whenever it fails, until it is idle or given up. Says whether it was given up.
    async fn keep_up(&mut self, last_chance: bool) -> bool {
        let mut last_chance = last_chance;
        loop {
            let (outage, lived) = match self.live().await {
                End::Idle => {
                    self.clear_away().await;
                    return false;
                }
                End::Failed(outage, lived) => (outage, lived),
            };
            // It was a last chance only if it was not taken.
            last_chance &= self.connection.is_none();
            let next = match outage.may_pass() && !last_chance {
                true => self.history.next(Instant::now(), lived),
                false => Next::GiveUp,
            };
            tracing::debug!(server = %self.options.server, cause = outage.cause(), ?next, "server failed");
            let until = match next {
                Next::GiveUp => {
                    self.give_up(outage);
                    self.clear_away().await;
                    return true;
                }
                Next::Now => outage.retry_after(),
                // Who asks for a longer wait gets it.
                Next::After(wait) => Some(wait.max(outage.retry_after().unwrap_or_default())),
            };
            let until = until.map(|wait| Instant::now() + wait);
            if let Some(until) = until {
                let why = outage.clone();
                self.shared.enter(Phase::BackingOff { until, why });
                // There is never more than one child: the next one waits for the last one to be gone.
                self.clear_away().await;
                sleep_until(until).await;
            }
            let after = Some(outage);
            self.shared.enter(Phase::Starting { after });
            self.clear_away().await;
        }
    }

    /// One connection, from its start to its end.
    async fn live(&mut self) -> End {
        let connection = match self.connector.connect(self.options.clone()).await {
            Ok(connection) => connection,
            Err(error) => return End::Failed(Outage::refused(&error), Duration::ZERO),
        };
        let since = Instant::now();
        self.connection = Some(connection.clone());
        self.shared.enter(Phase::Up(connection.clone()));
        let end = tokio::select! {
            how = connection.closed() => {
                End::Failed(Outage::lost(&connection, how), since.elapsed())
            }
            () = self.shared.unused_for(self.idle_stop) => End::Idle,
        };
        let answered = connection.last_answer();
        self.shared.answered.send_replace(answered);
        end
    }

    fn give_up(&self, outage: Outage) {
        let policy = self.history.policy();
        let spent = policy.attempts > 0 && outage.may_pass();
        let (retry_at, why) = if spent {
            let why = outage.and("it failed too often, and is left alone for a while");
            (Some(Instant::now() + policy.cool_down), why)
        } else if policy.attempts > 0 {
            // A person may install what is missing, unlock a keyring, or log in.
            (None, outage.look_at(Instant::now() + LOOK_AGAIN))
        } else {
            (None, outage)
        };
        self.shared.enter(Phase::Failed { retry_at, why });
    }

    /// Waits until everything that belonged to the last connection is gone: 5 s at most.
    async fn clear_away(&mut self) {
        if let Some(connection) = &self.connection {
            connection.close().await;
        }
        self.connection = None;
    }
}
