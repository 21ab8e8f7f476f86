//! Which faults there are, and that the same seed makes the same ones.

use super::*;
use crate::testing::{SECOND, Server, call, send};
use tokio::time::Instant;
use tower::{Layer as _, Service as _};

fn faulty(seed: u64) -> ChaosSettings {
    ChaosSettings::default()
        .with_seed(seed)
        .with_delay(50, SECOND)
        .with_fault(Fault::new(20, ErrorKind::Unavailable, Delivery::NotSent))
        .with_fault(Fault::new(
            20,
            ErrorKind::ConnectionClosed,
            Delivery::Unknown,
        ))
}

/// How each of many calls ends, how many reached the server, and how long all took.
async fn run(settings: ChaosSettings) -> (Vec<Option<Delivery>>, usize, Duration) {
    let server = Server::fast();
    let service = ChaosLayer::new(settings).layer(server.clone());
    let started = Instant::now();
    let mut ends = Vec::new();
    for _ in 0..1_000 {
        let outcome = send(&service, call()).await;
        ends.push(outcome.err().map(|error| error.delivery()));
    }
    (ends, server.count(), started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_unless_it_is_switched_on() {
    let (ends, reached, took) = run(ChaosSettings {
        enabled: false,
        ..faulty(1)
    })
    .await;
    assert!(ends.iter().all(Option::is_none));
    assert_eq!((reached, took), (1_000, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_seed_decides_everything() {
    let first = run(faulty(1)).await;
    assert_eq!(first, run(faulty(1)).await);
    assert_ne!(first, run(faulty(2)).await);
}

#[tokio::test(start_paused = true)]
async fn faults_come_as_often_as_they_say_and_do_what_they_say() {
    let (ends, reached, took) = run(faulty(1)).await;
    let count = |end| ends.iter().filter(|it| **it == end).count();
    let (not_sent, unknown) = (
        count(Some(Delivery::NotSent)),
        count(Some(Delivery::Unknown)),
    );
    assert!(
        (150..250).contains(&not_sent) && (150..250).contains(&unknown),
        "{not_sent} {unknown}"
    );
    // Of those whose delivery is unknown, some were carried out, and none of those that were not sent.
    let carried_out = reached - count(None);
    assert!((50..150).contains(&carried_out), "{carried_out}");
    assert!((200 * SECOND..300 * SECOND).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_delayed_is_at_its_server_to_all_others() {
    let (transit, mut call) = (Transit::default(), call());
    call.context.transit = Some(transit.clone());
    let settings = ChaosSettings::default().with_seed(1);
    let mut service = ChaosLayer::new(settings.with_delay(100, SECOND)).layer(Server::fast());
    let mut sent = service.call(call);
    assert!(futures_util::poll!(&mut sent).is_pending());
    assert!(transit.may_have_left());
}
