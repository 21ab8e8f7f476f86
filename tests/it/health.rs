//! Servers that hang, and what is done about it: who is asked whether it is well and who is not, and what people, programs
//! and models are told.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use manyhands::{
    BreakerSettings, Connector, Delivery, ProbeSettings, ServerSettings, ServerStatus, Toolkit,
    WhenDown,
};
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::{Instant, sleep, timeout};

use crate::servers::{builder, id, polite, state, text};

const SECOND: Duration = Duration::from_secs(1);

/// A server that does one thing at a time, as many do, and can be hung up.
#[derive(Clone, Default)]
struct OneByOne(Arc<Seen>);

#[derive(Default)]
struct Seen {
    is_hung: AtomicBool,
    connections: AtomicUsize,
    pings: AtomicUsize,
}

impl OneByOne {
    fn connector(&self) -> Connector {
        let server = self.clone();
        Connector::in_process(move |io| server.clone().serve(io))
    }

    async fn serve(self, io: impl AsyncRead + AsyncWrite) {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        let (read, mut write) = tokio::io::split(io);
        let mut lines = BufReader::new(read).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let request: Value = serde_json::from_str(&line).unwrap();
            while self.0.is_hung.load(Ordering::Relaxed) {
                sleep(SECOND / 10).await;
            }
            let Some(id) = request.get("id") else {
                continue;
            };
            let answer = match self.answer(&request).await {
                Some(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
                None => {
                    json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no"}})
                }
            };
            if write
                .write_all(format!("{answer}\n").as_bytes())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    async fn answer(&self, request: &Value) -> Option<Value> {
        match request.get("method")?.as_str()? {
            "initialize" => Some(json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "one by one", "version": "1"},
            })),
            "tools/list" => {
                Some(json!({"tools": [{"name": "work", "inputSchema": {"type": "object"}}]}))
            }
            "tools/call" => {
                let seconds = request.pointer("/params/arguments/seconds");
                let seconds = seconds.and_then(Value::as_u64).unwrap_or(0);
                sleep(Duration::from_secs(seconds)).await;
                Some(text("done"))
            }
            "ping" => {
                self.0.pings.fetch_add(1, Ordering::Relaxed);
                Some(json!({}))
            }
            _ => None,
        }
    }

    fn hang(&self, hangs: bool) {
        self.0.is_hung.store(hangs, Ordering::Relaxed);
    }

    fn pings(&self) -> usize {
        self.0.pings.load(Ordering::Relaxed)
    }

    fn connections(&self) -> usize {
        self.0.connections.load(Ordering::Relaxed)
    }

    async fn kit(&self, adjust: impl FnOnce(ServerSettings) -> ServerSettings) -> Toolkit {
        let builder = builder(&[])
            .add(id("s"), self.connector())
            .server("s", adjust);
        builder.connect().await.unwrap()
    }
}

/// How a server is asked often.
fn often() -> ProbeSettings {
    ProbeSettings::default()
        .with_every(5 * SECOND)
        .with_timeout(SECOND)
}

