//! Coalescing: identical calls that change nothing, made on behalf of the same principal, are sent once while one is
//! under way. It must not know what they ask.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use manyhands_core::{
    Call, CallError, CallEvent, Delivery, Effect, ErrorKind, Listener, Principal, Reply, Request,
    Rounded, Secret, ServerId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};
use tower::{Layer, Service};
use tracing::debug;

use crate::guard::{Inner as _, Leaf, Outcome};
use crate::remaining::Remaining;
use crate::subject::Subject;

/// How much is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct CoalesceSettings {
    /// How many different calls may be shared at once; further ones are sent on their own. Default: 1024.
    pub max_in_flight: usize,
}

impl Default for CoalesceSettings {
    fn default() -> Self {
        Self {
            max_in_flight: 1_024,
        }
    }
}

impl CoalesceSettings {
    /// Sets how many different calls may be shared at once.
    #[must_use]
    pub fn with_max_in_flight(mut self, calls: usize) -> Self {
        self.max_in_flight = calls;
        self
    }
}

/// Lets identical calls that are under way share one, which all of them get the end of.
///
/// Calls are identical when server, request, principal, `_meta` and headers are equal, and they are shared only where
/// [`Effect::ReadOnly`] says that they change nothing. The first call's context goes with the shared one: its time,
/// its trace. Whoever joins keeps their own time, and when the shared call ends because the first caller's time was over,
/// it is made once more for those who have time left. Those who listen to progress share among each other, and each
/// hears what comes from when they joined.
///
/// It belongs outermost, just within what decides whether a principal may make the call.
///
/// # Cancel safety
/// The call goes on as long as anybody waits for it, and is given up with the last of them.
#[derive(Debug, Clone, Default)]
pub struct CoalesceLayer(CoalesceSettings);

impl CoalesceLayer {
    /// Shares as much as these settings allow.
    #[must_use]
    pub fn new(settings: CoalesceSettings) -> Self {
        Self(settings)
    }
}

impl<S> Layer<S> for CoalesceLayer {
    type Service = Coalesced<S>;

    fn layer(&self, service: S) -> Coalesced<S> {
        Coalesced {
            service,
            flights: Arc::new(Flights {
                max: self.0.max_in_flight,
                table: Mutex::default(),
            }),
        }
    }
}

/// A service whose identical calls are shared. Clones share with each other; services of their own do not.
#[derive(Debug, Clone)]
pub struct Coalesced<S> {
    service: S,
    flights: Arc<Flights>,
}

impl<S> Service<Call> for Coalesced<S>
where
    S: Service<Call, Response = Reply, Error = CallError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Reply;
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let way = Leaf(self.service.clone());
        if call.context.effect != Effect::ReadOnly {
            return Box::pin(way.send(Box::new(call)));
        }
        let flights = self.flights.clone();
        Box::pin(async move {
            flights
                .send(call, move |call| way.clone().send(Box::new(call)).boxed())
                .await
        })
    }
}

/// How often a call joins others whose time turns out to be shorter, before it goes on its own.
const JOINS: usize = 3;

/// The shared calls that are under way.
#[derive(Debug)]
struct Flights {
    max: usize,
    table: Mutex<HashMap<Key, Flight>>,
}

type Sending = BoxFuture<'static, Outcome>;

#[derive(Debug)]
struct Flight {
    ends: WeakShared<Sending>,
    /// When the first caller's time is over, where it has an end.
    until: Option<Instant>,
    audience: Arc<Audience>,
}

impl Flights {
    async fn send(self: &Arc<Self>, mut call: Call, send: impl Fn(Call) -> Sending) -> Outcome {
        let (key, subject) = (Key::of(&call), Subject::of(&call));
        let remaining = Remaining::of(&call.context);
        let (trace, limit) = (call.context.trace, call.context.timeout);
        for _ in 0..JOINS {
            remaining.hand_on(&mut call.context);
            let Some(seat) = self.board(&key, &call, &send) else {
                break;
            };
            if seat.leads {
                return seat.end.await;
            }
            remaining.leave();
            let until = seat.until;
            debug!(layer = "coalesce", server = %call.server, "a call joins one that is under way");
            let outcome = match remaining.left() {
                None => seat.end.await,
                Some(left) => timeout(left, seat.end)
                    .await
                    .unwrap_or_else(|_| Err(late(&subject, limit.unwrap_or(left)))),
            };
            match outcome {
                Err(error) if was_cut_short(&error, until, &remaining) => {}
                outcome => return outcome.map_err(|error| error.with_trace(trace)),
            }
        }
        remaining.hand_on(&mut call.context);
        send(call).await
    }

