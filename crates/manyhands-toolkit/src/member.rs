//! One server's life in a toolkit: started, asked, published, followed to its end.

use std::sync::Arc;

use manyhands_core::ServerId;
use manyhands_discovery::{Limits, discover};
use manyhands_registry::Diff;
use manyhands_routing::{Down, RouteState};
use manyhands_transport::{ConnectError, ConnectErrorKind, ConnectOptions, Connection, Connector};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::report::ServerStatus;
use crate::settings::ServerSettings;
use crate::shared::{Shared, State};

/// Runs until the server's connection has ended.
pub(crate) async fn live(
    shared: Arc<Shared>,
    id: ServerId,
    connector: Connector,
    settings: ServerSettings,
    spawn_permits: Arc<Semaphore>,
) {
    let started = Instant::now();
    let options = ConnectOptions::new(id.clone())
        .with_start_limit(settings.start_timeout.0)
        .with_spawn_permits(spawn_permits);
    match connector.connect(options).await {
        Ok(connection) => {
            introduce(&shared, &id, &connection, &settings, started).await;
            let how = connection.closed().await;
            lost(&shared, &id, &connection, how);
        }
        Err(error) => refused(&shared, &id, &error, started),
    }
}

/// Asks a connected server what it offers, and makes it usable.
async fn introduce(
    shared: &Shared,
    id: &ServerId,
    connection: &Connection,
    settings: &ServerSettings,
    started: Instant,
) {
    let found = discover(connection, &Limits::default()).await;
    // The route comes first: whoever finds a name in the catalogue can call it.
    shared.router.set(
        id.clone(),
        RouteState::Up(connection.clone(), settings.timeout.0),
    );
    let diff = shared.publish(id, &found.inventory);
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

/// The server could not be connected.
fn refused(shared: &Shared, id: &ServerId, error: &ConnectError, started: Instant) {
    let (cause, mend) = (error.cause().to_owned(), error.mend().map(str::to_owned));
    let mut down = Down::new(cause.clone()).with_mend(mend.clone());
    let status = if error.kind() == ConnectErrorKind::Unauthorized {
        down = down.unauthorized();
        ServerStatus::NeedsAuth { cause, mend }
    } else {
        ServerStatus::Failed { cause, mend }
    };
    shared.router.set(id.clone(), RouteState::Down(down));
    let mut state = State::new(status);
    state.took = Some(started.elapsed());
    state.diagnostics = error.diagnostics().clone();
    shared.set(id, state, Diff::default());
}

/// The connection ended. What the server offered stays in the catalogue, so that names keep their meaning.
fn lost(shared: &Shared, id: &ServerId, connection: &Connection, how: String) {
    let diagnostics = connection.diagnostics();
    let how = match diagnostics.last_words() {
        Some(words) => format!("{how}; its last words: \"{words}\""),
        None => how,
    };
    let mend = "look at its log, then start it again".to_owned();
    let down = Down::new(how.clone()).with_mend(Some(mend.clone()));
    shared.router.set(id.clone(), RouteState::Down(down));
    let mut state = State::new(ServerStatus::Failed {
        cause: how,
        mend: Some(mend),
    });
    state.info = Some(connection.info().clone());
    state.diagnostics = diagnostics;
    shared.set(id, state, Diff::default());
}
