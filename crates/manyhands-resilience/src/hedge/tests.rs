//! What is sent a second time, when, and what becomes of both.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use futures_util::future::{join, join_all};
use manyhands_core::{CallError, Delivery, Effect, ErrorKind};
use tokio::time::{Instant, sleep};
use tower::Layer as _;

use super::*;
use crate::guard::Leaf;
use crate::testing::{
    DELIVERIES, EFFECTS, Group, SECOND, Server, call_of, reply, send, tool_failure,
};
use crate::{
    BreakerSettings, BulkheadLayer, BulkheadSettings, DeadlineLayer, RetrySettings, Stack,
    StackSettings, StatisticsLayer,
};

const MILLISECOND: Duration = Duration::from_millis(1);

fn after(delay: Duration) -> HedgeSettings {
    let settings = HedgeSettings::default().with_budget(100, 10_000);
    settings.with_after(delay)
}

fn hedge(settings: HedgeSettings) -> HedgeLayer {
    HedgeLayer::new(settings, <_>::default(), KeyBy::capability(), Vec::new())
}

fn stack(settings: &StackSettings, statistics: &Statistics) -> Stack {
    Stack::seeded(settings, statistics, 7)
}

fn read() -> Call {
    call_of(Effect::ReadOnly)
}

fn read_within(limit: Duration) -> Call {
    let mut call = read();
    call.context.timeout = Some(limit);
    call
}

/// Fails or answers, each after its time, in the order in which they come.
fn script(ends: impl Into<Vec<(Duration, Result<(), (ErrorKind, Delivery)>)>>) -> Server {
    let ends = ends.into();
    Server::new(move |number, call| {
        let (takes, end) = ends[number - 1];
        async move {
            sleep(takes).await;
            match end {
                Ok(()) => Ok(reply(&call)),
                Err((kind, delivery)) => {
                    Err(CallError::new(kind, delivery, format!("{number} failed")))
                }
            }
        }
    })
}

