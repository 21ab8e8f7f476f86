//! Makes one call end in one way, then asks the layers what they make of that end.

use std::future::pending;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manyhands::{Builder, Connector, HttpSettings};
use manyhands_core::{
    Arguments, Call, CallContext, CallError, Delivery, Effect, ErrorKind, Reply, Request,
};
use manyhands_resilience::{
    BreakerLayer, BreakerSettings, BreakerState, BulkheadLayer, BulkheadSettings, DeadlineLayer,
    DeadlineSettings, KeyBy, RateLimitLayer, RateLimitSettings, RetryLayer, RetrySettings,
};
use manyhands_testkit::{Fault, HttpFault, HttpMoment, HttpServer, ScriptedServer};
use manyhands_transport::ConnectOptions;
use serde_json::{Value, json};
use tower::util::BoxCloneService;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::rows::{How, Layer, Row};
use crate::servers::{id, polite, text};

/// How long a call may take, where the clock is paused and where it is not.
const PATIENCE: Duration = Duration::from_secs(20);
const REAL_PATIENCE: Duration = Duration::from_secs(8);
/// How long the toolkit waits for its server.
const START: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(10);

type Outcome = Result<Reply, CallError>;
type Ending = BoxCloneService<Call, Reply, CallError>;

/// How a call ended, and what follows.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// Whether a retry sends it again: what may do harm a second time, and what does none.
    pub(super) write_is_sent_again: bool,
    pub(super) read_is_sent_again: bool,
    /// Whether a breaker counts it, for the whole server, and for the one tool.
    pub(super) counts_against_server: bool,
    pub(super) counts_against_tool: bool,
}

pub(super) fn drive(row: &Row) -> Ended {
    let is_real = matches!(
        row.how,
        How::Http(_) | How::Body(..) | How::Login | How::Gone
    );
    let outcome = run(!is_real, bring_about(&row.how));
    let one = NonZeroU32::MIN;
    let once = BreakerSettings::default().with_consecutive(one);
    let by_server = BreakerLayer::seeded(once.clone(), KeyBy::server(), 1);
    run(true, async {
        Ended {
            write_is_sent_again: is_sent_again(&outcome, Effect::Unknown).await,
            read_is_sent_again: is_sent_again(&outcome, Effect::ReadOnly).await,
            counts_against_server: counts(&outcome, by_server).await,
            counts_against_tool: counts(&outcome, BreakerLayer::per_tool(once, 1)).await,
            outcome,
        }
    })
}

fn run<T>(paused: bool, future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(paused)
        .build()
        .unwrap();
    let ended = runtime.block_on(future);
    runtime.shutdown_background();
    ended
}

async fn bring_about(how: &How) -> Outcome {
    match how {
        How::Pipe(faults) => ask(server(faults).connector(), tool("whoami"), PATIENCE).await,
        How::Read(faults) => {
            let uri = "file:///nowhere".into();
            let server = server(faults).resource(json!({"uri": "x:y", "name": "y"}), json!({}));
            ask(server.connector(), Request::ReadResource { uri }, PATIENCE).await
        }
        How::Http(faults) => over_http(&server(faults)).await,
        How::Body(status, body) => {
            let status = HttpFault::Status(*status, HttpMoment::Call);
            let server = server(&[]).fault(status);
            over_http(&server.fault(HttpFault::Body((*body).to_owned()))).await
        }
        How::Login => {
            let faults = ["http-status=401:handshake"];
            let http = HttpServer::start(&server(&faults)).await.unwrap();
            let connector = Connector::http(HttpSettings::new(http.url()));
            let kit = Builder::default().add(id("s"), connector).start();
            kit.call("s.whoami", json!({})).timeout(REAL_PATIENCE).await
        }
        How::Gone => gone().await,
        How::Says(result) => {
            let result: Value = serde_json::from_str(result).unwrap();
            let server = ScriptedServer::new("s").tool("whoami", move |_| result.clone());
            ask(server.connector(), tool("whoami"), PATIENCE).await
        }
        How::Toolkit(name, arguments, faults) => {
            let kit = Builder::default()
                .add(id("s"), server(faults).connector())
                .server("s", |it| it.start_timeout(START))
                .start();
            let arguments: Value = serde_json::from_str(arguments).unwrap();
            kit.call(*name, arguments).timeout(PATIENCE).await
        }
        How::Layer(layer) => turned_away(*layer).await,
    }
}

fn server(faults: &[&str]) -> ScriptedServer {
    let strict = json!({"name": "strict", "inputSchema": {
        "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
    }});
    let server = polite("s").tool_definition(strict, |_| text("counted"));
    faults.iter().fold(server, |server, fault| {
        server.fault(fault.parse::<Fault>().unwrap())
    })
}

