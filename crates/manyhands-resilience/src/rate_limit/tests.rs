//! Whose turn it is, and who is told to come back.

use super::*;
use crate::testing::{SECOND, Server, call, call_within, send};
use manyhands_core::{Delivery, ServerId};
use tower::Layer as _;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Two calls at once, then one a second; a call waits up to 2 s.
fn limit() -> RateLimitLayer {
    let settings = RateLimitSettings::default();
    let settings = settings.with_rate(number(1), SECOND).with_burst(number(2));
    RateLimitLayer::new(settings.with_max_wait(2 * SECOND), KeyBy::server())
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_then_calls_wait_in_line_then_they_are_turned_away() {
    let server = Server::fast();
    let service = limit().layer(server.clone());
    let started = Instant::now();
    let timed = async || (send(&service, call()).await, started.elapsed());
    let (a, b, c, d, e) = tokio::join!(timed(), timed(), timed(), timed(), timed());
    let passed: Vec<_> = [a, b, c, d]
        .map(|(outcome, at)| (outcome.is_ok(), at))
        .into();
    assert_eq!(
        passed,
        [
            (true, Duration::ZERO),
            (true, Duration::ZERO),
            (true, SECOND),
            (true, 2 * SECOND)
        ]
    );
    let (error, at) = (e.0.unwrap_err(), e.1);
    assert_eq!(
        (error.kind(), error.delivery(), at),
        (ErrorKind::RateLimited, Delivery::NotSent, Duration::ZERO)
    );
    assert_eq!(error.retry_after(), Some(3 * SECOND));
    assert_eq!(
        error.to_string(),
        "call slack.post: no more than 1 calls may be made in 1 s; try again in 3 s"
    );
    assert_eq!(server.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_beyond_their_own_time_and_what_is_left_is_handed_on() {
    let server = Server::fast();
    let service = limit().layer(server.clone());
    for _ in 0..2 {
        send(&service, call()).await.unwrap();
    }
    let error = send(&service, call_within(SECOND / 2)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND));
    send(&service, call_within(5 * SECOND)).await.unwrap();
    assert_eq!(server.seen()[2].context.timeout, Some(4 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_given_up_goes_to_another() {
    let service = limit().layer(Server::fast());
    for _ in 0..2 {
        send(&service, call()).await.unwrap();
    }
    for _ in 0..20 {
        let waiting = send(&service, call());
        tokio::select! {
            biased;
            _ = waiting => unreachable!("it has to wait"),
            () = tokio::task::yield_now() => {}
        }
    }
    let started = Instant::now();
    send(&service, call()).await.unwrap();
    assert_eq!(started.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn each_key_has_turns_of_its_own() {
    let service = limit().layer(Server::fast());
    let started = Instant::now();
    for name in ["a", "b", "c"] {
        let mut other = call();
        other.server = ServerId::parse(name).unwrap();
        for _ in 0..2 {
            send(&service, other.clone()).await.unwrap();
        }
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}
