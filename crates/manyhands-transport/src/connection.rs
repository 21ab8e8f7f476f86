//! One server, connected: requests go in, replies or honest errors come out.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use manyhands_core::{
    CallContext, CallError, Delivery, ListKind, Reply, Request, ServerId, ServerInfo,
};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::diagnostics::Snapshot;
use crate::link::{Failure, Link};
use crate::outcome;
use crate::pipe::Pump;
use crate::session::clock::Clock;
use crate::session::{ServerEvent, Session, rounds};
use crate::subscriptions;
use crate::wire::{Keeper, TaskGuard};

/// How long a call may take in total when neither caller nor settings say: 30 s.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// How long a failed call waits to learn how the server ended.
const EXIT_GRACE: Duration = Duration::from_millis(700);

/// An open connection to one server. Clones share it; dropping the last one ends it.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    info: ServerInfo,
    session: Arc<Session>,
    link: Link,
    state: watch::Receiver<State>,
    stop: CancellationToken,
    /// Why it was given up here, where it was.
    given_up: OnceLock<String>,
    _stop_on_drop: DropGuard,
}

/// What a connection is made of.
pub(crate) struct Parts {
    pub(crate) info: ServerInfo,
    pub(crate) session: Arc<Session>,
    pub(crate) link: Link,
    pub(crate) pump: Option<Pump>,
    pub(crate) keeper: Keeper,
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
    pub(crate) fn new(parts: Parts) -> Self {
        let stop = CancellationToken::new();
        let (ended, state) = watch::channel(State::Open);
        let (info, session, link) = (
            parts.info.clone(),
            parts.session.clone(),
            parts.link.clone(),
        );
        tokio::spawn(look_after(parts, stop.clone(), ended));
        let guard = stop.clone().drop_guard();
        Self(Arc::new(Inner {
            info,
            session,
            link,
            state,
            stop,
            given_up: OnceLock::new(),
            _stop_on_drop: guard,
        }))
    }

