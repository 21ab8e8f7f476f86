//! Puts a hostile server among good ones, and looks at what happens.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manyhands::{
    Builder, CallError, Connector, HttpSettings, Reply, ServerReport, StdioSettings, Toolkit,
};
use manyhands_testkit::{Fault, HttpOptions, HttpServer, ScriptedServer};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::row::{Reach, Row};
use crate::servers::{id, polite};

/// How long a call to the hostile server may take, and its start.
pub(super) const CALL: Duration = Duration::from_secs(5);
const START: Duration = Duration::from_secs(20);
/// How long the start may take where the clock is real.
const REAL_START: Duration = Duration::from_secs(4);
/// How long a caller waits who then leaves.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often the good servers are called.
const RHYTHM: Duration = Duration::from_millis(250);
/// How long anything may take that has no deadline of its own.
const END: Duration = Duration::from_secs(120);

/// What was seen of one row.
#[derive(Debug)]
pub(super) struct Seen {
    /// What the report says of the server once all have started.
    pub(super) started: ServerReport,
    /// And after the calls.
    pub(super) ended: ServerReport,
    pub(super) call: Result<Reply, CallError>,
    pub(super) took: Duration,
    pub(super) again: Result<Reply, CallError>,
    pub(super) again_took: Duration,
    /// How long the calls to the good servers took.
    pub(super) good: Vec<Duration>,
    /// What was wrong with their answers.
    pub(super) bad_answers: Vec<String>,
    /// How long it took to close everything.
    pub(super) closing: Option<Duration>,
    /// How much of the hostile server's text is in the catalogue, in bytes.
    pub(super) catalogue: usize,
    /// What differs from run to run, and how it is written instead.
    pub(super) names: Vec<(String, &'static str)>,
    /// What the server behind HTTP counted.
    pub(super) gets: usize,
    pub(super) led_astray: usize,
}

/// Runs all rows, two at a time.
pub(super) fn all(rows: &[Row]) -> Vec<Seen> {
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(Vec::new());
    let work = || {
        while let Some((index, row)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            rows.get(index).map(|row| (index, row))
        } {
            let of_this = one(row);
            seen.lock().unwrap().push((index, of_this));
        }
    };
    let workers = if rows.iter().any(|row| row.reach != Reach::Memory) {
        4
    } else {
        2
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut seen = seen.into_inner().unwrap();
    seen.sort_by_key(|(index, _)| *index);
    seen.into_iter().map(|(_, seen)| seen).collect()
}

/// Runs one row, on a clock of its own.
fn one(row: &Row) -> Seen {
    // What answers over HTTP has a thread of its own, as it has a machine of its own elsewhere.
    let host = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let hostile = host.block_on(Hostile::start(row));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(row.reach == Reach::Memory)
        .build()
        .unwrap();
    let seen = runtime.block_on(exercise(row, hostile));
    // A server that never ends must not hold up the test.
    runtime.shutdown_background();
    host.shutdown_background();
    seen
}

/// The hostile server, and how it is reached.
struct Hostile {
    connector: Connector,
    http: Option<HttpServer>,
}

impl Hostile {
    async fn start(row: &Row) -> Self {
        let server = row.switches.iter().fold(hostile(), |server, switch| {
            server.fault(switch.parse::<Fault>().unwrap())
        });
        let options = match row.reach {
            Reach::Memory => {
                let connector = server.connector();
                return Self {
                    connector,
                    http: None,
                };
            }
            Reach::Child => {
                return Self {
                    connector: child(row),
                    http: None,
                };
            }
            Reach::Http => HttpOptions::default(),
            Reach::HttpJson => HttpOptions::default()
                .with_sessions(false)
                .with_event_streams(false),
        };
        let http = HttpServer::start_with(&server, options).await.unwrap();
        Self {
            connector: Connector::http(HttpSettings::new(http.url())),
            http: Some(http),
        }
    }
}

/// The testkit's command as a child process, with the same tools.
fn child(row: &Row) -> Connector {
    let faults = row.switches.iter().flat_map(|switch| ["--fault", switch]);
    let arguments = ["serve"].into_iter().chain(faults);
    let program = env!("CARGO_BIN_EXE_hostile-server");
    Connector::stdio(StdioSettings::new(program).with_args(arguments))
}

/// The server that every row spoils: two tools, a prompt and a resource.
fn hostile() -> ScriptedServer {
    polite("bad")
        .prompt(json!({"name": "p"}), json!({"messages": []}))
        .resource(
            json!({"uri": "file:///a", "name": "a"}),
            json!({"uri": "file:///a", "text": "A"}),
        )
}

async fn exercise(row: &Row, hostile: Hostile) -> Seen {
    let is_real = row.reach != Reach::Memory;
    let (call, start) = if is_real {
        (Duration::from_secs(row.patience), REAL_START)
    } else {
        (CALL, START)
    };
    let kit = Builder::default()
        .add(id("left"), polite("left").connector())
        .add(id("bad"), hostile.connector)
        .add(id("right"), polite("right").connector())
        .server("bad", |server| {
            server
                .timeout(call)
                .total_timeout(call)
                .start_timeout(start)
                // What is told here is what one attempt met with.
                .retry(None)
        })
        .start();
    let (stop, stopped) = oneshot::channel();
    let traffic = tokio::spawn(traffic(kit.clone(), stopped));
    let started = timeout(END, kit.all_started()).await;
    started.expect("it starts or fails");
    let started = report(&kit);
    let catalogue = catalogue(&kit);
    let (first, took) = timed(kit.call("bad.whoami", json!({}))).await;
    // A caller that leaves cancels its call, and nobody waits for what comes of that.
    let _ = timeout(PATIENCE, async { kit.call("bad.echo", json!({})).await }).await;
    let (again, again_took) = timed(kit.call("bad.whoami", json!({}))).await;
    sleep(Duration::from_secs(row.lingers)).await;
    let ended = report(&kit);
    let names = names(&ended, hostile.http.as_ref());
    stop.send(()).unwrap();
    let (good, bad_answers) = traffic.await.unwrap();
    let closing = Instant::now();
    let closed = timeout(END, kit.close()).await;
    let http = hostile.http.as_ref();
    Seen {
        started,
        ended,
        call: first,
        took,
        again,
        again_took,
        good,
        bad_answers,
        closing: closed.ok().map(|()| closing.elapsed()),
        catalogue,
        names,
        gets: http.map_or(0, HttpServer::gets),
        led_astray: http.map_or(0, HttpServer::led_astray),
    }
}

/// Calls the good servers again and again, and keeps how long that took and what was wrong.
async fn traffic(kit: Toolkit, mut stopped: oneshot::Receiver<()>) -> (Vec<Duration>, Vec<String>) {
    let (mut took, mut wrong) = (Vec::new(), Vec::new());
    loop {
        for server in ["left", "right"] {
            let (reply, time) = timed(kit.call(format!("{server}.whoami"), json!({}))).await;
            took.push(time);
            match reply {
                Ok(reply) if reply.text() == server => {}
                other => wrong.push(format!("{other:?}")),
            }
        }
        tokio::select! {
            _ = &mut stopped => return (took, wrong),
            () = sleep(RHYTHM) => {}
        }
    }
}

async fn timed<T>(future: impl IntoFuture<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (future.await, start.elapsed())
}

fn report(kit: &Toolkit) -> ServerReport {
    kit.report().server("bad").unwrap().clone()
}

/// The bytes of text that the catalogue keeps of the hostile server.
fn catalogue(kit: &Toolkit) -> usize {
    let catalogue = kit.catalogue();
    let tools = catalogue
        .tools()
        .filter(|tool| tool.name().server().as_str() == "bad");
    tools.map(|tool| format!("{tool:?}").len()).sum()
}

/// What differs from run to run: addresses and process ids.
fn names(report: &ServerReport, http: Option<&HttpServer>) -> Vec<(String, &'static str)> {
    let url = http.map(|http| (http.url(), "URL"));
    let pid = report.diagnostics.pid.map(|pid| (pid.to_string(), "PID"));
    url.into_iter().chain(pid).collect()
}
