//! Servers that are there several times: calls are shared, one that fails costs nothing that shows, and all of them end.

use std::num::NonZeroU32;
use std::time::Duration;

use manyhands::{
    BalanceBy, BreakerSettings, Builder, Delivery, Effect, FromConfig as _, HedgeSettings, Member,
    Reach, RestartSettings, ServerSettings, Toolkit,
};
use manyhands_testkit::{Fault, HttpServer, ScriptedServer};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};

use crate::servers::{id, polite, state};

const SECOND: Duration = Duration::from_secs(1);

/// A server with these replicas.
fn member(servers: &[ScriptedServer], settings: ServerSettings) -> Member {
    let mut connectors = servers.iter().map(ScriptedServer::connector);
    let reach = Reach::new(connectors.next().unwrap());
    let reach = connectors.fold(reach, Reach::with_replica);
    Member::new(id("s"), reach).with_settings(settings)
}

/// The same, when all of them are up.
async fn kit(servers: &[ScriptedServer], settings: ServerSettings) -> Toolkit {
    let kit = Builder::default()
        .member(member(servers, settings))
        .connect()
        .await
        .unwrap();
    until(&kit, |notices| !notices.contains("are up")).await;
    kit
}

fn notices(kit: &Toolkit) -> String {
    kit.report().server("s").unwrap().notices.join("\n")
}

/// Waits until the notices are such, for ten minutes at the most.
async fn until(kit: &Toolkit, are: impl Fn(&str) -> bool) {
    let mut changes = kit.changes();
    let there = async {
        while !are(&notices(kit)) {
            changes.next().await.unwrap();
        }
    };
    let in_time = timeout(600 * SECOND, there).await;
    assert!(in_time.is_ok(), "it still is {}", notices(kit));
}

fn three() -> [ScriptedServer; 3] {
    ["a", "b", "c"].map(polite)
}

fn calls(servers: &[ScriptedServer]) -> Vec<usize> {
    servers.iter().map(|it| it.calls().len()).collect()
}

fn settings() -> ServerSettings {
    ServerSettings::default().retry(None)
}

