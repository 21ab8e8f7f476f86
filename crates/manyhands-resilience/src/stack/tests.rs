//! The order of the layers by name, and by what it does.

use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::testing::{SECOND, Server, call, call_of, call_within, reply, send, tool_failure};
use crate::{BreakerState, Fault};
use manyhands_core::{Delivery, Effect, ErrorKind};
use tokio::time::{Instant, sleep};
use tower::Layer as _;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn everything() -> StackSettings {
    StackSettings::default()
        .with_hedge(HedgeSettings::default())
        .with_rate_limit(RateLimitSettings::default())
        .with_chaos(ChaosSettings::default().with_seed(1))
}

fn build(settings: &StackSettings) -> Stack {
    Stack::seeded(settings, &Statistics::default(), 3)
}

#[test]
fn the_order_is_this() {
    assert_eq!(
        build(&everything()).order(),
        [
            "total deadline",
            "retry",
            "hedge",
            "attempt span",
            "breaker",
            "preparation",
            "bulkhead",
            "rate limit",
            "statistics",
            "attempt deadline",
            "chaos",
        ]
    );
    let replicated = Stack::of_replicas(2, &everything(), &Statistics::default(), Some(3));
    assert_eq!(
        replicated.order()[2..6],
        ["hedge", "attempt span", "balance", "breaker"]
    );
    let bare = StackSettings::default()
        .with_retry(None)
        .with_breaker(None)
        .with_bulkhead(None);
    assert_eq!(
        build(&bare).order(),
        [
            "total deadline",
            "attempt span",
            "preparation",
            "statistics",
            "attempt deadline"
        ]
    );
}

