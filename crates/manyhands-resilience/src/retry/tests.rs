//! What is sent again, how often, and when.

use super::*;
use crate::testing::{
    DELIVERIES, EFFECTS, KINDS, SECOND, Server, call, call_of, call_within, reply, send,
    tool_failure,
};
use manyhands_core::{Effect, ErrorKind, ErrorType};
use tokio::time::Instant;
use tower::Layer as _;

fn layer(settings: RetrySettings) -> RetryLayer {
    RetryLayer::seeded(settings, 7)
}

fn generous() -> RetrySettings {
    RetrySettings::default().with_budget(100, 60_000, 10_000)
}

#[tokio::test(start_paused = true)]
async fn only_what_passes_and_may_be_repeated_is_sent_again() {
    for kind in KINDS {
        for delivery in DELIVERIES {
            for effect in EFFECTS {
                let server = Server::failing(kind, delivery);
                let service = layer(generous()).layer(server.clone());
                send(&service, call_of(effect)).await.unwrap_err();
                let write_may_be_done = effect == Effect::Unknown && delivery == Delivery::Unknown;
                let passes = kind.error_type() == ErrorType::Transient;
                let expected = if passes && !write_may_be_done { 3 } else { 1 };
                assert_eq!(server.count(), expected, "{kind:?} {delivery:?} {effect:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_fails_in_passing_is_called_again_where_twice_is_no_more_than_once() {
    for class in [
        "transient",
        "critical",
        "authorization",
        "permanent",
        "novel",
    ] {
        for effect in EFFECTS {
            let server =
                Server::new(move |_, call| async move { Ok(tool_failure(&call, class, None)) });
            let service = layer(generous()).layer(server.clone());
            let reply = send(&service, call_of(effect)).await.unwrap();
            assert!(reply.is_error());
            let again = class == "transient" && effect != Effect::Unknown;
            assert_eq!(
                server.count(),
                if again { 3 } else { 1 },
                "{class} {effect:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_left_alone_as_long_as_it_asks_and_may_have_acted_in_any_case() {
    let server = Server::new(async |number, call| match number {
        1 => Ok(tool_failure(&call, "transient", Some(7))),
        2 => Err(CallError::new(ErrorKind::Refused, Delivery::Rejected, "no")),
        _ => Ok(tool_failure(&call, "transient", Some(11))),
    });
    let exact = generous().with_backoff(Duration::ZERO, Duration::ZERO);
    let service = layer(exact).layer(server.clone());
    let started = Instant::now();
    let error = send(&service, call_of(Effect::Idempotent))
        .await
        .unwrap_err();
    assert_eq!((started.elapsed(), server.count()), (7 * SECOND, 2));
    assert_eq!(error.delivery(), Delivery::Unknown);
    // Longer than is waited: what the tool said is the reply.
    let reply = send(&service, call_of(Effect::Idempotent)).await.unwrap();
    assert_eq!(reply.failure().unwrap().retry_after, Some(11 * SECOND));
    assert_eq!((started.elapsed(), server.count()), (7 * SECOND, 3));
}

#[tokio::test(start_paused = true)]
async fn an_error_says_that_it_is_retryable_where_the_call_is_harmless_twice() {
    let server = Server::failing(ErrorKind::ConnectionClosed, Delivery::Unknown);
    let service = layer(generous()).layer(server);
    for effect in EFFECTS {
        let error = send(&service, call_of(effect)).await.unwrap_err();
        assert_eq!(
            error.is_retryable(),
            effect != Effect::Unknown,
            "{effect:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_been_done_is_never_sent_after_it() {
    let mut random = Rng::with_seed(3);
    for _ in 0..500 {
        let ends: Vec<Option<(ErrorKind, Delivery)>> = (0..6)
            .map(|_| match random.u8(..4) {
                0 => None,
                _ => random.choice(KINDS).zip(random.choice(DELIVERIES)),
            })
            .collect();
        let script = ends.clone();
        let server = Server::new(move |number, call| {
            let end = script[number - 1];
            async move {
                match end {
                    None => Ok(reply(&call)),
                    Some((kind, delivery)) => Err(CallError::new(kind, delivery, "it failed")),
                }
            }
        });
        let service = layer(generous().with_attempts(6)).layer(server.clone());
        let outcome = send(&service, call()).await;
        let sent = &ends[..server.count()];
        let (last, before) = sent.split_last().unwrap();
        assert!(
            before
                .iter()
                .all(|end| matches!(end, Some((_, Delivery::NotSent | Delivery::Rejected)))),
            "{sent:?}"
        );
        assert_eq!(outcome.is_ok(), last.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_says_how_often_and_where_and_an_outer_retry_leaves_it() {
    let server = Server::new(async |_, _| {
        sleep(SECOND).await;
        Err(CallError::new(
            ErrorKind::Unavailable,
            Delivery::NotSent,
            "it is down",
        ))
    });
    let exact = generous().with_backoff(Duration::ZERO, Duration::ZERO);
    let service = layer(exact.clone()).layer(layer(exact).layer(server.clone()));
    let error = send(&service, call()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "it is down; tried 3 times on slack in 3 s"
    );
    assert!(error.is_exhausted());
    assert_eq!(server.count(), 3);
    let attempts: Vec<u32> = server
        .seen()
        .iter()
        .map(|call| call.context.attempt)
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_one_attempt_may_have_done_the_call_may_have_done() {
    let server = Server::new(async |number, _| {
        let delivery = if number == 1 {
            Delivery::Unknown
        } else {
            Delivery::NotSent
        };
        Err(CallError::new(
            ErrorKind::ConnectionClosed,
            delivery,
            "it stopped",
        ))
    });
    let service = layer(generous()).layer(server);
    let error = send(&service, call_of(Effect::ReadOnly)).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_budget_bounds_what_a_dead_server_is_sent() {
    let server = Server::failing(ErrorKind::Unavailable, Delivery::NotSent);
    let settings = RetrySettings::default()
        .with_budget(20, 0, 10)
        .with_backoff(Duration::ZERO, Duration::ZERO);
    let service = layer(settings).layer(server.clone());
    let mut last = None;
    for _ in 0..200 {
        last = send(&service, call()).await.err();
    }
    // 10 at once, and 20 for each further hundred calls.
    let retries = server.count() - 200;
    assert!((45..=50).contains(&retries), "{retries}");
    let text = last.unwrap().to_string();
    assert_eq!(
        text,
        "it failed; it was not tried again, since many calls are already: wait a little"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_time_gets_it() {
    let server = Server::new(async |number, call| {
        let busy = CallError::new(ErrorKind::RateLimited, Delivery::Rejected, "it is busy");
        match number {
            1 => Err(busy.with_retry_after(Some(4 * SECOND))),
            _ => Ok(reply(&call)),
        }
    });
    let service = layer(generous()).layer(server.clone());
    let started = Instant::now();
    send(&service, call()).await.unwrap();
    let took = started.elapsed();
    assert!(
        (4 * SECOND..4 * SECOND + Duration::from_millis(202)).contains(&took),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_more_than_is_left_ends_the_call_at_once() {
    let server = Server::new(async |_, _| {
        let busy = CallError::new(ErrorKind::RateLimited, Delivery::Rejected, "it is busy");
        Err(busy.with_retry_after(Some(5 * SECOND)))
    });
    let service = layer(generous()).layer(server.clone());
    let started = Instant::now();
    let error = send(&service, call_within(3 * SECOND)).await.unwrap_err();
    assert_eq!((started.elapsed(), server.count()), (Duration::ZERO, 1));
    assert_eq!(
        error.to_string(),
        "it is busy; the wait of 5 s that it asks for is longer than the 3 s that are left"
    );
    let impatient = generous().with_max_retry_after(SECOND);
    let error = send(&layer(impatient).layer(server), call())
        .await
        .unwrap_err();
    assert!(
        error.to_string().ends_with("longer than is waited here"),
        "{error}"
    );
    assert!(error.is_exhausted());
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_callers_time_and_each_gets_what_is_left() {
    let server = Server::new(async |_, _| {
        sleep(2 * SECOND).await;
        Err(CallError::new(
            ErrorKind::Unavailable,
            Delivery::NotSent,
            "it is down",
        ))
    });
    let exact = generous()
        .with_attempts(9)
        .with_backoff(Duration::ZERO, Duration::ZERO);
    let service = layer(exact).layer(server.clone());
    let error = send(&service, call_within(5 * SECOND)).await.unwrap_err();
    let left: Vec<_> = server
        .seen()
        .iter()
        .map(|call| call.context.timeout)
        .collect();
    assert_eq!(left, [Some(5 * SECOND), Some(3 * SECOND), Some(SECOND)]);
    assert_eq!(
        error.to_string(),
        "it is down; tried 3 times on slack in 6 s"
    );
}

#[test]
fn the_wait_doubles_up_to_its_bound_and_any_part_of_it_is_waited() {
    let settings = RetrySettings::default().with_backoff(SECOND, 4 * SECOND);
    let (layer, same) = (layer(settings.clone()), layer(settings));
    for (made, longest) in [
        (1, SECOND),
        (2, 2 * SECOND),
        (3, 4 * SECOND),
        (40, 4 * SECOND),
    ] {
        let waits: Vec<_> = (0..200).map(|_| layer.backoff(made)).collect();
        assert!(
            waits.iter().all(|wait| *wait <= longest),
            "{made}: {waits:?}"
        );
        assert!(
            waits.iter().any(|wait| *wait > longest.mul_f64(0.9)),
            "{made}"
        );
        assert!(
            waits.iter().any(|wait| *wait < longest.mul_f64(0.1)),
            "{made}"
        );
        assert_eq!(
            waits,
            (0..200).map(|_| same.backoff(made)).collect::<Vec<_>>()
        );
    }
}
