//! Calls end on time, with an outcome that says whether the server may have acted.

use std::time::Duration;

use manyhands::{Delivery, ErrorKind, ErrorType};
use manyhands_testkit::Fault;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::servers::{builder, kit, polite};

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_ends_at_its_total_deadline_and_is_cancelled_at_the_server() {
    let server = polite("s").fault(Fault::HangsOnCall);
    let kit = builder(&[("s", &server)])
        .server("s", |s| s.timeout(Duration::from_secs(7)))
        .connect()
        .await
        .unwrap();
    let started = Instant::now();
    let error = kit.call("s.whoami", json!({})).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(7));
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::DeadlineExceeded, Delivery::Unknown)
    );
    server.until(|server| server.cancelled() == 1).await;

    let error = kit
        .call("s.whoami", json!({}))
        .timeout(Duration::from_secs(1))
        .await
        .unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(8));
    assert!(!error.is_retryable(), "nobody knows whether it took effect");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_any_setting_ends_after_30_s() {
    let server = polite("s").fault(Fault::WrongId);
    let kit = kit(&[("s", &server)]).await;
    let started = Instant::now();
    let error = kit.call("s.whoami", json!({})).await.unwrap_err();
    assert_eq!(
        (started.elapsed(), error.kind()),
        (Duration::from_secs(30), ErrorKind::DeadlineExceeded)
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_during_a_call_leaves_its_outcome_unknown() {
    let (server, other) = (polite("s").fault(Fault::ClosesOnCall), polite("other"));
    let kit = kit(&[("s", &server), ("other", &other)]).await;
    let error = kit.call("s.whoami", json!({})).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::ConnectionClosed, Delivery::Unknown)
    );
    assert_eq!(
        error.to_string(),
        "call s.whoami: the connection was closed while the call was under way; \
         check whether the call took effect before repeating it"
    );
    assert_eq!(server.calls().len(), 1, "it is not repeated");
    assert_eq!(
        kit.call("other.whoami", json!({})).await.unwrap().text(),
        "other"
    );
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_object_are_refused_before_anything_is_sent() {
    let server = polite("s");
    let kit = kit(&[("s", &server)]).await;
    for arguments in [json!([1]), json!("text"), json!(5), json!(true)] {
        let error = kit.call("s.echo", arguments).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::InvalidArguments, Delivery::NotSent)
        );
    }
    assert!(server.calls().is_empty());
    assert_eq!(kit.call("s.echo", Value::Null).await.unwrap().text(), "{}");
}

#[tokio::test(start_paused = true)]
async fn a_tools_own_failure_is_a_reply() {
    let failed = json!({
        "isError": true, "content": [],
        "structuredContent": {"code": "channel_not_found", "message": "no #x", "type": "permanent"},
    });
    let server = polite("s").tool("post", move |_| failed.clone());
    let reply = kit(&[("s", &server)])
        .await
        .call("s.post", json!({}))
        .await
        .unwrap();
    let failure = reply.failure().unwrap();
    assert_eq!(
        (failure.code.as_deref(), failure.message.as_str()),
        (Some("channel_not_found"), "no #x")
    );
    assert_eq!(failure.error_type, Some(ErrorType::Permanent));
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_each_get_their_own_answer() {
    let server = polite("s").fault(Fault::AnswersInReverse(20));
    let kit = kit(&[("s", &server)]).await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let ask = kit.call("s.echo", json!({"n": n}));
        calls.spawn(async move { (n, ask.await.unwrap().value()) });
    }
    for (n, value) in calls.join_all().await {
        assert_eq!(value, json!({"n": n}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_back_is_declined_and_goes_on() {
    let server = polite("s").fault(Fault::AsksBack);
    let kit = kit(&[("s", &server)]).await;
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
}

#[tokio::test(start_paused = true)]
async fn a_reply_tells_how_long_its_server_took() {
    let server = polite("s").latency(Duration::from_secs(3));
    let kit = kit(&[("s", &server)]).await;
    assert_eq!(
        kit.call("s.whoami", json!({})).await.unwrap().took(),
        Duration::from_secs(3)
    );
}
