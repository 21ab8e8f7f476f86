//! A service that does what a test tells it, and remembers what it was sent. It must not know which layer is tested.

mod group;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use manyhands_core::{
    Arguments, Call, CallError, Delivery, Effect, ErrorKind, Reply, Request, ServerId,
};
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::time::sleep;
use tower::{Service, ServiceExt as _};

use crate::guard::Outcome;
pub(crate) use group::Group;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

type Answer = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A server in a script.
#[derive(Clone)]
pub(crate) struct Server {
    answer: Arc<dyn Fn(usize, Call) -> Answer + Send + Sync>,
    seen: Arc<Mutex<Vec<Call>>>,
}

impl Server {
    /// Answers by `answer`, which gets the number of the call, from 1.
    pub(crate) fn new<F>(answer: impl Fn(usize, Call) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Self {
            answer: Arc::new(move |number, call| Box::pin(answer(number, call))),
            seen: Arc::default(),
        }
    }

    /// Answers at once.
    pub(crate) fn fast() -> Self {
        Self::new(async |_, call| Ok(reply(&call)))
    }

    /// Answers after a time.
    pub(crate) fn slow(time: Duration) -> Self {
        Self::new(move |_, call| async move {
            sleep(time).await;
            Ok(reply(&call))
        })
    }

    /// Fails always in the same way.
    pub(crate) fn failing(kind: ErrorKind, delivery: Delivery) -> Self {
        Self::new(move |_, _| async move { Err(CallError::new(kind, delivery, "it failed")) })
    }

    /// What it was sent.
    pub(crate) fn seen(&self) -> Vec<Call> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Service<Call> for Server {
    type Response = Reply;
    type Error = CallError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Answer {
        let mut seen = self.seen.lock().unwrap();
        seen.push(call.clone());
        (self.answer)(seen.len(), call)
    }
}

/// Makes one call.
pub(crate) async fn send<S>(service: &S, call: Call) -> Outcome
where
    S: Service<Call, Response = Reply, Error = CallError> + Clone,
{
    service.clone().oneshot(call).await
}

pub(crate) fn server_id() -> ServerId {
    ServerId::parse("slack").unwrap()
}

/// A call of `slack.post`, of which nobody knows what it does.
pub(crate) fn call() -> Call {
    let (name, arguments) = ("post".into(), Arguments::default());
    Call::new(server_id(), Request::CallTool { name, arguments })
}

/// The same, with what it does to the world.
pub(crate) fn call_of(effect: Effect) -> Call {
    let mut call = call();
    call.context.effect = effect;
    call
}

/// The same, with how long its caller waits.
pub(crate) fn call_within(time: Duration) -> Call {
    let mut call = call();
    call.context.timeout = Some(time);
    call
}

pub(crate) fn reply(call: &Call) -> Reply {
    let raw = to_raw_value("done").unwrap();
    Reply::new(call.server.clone(), raw, Duration::ZERO)
}

/// A tool's own word that it failed.
pub(crate) fn tool_failure(call: &Call, class: &str, retry_after: Option<u64>) -> Reply {
    let told = json!({"code": "x", "message": "y", "type": class, "retryAfter": retry_after});
    let raw = to_raw_value(&json!({"content": [], "structuredContent": told, "isError": true}));
    Reply::new(call.server.clone(), raw.unwrap(), Duration::ZERO)
}

pub(crate) const KINDS: [ErrorKind; 12] = [
    ErrorKind::NotFound,
    ErrorKind::InvalidArguments,
    ErrorKind::Unavailable,
    ErrorKind::Misconfigured,
    ErrorKind::ConnectionClosed,
    ErrorKind::DeadlineExceeded,
    ErrorKind::RateLimited,
    ErrorKind::Unauthorized,
    ErrorKind::Forbidden,
    ErrorKind::Refused,
    ErrorKind::InputRequired,
    ErrorKind::MalformedReply,
];
pub(crate) const DELIVERIES: [Delivery; 3] =
    [Delivery::NotSent, Delivery::Rejected, Delivery::Unknown];
pub(crate) const EFFECTS: [Effect; 3] = [Effect::Unknown, Effect::Idempotent, Effect::ReadOnly];
