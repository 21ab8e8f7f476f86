//! Percentiles and success of late, and what is kept of them.

use super::*;
use crate::testing::{SECOND, Server, call, reply, send, tool_failure};
use manyhands_core::{CallError, Delivery, ErrorKind};
use tokio::time::sleep;
use tower::Layer as _;

const KEY: &str = "slack.post";

fn layer(statistics: &Statistics) -> StatisticsLayer {
    StatisticsLayer::new(statistics.clone(), KeyBy::capability())
}

#[tokio::test(start_paused = true)]
async fn percentiles_are_of_answers_and_success_of_calls_that_say_how_well_it_works() {
    let server = Server::new(async |number, call| {
        let fail = |kind, delivery| Err(CallError::new(kind, delivery, "it failed"));
        match number {
            1..=20 => {
                sleep(Duration::from_millis(10) * u32::try_from(number).unwrap()).await;
                Ok(reply(&call))
            }
            21 => {
                sleep(99 * SECOND).await;
                fail(ErrorKind::ConnectionClosed, Delivery::Unknown)
            }
            22 => fail(ErrorKind::RateLimited, Delivery::NotSent),
            _ => fail(ErrorKind::InvalidArguments, Delivery::Rejected),
        }
    });
    let statistics = Statistics::default();
    let service = layer(&statistics).layer(server);
    for _ in 0..22 {
        let _ = send(&service, call()).await;
    }
    let summary = statistics.summary(KEY).unwrap();
    assert_eq!(summary.calls, 21);
    assert!((summary.success_rate - 20.0 / 21.0).abs() < 1e-9);
    assert_eq!(summary.p50, Some(Duration::from_millis(100)));
    assert_eq!(summary.p95, Some(Duration::from_millis(190)));
    send(&service, call()).await.unwrap_err();
    assert_eq!(
        statistics.summary(KEY),
        Some(summary),
        "it was asked wrongly"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_tool_says_to_have_failed_at_is_no_success_and_took_no_time() {
    let server = Server::new(async |number, call| match number {
        1 => Ok(tool_failure(&call, "critical", None)),
        2 => Ok(tool_failure(&call, "permanent", None)),
        _ => Ok(reply(&call)),
    });
    let statistics = Statistics::default();
    let service = layer(&statistics).layer(server);
    send(&service, call()).await.unwrap();
    let failed = statistics.summary(KEY).unwrap();
    assert_eq!((failed.calls, failed.p50), (1, None));
    send(&service, call()).await.unwrap();
    assert_eq!(
        statistics.summary(KEY),
        Some(failed),
        "it was asked wrongly"
    );
    send(&service, call()).await.unwrap();
    assert!((statistics.summary(KEY).unwrap().success_rate - 0.5).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn what_was_long_ago_is_forgotten() {
    let statistics = Statistics::default();
    for time in [SECOND, Duration::from_millis(1)] {
        let service = layer(&statistics).layer(Server::slow(time));
        for _ in 0..RECENT {
            send(&service, call()).await.unwrap();
        }
    }
    let summary = statistics.summary(KEY).unwrap();
    assert_eq!(
        (summary.calls, summary.p95),
        (RECENT, Some(Duration::from_millis(1)))
    );
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_comes_back_as_it_was() {
    let statistics = Statistics::default();
    let service = layer(&statistics).layer(Server::slow(SECOND));
    send(&service, call()).await.unwrap();
    let kept = serde_json::to_string(&statistics.snapshot()).unwrap();
    assert_eq!(
        kept,
        r#"{"slack.post":{"micros":[1000000],"answered":[true]}}"#
    );
    let restored = Statistics::restore(serde_json::from_str(&kept).unwrap(), 10);
    assert_eq!(restored.summaries(), statistics.summaries());
    assert!(statistics.summary("slack.other").is_none());
}

#[test]
fn what_two_wrote_is_brought_together_within_a_bound() {
    let snapshot = |keys: &[(&str, u32)]| {
        let recent = |took: u32| serde_json::json!({"micros": vec![took; 99], "answered": [true]});
        let all = keys
            .iter()
            .map(|(key, took)| ((*key).to_owned(), recent(*took)));
        let all: serde_json::Map<_, _> = all.collect();
        serde_json::from_value::<StatisticsSnapshot>(all.into()).unwrap()
    };
    let before = snapshot(&[("both", 1), ("mine", 1), ("theirs", 1), ("gone", 1)]);
    let mine = snapshot(&[("both", 2), ("mine", 2), ("theirs", 1), ("gone", 1)]);
    let theirs = snapshot(&[("both", 3), ("mine", 1), ("theirs", 3), ("zoo", 3)]);
    let merged = |max| mine.clone().merged(&before, theirs.clone(), max);
    let all = merged(9);
    let took: Vec<_> = all
        .0
        .iter()
        .map(|(key, it)| (key.as_str(), it.micros[0]))
        .collect();
    let expected = [
        ("both", 2),
        ("gone", 1),
        ("mine", 2),
        ("theirs", 3),
        ("zoo", 3),
    ];
    assert_eq!(took, expected);
    assert_eq!(all.0["theirs"].micros.len(), RECENT);
    let kept = merged(2);
    assert_eq!(
        kept.keys().collect::<Vec<_>>(),
        ["both", "mine"],
        "its own come first"
    );
}

#[test]
fn a_snapshot_that_was_tampered_with_is_bounded() {
    let long = "a".repeat(100_000);
    let recent = serde_json::json!({"micros": vec![1; 5_000], "answered": vec![true; 5_000]});
    let kept = serde_json::json!({long: recent, "b": recent, "c": recent});
    let restored = Statistics::restore(serde_json::from_value(kept).unwrap(), 2);
    let keys: Vec<_> = restored.summaries().into_iter().collect();
    assert_eq!(keys.len(), 2);
    assert!(
        keys.iter()
            .all(|(key, summary)| key.len() <= 1_024 && summary.calls == RECENT)
    );
}
