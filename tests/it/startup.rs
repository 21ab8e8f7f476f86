//! Connecting reports, it does not throw: one dead server never costs the others.

use std::time::Duration;

use manyhands::{Connector, Member, ServerSettings, ServerStatus, StdioSettings};
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::json;
use tokio::time::Instant;

use crate::servers::{builder, id, kit, polite, state};

#[tokio::test(start_paused = true)]
async fn dead_servers_cost_only_themselves() {
    let (good, closing) = (
        polite("good"),
        polite("closing").fault(Fault::ClosesAtHandshake),
    );
    let refusing = polite("refusing").fault(Fault::RefusesHandshake(-32_000, "no licence".into()));
    let kit = kit(&[
        ("closing", &closing),
        ("good", &good),
        ("refusing", &refusing),
    ])
    .await;
    assert_eq!(
        kit.call("good.whoami", json!({})).await.unwrap().text(),
        "good"
    );

    let report = kit.report();
    assert_eq!(report.server("good").unwrap().status, ServerStatus::Ready);
    let cause = |server: &str| {
        report
            .server(server)
            .unwrap()
            .status
            .cause()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        cause("closing"),
        "the connection was closed during the handshake"
    );
    assert_eq!(
        cause("refusing"),
        "it refused the handshake (error -32000: no licence)"
    );
    assert!(
        report
            .failures()
            .all(|server| server.status.mend().is_some())
    );
}

#[tokio::test(start_paused = true)]
async fn connecting_waits_for_the_grace_and_not_for_the_slowest() {
    let (good, silent) = (
        polite("good"),
        polite("silent").fault(Fault::NeverAnswersHandshake),
    );
    let started = Instant::now();
    let kit = kit(&[("silent", &silent), ("good", &good)]).await;
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    assert_eq!(
        (state(&kit, "good"), state(&kit, "silent")),
        ("ready", "starting")
    );

    kit.all_started().await;
    assert_eq!(started.elapsed(), Duration::from_secs(60));
    assert_eq!(state(&kit, "silent"), "failed");
    let report = kit.report();
    let cause = report
        .server("silent")
        .unwrap()
        .status
        .cause()
        .unwrap()
        .to_owned();
    assert_eq!(cause, "it did not answer the handshake within 60s");
}

#[tokio::test(start_paused = true)]
async fn only_a_required_server_makes_connecting_an_error() {
    let (good, closing) = (
        polite("good"),
        polite("closing").fault(Fault::ClosesAtHandshake),
    );
    let error = builder(&[("good", &good), ("closing", &closing)])
        .server("closing", ServerSettings::required)
        .connect()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "start the toolkit: the required server closing failed: the connection was closed during the handshake; \
         look at the server's own log"
    );
    assert_eq!(
        error.report().server("good").unwrap().status,
        ServerStatus::Ready
    );
}

#[tokio::test(start_paused = true)]
async fn a_required_server_is_waited_for_beyond_the_grace() {
    let slow = polite("slow");
    let late = slow.clone();
    let connector = Connector::in_process(move |io| {
        let server = late.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            server.serve(io).await;
        }
    });
    let started = Instant::now();
    let kit = builder(&[])
        .add(id("slow"), connector)
        .server("slow", ServerSettings::required)
        .connect()
        .await
        .unwrap();
    assert_eq!(
        (started.elapsed(), state(&kit, "slow")),
        (Duration::from_secs(10), "ready")
    );
}

#[tokio::test(start_paused = true)]
async fn adjusting_a_server_that_is_not_there_is_an_error() {
    let good = polite("good");
    let error = builder(&[("good", &good)])
        .server("god", ServerSettings::required)
        .connect()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "start the toolkit: no server is named \"god\"; did you mean \"good\"?"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_server_to_start_on_the_callers_time() {
    let silent = polite("silent").fault(Fault::NeverAnswersHandshake);
    let kit = builder(&[("silent", &silent)]).start();
    let started = Instant::now();
    let error = kit
        .call("silent.whoami", json!({}))
        .timeout(Duration::from_secs(3))
        .await
        .unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    assert_eq!(
        error.to_string(),
        "call silent.whoami: its server is still starting after 3s; try again in a while, or raise the timeout"
    );
    assert!(error.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn changes_tell_of_servers_that_come_and_go() {
    let server = polite("late");
    let kit = builder(&[("late", &server)]).start();
    let mut changes = kit.changes();
    let ready = changes.next().await.unwrap();
    assert_eq!(
        (ready.status, ready.diff.added.len(), ready.generation),
        (ServerStatus::Ready, 2, 1)
    );

    server.stop();
    let gone = changes.next().await.unwrap();
    assert!(gone.status.is_failure());
    assert!(
        gone.diff.is_empty(),
        "names keep their meaning while a server is down"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_only_the_newest_protocol_is_connected() {
    let modern = polite("modern").fault(Fault::ModernOnly);
    let kit = kit(&[("modern", &modern)]).await;
    let report = kit.report();
    assert_eq!(
        report
            .server("modern")
            .unwrap()
            .info
            .as_ref()
            .unwrap()
            .protocol,
        "2026-07-28"
    );
    assert_eq!(
        kit.call("modern.whoami", json!({})).await.unwrap().text(),
        "modern"
    );
}

#[tokio::test(start_paused = true)]
async fn broken_and_disabled_entries_are_in_the_report() {
    let builder = builder(&[])
        .member(Member::broken(
            id("broken"),
            "the variable TOKEN is not set",
            Some("set it".into()),
        ))
        .member(Member::disabled(id("off")))
        .member(Member::new(
            id("missing"),
            Connector::stdio(StdioSettings::new("no-such-program")),
        ));
    let kit = builder.connect().await.unwrap();
    kit.all_started().await;
    let shown = kit.report().to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[0],
        "broken   failed      the variable TOKEN is not set; set it"
    );
    assert_eq!(
        lines[1],
        "off      disabled    switched off in the configuration"
    );
    assert_eq!(
        lines[2],
        "missing  failed      the command no-such-program was not found; install it, or give its full path as `command`"
    );
    let error = kit.call("off.anything", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "call off.anything: its server is switched off in the configuration; remove `disabled` there"
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_every_connection() {
    let server = polite("s");
    let kit = kit(&[("s", &server)]).await;
    let clone = kit.clone();
    drop(kit);
    assert_eq!(clone.call("s.whoami", json!({})).await.unwrap().text(), "s");
    drop(clone);
    server
        .until(|server: &ScriptedServer| server.open_connections() == 0)
        .await;
}
