//! Servers that fail, and what is done about it: what is sent again, who is left alone, and what people are told.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use manyhands::{
    BreakerSettings, BulkheadSettings, CallError, CoalesceSettings, Delivery, Effect, ErrorKind,
    InputHandler, InputKind, InputRequest, InputResponse, Principal, RetrySettings, ServerService,
    ServerSettings, ServerStatus, Toolkit,
};
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep, timeout};
use tower::{Service as _, layer::layer_fn, service_fn};

use crate::servers::{builder, id, kit, polite, state, text};

const SECOND: Duration = Duration::from_secs(1);

type Adjust = fn(ServerSettings) -> ServerSettings;

/// A server with tools `read` and `write`, which take a second.
fn slow(hints: &Value) -> ScriptedServer {
    let server = ScriptedServer::new("s").latency(SECOND);
    ["read", "write"].into_iter().fold(server, |server, name| {
        let tool = json!({"name": name, "inputSchema": {"type": "object"}, "annotations": hints});
        server.tool_definition(tool, |_| text("done"))
    })
}

/// Stops a server while something is asked of it.
async fn dying<F: Future>(server: &ScriptedServer, asked: F) -> F::Output {
    let dies = async {
        sleep(SECOND / 2).await;
        server.stop();
    };
    tokio::join!(asked, dies).0
}

/// A toolkit of one server with these settings.
async fn with(
    server: &ScriptedServer,
    adjust: impl FnOnce(ServerSettings) -> ServerSettings,
) -> Toolkit {
    let builder = builder(&[("s", server)]).server("s", adjust);
    builder.connect().await.unwrap()
}

async fn call(kit: &Toolkit, tool: &str) -> Result<String, CallError> {
    let reply = kit.call(tool, json!({})).await?;
    Ok(reply.text().to_string())
}

