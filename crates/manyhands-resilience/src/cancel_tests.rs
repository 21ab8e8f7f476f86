//! Cancel safety: a call that is dropped at any await leaves every layer as if it had not been made.

use std::num::NonZeroU32;
use std::time::Duration;

use manyhands_core::{Call, CallError, Delivery, Effect, ErrorKind, Reply};
use tokio::task::yield_now;
use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, Service, ServiceExt as _};

use crate::guard::Outcome;
use crate::testing::{SECOND, Server, call_of, reply, send};
use crate::*;

type Boxed = BoxCloneSyncService<Call, Reply, CallError>;

/// A server that takes a few polls for everything, and whose first calls fail in a way that is tried again.
fn sluggish() -> Server {
    Server::new(async |number, call| {
        for _ in 0..3 {
            yield_now().await;
        }
        if number % 3 == 1 {
            return Err(CallError::new(
                ErrorKind::Unavailable,
                Delivery::NotSent,
                "it is down",
            ));
        }
        Ok(reply(&call))
    })
}

fn one() -> BulkheadSettings {
    BulkheadSettings::default()
        .with_max_concurrent(1)
        .with_queue(1, SECOND)
}

fn slow_rate() -> RateLimitSettings {
    let settings = RateLimitSettings::default().with_burst(NonZeroU32::MIN);
    settings.with_rate(NonZeroU32::MIN, SECOND / 10)
}

fn soon() -> HedgeSettings {
    let settings = HedgeSettings::default().with_budget(100, 1_000);
    settings.with_after(SECOND / 100)
}

fn hedge() -> HedgeLayer {
    HedgeLayer::new(soon(), <_>::default(), KeyBy::server(), Vec::new())
}

fn layers() -> Vec<(&'static str, Boxed)> {
    let server = sluggish();
    let retry = RetrySettings::default().with_budget(100, 60_000, 1_000);
    let breaker = BreakerSettings::default()
        .with_consecutive(NonZeroU32::MAX)
        .with_rate(101, NonZeroU32::MIN, SECOND);
    let all = StackSettings::default()
        .with_retry(retry.clone())
        .with_hedge(soon())
        .with_breaker(breaker.clone())
        .with_bulkhead(one())
        .with_rate_limit(slow_rate())
        .with_chaos(
            ChaosSettings::default()
                .with_seed(1)
                .with_delay(50, SECOND / 100),
        );
    let stack = Stack::seeded(&all, &Statistics::default(), 1);
    let boxed = |service| service;
    vec![
        (
            "deadline",
            boxed(Boxed::new(
                DeadlineLayer::total(&<_>::default()).layer(server.clone()),
            )),
        ),
        (
            "retry",
            Boxed::new(RetryLayer::seeded(retry, 1).layer(server.clone())),
        ),
        ("hedge", Boxed::new(hedge().layer(server.clone()))),
        (
            "breaker",
            Boxed::new(BreakerLayer::seeded(breaker, KeyBy::server(), 1).layer(server.clone())),
        ),
        (
            "bulkhead",
            Boxed::new(BulkheadLayer::new(one()).layer(server.clone())),
        ),
        (
            "rate limit",
            Boxed::new(RateLimitLayer::new(slow_rate(), KeyBy::server()).layer(server.clone())),
        ),
        (
            "statistics",
            Boxed::new(StatisticsLayer::new(<_>::default(), KeyBy::server()).layer(server.clone())),
        ),
        (
            "coalesce",
            Boxed::new(CoalesceLayer::default().layer(server.clone())),
        ),
        (
            "stack",
            Boxed::new(CoalesceLayer::default().layer(stack.layer(server))),
        ),
    ]
}

/// Polls a call so many times, with time going by in between, then drops it. None where it had ended by then.
async fn drop_after(service: &Boxed, polls: usize) -> Option<()> {
    let mut answer = Box::pin(service.clone().oneshot(call_of(Effect::ReadOnly)));
    for _ in 0..polls {
        if futures_util::poll!(&mut answer).is_ready() {
            return None;
        }
        tokio::time::advance(Duration::from_millis(5)).await;
    }
    Some(())
}

async fn succeeds(service: &Boxed) -> Outcome {
    let mut last = send(service, call_of(Effect::ReadOnly)).await;
    // The server itself fails every third call; no layer may make it more.
    for _ in 0..2 {
        if last.is_err() {
            last = send(service, call_of(Effect::ReadOnly)).await;
        }
    }
    last
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_await_leaves_nothing_behind() {
    for (name, service) in layers() {
        let mut cancelled = 0;
        for polls in 0..40 {
            // Another call holds the only place meanwhile, so that waiting is dropped as well.
            let (_, dropped) = tokio::join!(succeeds(&service), drop_after(&service, polls));
            cancelled += usize::from(dropped.is_some());
            let started = Instant::now();
            succeeds(&service)
                .await
                .unwrap_or_else(|error| panic!("{name}, {polls} polls: {error}"));
            assert!(
                started.elapsed() < 2 * SECOND,
                "{name}, {polls} polls: {:?}",
                started.elapsed()
            );
        }
        assert!(cancelled > 1, "{name}: nothing was cancelled");
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_and_a_probe_are_free_at_once_when_their_call_is_dropped() {
    let bulkhead = BulkheadLayer::new(one());
    let mut service = bulkhead.layer(Server::slow(99 * SECOND));
    let mut first = service.call(call_of(Effect::Unknown));
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = service.call(call_of(Effect::Unknown));
    assert!(futures_util::poll!(&mut second).is_pending());
    assert_eq!(bulkhead.waiting(), 1);
    drop(second);
    assert_eq!(bulkhead.waiting(), 0);
    let mut third = service.call(call_of(Effect::Unknown));
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(first);
    assert!(futures_util::poll!(&mut third).is_pending());
    assert_eq!(bulkhead.waiting(), 0, "it has the place now");
}
