//! One server's life in a toolkit: asked what it offers whenever it is connected, published, followed for ever.

use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{CallError, Credentials, ErrorKind, Inventory, ListKind};
use manyhands_discovery::{ALL_LISTS, Limits, refresh};
use manyhands_registry::Diff;
use manyhands_routing::Route;
use manyhands_transport::{ConnectErrorKind, Connection, Outage, Phase};
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::freshness::{Freshness, Look};
use crate::health::{self, Finding};
use crate::open::Turns;
use crate::replicas::Others;
use crate::report::ServerStatus;
use crate::shared::{Shared, Slot, State};

/// How often a person is asked before a server is ready: to log in, for further permissions, and because the server has
/// moved meanwhile.
const MAX_ASKED: usize = 3;
/// How often is looked whether somebody has logged in elsewhere.
const LOOK: Duration = Duration::from_secs(2);

/// Follows a server through its phases until it is closed. What is remembered of its offer is kept where it cannot be
/// listed anew.
pub(crate) async fn live(
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    route: Route,
    remembered: Inventory,
) {
    let mut followed = route.server().follow();
    let mut others = Others::default();
    let mut turns = Turns::of(&route);
    let mut probes = slot.health.clone();
    let mut started = Instant::now();
    let mut login = Relogin::default();
    let mut offer = Offer::remembered(remembered);
    loop {
        shared.compared(&slot, others.differing(&offer.last));
        let phase = tokio::select! {
            turn = followed.next() => {
                let Some(turn) = turn else { return };
                others.follow(&turn, &followed);
                let Some(phase) = turn.server else {
                    shared.turned(&slot);
                    continue;
                };
                phase
            }
            () = others.next() => continue,
            () = login.done() => {
                shared.logged_in(&slot);
                continue;
            }
            found = health::next(&mut probes) => {
                probed(&shared, &slot, found).then(|| login.follow(&shared, &slot));
                continue;
            }
            () = turned(&mut turns, &shared, &slot) => {
                shared.turned(&slot);
                continue;
            }
            lists = offer.due() => {
                offer.refresh(&shared, &slot, &lists).await;
                continue;
            }
            () = slot.ask_again.notified() => match followed.spokesman().phase() {
                up @ Phase::Up(_) if !slot.is_ready() => up,
                _ => continue,
            },
        };
        offer.connection = None;
        match &phase {
            Phase::Starting { .. } => {
                started = Instant::now();
                shared.starting(&slot);
                continue;
            }
            Phase::Up(connection) => {
                let _in_use = followed.spokesman().in_use();
                offer.introduce(&shared, &slot, connection, started).await;
            }
            down => not_up(&shared, &slot, down, started),
        }
        login.follow(&shared, &slot);
    }
}

/// A server is neither up nor being started.
fn not_up(shared: &Shared, slot: &Slot, phase: &Phase, started: Instant) {
    match phase {
        Phase::Idle => shared.idle(slot),
        Phase::BackingOff { until, why } => failed(shared, slot, why, Some(*until), started),
        Phase::Failed { retry_at, why } => failed(shared, slot, why, *retry_at, started),
        _ => {}
    }
}

/// Waits until a server is left alone, or no longer, or until models are shown it again. Cancel safe.
async fn turned(turns: &mut Turns, shared: &Shared, slot: &Slot) {
    tokio::select! {
        () = turns.next() => {}
        () = shared.shown_again(slot) => {}
    }
}

/// What a server offers: what it said last, and when to ask again.
struct Offer {
    last: Inventory,
    connection: Option<(Connection, Freshness)>,
}

impl Offer {
    fn remembered(last: Inventory) -> Self {
        let connection = None;
        Self { last, connection }
    }

    /// Waits until it is time to ask a connected server again, and says for which lists. Cancel safe.
    async fn due(&mut self) -> Vec<ListKind> {
        match &mut self.connection {
            Some((_, freshness)) => freshness.due().await,
            None => std::future::pending().await,
        }
    }

    /// Asks a server that was just connected what it offers, and makes that known.
    async fn introduce(
        &mut self,
        shared: &Shared,
        slot: &Slot,
        connection: &Connection,
        started: Instant,
    ) {
        let mut freshness = Freshness::new(connection);
        let found = refresh(connection, &Limits::default(), &ALL_LISTS, &self.last).await;
        if connection.is_closed() {
            // What it said halfway is no offer; how it ended is told by the next phase.
            return;
        }
        let asked = !found.failed.contains(&ListKind::Tools);
        let diff = shared.publish(slot, &found.inventory, asked);
        let mend = |error: &CallError| error.advice().map(str::to_owned);
        let status = match found.failure {
            None => ServerStatus::Ready,
            Some(error) if error.kind() == ErrorKind::Unauthorized => ServerStatus::NeedsAuth {
                cause: error.cause().to_owned(),
                mend: mend(&error),
            },
            Some(error) => ServerStatus::Failed {
                cause: format!("its tools cannot be listed: {}", error.cause()),
                mend: mend(&error),
            },
        };
        let needs_login = matches!(status, ServerStatus::NeedsAuth { .. });
        let mut state = State::new(status);
        // Whoever has logged in is to be told what it offers.
        state.info = (!needs_login).then(|| connection.info().clone());
        state.took = Some(started.elapsed());
        shared.set(slot, state, diff);
        let came = if found.failed.is_empty() || needs_login {
            Look::Changed
        } else {
            Look::Failed
        };
        freshness.looked(&found.failed, came, &found.ttls);
        if came == Look::Changed && !needs_login {
            remember(slot, connection, &found.inventory);
        }
        self.last = found.inventory;
        self.connection = Some((connection.clone(), freshness));
    }