fn tool(name: &str) -> Request {
    let (name, arguments) = (name.into(), Arguments::default());
    Request::CallTool { name, arguments }
}

/// Makes one request of a server, with nothing of ours between that sends it again.
async fn ask(connector: Connector, request: Request, patience: Duration) -> Outcome {
    let connection = connector.connect(ConnectOptions::new(id("s"))).await;
    let context = CallContext::default().with_timeout(patience);
    connection.unwrap().request(request, context).await
}

async fn over_http(server: &ScriptedServer) -> Outcome {
    let http = HttpServer::start(server).await.unwrap();
    let connector = Connector::http(HttpSettings::new(http.url()));
    ask(connector, tool("whoami"), REAL_PATIENCE).await
}

async fn gone() -> Outcome {
    // The first call may find the old connection, which ends under it; the second finds nobody.
    let http = HttpServer::start(&server(&[])).await.unwrap();
    let connector = Connector::http(HttpSettings::new(http.url()));
    let connection = connector.connect(ConnectOptions::new(id("s"))).await;
    drop(http);
    let context = CallContext::default().with_timeout(REAL_PATIENCE);
    let connection = connection.unwrap();
    let _ = connection.request(tool("whoami"), context.clone()).await;
    connection.request(tool("whoami"), context).await
}

/// A call that one of our own layers turns away, since another one came before it.
async fn turned_away(layer: Layer) -> Outcome {
    let failing = service_fn(async |_: Call| -> Outcome {
        let cause = "the server stopped";
        Err(CallError::new(
            ErrorKind::ConnectionClosed,
            Delivery::Unknown,
            cause,
        ))
    });
    let hanging = service_fn(async |_: Call| -> Outcome { pending().await });
    let one = NonZeroU32::MIN;
    match layer {
        Layer::Breaker => {
            let settings = BreakerSettings::default().with_consecutive(one);
            let layer = BreakerLayer::seeded(settings, KeyBy::server(), 1);
            after_another(layer.layer(failing)).await
        }
        Layer::Queue => {
            let settings = BulkheadSettings::default().with_max_concurrent(1);
            let layer = BulkheadLayer::new(settings.with_queue(0, PATIENCE));
            after_another(layer.layer(hanging)).await
        }
        Layer::RateLimit => {
            let settings = RateLimitSettings::default().with_rate(one, START);
            let layer = RateLimitLayer::new(settings.with_burst(one), KeyBy::server());
            after_another(layer.layer(failing)).await
        }
        Layer::Deadline => {
            let settings = BulkheadSettings::default().with_max_concurrent(1);
            let queue = BulkheadLayer::new(settings.with_queue(9, START));
            let layer = DeadlineLayer::total(&DeadlineSettings::default());
            after_another(layer.layer(queue.layer(hanging))).await
        }
    }
}

async fn after_another<S>(service: S) -> Outcome
where
    S: tower::Service<Call, Response = Reply, Error = CallError> + Clone + Send + 'static,
    S::Future: Send,
{
    let first = tokio::spawn(service.clone().oneshot(call(Effect::Unknown)));
    tokio::time::sleep(MOMENT).await;
    let mut second = call(Effect::Unknown);
    second.context.timeout = Some(PATIENCE / 2);
    let outcome = service.oneshot(second).await;
    first.abort();
    outcome
}

fn call(effect: Effect) -> Call {
    let mut call = Call::new(id("s"), tool("whoami"));
    call.context = CallContext::default().with_effect(effect);
    call
}

/// Whether a retry, to which the call ends so, sends it once more.
async fn is_sent_again(outcome: &Outcome, effect: Effect) -> bool {
    let (service, times) = ending_so(outcome);
    let settings = RetrySettings::default().with_attempts(2);
    let layer = RetryLayer::seeded(settings.with_max_retry_after(Duration::MAX), 1);
    let _ = layer.layer(service).oneshot(call(effect)).await;
    times.load(Ordering::Relaxed) > 1
}

/// Whether a breaker that opens at the first failure opens at this end.
async fn counts(outcome: &Outcome, layer: BreakerLayer) -> bool {
    let (service, _) = ending_so(outcome);
    let _ = layer.layer(service).oneshot(call(Effect::Unknown)).await;
    layer
        .snapshot()
        .iter()
        .any(|it| it.state == BreakerState::Open)
}

/// A service to which every call ends so, and how many there were.
fn ending_so(outcome: &Outcome) -> (Ending, Arc<AtomicUsize>) {
    let (outcome, times) = (outcome.clone(), Arc::new(AtomicUsize::new(0)));
    let count = times.clone();
    let service = BoxCloneService::new(service_fn(move |_: Call| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(outcome.clone())
    }));
    (service, times)
}
