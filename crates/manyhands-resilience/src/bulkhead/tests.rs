//! Who gets a place, who waits, and who is turned away.

use super::*;
use crate::testing::{SECOND, Server, call, call_within, send};
use manyhands_core::Delivery;
use std::sync::Mutex;
use tokio::time::Instant;
use tower::Layer as _;

fn bulkhead(places: usize, queue: usize) -> BulkheadLayer {
    let settings = BulkheadSettings::default();
    BulkheadLayer::new(
        settings
            .with_max_concurrent(places)
            .with_queue(queue, 10 * SECOND),
    )
}

#[tokio::test(start_paused = true)]
async fn calls_run_in_the_order_in_which_they_came() {
    let service = bulkhead(1, 100).layer(Server::slow(Duration::from_millis(10)));
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let (service, order) = (service.clone(), order.clone());
            tokio::spawn(async move {
                send(&service, call()).await.unwrap();
                order.lock().unwrap().push(number);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_answers_at_once() {
    let layer = bulkhead(2, 1);
    let server = Server::slow(SECOND);
    let service = layer.layer(server.clone());
    let late = async {
        tokio::task::yield_now().await;
        assert_eq!(layer.waiting(), 1);
        let started = Instant::now();
        let error = send(&service, call()).await.unwrap_err();
        assert_eq!(started.elapsed(), Duration::ZERO);
        error
    };
    let (one, two, three, late) = tokio::join!(
        send(&service, call()),
        send(&service, call()),
        send(&service, call()),
        late
    );
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(
        (late.kind(), late.delivery()),
        (ErrorKind::RateLimited, Delivery::NotSent)
    );
    assert!(
        late.is_exhausted(),
        "a retry would be waiting by another name"
    );
    assert_eq!(
        late.to_string(),
        "call slack.post: 2 calls are under way and 1 more wait; make fewer calls at once, or try again when some have ended"
    );
    assert_eq!((server.count(), layer.waiting()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_queue_time_or_their_own() {
    for (second, waited, kind) in [
        (call(), 10, ErrorKind::RateLimited),
        (call_within(3 * SECOND), 3, ErrorKind::DeadlineExceeded),
    ] {
        let server = Server::slow(100 * SECOND);
        let service = bulkhead(1, 9).layer(server.clone());
        let started = Instant::now();
        let error = tokio::select! {
            biased;
            _ = send(&service, call()) => unreachable!("it takes longer"),
            outcome = send(&service, second) => outcome.unwrap_err(),
        };
        assert_eq!(started.elapsed(), waited * SECOND);
        assert_eq!((error.kind(), error.delivery()), (kind, Delivery::NotSent));
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waited_hands_on_what_is_left_of_its_time() {
    let server = Server::slow(2 * SECOND);
    let service = bulkhead(1, 9).layer(server.clone());
    let calls = (
        send(&service, call_within(9 * SECOND)),
        send(&service, call_within(9 * SECOND)),
    );
    let (_one, _two) = tokio::join!(calls.0, calls.1);
    let left: Vec<_> = server
        .seen()
        .iter()
        .map(|call| call.context.timeout)
        .collect();
    assert_eq!(left, [Some(9 * SECOND), Some(7 * SECOND)]);
}

#[tokio::test(start_paused = true)]
async fn no_places_at_all_are_one() {
    send(&bulkhead(0, 0).layer(Server::fast()), call())
        .await
        .unwrap();
}
