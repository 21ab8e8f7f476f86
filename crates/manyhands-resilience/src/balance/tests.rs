//! Which replica takes which call, in a stack as servers have it.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use manyhands_core::Effect;
use tokio::time::sleep;

use super::*;
use crate::testing::{Group, SECOND, call, call_of};
use crate::{BreakerSettings, RetrySettings, Stack, StackSettings, Statistics};

fn settings() -> StackSettings {
    StackSettings::default().with_retry(None)
}

fn open_after(failures: u32) -> BreakerSettings {
    BreakerSettings::default().with_consecutive(NonZeroU32::new(failures).unwrap())
}

#[tokio::test(start_paused = true)]
async fn calls_are_spread_by_what_is_under_way_and_the_same_seed_spreads_them_alike() {
    let one_by_one = async |group: &Group| {
        let stack = group.stack(&settings());
        for _ in 0..300 {
            stack.around(group.clone(), call().into()).await.unwrap();
        }
        group.seen()
    };
    let spread = one_by_one(&Group::of(3)).await;
    assert_eq!(spread, one_by_one(&Group::of(3)).await);
    assert!(
        spread.iter().all(|it| (80..=120).contains(it)),
        "{spread:?}"
    );

    let group = Group::of(2).slow(0, SECOND).slow(1, SECOND);
    let stack = group.stack(&settings());
    let at_once = (0..40).map(|_| stack.around(group.clone(), call().into()));
    join_all(at_once)
        .await
        .into_iter()
        .for_each(|it| drop(it.unwrap()));
    assert_eq!(group.seen(), [20, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_replica_gets_less() {
    let group = Group::of(3)
        .slow(0, 20 * SECOND)
        .slow(1, SECOND)
        .slow(2, SECOND);
    let stack = group.stack(&settings());
    let callers = (0..6).map(async |_| {
        for _ in 0..50 {
            stack.around(group.clone(), call().into()).await.unwrap();
        }
    });
    join_all(callers).await;
    let seen = group.seen();
    assert!(seen[0] * 4 < seen[1].min(seen[2]), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_dropped_is_no_load() {
    let group = Group::of(2).slow(0, SECOND).slow(1, SECOND);
    let balance = BalanceLayer::seeded(2, &<_>::default(), Vec::new(), 1);
    let dropped = tokio::time::timeout(SECOND / 2, balance.around(group, call().into()));
    assert!(dropped.await.is_err());
    assert_eq!(balance.loads(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_down_or_was_not_sent_goes_to_another_replica_at_once() {
    let not_sent = (ErrorKind::ConnectionClosed, Delivery::NotSent);
    let group = Group::of(3).down(0).failing(1, not_sent.0, not_sent.1);
    let stack = group.stack(&settings().with_breaker(None));
    let begun = tokio::time::Instant::now();
    for _ in 0..20 {
        stack.around(group.clone(), call().into()).await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let seen = group.seen();
    assert_eq!((seen[0], seen[2]), (0, 20));
    assert!(seen[1] > 0, "it was never tried, so that nothing was shown");
}

#[tokio::test(start_paused = true)]
async fn another_attempt_goes_to_another_replica_and_what_may_have_been_done_is_not_done_again() {
    let lost = (ErrorKind::ConnectionClosed, Delivery::Unknown);
    let group = Group::of(3)
        .failing(0, lost.0, lost.1)
        .failing(1, lost.0, lost.1);
    let retry = RetrySettings::default()
        .with_attempts(3)
        .with_budget(100, 6_000, 100);
    let stack = group.stack(&settings().with_retry(retry).with_breaker(None));
    for _ in 0..20 {
        let read = call_of(Effect::ReadOnly);
        stack.around(group.clone(), read.into()).await.unwrap();
    }
    let seen = group.seen();
    assert_eq!(seen[2], 20);
    assert!(
        seen.iter().all(|it| *it <= 20),
        "one call came twice: {seen:?}"
    );

    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(stack.around(group.clone(), call().into()).await.is_err());
    }
    let seen = group.seen();
    assert_eq!(
        (seen.iter().sum::<usize>(), seen[0] + seen[1]),
        (20, failed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_keeps_failing_is_left_out_and_comes_back() {
    let group = Group::of(2).failing(0, ErrorKind::MalformedReply, Delivery::Unknown);
    let stack = group.stack(&settings().with_breaker(open_after(9)));
    let send = async || stack.around(group.clone(), call().into()).await.is_err();
    let mut failed = 0;
    for _ in 0..40 {
        failed += usize::from(send().await);
    }
    assert_eq!((failed, group.seen()), (9, vec![9, 31]));
    let _ = group
        .clone()
        .failing(1, ErrorKind::ConnectionClosed, Delivery::NotSent);
    for _ in 0..8 {
        let error = stack
            .around(group.clone(), call().into())
            .await
            .unwrap_err();
        assert_eq!(
            error.cause(),
            "it failed",
            "it was told of the one that is left alone"
        );
    }
    group.heal(1);
    group.heal(0);
    sleep(6 * SECOND).await;
    for _ in 0..40 {
        assert!(!send().await);
    }
    let seen = group.seen();
    assert!(seen.iter().all(|it| *it > 10), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_is_left_alone_when_all_its_replicas_are() {
    let group = Group::of(2)
        .failing(0, ErrorKind::MalformedReply, Delivery::Unknown)
        .failing(1, ErrorKind::MalformedReply, Delivery::Unknown);
    let stack = group.stack(&settings().with_breaker(open_after(2)));
    for _ in 0..4 {
        stack
            .around(group.clone(), call().into())
            .await
            .unwrap_err();
    }
    assert_eq!(group.seen(), [2, 2]);
    let group = group.down(0).down(1);
    let begun = tokio::time::Instant::now();
    let error = stack
        .around(group.clone(), call().into())
        .await
        .unwrap_err();
    assert_eq!(begun.elapsed(), Duration::ZERO, "it waited for a start");
    assert_eq!(error.delivery(), Delivery::NotSent);
    let opens = stack
        .breakers()
        .iter()
        .filter_map(|it| it.status("slack")?.open_for);
    assert_eq!(error.retry_after(), opens.min());
}

#[tokio::test(start_paused = true)]
async fn while_none_is_up_the_first_that_comes_up_is_waited_for() {
    for seed in 0..9 {
        let group = Group::of(3).down(0).down(1).down(2);
        let stack = Stack::of_replicas(3, &settings(), &Statistics::default(), Some(seed));
        let begun = tokio::time::Instant::now();
        stack.around(group.clone(), call().into()).await.unwrap();
        assert_eq!((begun.elapsed(), group.seen()), (SECOND, vec![0, 0, 1]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_has_chosen_a_replica_gets_it() {
    let group = Group::of(3);
    let stack = group.stack(&settings());
    for replica in [1, 1, 1, 64] {
        let mut call = call();
        call.context.replica = Some(replica);
        stack.around(group.clone(), call.into()).await.unwrap();
    }
    let seen = group.seen();
    assert_eq!((seen.iter().sum::<usize>(), seen[1] >= 3), (4, true));
}

#[tokio::test(start_paused = true)]
async fn a_replica_is_known_to_be_slow_by_calls_that_were_given_up_and_not_to_be_fast_by_failures()
{
    let settings = BalanceSettings::default().with_by(BalanceBy::PeakEwma);
    let balance = BalanceLayer::seeded(2, &settings, Vec::new(), 1);
    let send = async |balance: &BalanceLayer, group: &Group, replica| {
        let mut call = call();
        call.context.replica = replica;
        let sent = balance.around(group.clone(), call.into());
        tokio::time::timeout(SECOND / 2, sent).await
    };
    let group = Group::of(2).slow(0, SECOND / 10).slow(1, SECOND / 5);
    for replica in 0..2 {
        send(&balance, &group, Some(replica))
            .await
            .unwrap()
            .unwrap();
    }
    let slow = group.clone().slow(0, SECOND);
    send(&balance, &slow, Some(0)).await.unwrap_err();
    group.seen();
    for _ in 0..5 {
        send(&balance, &group, None).await.unwrap().unwrap();
    }
    assert_eq!(group.seen(), [0, 5]);

    // Of one that fails at once nothing is known still, so that calls under way are what counts.
    for (kind, delivery) in [
        (ErrorKind::Unavailable, Delivery::Unknown),
        (ErrorKind::RateLimited, Delivery::NotSent),
    ] {
        let balance = BalanceLayer::seeded(2, &settings, Vec::new(), 1);
        let failing = group.clone().slow(0, Duration::ZERO);
        let failing = failing.failing(0, kind, delivery);
        send(&balance, &failing, Some(0))
            .await
            .unwrap()
            .unwrap_err();
        send(&balance, &group, Some(1)).await.unwrap().unwrap();
        group.heal(0);
        let _ = group.clone().slow(0, SECOND / 10);
        group.seen();
        join_all((0..10).map(|_| send(&balance, &group, None))).await;
        assert_eq!(group.seen(), [5, 5]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_principal_stays_with_its_replica_while_that_is_up_and_no_busier_than_twice_another() {
    let group = Group::of(3);
    let sticky = BalanceSettings::default().with_sticky(true);
    let stack = group.stack(&settings().with_balance(sticky));
    let send = async |who: Option<usize>| {
        let mut call = call();
        call.context.principal = who.map(|who| Principal::new(who.to_string()));
        stack.around(group.clone(), call.into()).await.unwrap();
    };
    let mut used = [0; 3];
    for who in (0..20).map(Some).chain([None]) {
        for _ in 0..10 {
            send(who).await;
        }
        let seen = group.seen();
        assert!(seen.contains(&10), "{who:?} went to {seen:?}");
        used[seen.iter().position(|it| *it > 0).unwrap()] += 1;
    }
    assert!(used.iter().all(|it| *it > 2), "{used:?}");

    send(Some(8)).await;
    let its = group.seen().iter().position(|it| *it > 0).unwrap();
    let _ = group.clone().down(its);
    send(Some(8)).await;
    assert_eq!(group.seen()[its], 0);
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_principal_go_elsewhere_where_its_replica_has_twice_the_load() {
    let group = Group::of(2).slow(0, SECOND).slow(1, SECOND);
    let sticky = BalanceSettings::default().with_sticky(true);
    let stack = group.stack(&settings().with_balance(sticky));
    stack.around(group.clone(), call().into()).await.unwrap();
    let its = group.seen().iter().position(|it| *it > 0).unwrap();
    join_all((0..9).map(|_| stack.around(group.clone(), call().into()))).await;
    let seen = group.seen();
    assert_eq!((seen[its], seen[1 - its]), (6, 3));
}

#[tokio::test(start_paused = true)]
async fn nobody_stays_with_a_replica_that_fails() {
    let group = Group::of(2);
    let sticky = BalanceSettings::default().with_sticky(true);
    let settings = settings().with_balance(sticky).with_breaker(None);
    let stack = group.stack(&settings);
    stack.around(group.clone(), call().into()).await.unwrap();
    let its = group.seen().iter().position(|it| *it > 0).unwrap();
    let failing = group.failing(its, ErrorKind::ConnectionClosed, Delivery::Unknown);
    for _ in 0..20 {
        let _ = stack.around(failing.clone(), call().into()).await;
    }
    assert!(failing.seen()[1 - its] > 10);
}
