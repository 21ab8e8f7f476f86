//! From an opened transport to a connection: the handshake, its limit, and why it failed.
//!
//! `initialize` is tried first, since nearly every server of any age answers
//! it; a server that refuses it is asked again by the `server/discover` of
//! 2026-07-28, on a fresh transport, so that no late answer can be mistaken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use manyhands_core::model::ProtocolVersion;
use manyhands_core::{Printable, clip};
use rmcp::RoleClient;
use rmcp::service::{
    ClientCacheConfig, ClientInitializeError, ClientLifecycleMode, RunningService,
    serve_client_with_lifecycle_and_ct,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::connector::{ConnectOptions, Connector, Opened};
use crate::diagnostics::Diagnostics;
use crate::error::{ConnectError, ConnectErrorKind, OpenError};
use crate::explain::{self, closed_early, no_common_version, too_slow};
use crate::handler::Handler;
use crate::wire::Keeper;

/// How long a child that closed its pipes may take to end, so that the error can tell how.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// A handshake that succeeded, with what must be kept.
pub(crate) struct Established {
    pub(crate) running: RunningService<RoleClient, Handler>,
    pub(crate) keeper: Keeper,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) stop: CancellationToken,
    /// Whether results come as the text that [`link`](crate::link) kept.
    pub(crate) results_as_text: bool,
}

/// Connects within the start limit, which begins once the spawn permit is there.
pub(crate) async fn connect(
    connector: &Connector,
    options: ConnectOptions,
) -> Result<Connection, ConnectError> {
    let permit = match options.spawn_permits.clone().filter(|_| connector.spawns()) {
        // The semaphore is never closed; if it were, spawning unlimited is the lesser harm.
        Some(permits) => permits.acquire_owned().await.ok(),
        None => None,
    };
    let mut seen = Diagnostics::default();
    let result = match timeout(
        options.start_limit,
        shake_hands(connector, permit, &mut seen),
    )
    .await
    {
        Ok(result) => result,
        Err(_) => Err(too_slow(
            options.start_limit,
            &seen.snapshot(),
            connector.spawns(),
        )),
    };
    match result {
        Ok(established) => {
            // Its answers would outlive the server that gave them, and hide its death.
            let cache = ClientCacheConfig::disabled();
            established
                .running
                .peer()
                .set_response_cache_config(cache)
                .await;
            Ok(Connection::new(options.server, established))
        }
        Err(reason) => Err(ConnectError::new(options.server, reason, seen.snapshot())),
    }
}

async fn shake_hands(
    connector: &Connector,
    permit: Option<OwnedSemaphorePermit>,
    seen: &mut Diagnostics,
) -> Result<Established, OpenError> {
    let refused = match attempt(connector, permit, ClientLifecycleMode::Initialize, seen).await {
        Err(Failure::Refused(reason)) => reason,
        Err(Failure::Final(reason)) => return Err(reason),
        Ok(established) => return Ok(established),
    };
    let discover = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    // A server that speaks neither is best described by its answer to the handshake it knows.
    attempt(connector, None, discover, seen)
        .await
        .map_err(|_| refused)
}

/// Whether another protocol version is worth a try.
enum Failure {
    Refused(OpenError),
    Final(OpenError),
}

impl From<OpenError> for Failure {
    fn from(reason: OpenError) -> Self {
        Self::Final(reason)
    }
}

async fn attempt(
    connector: &Connector,
    permit: Option<OwnedSemaphorePermit>,
    mode: ClientLifecycleMode,
    seen: &mut Diagnostics,
) -> Result<Established, Failure> {
    let opened = connector.open().await?;
    drop(permit);
    let stop = CancellationToken::new();
    match opened {
        Opened::Http(settings) => {
            let transport = settings.transport()?;
            serve_client_with_lifecycle_and_ct(Handler, transport, mode, stop.clone())
                .await
                .map(|running| Established {
                    running,
                    keeper: Keeper::Nothing,
                    diagnostics: Diagnostics::default(),
                    stop,
                    results_as_text: false,
                })
                .map_err(|error| explain::explain_http(error, &settings.shown_url()))
                .map_err(|(reason, retry)| {
                    if retry {
                        Failure::Refused(reason)
                    } else {
                        Failure::Final(reason)
                    }
                })
        }
        Opened::Wire(wire) => {
            *seen = wire.diagnostics.clone();
            let shaken = Arc::new(AtomicBool::new(false));
            let transport = (
                crate::link::outgoing(wire.outgoing),
                crate::link::incoming(wire.incoming, seen.clone(), shaken.clone()),
            );
            let mut keeper = wire.keeper;
            match serve_client_with_lifecycle_and_ct(Handler, transport, mode, stop.clone()).await {
                Ok(running) => {
                    shaken.store(true, Ordering::Relaxed);
                    Ok(Established {
                        running,
                        keeper,
                        diagnostics: seen.clone(),
                        stop,
                        results_as_text: true,
                    })
                }
                Err(error) => Err(explain_wire(error, &mut keeper, seen).await),
            }
        }
    }
}

/// Says why the handshake over a wire failed.
async fn explain_wire(
    error: ClientInitializeError,
    keeper: &mut Keeper,
    seen: &Diagnostics,
) -> Failure {
    match error {
        ClientInitializeError::JsonRpcError(answer) => Failure::Refused(
            OpenError::new(
                ConnectErrorKind::Incompatible,
                format!(
                    "it refused the handshake (error {}: {})",
                    answer.code.0,
                    clip(&Printable(&answer.message).to_string(), 200)
                ),
            )
            .with_mend("update the server, or check that its settings are complete"),
        ),
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            Failure::Refused(no_common_version())
        }
        ClientInitializeError::ConnectionClosed(_)
        | ClientInitializeError::TransportError { .. } => {
            if let Keeper::Process(process) = keeper {
                process.ended(EXIT_GRACE).await;
            }
            Failure::Final(closed_early(
                &seen.snapshot(),
                matches!(keeper, Keeper::Process(_)),
            ))
        }
        other => Failure::Final(
            OpenError::new(
                ConnectErrorKind::NotMcp,
                "its answer to the handshake is not MCP",
            )
            .with_mend("check that the command starts an MCP server")
            .with_source(clip(&Printable(&other.to_string()).to_string(), 300).into_owned()),
        ),
    }
}
