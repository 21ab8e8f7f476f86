//! One server, connected: requests go in, replies or honest errors come out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::model::{CancelledNotificationParam, RequestId, ServerResult};
use manyhands_core::{CallContext, CallError, Reply, Request, ServerId, ServerInfo};
use rmcp::RoleClient;
use rmcp::service::{Peer, PeerRequestOptions, RequestHandle, RunningService, ServiceError};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::diagnostics::{Diagnostics, Snapshot};
use crate::handler::Handler;
use crate::handshake::Established;
use crate::outcome;
use crate::wire::Keeper;

/// How long a call may take in total when neither caller nor settings say: 30 s.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// How long a server may take to be told goodbye; with the process's own limits, `close` ends within 5 s.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long a failed call waits to learn how the server ended.
const EXIT_GRACE: Duration = Duration::from_millis(700);
/// How long a cancellation may take to be sent.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// An open connection to one server. Clones share it; dropping the last one ends it.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    server: ServerId,
    info: ServerInfo,
    peer: Peer<RoleClient>,
    diagnostics: Diagnostics,
    results_as_text: bool,
    state: watch::Receiver<State>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

/// How far the end of a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Open,
    /// No more answers come, and how a child ended is known.
    Ended,
    /// Everything that belonged to it is gone.
    Gone,
}

impl Connection {
    pub(crate) fn new(server: ServerId, established: Established) -> Self {
        let Established {
            running,
            keeper,
            diagnostics,
            stop,
            results_as_text,
        } = established;
        let peer = running.peer().clone();
        let info = read_info(&peer);
        let (ended, state) = watch::channel(State::Open);
        tokio::spawn(look_after(
            running,
            stop.clone(),
            keeper,
            diagnostics.clone(),
            ended,
        ));
        let guard = stop.clone().drop_guard();
        Self(Arc::new(Inner {
            server,
            info,
            peer,
            diagnostics,
            results_as_text,
            state,
            stop,
            _stop_on_drop: guard,
        }))
    }

    /// The server's name.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.0.server
    }

    /// How the server introduced itself.
    #[must_use]
    pub fn info(&self) -> &ServerInfo {
        &self.0.info
    }

    /// What the connection noticed beside the protocol.
    #[must_use]
    pub fn diagnostics(&self) -> Snapshot {
        self.0.diagnostics.snapshot()
    }

    /// Sends one request and waits for its reply: for the context's timeout, or 30 s in total.
    ///
    /// # Errors
    /// [`CallError`], whose `delivery` says whether the server may have acted on it.
    ///
    /// # Cancel safety
    /// Dropping the future tells the server that the request is cancelled.
    pub async fn request(
        &self,
        request: Request,
        context: CallContext,
    ) -> Result<Reply, CallError> {
        let capability = request.capability(&self.0.server);
        let limit = context.timeout.unwrap_or(CALL_LIMIT);
        let before = self.0.diagnostics.unusable();
        let result = match timeout(limit, self.exchange(&request)).await {
            Ok(result) => result,
            Err(_) => {
                let unusable = self.0.diagnostics.unusable() - before;
                Err(outcome::deadline(limit, unusable, &self.diagnostics()))
            }
        };
        result.map_err(|error| {
            error
                .with_server(self.0.server.clone())
                .with_capability(capability)
                .with_trace(context.trace)
        })
    }

    /// Waits until the connection has ended, and says how: "the server stopped (exit status: 1)".
    pub async fn closed(&self) -> String {
        self.reached(State::Ended).await;
        outcome::how_it_ended(&self.diagnostics())
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        *self.0.state.borrow() != State::Open || self.0.peer.is_transport_closed()
    }

    /// Says goodbye and waits until everything that belonged to the connection is gone, a child
    /// process and its group included: 5 s at most.
    pub async fn close(&self) {
        self.0.stop.cancel();
        self.reached(State::Gone).await;
    }

    async fn exchange(&self, request: &Request) -> Result<Reply, CallError> {
        if self.is_closed() {
            return Err(outcome::already_closed(&self.explained().await));
        }
        let started = Instant::now();
        let sent = outcome::to_wire(request)?;
        let result = match self
            .0
            .peer
            .send_cancellable_request(sent, PeerRequestOptions::default())
            .await
        {
            Ok(handle) => Pending::new(handle).answer().await,
            Err(error) => Err(error),
        };
        match result {
            Ok(result) => {
                let raw = outcome::text_of(result, self.0.results_as_text)?;
                outcome::to_reply(&self.0.server, raw, started.elapsed())
            }
            Err(ServiceError::TransportClosed) => {
                Err(outcome::closed_meanwhile(&self.explained().await))
            }
            Err(error) => Err(outcome::classify(error)),
        }
    }

    /// The diagnostics, once it is known how the connection ended, or after a short wait.
    async fn explained(&self) -> Snapshot {
        if self.diagnostics().pid.is_some() {
            // Without the wait, the exit status would come a moment after the error that wants to tell it.
            let _ = timeout(EXIT_GRACE, self.reached(State::Ended)).await;
        }
        self.diagnostics()
    }

    async fn reached(&self, wanted: State) {
        let mut state = self.0.state.clone();
        // The sender is gone only after it has said `Gone`, or with the whole runtime.
        let _ = state.wait_for(|now| *now >= wanted).await;
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.0.server)
            .finish_non_exhaustive()
    }
}

/// Follows a connection to its end, and ends what belonged to it.
async fn look_after(
    running: RunningService<RoleClient, Handler>,
    stop: CancellationToken,
    mut keeper: Keeper,
    diagnostics: Diagnostics,
    state: watch::Sender<State>,
) {
    let mut ending = std::pin::pin!(running.waiting());
    tokio::select! {
        _ = &mut ending => {}
        () = stop.cancelled() => { let _ = timeout(GOODBYE, ending).await; }
    }
    if let Keeper::Process(process) = &mut keeper {
        process.ended(EXIT_GRACE / 2).await;
    }
    tracing::debug!(exit = diagnostics.snapshot().exit, "connection ended");
    state.send_replace(State::Ended);
    if let Keeper::Process(process) = keeper {
        process.close().await;
    }
    state.send_replace(State::Gone);
}

fn read_info(peer: &Peer<RoleClient>) -> ServerInfo {
    peer.peer_info().map_or_else(ServerInfo::default, |info| {
        ServerInfo::new(
            info.protocol_version.to_string(),
            info.server_info.as_ref(),
            &info.capabilities,
            info.instructions.clone(),
        )
    })
}

/// A request under way, which is cancelled at the server when nobody waits for it any more.
struct Pending {
    handle: Option<RequestHandle<RoleClient>>,
}

impl Pending {
    fn new(handle: RequestHandle<RoleClient>) -> Self {
        Self {
            handle: Some(handle),
        }
    }

    async fn answer(mut self) -> Result<ServerResult, ServiceError> {
        let Some(handle) = self.handle.as_mut() else {
            return Err(ServiceError::TransportClosed);
        };
        let answer = (&mut handle.rx).await;
        self.handle = None;
        answer.unwrap_or(Err(ServiceError::TransportClosed))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let (Some(handle), Ok(runtime)) =
            (self.handle.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (peer, id): (Peer<RoleClient>, RequestId) = (handle.peer.clone(), handle.id.clone());
        runtime.spawn(async move {
            let reason = Some("the caller no longer waits".to_owned());
            let params = CancelledNotificationParam::new(Some(id), reason);
            // The server may be gone or stuck, and then there is nobody to tell.
            let _ = timeout(CANCEL_LIMIT, peer.notify_cancelled(params)).await;
        });
    }
}