fn executed(server: &ScriptedServer, tool: &str) -> usize {
    let calls = server.calls();
    calls.iter().filter(|(name, _)| name == tool).count()
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_tried_again_and_what_writes_is_not() {
    let server = slow(&Value::Null);
    let kit = with(&server, |s| s.tool_effect("read", Effect::ReadOnly)).await;
    let read = dying(&server, call(&kit, "s.read")).await;
    assert_eq!(read.unwrap(), "done");
    assert_eq!(executed(&server, "read"), 2);

    let write = dying(&server, call(&kit, "s.write")).await;
    let error = write.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::ConnectionClosed, Delivery::Unknown)
    );
    assert!(error.tried().is_empty());
    assert_eq!(executed(&server, "write"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_hints_of_a_server_count_where_it_is_trusted_and_less_than_policy() {
    let (read_only, idempotent) = (
        json!({"readOnlyHint": true, "destructiveHint": true}),
        json!({"readOnlyHint": false, "idempotentHint": true}),
    );
    let no_hint = json!({"destructiveHint": false, "openWorldHint": false});
    let trusted = |s: ServerSettings| s.trust_annotations();
    let distrusted = |s: ServerSettings| s;
    let denied = |s: ServerSettings| s.trust_annotations().tool_effect("write", Effect::Unknown);
    for (hints, adjust, times) in [
        (&read_only, trusted as Adjust, 2),
        (&idempotent, trusted, 2),
        (&no_hint, trusted, 1),
        (&read_only, distrusted, 1),
        (&idempotent, distrusted, 1),
        (&read_only, denied, 1),
    ] {
        let server = slow(hints);
        let kit = with(&server, adjust).await;
        let outcome = dying(&server, call(&kit, "s.write")).await;
        assert_eq!(executed(&server, "write"), times, "{hints}: {outcome:?}");
        assert_eq!(outcome.is_ok(), times == 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_protocol_says_only_reads_takes_no_trust() {
    let server = polite("s")
        .resource(
            json!({"uri": "a:b", "name": "b"}),
            json!({"uri": "a:b", "text": "b"}),
        )
        .prompt(json!({"name": "p"}), json!({"messages": []}))
        .latency(SECOND);
    let kit = kit(&[("s", &server)]).await;
    let read = dying(&server, kit.read_resource("s+a:b").into_future());
    read.await.unwrap();
    assert_eq!(server.asked("resources/read"), 2);
    let got = dying(&server, kit.get_prompt("s.p", json!({})).into_future());
    got.await.unwrap();
    assert_eq!(server.asked("prompts/get"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_says_how_often_and_where_the_call_was_tried() {
    let server = polite("s").fault(Fault::ClosesOnCall);
    let read = |s: ServerSettings| {
        let zero = Duration::ZERO;
        s.tool_effect("whoami", Effect::ReadOnly)
            .retry(RetrySettings::default().with_backoff(zero, zero))
    };
    let kit = with(&server, read).await;
    let error = call(&kit, "s.whoami").await.unwrap_err();
    assert!(
        error.to_string().contains("; tried 3 times on s in "),
        "{error}"
    );
    let document = serde_json::to_value(&error).unwrap();
    let message = document["message"].as_str().unwrap();
    assert!(message.contains("; tried 3 times on s in "), "{message}");
    assert_eq!(executed(&server, "whoami"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_keeps_failing_is_left_alone_and_nobody_else_feels_it() {
    let (bad, good) = (polite("s"), polite("good"));
    let kit = kit(&[("s", &bad), ("good", &good)]).await;
    let bad = bad.fault(Fault::FailsCall(-32_603));
    let mut changes = kit.changes();
    for _ in 0..5 {
        assert_eq!(state(&kit, "s"), "ready");
        call(&kit, "s.whoami").await.unwrap_err();
    }
    let turned = changes.next().await.unwrap();
    assert_eq!(
        (turned.server, turned.status.word()),
        (id("s"), "open-until")
    );
    let error = call(&kit, "s.echo").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Unavailable, Delivery::NotSent)
    );
    let wait = error.retry_after().unwrap();
    let told = "call s.echo: s has failed 5 times in a row (the last time: the server answered with error -32603: ";
    assert!(error.to_string().starts_with(told), "{error}");
    let advice = "; try again then, or look at the server's log";
    assert!(error.to_string().ends_with(advice), "{error}");
    assert_eq!(bad.calls().len(), 5);
    // Whoever shares the connection shares what is known of it.
    let other = kit.for_principal(&Principal::new("ada"));
    call(&other, "s.echo").await.unwrap_err();
    assert_eq!(bad.calls().len(), 5);
    assert_eq!(call(&kit, "good.whoami").await.unwrap(), "good");

    let report = kit.report();
    let line = report.to_string();
    let begin = "s     open-until  s has failed 5 times in a row (the last time: ";
    assert!(line.starts_with(begin), "{line}");
    let until = format!(
        "look at its log; next try in {} s\n",
        wait.as_secs_f64().ceil()
    );
    assert!(line.contains(&until), "{line}");
    assert_eq!(report.failures().count(), 1);
    assert_eq!(state(&kit, "good"), "ready");

    sleep(wait).await;
    let report = kit.report().to_string();
    assert!(report.contains("; the next call tries it; "), "{report}");
    call(&kit, "s.whoami").await.unwrap_err();
    assert_eq!(bad.calls().len(), 6, "one call tries it");
    let longer = call(&kit, "s.whoami").await.unwrap_err().retry_after();
    bad.heal();
    sleep(longer.unwrap()).await;
    assert_eq!(call(&kit, "s.whoami").await.unwrap(), "s");
    assert_eq!(state(&kit, "s"), "ready");
    let turned = changes.next().await.unwrap();
    assert_eq!(
        (turned.server, turned.status),
        (id("s"), ServerStatus::Ready)
    );
}

#[tokio::test(start_paused = true)]
async fn a_tool_can_be_left_alone_on_its_own() {
    let server = polite("s").tool("slow", |_| text("slow"));
    let opens = BreakerSettings::default().with_slow_call(SECOND);
    let kit = with(&server, |s| s.breaker(opens).breaker_per_tool()).await;
    let server = server.latency(SECOND);
    for _ in 0..5 {
        call(&kit, "s.slow").await.unwrap();
    }
    let _server = server.latency(Duration::ZERO);
    call(&kit, "s.slow").await.unwrap_err();
    assert_eq!(call(&kit, "s.whoami").await.unwrap(), "s");
    let report = kit.report();
    let server = report.server("s").unwrap();
    assert_eq!(server.status, ServerStatus::Ready);
    let told = "s.slow has failed 5 times in a row and is left alone for ";
    assert!(server.notices[0].starts_with(told), "{:?}", server.notices);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_start_is_told_as_such_and_neither_asked_again_nor_left_alone() {
    let server = polite("s");
    let kit = with(&server, ServerSettings::no_restart).await;
    let mut changes = kit.changes();
    server.stop();
    assert_eq!(changes.next().await.unwrap().status.word(), "failed");
    for _ in 0..10 {
        let started = Instant::now();
        let error = call(&kit, "s.whoami").await.unwrap_err();
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert_eq!(error.cause(), "the connection was closed");
        assert!(error.tried().is_empty());
    }
    assert_eq!(state(&kit, "s"), "failed");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_calls_run_at_a_server_and_only_so_many_wait() {
    let server = polite("s").latency(SECOND);
    let two = BulkheadSettings::default()
        .with_max_concurrent(1)
        .with_queue(1, 10 * SECOND);
    let kit = with(&server, |s| s.bulkhead(two)).await;
    let started = Instant::now();
    let ends = join_all((0..4).map(|_| call(&kit, "s.whoami"))).await;
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 2);
    assert_eq!(started.elapsed(), 2 * SECOND);
    for error in ends.into_iter().filter_map(Result::err) {
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::RateLimited, Delivery::NotSent)
        );
    }
    assert_eq!(executed(&server, "whoami"), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_start_takes_no_place_and_no_attempt() {
    let server = polite("s");
    let slow = server.clone();
    let connector = manyhands::Connector::in_process(move |io| {
        let server = slow.clone();
        async move {
            sleep(20 * SECOND).await;
            server.serve(io).await;
        }
    });
    let few = BulkheadSettings::default()
        .with_max_concurrent(2)
        .with_queue(1, SECOND);
    // It is known what the server offers, and that it is not up.
    let kit = builder(&[])
        .add(id("s"), connector)
        .server("s", |s| {
            s.bulkhead(few)
                .attempt_timeout(2 * SECOND)
                .idle_stop(60 * SECOND)
        })
        .start();
    assert_eq!(call(&kit, "s.whoami").await.unwrap(), "s");
    sleep(100 * SECOND).await;
    assert_eq!(state(&kit, "s"), "idle");
    let ends = join_all((0..3).map(|_| call(&kit, "s.whoami"))).await;
    assert!(ends.iter().all(Result::is_ok), "{ends:?}");

    let server = server.fault(Fault::HangsOnCall);
    let started = Instant::now();
    let error = call(&kit, "s.whoami").await.unwrap_err();
    assert_eq!(
        (started.elapsed(), error.cause()),
        (2 * SECOND, "no answer within 2s")
    );
    assert_eq!(executed(&server, "whoami"), 5);
}

/// Takes a minute, and says yes.
struct Person;

impl InputHandler for Person {
    fn kinds(&self) -> Vec<InputKind> {
        vec![InputKind::Form]
    }

    async fn answer(&self, _: InputRequest) -> InputResponse {
        sleep(60 * SECOND).await;
        InputResponse::accept(Map::new())
    }
}

#[tokio::test(start_paused = true)]
async fn no_deadline_cuts_off_a_person_and_a_slow_person_is_no_slow_server() {
    for faults in [&["asks-back"][..], &["needs-input", "modern-only"]] {
        let fault = |text: &&str| text.parse::<Fault>().unwrap();
        let server = faults.iter().map(fault);
        let server = server.fold(polite("s"), ScriptedServer::fault);
        let impatient = BreakerSettings::default().with_slow_call(SECOND);
        let kit = builder(&[("s", &server)])
            .server("s", |s| {
                s.timeout(3 * SECOND)
                    .total_timeout(5 * SECOND)
                    .attempt_timeout(4 * SECOND)
                    .breaker(impatient)
            })
            .input(Person);
        let kit = kit.connect().await.unwrap();
        for _ in 0..6 {
            let started = Instant::now();
            assert_eq!(call(&kit, "s.whoami").await.unwrap(), "s", "{faults:?}");
            assert!(started.elapsed() >= 60 * SECOND);
        }
        let known = kit.statistics();
        let median = known["s.whoami"].p50.unwrap();
        assert!(median < SECOND, "{faults:?}: {median:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_of_a_users_own_sees_each_call_once() {
    let server = slow(&Value::Null);
    let seen = Arc::new(AtomicUsize::new(0));
    let counting = |weight: usize| {
        let seen = seen.clone();
        layer_fn(move |service: ServerService| {
            let seen = seen.clone();
            service_fn(move |call| {
                // The outer one counts first, so that its weight is taken times the inner one's.
                seen.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| {
                    Some(it * 10 + weight)
                })
                .unwrap();
                service.clone().call(call)
            })
        })
    };
    let kit = builder(&[("s", &server)])
        .server("s", |s| s.tool_effect("read", Effect::ReadOnly))
        .layer(counting(1))
        .layer(counting(2))
        .connect()
        .await
        .unwrap();
    dying(&server, call(&kit, "s.read")).await.unwrap();
    assert_eq!(executed(&server, "read"), 2);
    assert_eq!(seen.load(Ordering::Relaxed), 12);
}

#[tokio::test(start_paused = true)]
async fn identical_reads_share_one_call_where_that_is_wanted() {
    for (wanted, times) in [(Some(CoalesceSettings::default()), 1), (None, 3)] {
        let server = polite("s").latency(SECOND);
        let read = |s: ServerSettings| s.tool_effect("whoami", Effect::ReadOnly).coalesce(wanted);
        let kit = with(&server, read).await;
        let ends = join_all((0..3).map(|_| call(&kit, "s.whoami"))).await;
        assert!(ends.iter().all(Result::is_ok), "{ends:?}");
        assert_eq!(executed(&server, "whoami"), times);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_known_how_fast_and_how_reliable_a_tool_was() {
    let server = polite("s").latency(SECOND);
    let kit = kit(&[("s", &server)]).await;
    for _ in 0..3 {
        call(&kit, "s.whoami").await.unwrap();
    }
    let server = server.fault(Fault::ClosesOnCall);
    call(&kit, "s.whoami").await.unwrap_err();
    let known = kit.statistics();
    let tool = known["s.whoami"];
    assert_eq!((tool.calls, tool.success_rate), (4, 0.75));
    assert_eq!(tool.p50, Some(SECOND));
    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(server.calls().len(), 4);
}

#[tokio::test]
async fn how_tools_did_is_known_at_the_next_start_and_a_broken_file_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("servers");
    let server = polite("s").resource(
        json!({"uri": "a:b", "name": "b"}),
        json!({"uri": "a:b", "text": "b"}),
    );
    let start = async || {
        let servers = builder(&[("s", &server)]).remember_in(&folder);
        servers.connect().await.unwrap()
    };
    let first = start().await;
    call(&first, "s.whoami").await.unwrap();
    first.read_resource("s+a:b").await.unwrap();
    first.close().await;

    let second = start().await;
    let known: Vec<String> = second.statistics().into_keys().collect();
    assert_eq!(known, ["s.whoami"], "what a URI says stays here");
    call(&second, "s.whoami").await.unwrap();
    assert_eq!(second.statistics()["s.whoami"].calls, 2);
    second.close().await;

    let file = folder.join("statistics.json");
    std::fs::write(&file, "{\"s.whoami\": 7}").unwrap();
    let third = start().await;
    assert!(third.statistics().is_empty());
    call(&third, "s.echo").await.unwrap();
    third.close().await;
    assert!(std::fs::read_to_string(file).unwrap().contains("s.echo"));
}

#[cfg(unix)]
#[tokio::test]
async fn what_an_mcp_json_says_of_retries_and_breakers_is_done() {
    use manyhands::FromConfig as _;

    let entry = |ours: Value| {
        json!({"mcpServers": {"s": {
            "command": env!("CARGO_BIN_EXE_hostile-server"),
            "args": ["serve", "--fault", "closes-on-call"],
            "manyhands": ours,
        }}})
        .to_string()
    };
    let restart = json!({"backoff": "1ms", "maxBackoff": "1ms"});
    for (ours, told) in [
        (
            json!({"retry": {"attempts": 2, "backoff": "1ms"}, "breaker": false}),
            "; tried 2 times on s in ",
        ),
        (
            json!({"retry": {"backoff": "1ms"}, "breaker": {"consecutive": 1}}),
            "s has failed (the last time: ",
        ),
        (
            json!({"chaos": {"enabled": true, "faults": [{"percent": 100, "kind": "rate_limited", "delivery": "rejected"}]}, "retry": false}),
            "this fault was made on purpose",
        ),
    ] {
        let mut ours = ours;
        ours["tools"] = json!({"echo": {"effect": "readOnly"}});
        ours["restart"] = restart.clone();
        let kit = Toolkit::from_json(&entry(ours)).unwrap().start();
        let asked = async { kit.call("s.echo", json!({"text": "hi"})).await };
        let error = timeout(60 * SECOND, asked).await.unwrap().unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        kit.close().await;
    }
    let wrong = entry(json!({"retry": {"atempts": 2}}));
    let kit = Toolkit::from_json(&wrong).unwrap().start();
    let report = kit.report().to_string();
    assert!(report.contains("attempts"), "{report}");
}