#[test]
fn settings_are_read_as_people_write_them() {
    let text = r#"{"deadline": {"total": "30s"}, "retry": {"attempts": 2, "backoff": "50ms"}, "breaker": null,
        "rateLimit": {"calls": 5, "per": "1m"}, "chaos": {"enabled": true, "faults":
        [{"percent": 5, "kind": "connection_closed", "delivery": "unknown"}]}}"#;
    let settings: StackSettings = serde_json::from_str(text).unwrap();
    let fault = Fault::new(5, ErrorKind::ConnectionClosed, Delivery::Unknown);
    let expected = StackSettings::default()
        .with_deadline(DeadlineSettings::default().with_total(30 * SECOND))
        .with_retry(
            RetrySettings::default()
                .with_attempts(2)
                .with_backoff(Duration::from_millis(50), 5 * SECOND),
        )
        .with_breaker(None)
        .with_rate_limit(RateLimitSettings::default().with_rate(number(5), 60 * SECOND))
        .with_chaos(ChaosSettings::default().with_seed(0).with_fault(fault));
    assert_eq!(settings, expected);
    let written = serde_json::to_value(&settings).unwrap();
    assert_eq!(
        serde_json::from_value::<StackSettings>(written).unwrap(),
        expected
    );
    for wrong in [
        r#"{"rateLimit": {"calls": 0}}"#,
        r#"{"deadline": {"total": 30}}"#,
    ] {
        assert!(
            serde_json::from_str::<StackSettings>(wrong).is_err(),
            "{wrong}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_that_open_the_breaker_end_the_retrying() {
    let server = Server::failing(ErrorKind::Unavailable, Delivery::NotSent);
    let breaker = BreakerSettings::default().with_consecutive(number(2));
    let retry = RetrySettings::default().with_attempts(9);
    let stack = build(
        &StackSettings::default()
            .with_breaker(breaker)
            .with_retry(retry),
    );
    let error = send(&stack.layer(server.clone()), call())
        .await
        .unwrap_err();
    assert_eq!(server.count(), 2);
    assert!(
        error
            .to_string()
            .starts_with("call slack.post: slack has failed 2 times in a row (the last time: it failed) and is left alone"),
        "{error}"
    );
    assert!(
        error.to_string().contains("; tried 2 times on slack in"),
        "{error}"
    );
    assert_eq!(
        stack.breaker().unwrap().status("slack").unwrap().state,
        BreakerState::Open
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_in_our_own_queue_is_not_the_servers_fault() {
    let bulkhead = BulkheadSettings::default()
        .with_max_concurrent(1)
        .with_queue(99, SECOND);
    let deadline = DeadlineSettings::default().with_attempt(SECOND * 2);
    let settings = StackSettings::default()
        .with_bulkhead(bulkhead)
        .with_deadline(deadline);
    let stack =
        build(&settings.with_breaker(BreakerSettings::default().with_consecutive(number(1))));
    let service = stack.layer(Server::slow(SECOND * 3 / 2));
    let calls = (0..20).map(|_| send(&service, call()));
    let ends = futures_util::future::join_all(calls).await;
    assert!(ends[0].is_ok());
    assert!(ends[1..].iter().all(|end| end.as_ref().is_err_and(|error| {
        (error.kind(), error.delivery()) == (ErrorKind::RateLimited, Delivery::NotSent)
    })));
    assert_eq!(
        stack.breaker().unwrap().status("slack").unwrap().state,
        BreakerState::Closed
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_its_own_time_and_all_of_them_have_the_callers() {
    let server = Server::new(async |number, call| {
        sleep(if number < 3 { 99 * SECOND } else { SECOND }).await;
        Ok(reply(&call))
    });
    let deadline = DeadlineSettings::default().with_attempt(2 * SECOND);
    let stack = build(&StackSettings::default().with_deadline(deadline));
    let service = stack.layer(server.clone());
    send(&service, call_of(Effect::ReadOnly)).await.unwrap();
    assert_eq!(server.count(), 3);

    let started = Instant::now();
    let slow = stack.layer(Server::slow(99 * SECOND));
    let mut read = call_within(3 * SECOND);
    read.context.effect = Effect::ReadOnly;
    let error = send(&slow, read).await.unwrap_err();
    assert_eq!(started.elapsed(), 3 * SECOND);
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::DeadlineExceeded, Delivery::Unknown)
    );
    assert!(
        error
            .to_string()
            .contains("; tried 2 times on slack in 3 s; "),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn under_any_faults_a_write_is_carried_out_once_at_most_and_every_call_ends_in_time() {
    let faults = ChaosSettings::default()
        .with_seed(11)
        .with_delay(20, 3 * SECOND)
        .with_fault(Fault::new(20, ErrorKind::Unavailable, Delivery::NotSent))
        .with_fault(Fault::new(
            20,
            ErrorKind::ConnectionClosed,
            Delivery::Unknown,
        ))
        .with_fault(Fault::new(20, ErrorKind::RateLimited, Delivery::Rejected));
    let never = BreakerSettings::default()
        .with_consecutive(NonZeroU32::MAX)
        .with_rate(101, number(1), SECOND);
    let retry = RetrySettings::default()
        .with_attempts(6)
        .with_budget(100, 60_000, 1_000);
    let stack = build(
        &StackSettings::default()
            .with_chaos(faults)
            .with_breaker(never)
            .with_retry(retry),
    );
    let server = Server::fast();
    let service = stack.layer(server.clone());
    let mut repeated = 0;
    for _ in 0..500 {
        let (before, started) = (server.count(), Instant::now());
        let outcome = send(&service, call_within(5 * SECOND)).await;
        assert!(started.elapsed() <= 5 * SECOND);
        let done = server.count() - before;
        assert!(done <= 1, "{outcome:?}");
        match outcome {
            Ok(_) => repeated += usize::from(server.seen().last().unwrap().context.attempt > 1),
            Err(error) => assert!(
                done == 0 || error.delivery() == Delivery::Unknown,
                "{error:?}"
            ),
        }
    }
    assert!(
        repeated > 50,
        "faults that may be repeated were: {repeated}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_tools_own_failures_open_its_own_breaker_and_never_the_servers() {
    for per_tool in [true, false] {
        let server = Server::new(async |_, call| Ok(tool_failure(&call, "critical", None)));
        let breaker = BreakerSettings::default().with_consecutive(number(2));
        let settings = StackSettings::default().with_breaker(breaker);
        let stack = build(&match per_tool {
            true => settings.with_breaker_per_tool(),
            false => settings,
        });
        let service = stack.layer(server);
        for _ in 0..3 {
            let _ = send(&service, call()).await;
        }
        let open: Vec<bool> = stack
            .breaker()
            .unwrap()
            .snapshot()
            .iter()
            .map(|it| it.state == BreakerState::Open)
            .collect();
        assert_eq!(open, [per_tool]);
    }
}