    /// Asks a connected server for these lists again, and makes known what has changed. Lists that cannot be read stay
    /// as they were.
    async fn refresh(&mut self, shared: &Shared, slot: &Slot, lists: &[ListKind]) {
        let Some((connection, freshness)) = &mut self.connection else {
            return;
        };
        let found = refresh(connection, &Limits::default(), lists, &self.last).await;
        if connection.is_closed() {
            return;
        }
        let asked = !found.failed.contains(&ListKind::Tools);
        let diff = shared.publish(slot, &found.inventory, asked);
        let came = match (found.failed.is_empty(), diff.is_empty()) {
            (false, _) => Look::Failed,
            (true, true) => Look::Unchanged,
            (true, false) => Look::Changed,
        };
        freshness.looked(&found.failed, came, &found.ttls);
        tracing::debug!(server = %slot.id, ?lists, ?came, "asked again");
        let tools_are_back = lists.contains(&ListKind::Tools) && found.failure.is_none();
        if found.failed.is_empty() {
            remember(slot, connection, &found.inventory);
        }
        self.last = found.inventory;
        shared.refreshed(slot, diff, tools_are_back);
    }
}

/// What was listed in whole is there at the next start.
fn remember(slot: &Slot, connection: &Connection, inventory: &Inventory) {
    if let Some(memory) = &slot.memory {
        memory.keep(connection.info(), inventory);
    }
}

/// A login that a server waits for: made here by a person, or elsewhere by another process.
#[derive(Default)]
struct Relogin {
    waiting: Option<AbortOnDropHandle<()>>,
    /// How often a person was asked since the server was last ready.
    asked: usize,
}

impl Relogin {
    fn follow(&mut self, shared: &Arc<Shared>, slot: &Arc<Slot>) {
        if slot.is_ready() {
            *self = Self::default();
        }
        let credentials = slot.credentials.clone().filter(|_| slot.needs_login());
        self.waiting = credentials.map(|credentials| {
            let declined = slot.state.borrow().unanswered;
            let ask = self.asked < MAX_ASKED && !declined && shared.may_log_in(slot);
            self.asked += usize::from(ask);
            slot.state.send_modify(|state| state.unanswered |= !ask);
            let task = logged_in(shared.clone(), slot.clone(), credentials, ask);
            AbortOnDropHandle::new(tokio::spawn(task))
        });
    }

    /// Ready once somebody has logged in.
    async fn done(&mut self) {
        match &mut self.waiting {
            Some(waiting) => {
                let ended = waiting.await;
                self.waiting = None;
                if ended.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            None => std::future::pending().await,
        }
    }
}

/// Asks a person to log in, where that is possible and wanted, then waits until somebody has.
async fn logged_in(shared: Arc<Shared>, slot: Arc<Slot>, credentials: Credentials, ask: bool) {
    let before = credentials.authorization().await.ok().flatten();
    if ask {
        match shared.log_in(&slot).await {
            Ok(()) => return,
            Err(error) => shared.not_logged_in(&slot, &error),
        }
    }
    loop {
        sleep(LOOK).await;
        // Looking costs a file's time stamp, and asks no server.
        if let Ok(now @ Some(_)) = credentials.authorization().await
            && now != before
        {
            return;
        }
    }
}

/// The server could not be connected, or was lost. What it offered stays in the catalogue, so that names keep their
/// meaning.
fn failed(shared: &Shared, slot: &Slot, why: &Outage, retry_at: Option<Instant>, started: Instant) {
    let mut state = State::new(status_of(why));
    state.took = why.kind().map(|_| started.elapsed());
    state.diagnostics = why.diagnostics().clone();
    state.retry_at = retry_at;
    shared.set(slot, state, Diff::default());
}

/// A connected server's probes found something else than before. What made it fail otherwise is not theirs to take back.
/// Says whether that made a difference.
fn probed(shared: &Shared, slot: &Slot, finding: Finding) -> bool {
    let mut state = slot.state.borrow().clone();
    let status = match (finding, &state.status) {
        (Finding::Well, _) if state.probed => {
            state.unanswered = false;
            ServerStatus::Ready
        }
        (Finding::Unwell { cause, mend }, ServerStatus::Ready) => ServerStatus::Failed {
            cause,
            mend: Some(mend),
        },
        (Finding::Unauthorized { cause, mend }, ServerStatus::Ready) => {
            // Nobody has asked for anything, so nobody is shown a login page; the next call does that.
            state.unanswered = true;
            ServerStatus::NeedsAuth { cause, mend }
        }
        _ => return false,
    };
    state.probed = status != ServerStatus::Ready;
    state.status = status;
    shared.set(slot, state, Diff::default());
    true
}

/// The state of what is not up for this reason.
pub(crate) fn status_of(why: &Outage) -> ServerStatus {
    let (cause, mend) = (why.cause().to_owned(), why.mend().map(str::to_owned));
    match why.kind() {
        Some(ConnectErrorKind::Unauthorized) => ServerStatus::NeedsAuth { cause, mend },
        _ => ServerStatus::Failed { cause, mend },
    }
}