/// Waits for the next change of state, for a minute at most.
async fn next_status(changes: &mut manyhands::Changes) -> ServerStatus {
    let change = timeout(60 * SECOND, changes.next()).await;
    change.expect("something changes").unwrap().status
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_found_told_and_replaced() {
    let server = OneByOne::default();
    let kit = server.kit(|s| s).await;
    let mut changes = kit.changes();
    sleep(100 * SECOND).await;
    let answered = kit.report().server("s").unwrap().answered_ago.unwrap();
    assert!(answered <= 38 * SECOND, "{answered:?}");
    assert_eq!(server.connections(), 1);
    server.hang(true);
    let since = Instant::now();
    let told = next_status(&mut changes).await;
    assert!(since.elapsed() <= 60 * SECOND, "{:?}", since.elapsed());
    assert_eq!(
        told.cause(),
        Some("it failed 3 probes in a row (the last time: no answer within 5s)")
    );
    assert!(
        told.mend().unwrap().contains("manyhands.probe.timeout"),
        "{told:?}"
    );
    let probe = kit.report().server("s").unwrap().probe.clone().unwrap();
    assert_eq!(probe.cause.as_deref(), Some("no answer within 5s"));
    server.hang(false);
    while next_status(&mut changes).await != ServerStatus::Ready {}
    assert_eq!(server.connections(), 2);
    assert_eq!(kit.call("s.work", json!({})).await.unwrap().text(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_never_restarted_is_only_told_and_told_when_it_is_back() {
    let server = OneByOne::default();
    let kit = server.kit(|s| s.no_restart().probe(often())).await;
    let mut changes = kit.changes();
    let connections = server.connections();
    server.hang(true);
    assert_eq!(next_status(&mut changes).await.word(), "failed");
    sleep(600 * SECOND).await;
    server.hang(false);
    // Its breaker opened meanwhile, and opens again while it hangs: for two minutes at the most.
    let back = async {
        loop {
            match changes.next().await.unwrap().status {
                ServerStatus::Ready => break,
                told => assert!(told.is_failure(), "{told:?}"),
            }
        }
    };
    timeout(130 * SECOND, back).await.unwrap();
    assert_eq!(server.connections(), connections);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_answered_stand_in_for_probes() {
    let server = polite("s");
    let kit = builder(&[("s", &server)]).server("s", |s| s.probe(often()));
    let kit = kit.connect().await.unwrap();
    for _ in 0..30 {
        sleep(3 * SECOND).await;
        kit.call("s.whoami", json!({})).await.unwrap();
    }
    assert_eq!(server.asked("ping"), 0);
    sleep(60 * SECOND).await;
    let pings = server.asked("ping");
    assert!((9..=12).contains(&pings), "{pings} pings in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_server_at_work_on_a_call_is_neither_asked_nor_ended() {
    let server = OneByOne::default();
    let slow = |s: ServerSettings| s.probe(often()).timeout(600 * SECOND);
    let kit = server.kit(slow).await;
    let (connections, before) = (server.connections(), server.pings());
    let reply = kit.call("s.work", json!({"seconds": 500})).await.unwrap();
    assert_eq!(reply.text(), "done");
    assert_eq!(
        (server.connections(), server.pings()),
        (connections, before)
    );
    // Whoever cancels a call does not make its server dead.
    let cancelled = kit.call("s.work", json!({"seconds": 300}));
    assert!(timeout(SECOND, cancelled.into_future()).await.is_err());
    assert_eq!(kit.call("s.work", json!({})).await.unwrap().text(), "done");
    assert_eq!(
        (server.connections(), state(&kit, "s")),
        (connections, "ready")
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_found_although_calls_keep_coming() {
    let server = OneByOne::default();
    let kit = server
        .kit(|s| s.probe(often()).breaker(None).timeout(20 * SECOND))
        .await;
    let connections = server.connections();
    server.hang(true);
    let calling = tokio::spawn(async move {
        loop {
            let call = kit.call("s.work", json!({})).into_future();
            tokio::spawn(call);
            sleep(5 * SECOND).await;
        }
    });
    sleep(60 * SECOND).await;
    assert!(server.connections() > connections, "it is replaced");
    calling.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_running_stays_so_and_a_probe_keeps_nothing_running() {
    let server = polite("s");
    let idle = |s: ServerSettings| s.lazy(true).idle_stop(30 * SECOND).probe(often());
    let kit = builder(&[("s", &server)]).server("s", idle);
    let kit = kit.connect().await.unwrap();
    sleep(600 * SECOND).await;
    assert_eq!(server.connections(), 0, "it is not started");
    kit.call("s.whoami", json!({})).await.unwrap();
    sleep(60 * SECOND).await;
    assert_eq!((state(&kit, "s"), server.open_connections()), ("idle", 0));
    let (asked, connections) = (server.asked("ping"), server.connections());
    assert!(asked > 0);
    sleep(600 * SECOND).await;
    assert_eq!(
        (server.asked("ping"), server.connections()),
        (asked, connections)
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_where_that_is_switched_off() {
    let server = polite("s");
    let kit = builder(&[("s", &server)]).server("s", |s| s.probe(None));
    let _kit = kit.connect().await.unwrap();
    sleep(600 * SECOND).await;
    assert_eq!(server.asked("ping"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_named_shows_whether_the_server_works() {
    let works = Arc::new(AtomicBool::new(false));
    let is_up = works.clone();
    let server = ScriptedServer::new("s").tool("status", move |arguments| {
        let says = text(&format!("asked {arguments}"));
        match is_up.load(Ordering::Relaxed) {
            true => says,
            false => json!({"isError": true, "content": [{"type": "text", "text": "no database"}]}),
        }
    });
    let arguments = Map::from_iter([("deep".to_owned(), json!(true))]);
    let probe = often().with_tool("status", arguments);
    let kit = builder(&[("s", &server)]).server("s", |s| s.probe(probe));
    let kit = kit.connect().await.unwrap();
    let mut changes = kit.changes();
    let told = next_status(&mut changes).await;
    let said = "it failed 3 probes in a row (the last time: its tool status said: no database)";
    assert_eq!(told.cause(), Some(said));
    assert_eq!(
        server.open_connections(),
        1,
        "a server that answers is not ended"
    );
    assert_eq!(
        server.calls()[0],
        ("status".to_owned(), json!({"deep": true}))
    );
    works.store(true, Ordering::Relaxed);
    assert_eq!(next_status(&mut changes).await, ServerStatus::Ready);
    assert_eq!(server.asked("ping"), 0);
}

/// The names of the tools that a model is given for anything at all.
fn chosen(kit: &Toolkit) -> Vec<String> {
    let chosen = kit.select("").now().chosen;
    chosen.iter().map(|it| it.tool.name().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn tools_of_a_server_that_is_down_are_hidden_where_that_is_wanted_and_told_of_elsewhere() {
    let (hidden, told) = (polite("hidden"), polite("told"));
    let kit = builder(&[("hidden", &hidden), ("told", &told)])
        .server("hidden", |s| s.when_down(WhenDown::Hide));
    let kit = kit.connect().await.unwrap();
    assert_eq!(chosen(&kit).len(), 4);
    let mut changes = kit.changes();
    hidden.stop();
    told.stop();
    changes.next().await.unwrap();
    changes.next().await.unwrap();
    assert_eq!(chosen(&kit), ["told.whoami", "told.echo"]);
    assert_eq!(kit.hidden_servers(), [id("hidden")].into());
    let why = kit.explain("hidden.echo");
    assert!(
        !why.listed
            && why
                .to_string()
                .contains("left out until its server is back"),
        "{why}"
    );
    assert!(kit.explain("told.echo").listed);
    let talk = kit.conversation("c");
    let said = talk
        .call_meta("describe_tool", &json!({"name": "told.echo"}))
        .await;
    let Some(Ok(manyhands::Answer::Toolkit(said))) = said else {
        panic!("{said:?}")
    };
    let why = said["unavailable"].as_str().unwrap();
    assert!(
        why.starts_with("the connection was closed; it is tried again in "),
        "{why}"
    );
    // It keeps its name, so that a call still waits for it.
    assert_eq!(
        kit.call("hidden.whoami", json!({})).await.unwrap().text(),
        "hidden"
    );
    assert_eq!(chosen(&kit).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_hidden_server_is_shown_again_when_a_call_would_try_it() {
    let server = polite("s").fault(Fault::HangsOnCall);
    let hides = |s: ServerSettings| {
        let breaker = BreakerSettings::default().with_consecutive(NonZeroU32::MIN);
        s.when_down(WhenDown::Hide)
            .probe(None)
            .timeout(SECOND)
            .breaker(breaker)
    };
    let kit = builder(&[("s", &server)]).server("s", hides);
    let kit = kit.connect().await.unwrap();
    let mut changes = kit.changes();
    kit.call("s.echo", json!({})).await.unwrap_err();
    assert_eq!(next_status(&mut changes).await.word(), "open-until");
    assert_eq!(chosen(&kit).len(), 0);
    // Whoever lists tools is told when to list them again.
    assert_eq!(next_status(&mut changes).await.word(), "open-until");
    assert_eq!(chosen(&kit).len(), 2);
    let quiet = timeout(600 * SECOND, changes.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_tried_by_a_probe_and_not_by_callers() {
    let server = OneByOne::default();
    let open = BreakerSettings::default().with_consecutive(NonZeroU32::MIN);
    let kit = server
        .kit(|s| s.no_restart().probe(often()).breaker(open).timeout(SECOND))
        .await;
    server.hang(true);
    kit.call("s.work", json!({})).await.unwrap_err();
    for _ in 0..50 {
        // Each ends at once, and none is what finds out.
        let since = Instant::now();
        let error = kit.call("s.work", json!({})).await.unwrap_err();
        assert_eq!(
            (error.delivery(), since.elapsed()),
            (Delivery::NotSent, Duration::ZERO)
        );
        sleep(20 * SECOND).await;
    }
    server.hang(false);
    sleep(180 * SECOND).await;
    assert_eq!(kit.call("s.work", json!({})).await.unwrap().text(), "done");
}

#[tokio::test(start_paused = true)]
async fn an_answered_ping_does_not_excuse_calls_that_fail() {
    let server = polite("s").fault(Fault::HangsOnCall);
    let open = BreakerSettings::default().with_consecutive(NonZeroU32::new(3).unwrap());
    let kit =
        builder(&[("s", &server)]).server("s", |s| s.probe(often()).breaker(open).timeout(SECOND));
    let kit = kit.connect().await.unwrap();
    for _ in 0..3 {
        kit.call("s.echo", json!({})).await.unwrap_err();
        sleep(20 * SECOND).await;
    }
    assert!(server.asked("ping") > 3);
    assert_eq!(state(&kit, "s"), "open-until");
}