    /// The server's name.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.0.session.server
    }

    /// How the server introduced itself.
    #[must_use]
    pub fn info(&self) -> &ServerInfo {
        &self.0.info
    }

    /// What the connection noticed beside the protocol.
    #[must_use]
    pub fn diagnostics(&self) -> Snapshot {
        self.0.session.diagnostics.snapshot()
    }

    /// What the server tells outside of any call, from now on: lists that changed, resources, lines for a log.
    ///
    /// The newest 64 events are kept for a receiver that is behind.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ServerEvent> {
        self.0.session.events()
    }

    /// The lists of whose changes the server says that it tells, and has not refused to tell.
    pub fn announced_lists(&self) -> impl Iterator<Item = ListKind> {
        let session = &self.0.session;
        let kinds = session.announces().iter().filter(|_| session.tells_news());
        kinds.flat_map(|kind| subscriptions::lists(*kind)).copied()
    }

    /// Whether calls go over HTTP in a version that repeats some of their parameters in headers, so that a tool whose
    /// [annotations for that](crate::check_header_annotations) are illegal cannot be called.
    #[must_use]
    pub fn repeats_parameters(&self) -> bool {
        self.0.session.is_modern() && matches!(self.0.link, Link::Http(_))
    }

    /// Sends one request and waits for its reply: as long as the context says, or 30 s in total.
    ///
    /// # Errors
    /// [`CallError`], whose `delivery` says whether the server may have acted on it.
    ///
    /// # Cancel safety
    /// Dropping the future tells the server that the request is cancelled; what had not left is never sent.
    pub async fn request(
        &self,
        request: Request,
        context: CallContext,
    ) -> Result<Reply, CallError> {
        self.send(&request, &context).await
    }

    /// Does as [`request`](Self::request) does, for one who keeps both.
    pub(crate) async fn send(
        &self,
        request: &Request,
        context: &CallContext,
    ) -> Result<Reply, CallError> {
        let total = context.timeout.unwrap_or(CALL_LIMIT);
        let idle = context.idle_timeout.unwrap_or(total);
        let clock = Clock::new(idle, total).with_transit(context.transit.clone());
        let clock = Arc::new(clock);
        let before = self.0.session.diagnostics.unusable();
        let Inner { session, link, .. } = &*self.0;
        match rounds::complete(session, link, request, context, &clock).await {
            Ok(raw) => {
                // How long a person took says nothing about the server.
                let took = clock.elapsed().saturating_sub(clock.paused());
                Ok(Reply::new(session.server.clone(), raw, took))
            }
            Err(failure) => Err(outcome::about(
                request,
                Box::pin(self.explain(failure, before)).await,
            )
            .with_effect(context.effect)
            .with_server(session.server.clone())
            .with_capability(request.capability(&session.server))
            .with_trace(context.trace)),
        }
    }

    /// Waits until the connection has ended, and says how: "the server stopped (exit status: 1)".
    pub async fn closed(&self) -> String {
        self.reached(State::Ended).await;
        match self.0.given_up.get() {
            Some(why) => why.clone(),
            None => outcome::how_it_ended(&self.diagnostics()),
        }
    }

    /// When the server last answered a request, or showed progress with one.
    #[must_use]
    pub fn last_answer(&self) -> Option<Instant> {
        self.0.session.pending.last_sign()
    }

    /// Whether the server may be at work on a call whose time is not over, so that it says nothing about its health when it
    /// leaves something else unanswered: many a server does one thing at a time.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        self.0.session.pending.is_at_work()
    }

    /// Whether all messages share one stream, which can be lost or stuck as a whole. Over HTTP each has its own.
    #[must_use]
    pub fn is_one_stream(&self) -> bool {
        matches!(self.0.link, Link::Pipe(_))
    }

    /// Ends it, since it is of no use any more: `why`, as a lowercase clause, is how it ended.
    pub fn give_up(&self, why: impl Into<String>) {
        // Only the first reason counts.
        let _ = self.0.given_up.set(why.into());
        self.0.stop.cancel();
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let takes_nothing = match &self.0.link {
            Link::Pipe(pipe) => pipe.is_closed(),
            Link::Http(_) => false,
        };
        takes_nothing || *self.0.state.borrow() != State::Open || self.0.session.pending.is_closed()
    }

    /// Says goodbye and waits until everything that belonged to the connection is gone, a child
    /// process and its group included: 5 s at most.
    pub async fn close(&self) {
        self.0.stop.cancel();
        self.reached(State::Gone).await;
    }

    async fn explain(&self, failure: Failure, before: u64) -> CallError {
        match failure {
            Failure::Closed(delivery) => {
                // Without the wait, the exit status would come a moment after the error that wants to tell it.
                if self.diagnostics().pid.is_some() {
                    let _ = timeout(EXIT_GRACE, self.reached(State::Ended)).await;
                }
                if delivery == Delivery::NotSent {
                    outcome::already_closed(&self.diagnostics())
                } else {
                    outcome::closed_meanwhile(&self.diagnostics())
                }
            }
            Failure::Elapsed(clock, delivery) => {
                let unusable = self.0.session.diagnostics.unusable() - before;
                outcome::deadline(clock, delivery, unusable, &self.diagnostics())
            }
            Failure::TakenOn(failure)
                if matches!(*failure, Failure::Elapsed(..) | Failure::Closed(_)) =>
            {
                outcome::taken_on(&Box::pin(self.explain(*failure, before)).await)
            }
            other => outcome::classify(other),
        }
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
            .field("server", self.server())
            .finish_non_exhaustive()
    }
}

/// Follows a connection to its end, and ends what belonged to it.
async fn look_after(parts: Parts, stop: CancellationToken, state: watch::Sender<State>) {
    let Parts {
        session,
        link,
        mut pump,
        mut keeper,
        ..
    } = parts;
    let _listening = session.is_modern().then(|| {
        let task = tokio::spawn(subscriptions::listen(session.clone(), link.clone()));
        TaskGuard(task.abort_handle())
    });
    match &mut pump {
        Some(pump) => tokio::select! {
            () = pump.ended() => {}
            () = stop.cancelled() => {}
        },
        None => stop.cancelled().await,
    }
    if let Some(pump) = pump {
        pump.close().await;
    }
    if let Link::Http(client) = &link {
        session.pending.close();
        client.goodbye(&session).await;
    }
    if let Keeper::Process(process) = &mut keeper {
        process.ended(EXIT_GRACE / 2).await;
    }
    tracing::debug!(
        exit = session.diagnostics.snapshot().exit,
        "connection ended"
    );
    state.send_replace(State::Ended);
    if let Keeper::Process(process) = keeper {
        process.close().await;
    }
    state.send_replace(State::Gone);
}
