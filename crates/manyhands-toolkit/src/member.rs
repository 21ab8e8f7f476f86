//! One server's life in a toolkit: asked what it offers whenever it is connected, published, followed for ever.

use std::sync::Arc;

use manyhands_core::ServerId;
use manyhands_discovery::{Limits, discover};
use manyhands_registry::Diff;
use manyhands_transport::{ConnectErrorKind, Connection, Outage, Phase, Supervised};
use tokio::time::Instant;

use crate::report::ServerStatus;
use crate::shared::{Shared, State};

/// Follows a server through its phases until it is closed.
pub(crate) async fn live(shared: Arc<Shared>, server: Supervised) {
    let (id, mut phases) = (server.server().clone(), server.phases());
    let mut started = Instant::now();
    while let Some(phase) = phases.next().await {
        match phase {
            Phase::Starting { .. } => {
                started = Instant::now();
                shared.starting(&id);
            }
            Phase::Up(connection) => {
                introduce(&shared, &server, &connection, started).await;
            }
            Phase::Idle => shared.idle(&id),
            Phase::BackingOff { until, why } => failed(&shared, &id, &why, Some(until), started),
            Phase::Failed { retry_at, why } => failed(&shared, &id, &why, retry_at, started),
            _ => {}
        }
    }
}

/// Asks a connected server what it offers, and makes that known.
async fn introduce(
    shared: &Shared,
    server: &Supervised,
    connection: &Connection,
    started: Instant,
) {
    let _in_use = server.in_use();
    let id = server.server();
    let found = discover(connection, &Limits::default()).await;
    if connection.is_closed() {
        // What it said halfway is no offer; how it ended is told by the next phase.
        return;
    }
    // Tools that cannot be listed for once are kept as they were.
    let diff = if found.failure.is_none() || !shared.is_introduced(id) {
        shared.publish(id, &found.inventory)
    } else {
        Diff::default()
    };
    let status = match found.failure {
        None => ServerStatus::Ready,
        Some(error) => ServerStatus::Failed {
            cause: format!("its tools cannot be listed: {}", error.cause()),
            mend: error.advice().map(str::to_owned),
        },
    };
    let mut state = State::new(status);
    state.info = Some(connection.info().clone());
    state.took = Some(started.elapsed());
    shared.set(id, state, diff);
}

/// The server could not be connected, or was lost. What it offered stays in the catalogue, so that names keep their
/// meaning.
fn failed(
    shared: &Shared,
    id: &ServerId,
    why: &Outage,
    retry_at: Option<Instant>,
    started: Instant,
) {
    let (cause, mend) = (why.cause().to_owned(), why.mend().map(str::to_owned));
    let status = match why.kind() {
        Some(ConnectErrorKind::Unauthorized) => ServerStatus::NeedsAuth { cause, mend },
        _ => ServerStatus::Failed { cause, mend },
    };
    let mut state = State::new(status);
    state.took = why.kind().map(|_| started.elapsed());
    state.diagnostics = why.diagnostics().clone();
    state.retry_at = retry_at;
    shared.set(id, state, Diff::default());
}
