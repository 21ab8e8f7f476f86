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
async fn percentiles_are_of_answers_and_success_of_calls_that_came_to_the_server() {
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
    assert!((statistics.summary(KEY).unwrap().success_rate - 21.0 / 22.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn what_a_tool_says_to_have_failed_at_is_no_success_and_took_no_time() {
    let server = Server::new(async |number, call| match number {
        1 => Ok(tool_failure(&call, "permanent", None)),
        _ => Ok(reply(&call)),
    });
    let statistics = Statistics::default();
    let service = layer(&statistics).layer(server);
    send(&service, call()).await.unwrap();
    assert_eq!(statistics.summary(KEY).unwrap().p50, None);
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