    /// A seat in the flight for `key`, which begins with the first one; none where there are too many flights.
    fn board(
        self: &Arc<Self>,
        key: &Key,
        call: &Call,
        send: impl Fn(Call) -> Sending,
    ) -> Option<Seat> {
        let mut table = self.lock();
        let under_way = table.get(key);
        if let Some((end, flight)) = under_way.and_then(|it| Some((it.ends.upgrade()?, it))) {
            let hears = flight.audience.join(call.context.listener.as_ref());
            return Some(Seat {
                end,
                leads: false,
                until: flight.until,
                _hears: hears,
            });
        }
        if table.len() >= self.max {
            return None;
        }
        let until = call
            .context
            .timeout
            .and_then(|left| Instant::now().checked_add(left));
        let audience = Arc::<Audience>::default();
        let hears = audience.join(call.context.listener.as_ref());
        let mut first = call.clone();
        first.context.listener = first.context.listener.and(Some(audience.listener()));
        let landing = Landing {
            flights: self.clone(),
            key: key.clone(),
            audience: audience.clone(),
        };
        let sending = send(first);
        let end = async move {
            let _landing = landing;
            sending.await
        };
        let end = end.boxed().shared();
        let ends = end
            .downgrade()
            .expect("it is held here, and was not polled yet");
        table.insert(
            key.clone(),
            Flight {
                ends,
                until,
                audience,
            },
        );
        Some(Seat {
            end,
            leads: true,
            until,
            _hears: hears,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One caller's part in a shared call.
struct Seat {
    end: Shared<Sending>,
    leads: bool,
    until: Option<Instant>,
    _hears: Option<Hears>,
}

/// Takes a flight out of the table when it has landed, or was given up.
struct Landing {
    flights: Arc<Flights>,
    key: Key,
    audience: Arc<Audience>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut table = self.flights.lock();
        // Another one may have begun between the last caller's leaving and this.
        let is_this = |it: &Flight| Arc::ptr_eq(&it.audience, &self.audience);
        if table.get(&self.key).is_some_and(is_this) {
            table.remove(&self.key);
        }
    }
}

/// Those who listen to a shared call.
#[derive(Debug, Default)]
struct Audience(Mutex<Listeners>);

#[derive(Debug, Default)]
struct Listeners {
    next: u64,
    all: Vec<(u64, Listener)>,
}

impl Audience {
    fn join(self: &Arc<Self>, listener: Option<&Listener>) -> Option<Hears> {
        let listener = listener?.clone();
        let mut listeners = self.lock();
        let id = listeners.next;
        listeners.next += 1;
        listeners.all.push((id, listener));
        Some(Hears {
            audience: self.clone(),
            id,
        })
    }

    /// Tells everybody who is there at that moment, and none of them under the lock: they are others' code.
    fn listener(self: &Arc<Self>) -> Listener {
        let audience = self.clone();
        Listener::new(move |event: CallEvent| {
            let there: Vec<Listener> = audience
                .lock()
                .all
                .iter()
                .map(|(_, listener)| listener.clone())
                .collect();
            there
                .iter()
                .for_each(|listener| listener.tell(event.clone()));
        })
    }

    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener's place in an audience, which ends with its caller's.
struct Hears {
    audience: Arc<Audience>,
    id: u64,
}

impl Drop for Hears {
    fn drop(&mut self) {
        self.audience.lock().all.retain(|(id, _)| *id != self.id);
    }
}

/// What has to be equal for two calls to be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    server: ServerId,
    request: Request,
    principal: Option<Principal>,
    meta: Option<Arc<Map<String, Value>>>,
    headers: Vec<(String, Secret)>,
    listens: bool,
}

impl Key {
    fn of(call: &Call) -> Self {
        let context = &call.context;
        Self {
            server: call.server.clone(),
            request: call.request.clone(),
            principal: context.principal.clone(),
            meta: context.meta.clone(),
            headers: context.headers.clone(),
            // Whether a server is asked for progress is a part of what it is sent.
            listens: context.listener.is_some(),
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Secrets are compared and never hashed, so that they lie in no table in another form.
        (&self.server, &self.request, &self.principal, &self.meta).hash(state);
    }
}

/// Whether a shared call ended with the first caller's time, while there is still some of one's own.
fn was_cut_short(error: &CallError, until: Option<Instant>, remaining: &Remaining) -> bool {
    error.kind() == ErrorKind::DeadlineExceeded
        && until.is_some_and(|until| Instant::now() >= until)
        && remaining.left().is_none_or(|left| !left.is_zero())
}

fn late(subject: &Subject, limit: Duration) -> CallError {
    let cause = format!("no answer within {}", Rounded(limit));
    subject
        .error(ErrorKind::DeadlineExceeded, Delivery::Unknown, cause)
        .with_advice("raise the timeout if the server is only slow")
}

#[cfg(test)]
mod tests;
