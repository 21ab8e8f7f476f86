//! Which calls are one, and what each who waits for it gets.

use super::*;
use crate::testing::{SECOND, Server, call_of, reply, send};
use manyhands_core::{Arguments, TraceId};
use serde_json::json;
use tokio::time::{Instant, sleep};

fn read() -> Call {
    call_of(Effect::ReadOnly)
}

fn read_with(arguments: Value) -> Call {
    let mut call = read();
    let (name, arguments) = ("post".into(), Arguments::try_from(arguments).unwrap());
    call.request = Request::CallTool { name, arguments };
    call
}

/// How often a server is called when two calls are made at the same time.
async fn sent(one: Call, other: Call) -> usize {
    let server = Server::slow(SECOND);
    let service = CoalesceLayer::default().layer(server.clone());
    let (one, other) = tokio::join!(send(&service, one), send(&service, other));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(
        service.flights.lock().len(),
        0,
        "nothing stays in the table"
    );
    server.count()
}

#[tokio::test(start_paused = true)]
async fn only_identical_calls_of_one_principal_that_change_nothing_are_one() {
    assert_eq!(sent(read(), read()).await, 1);
    let arguments = [
        json!({"a": 1, "b": {"c": 2, "d": 3}}),
        json!({"b": {"d": 3, "c": 2}, "a": 1}),
    ];
    assert_eq!(
        sent(
            read_with(arguments[0].clone()),
            read_with(arguments[1].clone())
        )
        .await,
        1
    );

    assert_eq!(
        sent(read_with(json!({"a": 1})), read_with(json!({"a": 2}))).await,
        2
    );
    for effect in [Effect::Unknown, Effect::Idempotent] {
        assert_eq!(
            sent(call_of(effect), call_of(effect)).await,
            2,
            "{effect:?}"
        );
    }
    let with = |change: &dyn Fn(&mut Call)| {
        let mut other = read();
        change(&mut other);
        other
    };
    let others = [
        with(&|call| call.server = ServerId::parse("teams").unwrap()),
        with(&|call| call.context.principal = Some(Principal::new("ann"))),
        with(&|call| call.context = call.context.clone().with_header("x-tenant", "one")),
        with(&|call| call.context = call.context.clone().with_meta("tenant", "one")),
        with(&|call| call.context = call.context.clone().with_listener(|_| {})),
    ];
    for other in others {
        assert_eq!(sent(read(), other.clone()).await, 2, "{other:?}");
        assert_eq!(sent(other.clone(), other.clone()).await, 1, "{other:?}");
    }
    let roles = Principal::new("ann").with_roles(["admin"]);
    let of = |principal: Principal| with(&|call| call.context.principal = Some(principal.clone()));
    assert_eq!(
        sent(of(Principal::new("ann")), of(Principal::new("bob"))).await,
        2
    );
    assert_eq!(sent(of(Principal::new("ann")), of(roles)).await, 2);
}

