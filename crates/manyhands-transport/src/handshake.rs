//! From an opened transport to a connection: the handshake, its limit, and why it failed.
//!
//! `initialize` is tried first, since nearly every server of any age answers
//! it; a server that refuses it is asked again by the `server/discover` of
//! 2026-07-28, on a fresh transport, so that no late answer can be mistaken.

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
use crate::diagnostics::{Diagnostics, Snapshot};
use crate::error::{ConnectError, ConnectErrorKind, OpenError};
use crate::handler::Handler;
use crate::outcome;
use crate::wire::Keeper;

/// How long a child that closed its pipes may take to end, so that the error can tell how.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// A handshake that succeeded, with what must be kept.
pub(crate) struct Established {
    pub(crate) running: RunningService<RoleClient, Handler>,
    pub(crate) keeper: Keeper,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) stop: CancellationToken,
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
                })
                .map_err(|error| outcome::explain_http(error, &settings.shown_url()))
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
            let transport = (
                crate::link::outgoing(wire.outgoing),
                crate::link::incoming(wire.incoming, seen.clone()),
            );
            let mut keeper = wire.keeper;
            match serve_client_with_lifecycle_and_ct(Handler, transport, mode, stop.clone()).await {
                Ok(running) => Ok(Established {
                    running,
                    keeper,
                    diagnostics: seen.clone(),
                    stop,
                }),
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

pub(crate) fn no_common_version() -> OpenError {
    OpenError::new(
        ConnectErrorKind::Incompatible,
        "it speaks no protocol version that we know",
    )
    .with_mend("update the server or Manyhands")
}

/// The wire ended before the handshake did.
fn closed_early(seen: &Snapshot, child: bool) -> OpenError {
    let mut cause = match (&seen.exit, child) {
        (Some(status), _) => format!("the server exited during the handshake ({status})"),
        (None, true) => "the server closed its output during the handshake".to_owned(),
        (None, false) => "the connection was closed during the handshake".to_owned(),
    };
    cause.push_str(&evidence(seen));
    OpenError::new(ConnectErrorKind::Exited, cause).with_mend(if child {
        "run the same command in a terminal, and check its arguments and environment"
    } else {
        "look at the server's own log"
    })
}

/// The start limit is over.
fn too_slow(limit: Duration, seen: &Snapshot, child: bool) -> OpenError {
    let cause = format!(
        "it did not answer the handshake within {limit:?}{}",
        evidence(seen)
    );
    let mend = if seen.stray_lines > 0 {
        "check that the command starts an MCP server over stdio, and that it logs to stderr only"
    } else if child {
        "if it is only slow, raise `manyhands.startTimeout` in its entry; else run the same command in a terminal to see what it waits for"
    } else {
        "check that an MCP server answers there; if it is only slow, raise `manyhands.startTimeout` in its entry"
    };
    OpenError::new(ConnectErrorKind::TimedOut, cause).with_mend(mend)
}

/// What the server said elsewhere, for the end of a cause.
pub(crate) fn evidence(seen: &Snapshot) -> String {
    let mut text = String::new();
    if let (Some(sample), count) = (&seen.stray_sample, seen.stray_lines) {
        let lines = if count == 1 {
            "a line that is"
        } else {
            "lines that are"
        };
        text.push_str(&format!(
            ", and wrote {lines} not MCP to its output, such as {sample:?}"
        ));
    }
    if let Some(words) = seen.last_words() {
        text.push_str(&format!("; its last words: \"{words}\""));
    }
    text
}