#[tokio::test(start_paused = true)]
async fn calls_are_shared_and_the_server_is_one() {
    let servers = ["a", "b"].map(|name| polite(name).latency(SECOND));
    let kit = kit(&servers, settings()).await;
    assert_eq!(state(&kit, "s"), "ready");
    assert_eq!(kit.catalogue().tools().count(), 2);
    assert_eq!(notices(&kit), "");
    let all = (0..20).map(|_| kit.call("s.whoami", json!({})).into_future());
    for reply in futures_util::future::join_all(all).await {
        reply.unwrap();
    }
    assert_eq!(calls(&servers), [10, 10]);
    let report = kit.report();
    let numbers = report.server("s").unwrap().replicas.iter();
    assert_eq!(numbers.map(|it| it.number).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_dies_costs_nothing_and_is_told_and_comes_back() {
    let servers = three();
    let settings = ServerSettings::default().tool_effect("whoami", Effect::ReadOnly);
    let kit = kit(&servers, settings).await;
    // Two of them: whichever speaks for the server, it is one of these or another takes its place.
    for (dying, left) in [(1, "2 of 3"), (0, "1 of 3")] {
        let _ = servers[dying].clone().fault(Fault::ClosesAtHandshake);
        servers[dying].stop();
        // Nobody knows yet, so that one of these may be on its way there.
        let reads = (0..9).map(|_| kit.call("s.whoami", json!({})).into_future());
        for reply in futures_util::future::join_all(reads).await {
            reply.unwrap();
        }
        until(&kit, |notices| notices.starts_with(left)).await;
        let begun = Instant::now();
        for _ in 0..9 {
            kit.call("s.echo", json!({})).await.unwrap();
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(state(&kit, "s"), "ready");
    }
    let told = notices(&kit);
    assert!(told.contains("replica 1: failed, "), "{told}");
    assert!(told.contains("replica 2: failed, "), "{told}");
    servers.iter().for_each(ScriptedServer::heal);
    // One that was left alone, since calls were under way when it died, is tried by a call.
    let back = async {
        while !notices(&kit).is_empty() {
            kit.call("s.whoami", json!({})).await.unwrap();
            sleep(SECOND).await;
        }
    };
    let in_time = timeout(600 * SECOND, back).await;
    assert!(in_time.is_ok(), "it still is {}", notices(&kit));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_been_done_is_not_done_again_and_a_read_is() {
    let servers = three();
    let settings = ServerSettings::default().tool_effect("whoami", Effect::ReadOnly);
    let restart = RestartSettings::default()
        .with_budget(u32::MAX, SECOND)
        .with_backoff(SECOND / 50, SECOND / 10);
    let kit = kit(&servers, settings.breaker(None).restart(restart)).await;
    let _ = servers[0].clone().fault(Fault::ClosesOnCall);
    for _ in 0..15 {
        kit.call("s.whoami", json!({})).await.unwrap();
    }
    let before: usize = calls(&servers).iter().sum();
    let mut failed = 0;
    for _ in 0..30 {
        sleep(SECOND).await;
        if let Err(error) = kit.call("s.echo", json!({})).await {
            assert_eq!(error.delivery(), Delivery::Unknown);
            failed += 1;
        }
    }
    let after: usize = calls(&servers).iter().sum();
    assert!(failed > 0, "none went to the one that fails");
    assert_eq!(after - before, 30, "each was made once");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_a_slow_replica_keeps_waiting_is_answered_by_another_and_a_write_is_made_once()
{
    let servers = three();
    let _ = servers[0].clone().latency(10 * SECOND);
    let hedge = HedgeSettings::default().with_after(SECOND);
    let settings = settings().tool_effect("whoami", Effect::ReadOnly);
    let settings = settings.hedge(hedge.with_budget(100, 100));
    let kit = kit(&servers, settings).await;
    for _ in 0..30 {
        let begun = Instant::now();
        kit.call("s.whoami", json!({})).await.unwrap();
        assert!(begun.elapsed() <= SECOND, "{:?}", begun.elapsed());
    }
    sleep(SECOND).await;
    let overtaken = servers[0].calls().len();
    assert!(overtaken > 5, "{overtaken} went to the slow one");
    assert_eq!(servers[0].cancelled(), overtaken);
    let before: usize = calls(&servers).iter().sum();
    assert_eq!(before, 30 + overtaken);
    for _ in 0..30 {
        kit.call("s.echo", json!({})).await.unwrap();
    }
    assert_eq!(calls(&servers).iter().sum::<usize>(), before + 30);
    assert!(servers[0].calls().len() > overtaken + 5);
}

#[tokio::test(start_paused = true)]
async fn calls_avoid_a_slow_replica_or_stay_with_one_where_that_is_set() {
    let servers = three();
    let _ = servers[0].clone().latency(10 * SECOND);
    let kit = kit(&servers, settings().balance(BalanceBy::PeakEwma)).await;
    for _ in 0..40 {
        kit.call("s.whoami", json!({})).await.unwrap();
    }
    let seen = calls(&servers);
    assert!(seen[0] <= 2, "{seen:?}");

    let servers = three();
    let kit = self::kit(&servers, settings().sticky()).await;
    for _ in 0..40 {
        kit.call("s.whoami", json!({})).await.unwrap();
    }
    assert!(calls(&servers).contains(&40));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_keeps_failing_is_left_out_and_comes_back() {
    let servers = ["a", "b"].map(polite);
    let breaker = BreakerSettings::default().with_consecutive(NonZeroU32::new(2).unwrap());
    let kit = kit(&servers, settings().breaker(breaker)).await;
    let _ = servers[0].clone().fault(Fault::FailsCall(-32_603));
    let mut failed = 0;
    for _ in 0..40 {
        failed += usize::from(kit.call("s.echo", json!({})).await.is_err());
    }
    assert_eq!(failed, 2);
    let told = notices(&kit);
    assert!(
        told.starts_with("replica 1: open-until, s has failed 2 times in a row"),
        "{told}"
    );
    assert_eq!(state(&kit, "s"), "ready");

    let _ = servers[1].clone().fault(Fault::FailsCall(-32_603));
    for _ in 0..2 {
        kit.call("s.echo", json!({})).await.unwrap_err();
    }
    let seen = calls(&servers);
    assert_eq!(state(&kit, "s"), "open-until");
    let error = kit.call("s.echo", json!({})).await.unwrap_err();
    assert_eq!(
        (error.delivery(), calls(&servers)),
        (Delivery::NotSent, seen)
    );

    servers.iter().for_each(ScriptedServer::heal);
    sleep(20 * SECOND).await;
    for _ in 0..40 {
        kit.call("s.echo", json!({})).await.unwrap();
    }
    assert_eq!((state(&kit, "s"), notices(&kit)), ("ready", String::new()));
}

#[tokio::test(start_paused = true)]
async fn what_only_one_replica_offers_is_told_and_not_listed() {
    let extra = |_: &_| json!({"content": []});
    let servers = [polite("a"), polite("b"), polite("c").tool("extra", extra)];
    let kit = kit(&servers, settings()).await;
    until(&kit, |notices| notices.contains("other tools")).await;
    let listed = kit.catalogue().tools().count();
    let told = notices(&kit);
    match listed {
        // The odd one out came up first, and speaks for the server.
        3 => assert_eq!(told.matches("it lacks extra").count(), 2, "{told}"),
        2 => assert!(
            told.contains("replica 3 offers other tools than are listed: it has besides extra"),
            "{told}"
        ),
        other => panic!("{other} tools: {told}"),
    }
    // Who offers something else and says so is compared anew.
    let changed =
        json!({"name": "whoami", "description": "new", "inputSchema": {"type": "object"}});
    for server in &servers {
        server.redefine(&changed);
    }
    let news = "notifications/tools/list_changed";
    servers[1].notify(news, &json!({}));
    until(&kit, |notices| {
        notices.contains("describes otherwise whoami")
    })
    .await;
    for server in &servers {
        server.notify(news, &json!({}));
    }
    until(&kit, |notices| !notices.contains("otherwise")).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_call_starts_all_replicas_and_waits_for_one() {
    let servers = three();
    let _ = servers[0].clone().fault(Fault::NeverAnswersHandshake);
    let kit = Builder::default()
        .member(member(
            &servers,
            settings().lazy(true).idle_stop(60 * SECOND),
        ))
        .connect()
        .await
        .unwrap();
    assert_eq!(state(&kit, "s"), "idle");
    let begun = Instant::now();
    kit.call("s.echo", json!({})).await.unwrap();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    sleep(SECOND).await;
    let open: Vec<_> = servers.iter().map(ScriptedServer::connections).collect();
    assert!(open.iter().all(|it| *it > 0), "{open:?}");
    // What they offer is known now, so that the call itself starts them.
    servers[0].heal();
    sleep(600 * SECOND).await;
    assert_eq!(state(&kit, "s"), "idle");
    let open: Vec<_> = servers.iter().map(ScriptedServer::connections).collect();
    let _ = servers[0].clone().fault(Fault::NeverAnswersHandshake);
    let begun = Instant::now();
    kit.call("s.echo", json!({})).await.unwrap();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    sleep(SECOND).await;
    let again = servers.iter().map(ScriptedServer::connections);
    assert!(again.zip(&open).all(|(now, then)| now > *then), "{open:?}");
}

#[tokio::test(start_paused = true)]
async fn all_replicas_end_with_the_server() {
    let end = async |servers: &[ScriptedServer]| {
        for server in servers {
            let gone = timeout(10 * SECOND, server.until(|it| it.open_connections() == 0)).await;
            assert!(gone.is_ok(), "one is still connected");
        }
    };
    let servers = three();
    let kit_of = kit(&servers, settings()).await;
    kit_of.close().await;
    end(&servers).await;

    let servers = three();
    let kit_of = kit(&servers, settings()).await;
    assert!(kit_of.remove_server(&id("s")));
    end(&servers).await;

    let servers = three();
    drop(kit(&servers, settings()).await);
    end(&servers).await;

    let servers = three();
    let kit_of = kit(&servers, settings().idle_stop(60 * SECOND)).await;
    sleep(90 * SECOND).await;
    end(&servers).await;
    assert_eq!(
        (state(&kit_of, "s"), notices(&kit_of)),
        ("idle", String::new())
    );
    kit_of.call("s.echo", json!({})).await.unwrap();
}

#[tokio::test]
async fn urls_share_calls() {
    let servers = ["a", "b"].map(polite);
    let first = HttpServer::start(&servers[0]).await.unwrap();
    let second = HttpServer::start(&servers[1]).await.unwrap();
    let text = json!({"mcpServers": {"s": {
        "url": first.url(), "manyhands": {"replicas": [second.url()]}
    }}});
    let kit = Toolkit::from_json(&text.to_string()).unwrap();
    let kit = timeout(20 * SECOND, kit.connect()).await.unwrap().unwrap();
    timeout(20 * SECOND, until(&kit, str::is_empty))
        .await
        .unwrap();
    for _ in 0..40 {
        kit.call("s.whoami", json!({})).await.unwrap();
    }
    let seen = calls(&servers);
    assert!(seen.iter().all(|it| *it > 5), "{seen:?}");
    kit.close().await;
}

#[tokio::test]
async fn headers_go_to_every_url() {
    let places = [
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    ];
    let [first, second] = places
        .each_ref()
        .map(|it| format!("http://{}/mcp", it.local_addr().unwrap()));
    let text = json!({"mcpServers": {"s": {
        "url": first, "headers": {"X-Team": "shop"}, "manyhands": {"replicas": [second]}
    }}});
    let _kit = Toolkit::from_json(&text.to_string()).unwrap().start();
    for place in &places {
        let head = timeout(20 * SECOND, head(place)).await.unwrap();
        assert!(head.to_lowercase().contains("x-team: shop"), "{head}");
    }
}

/// How the first request that comes begins.
async fn head(place: &TcpListener) -> String {
    let (mut stream, _) = place.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        assert!(stream.read_buf(&mut head).await.unwrap() > 0);
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[tokio::test]
async fn what_cannot_be_there_several_times_is_told_before_anything_is_started() {
    let many: Vec<_> = (0..64)
        .map(|n| format!("https://{n}.example/mcp"))
        .collect();
    for (entry, expected) in [
        (
            json!({"command": "x", "manyhands": {"replicas": ["https://b.example/mcp"]}}),
            "`replicas` are URLs, and it has a command",
        ),
        (
            json!({"url": "https://a.example/mcp", "manyhands": {"instances": 2}}),
            "`instances` is for a command, and it has a URL",
        ),
        (
            json!({"url": "https://a.example/mcp", "manyhands": {"replicas": ["b.example"]}}),
            "replicas[0]: this is not an absolute http or https URL",
        ),
        (
            json!({"url": "https://a.example/mcp", "manyhands": {"replicas": many}}),
            "it is at 65 URLs, and 64 is the most",
        ),
        (
            json!({"command": "x", "manyhands": {"instances": 65}}),
            "manyhands (the given JSON, line 1): expected `instances` from 1 to 64, found 65",
        ),
    ] {
        let text = json!({"mcpServers": {"s": entry}}).to_string();
        let kit = Toolkit::from_json(&text).unwrap().start();
        let report = kit.report();
        let cause = report
            .server("s")
            .unwrap()
            .status
            .cause()
            .unwrap()
            .to_owned();
        assert_eq!(cause, expected);
    }
}