#[tokio::test(start_paused = true)]
async fn only_what_changes_nothing_is_ever_sent_a_second_time() {
    let usual = after(SECOND).with_after(None);
    for settings in [after(Duration::ZERO), after(SECOND), usual] {
        for effect in EFFECTS {
            let server = Server::new(async |number, call| {
                sleep(if number > 30 {
                    99 * SECOND
                } else {
                    MILLISECOND
                })
                .await;
                Ok(reply(&call))
            });
            let all = StackSettings::default().with_hedge(settings.clone());
            let service = stack(&all, &Statistics::default()).layer(server.clone());
            for _ in 0..30 {
                send(&service, call_of(effect)).await.unwrap();
            }
            let fast = server.count();
            send(&service, call_of(effect)).await.unwrap();
            let expected = if effect == Effect::ReadOnly { 2 } else { 1 };
            assert_eq!(server.count() - fast, expected, "{settings:?} {effect:?}");
            assert!(effect == Effect::ReadOnly || fast == 30, "{effect:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_the_other_is_cancelled() {
    for (takes, wins) in [([9, 2], 5), ([4, 9], 4)] {
        let under_way = Arc::new(AtomicUsize::new(0));
        let counted = under_way.clone();
        let server = Server::new(move |number, call| {
            counted.fetch_add(1, Ordering::Relaxed);
            let leaves = Leaves(counted.clone());
            async move {
                let _leaves = leaves;
                sleep(takes[number - 1] * SECOND).await;
                Ok(reply(&call))
            }
        });
        let service = hedge(after(3 * SECOND)).layer(server.clone());
        let started = Instant::now();
        let mut call = read();
        call.context = call.context.with_listener(drop);
        send(&service, call).await.unwrap();
        assert_eq!(started.elapsed(), wins * SECOND);
        let seen = server.seen();
        let heard: Vec<_> = seen
            .iter()
            .map(|it| it.context.listener.is_some())
            .collect();
        assert_eq!(heard, [true, false]);
        assert_eq!(under_way.load(Ordering::Relaxed), 0);
    }
}

/// Is dropped with a call, be it answered or cancelled.
struct Leaves(Arc<AtomicUsize>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_is_not_the_end_while_the_other_is_under_way() {
    let lost = Err((ErrorKind::ConnectionClosed, Delivery::Unknown));
    for ends in [
        [(2 * SECOND, lost), (3 * SECOND, Ok(()))],
        [(4 * SECOND, Ok(())), (SECOND, lost)],
    ] {
        let server = script(ends);
        let service = hedge(after(SECOND)).layer(server.clone());
        let started = Instant::now();
        send(&service, read()).await.unwrap();
        assert_eq!((started.elapsed(), server.count()), (4 * SECOND, 2));
    }
    // A tool's own word that it does not work, for once.
    let server = Server::new(async |number, call| {
        sleep(2 * SECOND).await;
        match number {
            1 => Ok(tool_failure(&call, "transient", None)),
            _ => Ok(reply(&call)),
        }
    });
    let service = hedge(after(SECOND)).layer(server);
    assert!(!send(&service, read()).await.unwrap().is_error());
    // What it said is the end where the other one fails too.
    let server = Server::new(async |number, call| {
        sleep(2 * SECOND).await;
        match number {
            1 => Ok(tool_failure(&call, "transient", None)),
            _ => Err(CallError::new(ErrorKind::Refused, Delivery::Rejected, "no")),
        }
    });
    let service = hedge(after(SECOND)).layer(server);
    assert!(send(&service, read()).await.unwrap().is_error());
}

#[tokio::test(start_paused = true)]
async fn the_error_of_both_says_so_and_what_one_may_have_done_the_call_may_have_done() {
    for one in DELIVERIES {
        for two in DELIVERIES {
            let failing = |delivery| Err((ErrorKind::Unavailable, delivery));
            let server = script([(2 * SECOND, failing(one)), (2 * SECOND, failing(two))]);
            let service = hedge(after(SECOND)).layer(server);
            let error = send(&service, read()).await.unwrap_err();
            let text = "2 failed; tried 2 times on slack in 3 s";
            assert_eq!(error.to_string(), text);
            assert_eq!(error.delivery(), further(one, two));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_counts_both_and_is_not_hedged_itself() {
    let server = script([(2 * SECOND, Err((ErrorKind::Unavailable, Delivery::NotSent))); 4]);
    let retry = RetrySettings::default().with_backoff(Duration::ZERO, Duration::ZERO);
    let settings = StackSettings::default().with_hedge(after(SECOND));
    let stack = stack(&settings.with_retry(retry), &Statistics::default());
    let error = send(&stack.layer(server.clone()), read())
        .await
        .unwrap_err();
    assert_eq!(server.count(), 4);
    let text = "4 failed; tried 4 times on slack in 7 s";
    assert_eq!(error.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn a_second_that_a_layer_of_ours_turns_away_changes_nothing() {
    let full = BulkheadSettings::default().with_max_concurrent(1);
    let settings = StackSettings::default()
        .with_retry(None)
        .with_hedge(after(SECOND))
        .with_bulkhead(full.with_queue(0, SECOND));
    let lost = Err((ErrorKind::ConnectionClosed, Delivery::Unknown));
    for (end, expected) in [(Ok(()), None), (lost, Some("1 failed"))] {
        let server = script([(3 * SECOND, end)]);
        let stack = stack(&settings, &Statistics::default());
        let end = send(&stack.layer(server.clone()), read()).await;
        let told = end.err().map(|error| error.to_string());
        assert_eq!((server.count(), told.as_deref()), (1, expected));
    }
    let server = Server::new(async |number, _| {
        sleep(2 * SECOND).await;
        let error = CallError::new(ErrorKind::RateLimited, Delivery::NotSent, "it waited");
        Err(match number {
            1 => CallError::new(ErrorKind::Refused, Delivery::Rejected, "it says no"),
            _ => error.exhausted(),
        })
    });
    let service = hedge(after(SECOND)).layer(server.clone());
    let error = send(&service, read()).await.unwrap_err();
    assert_eq!((server.count(), &*error.to_string()), (2, "it says no"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_again_that_has_less_time_left_than_it_has_taken() {
    for (limit, expected) in [(2, 1), (3, 2)] {
        let server = Server::slow(9 * SECOND);
        let settings = StackSettings::default().with_retry(None);
        let settings = settings.with_hedge(after(SECOND));
        let stack = stack(&settings, &Statistics::default());
        let started = Instant::now();
        let error = send(&stack.layer(server.clone()), read_within(limit * SECOND)).await;
        let error = error.unwrap_err();
        assert_eq!(error.delivery(), Delivery::Unknown);
        assert_eq!(started.elapsed(), limit * SECOND);
        let seen = server.seen();
        assert_eq!(seen.len(), expected, "within {limit} s");
        if let Some(second) = seen.get(1) {
            assert_eq!(second.context.timeout, Some(2 * SECOND));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_left_is_not_held_where_its_second_waits() {
    let one = BulkheadSettings::default().with_max_concurrent(1);
    let (bulkhead, hedge) = (BulkheadLayer::new(one), hedge(after(SECOND)));
    let total = DeadlineLayer::total(&<_>::default());
    let way = Leaf(Server::slow(9 * SECOND)).behind(&bulkhead);
    let way = way.behind(&hedge).behind(&total);
    let error = way.send(read_within(3 * SECOND).into()).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_again_while_a_breaker_is_not_closed() {
    let server = Server::new(async |number, call| {
        if number == 1 {
            let (kind, delivery) = (ErrorKind::Unavailable, Delivery::NotSent);
            return Err(CallError::new(kind, delivery, "it is down"));
        }
        sleep(3 * SECOND).await;
        Ok(reply(&call))
    });
    let two = NonZeroU32::MIN.saturating_add(1);
    let breaker = BreakerSettings::default().with_consecutive(NonZeroU32::MIN);
    let breaker = breaker.with_probes(two);
    let settings = StackSettings::default()
        .with_retry(None)
        .with_hedge(after(SECOND))
        .with_breaker(breaker);
    let service = stack(&settings, &Statistics::default()).layer(server.clone());
    send(&service, read()).await.unwrap_err();
    sleep(9 * SECOND).await;
    for expected in [2, 3, 5] {
        // The first two of these try whether the server is back, and there would be room for another try beside each.
        send(&service, read()).await.unwrap();
        assert_eq!(server.count(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_start_or_for_a_person_is_not_sent_again() {
    let group = Group::of(2).down(0).down(1).slow(1, SECOND);
    let settings = StackSettings::default().with_hedge(after(SECOND / 2));
    let starting = group.stack(&settings);
    starting.around(group.clone(), read().into()).await.unwrap();
    assert_eq!(group.seen(), [0, 1]);

    let server = Server::new(async |_, call| {
        let transit = call.context.transit.clone().unwrap();
        transit.ask_person();
        sleep(SECOND).await;
        transit.person_answered(SECOND);
        sleep(9 * SECOND).await;
        Ok(reply(&call))
    });
    for delay in [SECOND / 2, 2 * SECOND] {
        let service = hedge(after(delay)).layer(server.clone());
        let before = server.count();
        send(&service, read()).await.unwrap();
        assert_eq!(server.count() - before, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_bounds_what_a_slow_server_is_sent() {
    let server = Server::slow(2 * SECOND);
    let settings = HedgeSettings::default().with_after(SECOND);
    let service = hedge(settings).layer(server.clone());
    for _ in 0..400 {
        send(&service, read()).await.unwrap();
    }
    // 10 at once, and 10 for each further hundred.
    let extra = server.count() - 400;
    assert!((45..=50).contains(&extra), "{extra}");
}

#[tokio::test(start_paused = true)]
async fn about_one_of_twenty_is_sent_again_and_what_is_overtaken_does_not_make_it_more() {
    let mut random = Rng::with_seed(5);
    let takes: Vec<_> = (0..9_000)
        .map(|_| {
            // From 10 ms upwards; one of a hundred takes a second and more.
            MILLISECOND.mul_f64(10.0 / (1.0 - random.f64()))
        })
        .collect();
    let server = Server::new(move |number, call| {
        let takes = takes[number - 1];
        async move {
            sleep(takes).await;
            Ok(reply(&call))
        }
    });
    let generous = HedgeSettings::default().with_budget(100, 1_000);
    let settings = StackSettings::default().with_hedge(generous);
    let statistics = Statistics::default();
    let service = stack(&settings, &statistics).layer(server.clone());
    let mut took = Vec::new();
    for round in 0..4 {
        let before = server.count();
        for _ in 0..1_000 {
            let started = Instant::now();
            send(&service, read()).await.unwrap();
            took.push(started.elapsed());
        }
        let extra = server.count() - before - 1_000;
        assert!((30..=70).contains(&extra), "{extra} in round {round}");
    }
    // Of 1 s without it.
    took.sort_unstable();
    assert!(took[3_960] < SECOND / 2, "{:?}", took[3_960]);
    let known = statistics.summary("slack.post").unwrap();
    assert_eq!(known.success_rate, 1.0);
}

#[tokio::test(start_paused = true)]
async fn nobody_knows_what_is_usual_before_there_were_answers() {
    let server = Server::new(async |number, call| {
        sleep(if number == 20 { 9 * SECOND } else { SECOND }).await;
        Ok(reply(&call))
    });
    let settings = StackSettings::default().with_hedge(HedgeSettings::default());
    let service = stack(&settings, &Statistics::default()).layer(server.clone());
    for _ in 0..20 {
        send(&service, read()).await.unwrap();
    }
    assert_eq!(server.count(), 20);
}

#[tokio::test(start_paused = true)]
async fn what_is_faster_than_the_least_delay_is_not_slow() {
    for (least, is_slow) in [(5, false), (2, true)] {
        let server = Server::new(async |number, call| {
            sleep(if number > 280 {
                4 * MILLISECOND
            } else {
                MILLISECOND
            })
            .await;
            Ok(reply(&call))
        });
        let settings = HedgeSettings::default().with_min_after(least * MILLISECOND);
        let settings = StackSettings::default().with_hedge(settings);
        let service = stack(&settings, &Statistics::default()).layer(server.clone());
        for _ in 0..300 {
            send(&service, read()).await.unwrap();
        }
        assert_eq!(server.count() > 300, is_slow);
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_goes_to_another_replica_and_one_slow_one_of_three_no_longer_shows() {
    let p99 = async |hedge: Option<HedgeSettings>| {
        let group = Group::of(3).slow(0, SECOND);
        let group = group.slow(1, 10 * MILLISECOND).slow(2, 10 * MILLISECOND);
        let stack = group.stack(&StackSettings::default().with_hedge(hedge));
        let mut took = Vec::new();
        for _ in 0..1_000 {
            let started = Instant::now();
            stack.around(group.clone(), read().into()).await.unwrap();
            took.push(started.elapsed());
        }
        took.sort_unstable();
        (took[990], group.seen().iter().sum::<usize>())
    };
    assert_eq!(p99(None).await, (SECOND, 1_000));
    let generous = after(30 * MILLISECOND);
    let (hedged, sent) = p99(Some(generous)).await;
    assert_eq!(hedged, 40 * MILLISECOND);
    assert!((1_200..1_500).contains(&sent), "{sent}");

    // However busy that is.
    let group = Group::of(2).slow(0, 3 * SECOND).slow(1, 3 * SECOND);
    let stack = group.stack(&StackSettings::default().with_hedge(after(SECOND)));
    let others = (0..5).map(|_| {
        let mut call = call_of(Effect::Unknown);
        call.context.replica = Some(1);
        stack.around(group.clone(), call.into())
    });
    join(join_all(others), stack.around(group.clone(), read().into()))
        .await
        .1
        .unwrap();
    assert_eq!(group.seen(), [1, 6]);
}

#[tokio::test(start_paused = true)]
async fn many_calls_that_are_late_at_once_do_not_make_it_forget_what_is_usual() {
    let server = Server::new(async |number, call| {
        sleep(if number > 20 { 9 * SECOND } else { SECOND }).await;
        Ok(reply(&call))
    });
    let statistics = Statistics::default();
    let watched = StatisticsLayer::new(statistics.clone(), KeyBy::capability());
    let settings = HedgeSettings::default();
    let hedge = HedgeLayer::new(settings, statistics, KeyBy::capability(), Vec::new());
    let service = hedge.layer(watched.layer(server));
    for _ in 0..20 {
        send(&service, read()).await.unwrap();
    }
    join_all((0..100).map(|_| send(&service, read()))).await;
    assert_eq!(hedge.pace(&read()).unwrap().delay, 2 * SECOND);
}
