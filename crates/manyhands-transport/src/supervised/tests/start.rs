//! What is told of a call that waits for its server's start.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_call_leaves_when_its_server_is_up_and_not_before() {
    let fake = Fake::default();
    fake.refuses(1, ConnectErrorKind::Unreachable);
    *fake.0.latency.lock().unwrap() = 60 * SECOND;
    let supervised = fake.supervised(Supervision::default());
    let (transit, mut context) = (Transit::default(), within(30 * SECOND));
    context.transit = Some(transit.clone());
    assert!(!supervised.is_up());
    let asked = supervised.request(call(), context);
    let looks = async {
        until(&supervised, |it| matches!(it, Phase::BackingOff { .. })).await;
        assert!(!transit.may_have_left());
        while fake.calls() == 0 {
            tokio::time::sleep(SECOND / 10).await;
        }
        assert!(transit.may_have_left() && supervised.is_up());
    };
    tokio::select! {
        outcome = asked => panic!("{outcome:?}"),
        () = looks => {}
    }
}

#[tokio::test(start_paused = true)]
async fn why_a_server_is_not_up_is_final() {
    let fake = Fake::default();
    fake.refuses(9, ConnectErrorKind::Command);
    let supervised = fake.supervised(Supervision::default());
    let (asked, context) = (call(), within(5 * SECOND));
    let waited = supervised.wait_for_start(&asked, &context).await;
    let called = supervised.request(asked, context.clone()).await;
    for error in [waited.unwrap_err(), called.unwrap_err()] {
        assert!(error.is_exhausted());
        assert_eq!(error.to_string(), "call s.t: it is down; look there");
        assert_eq!(error.trace(), context.trace);
    }
}