#[tokio::test(start_paused = true)]
async fn calls_one_after_the_other_are_two() {
    let server = Server::fast();
    let service = CoalesceLayer::default().layer(server.clone());
    for _ in 0..2 {
        send(&service, read()).await.unwrap();
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_first_caller_who_leaves_hands_over_to_the_others() {
    let server = Server::slow(10 * SECOND);
    let service = CoalesceLayer::default().layer(server.clone());
    let started = Instant::now();
    let first = timeout(SECOND, send(&service, read()));
    let (first, second, third) =
        tokio::join!(first, send(&service, read()), send(&service, read()));
    assert!(first.is_err() && second.is_ok() && third.is_ok());
    assert_eq!((server.count(), started.elapsed()), (1, 10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_waits_for_is_given_up() {
    let server = Server::slow(10 * SECOND);
    let service = CoalesceLayer::default().layer(server.clone());
    let both = async { tokio::join!(send(&service, read()), send(&service, read())) };
    assert!(timeout(SECOND, both).await.is_err());
    assert_eq!(service.flights.lock().len(), 0);
    send(&service, read()).await.unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn all_get_the_error_each_with_its_own_trace() {
    let server = Server::new(async |_, _| {
        sleep(SECOND).await;
        Err(CallError::new(
            ErrorKind::Unavailable,
            Delivery::NotSent,
            "it is down",
        ))
    });
    let service = CoalesceLayer::default().layer(server.clone());
    let (mut one, mut other) = (read(), read());
    (one.context.trace, other.context.trace) = (TraceId::default(), TraceId::default());
    let traces = [one.context.trace, other.context.trace];
    let (one, other) = tokio::join!(send(&service, one), send(&service, other));
    let (one, other) = (one.unwrap_err(), other.unwrap_err());
    assert_eq!((one.to_string(), server.count()), (other.to_string(), 1));
    assert_eq!(other.trace(), traces[1]);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_more_time_than_the_first_caller_gets_it() {
    let server = Server::slow(4 * SECOND);
    let inner = crate::DeadlineLayer::total(&<_>::default()).layer(server.clone());
    let service = CoalesceLayer::default().layer(inner);
    let within = |time: Duration| {
        let mut call = read();
        call.context.timeout = Some(time);
        call
    };
    let (short, long, longer) = tokio::join!(
        send(&service, within(SECOND)),
        send(&service, within(9 * SECOND)),
        send(&service, within(9 * SECOND))
    );
    assert_eq!(short.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    assert!(long.is_ok() && longer.is_ok());
    assert_eq!(
        server.count(),
        2,
        "once for the first, once for the others together"
    );
    assert_eq!(server.seen()[1].context.timeout.unwrap().as_secs(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_too_slow_for_the_server_is_not_made_again_for_each() {
    let server = Server::slow(9 * SECOND);
    let deadline = crate::DeadlineSettings::default().with_total(2 * SECOND);
    let service = CoalesceLayer::default()
        .layer(crate::DeadlineLayer::total(&deadline).layer(server.clone()));
    let mut patient = read();
    patient.context.timeout = Some(60 * SECOND);
    let (one, other) = tokio::join!(send(&service, patient), send(&service, read()));
    assert!(one.is_err() && other.is_err());
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_less_time_than_the_first_caller_waits_no_longer() {
    let service = CoalesceLayer::default().layer(Server::slow(9 * SECOND));
    let mut short = read();
    short.context.timeout = Some(SECOND);
    let (first, short) = tokio::join!(send(&service, read()), async {
        let started = Instant::now();
        (send(&service, short).await, started.elapsed())
    });
    assert!(first.is_ok());
    let (outcome, took) = short;
    assert_eq!(
        (outcome.unwrap_err().kind(), took),
        (ErrorKind::DeadlineExceeded, SECOND)
    );
}

#[tokio::test(start_paused = true)]
async fn each_listener_hears_what_comes_while_its_caller_waits() {
    let server = Server::new(async |_, call| {
        let listener = call.context.listener.clone().unwrap();
        for step in 1..=3 {
            sleep(2 * SECOND).await;
            listener.tell(CallEvent::Progress {
                progress: f64::from(step),
                total: None,
                message: None,
            });
        }
        Ok(reply(&call))
    });
    let service = CoalesceLayer::default().layer(server.clone());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listening = |name: &'static str| {
        let heard = heard.clone();
        let mut call = read();
        call.context = call.context.with_listener(move |event| {
            let CallEvent::Progress { progress, .. } = event else {
                return;
            };
            heard.lock().unwrap().push((name, progress as u32));
        });
        call
    };
    let leaving = timeout(3 * SECOND, send(&service, listening("leaving")));
    let late = async {
        sleep(5 * SECOND).await;
        send(&service, listening("late")).await
    };
    let (leaving, staying, late) =
        tokio::join!(leaving, send(&service, listening("staying")), late);
    assert!(leaving.is_err() && staying.is_ok() && late.is_ok());
    assert_eq!(
        *heard.lock().unwrap(),
        [
            ("leaving", 1),
            ("staying", 1),
            ("staying", 2),
            ("staying", 3),
            ("late", 3)
        ]
    );
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn more_than_the_bound_goes_unshared() {
    let server = Server::slow(SECOND);
    let layer = CoalesceLayer::new(CoalesceSettings::default().with_max_in_flight(1));
    let service = layer.layer(server.clone());
    let other = || read_with(json!({"a": 1}));
    let (a, b, c) = tokio::join!(
        send(&service, read()),
        send(&service, other()),
        send(&service, other())
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(server.count(), 3);
}
