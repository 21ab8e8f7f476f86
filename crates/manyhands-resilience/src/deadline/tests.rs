//! When a call's time is over, and what is said of whether it was sent.

use std::task::{Context, Poll};

use super::*;
use crate::guard::Outcome;
use crate::testing::{SECOND, Server, call, call_of, call_within, send};
use crate::{
    BulkheadLayer, BulkheadSettings, ChaosLayer, ChaosSettings, RetryLayer, RetrySettings,
};
use manyhands_core::{Effect, Reply};
use tokio::time::Instant;
use tower::{Layer as _, Service};

fn total(limit: Duration) -> DeadlineLayer {
    DeadlineLayer::total(&DeadlineSettings::default().with_total(limit))
}

fn one_place() -> BulkheadLayer {
    BulkheadLayer::new(
        BulkheadSettings::default()
            .with_max_concurrent(1)
            .with_queue(9, 99 * SECOND),
    )
}

#[tokio::test(start_paused = true)]
async fn the_shorter_of_setting_and_callers_limit_holds_and_is_handed_on() {
    for (call, expected) in [
        (call(), 5),
        (call_within(2 * SECOND), 2),
        (call_within(9 * SECOND), 5),
    ] {
        let server = Server::slow(100 * SECOND);
        let service = total(5 * SECOND).layer(server.clone());
        let started = Instant::now();
        let error = send(&service, call).await.unwrap_err();
        assert_eq!(started.elapsed(), expected * SECOND);
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        assert_eq!(error.delivery(), Delivery::Unknown);
        assert!(
            error
                .to_string()
                .starts_with(&format!("call slack.post: no answer within {expected} s; ")),
            "{error}"
        );
        assert_eq!(server.seen()[0].context.timeout, Some(expected * SECOND));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_left_the_queue_was_not_sent() {
    let server = Server::slow(100 * SECOND);
    let service = total(5 * SECOND).layer(one_place().layer(server.clone()));
    let (first, second) = tokio::join!(
        send(&service, call()),
        send(&service, call_within(3 * SECOND))
    );
    assert_eq!(first.unwrap_err().delivery(), Delivery::Unknown);
    let second = second.unwrap_err();
    assert_eq!(
        (second.kind(), second.delivery()),
        (ErrorKind::DeadlineExceeded, Delivery::NotSent)
    );
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_itself_knows_of_a_queue_whose_own_time_is_longer() {
    // Without a limit of its own, the bulkhead would wait for ever.
    let bulkhead = one_place();
    let service = total(5 * SECOND).layer(Untimed(bulkhead.layer(Server::slow(100 * SECOND))));
    let (_first, second) = tokio::join!(send(&service, call()), send(&service, call()));
    let second = second.unwrap_err();
    assert_eq!(second.delivery(), Delivery::NotSent);
    assert!(
        second
            .to_string()
            .contains("it waited for 5 s and was not sent"),
        "{second}"
    );
}

/// Takes the limit away from what passes it.
#[derive(Clone)]
struct Untimed<S>(S);

impl<S: Service<Call>> Service<Call> for Untimed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> S::Future {
        call.context.timeout = None;
        self.0.call(call)
    }
}

/// A service that never takes a call.
#[derive(Clone)]
struct NeverReady;

impl Service<Call> for NeverReady {
    type Response = Reply;
    type Error = CallError;
    type Future = std::future::Pending<Outcome>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Pending
    }

    fn call(&mut self, _: Call) -> Self::Future {
        std::future::pending()
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_never_ready_was_sent_nothing() {
    for layer in [
        total(SECOND),
        DeadlineLayer::attempt(&DeadlineSettings::default().with_attempt(SECOND)),
    ] {
        let nested = total(9 * SECOND).layer(layer.layer(NeverReady));
        let error = send(&nested, call()).await.unwrap_err();
        assert_eq!(error.delivery(), Delivery::NotSent);
    }
}

#[tokio::test(start_paused = true)]
async fn an_earlier_attempt_that_may_have_been_done_is_not_forgotten_in_the_queue() {
    let server = Server::new(async |number, _| {
        if number > 1 {
            std::future::pending::<()>().await;
        }
        Err(CallError::new(
            ErrorKind::ConnectionClosed,
            Delivery::Unknown,
            "it stopped",
        ))
    });
    let retry = RetryLayer::seeded(RetrySettings::default(), 1);
    let bulkhead = one_place();
    let service = total(5 * SECOND).layer(retry.layer(Untimed(bulkhead.layer(server.clone()))));
    let other = bulkhead.layer(server.clone());
    let mut blocking = call();
    blocking.context.timeout = Some(99 * SECOND);
    let read = send(&service, call_of(Effect::ReadOnly));
    let block = async {
        // It takes the place while the first call waits for its second attempt.
        tokio::task::yield_now().await;
        tokio::time::timeout(9 * SECOND, send(&other, blocking)).await
    };
    let (outcome, _) = tokio::join!(read, block);
    assert_eq!(server.count(), 2, "the second attempt stands in the queue");
    assert_eq!(outcome.unwrap_err().delivery(), Delivery::Unknown);
}

#[tokio::test(start_paused = true)]
async fn time_stands_still_while_a_person_is_asked() {
    let server = Server::new(async |_, call| {
        let transit = call.context.transit.clone().unwrap();
        sleep(SECOND).await;
        transit.ask_person();
        sleep(60 * SECOND).await;
        transit.person_answered(60 * SECOND);
        std::future::pending::<Outcome>().await
    });
    let service = total(5 * SECOND).layer(server);
    let started = Instant::now();
    send(&service, call()).await.unwrap_err();
    assert_eq!(started.elapsed(), 65 * SECOND);
}

/// Ends each call itself, so much later than its time.
#[derive(Clone)]
struct KeepsTime(Duration);

impl Inner for KeepsTime {
    async fn send(self, call: Box<Call>) -> Outcome {
        sleep(call.context.timeout.unwrap() + self.0).await;
        let kind = ErrorKind::DeadlineExceeded;
        Err(CallError::new(kind, Delivery::NotSent, "it was not read"))
    }

    fn keeps_time(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn who_keeps_time_further_in_has_the_last_word_for_a_moment() {
    let (layer, span) = (total(5 * SECOND), crate::AttemptSpanLayer);
    for (late, cause, end) in [
        (2, "it was not read", 5_002),
        (9_000, "no answer within 5 s", 5_050),
    ] {
        let started = Instant::now();
        let inner = KeepsTime(Duration::from_millis(late)).boxed().behind(&span);
        let way = inner.behind(&layer);
        // Nobody here has said that the call waits.
        let mut call = call();
        call.context
            .transit
            .get_or_insert_default()
            .leave_for_good();
        let error = way.send(call.into()).await.unwrap_err();
        assert_eq!(error.cause(), cause);
        assert_eq!(started.elapsed(), Duration::from_millis(end));
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_no_second_clock_beside_one_that_is_kept() {
    let settings = DeadlineSettings::default().with_attempt(5 * SECOND);
    let layer = DeadlineLayer::attempt(&settings);
    let chaos = |enabled| {
        ChaosLayer::new(ChaosSettings {
            enabled,
            ..ChaosSettings::default()
        })
    };
    for (dawdles, end) in [(false, 14), (true, 5)] {
        let started = Instant::now();
        let chaos = chaos(dawdles);
        let way = KeepsTime(9 * SECOND).behind(&chaos).behind(&layer);
        way.send(call().into()).await.unwrap_err();
        assert_eq!(started.elapsed(), end * SECOND, "{dawdles}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_any_limit_nothing_is_limited() {
    let settings = DeadlineSettings {
        total: None,
        ..DeadlineSettings::default()
    };
    let service = DeadlineLayer::total(&settings).layer(Server::slow(1_000_000 * SECOND));
    send(&service, call()).await.unwrap();
}
