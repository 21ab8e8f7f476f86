//! Deadlines with real children and the real clock: a call ends when its time is over, whatever the child does, and good
//! servers do not feel a bad one.
//!
//! Other work on the machine can only make these slower, so the best of a few attempts counts.

use std::time::Duration;

use manyhands::{Builder, Connector, ErrorKind, StdioSettings, Toolkit};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::servers::id;

const ATTEMPTS: usize = 4;
const DEADLINE: Duration = Duration::from_secs(1);
/// How much later than its deadline a call may end.
const LATE: Duration = Duration::from_millis(250);
const CLOSING: Duration = Duration::from_secs(5);

fn child(faults: &[&str]) -> Connector {
    let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
    let arguments = ["serve"].into_iter().chain(faults);
    Connector::stdio(StdioSettings::new(env!("CARGO_BIN_EXE_hostile-server")).with_args(arguments))
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_whatever_its_child_does() {
    for (faults, kind) in [
        (&["stops-reading"][..], ErrorKind::DeadlineExceeded),
        (
            &["stops-reading", "ignores-termination"],
            ErrorKind::DeadlineExceeded,
        ),
        (&["hangs-on-call"], ErrorKind::DeadlineExceeded),
        (&["wrong-id"], ErrorKind::DeadlineExceeded),
        (
            &["closes-output", "ignores-termination"],
            ErrorKind::ConnectionClosed,
        ),
    ] {
        let mut best = (Duration::MAX, Duration::MAX);
        for _ in 0..ATTEMPTS {
            let (late, closing) = late(faults, kind).await;
            best = (best.0.min(late), best.1.min(closing));
            if best.0 <= LATE && best.1 <= CLOSING {
                break;
            }
        }
        assert!(best.0 <= LATE, "{faults:?}: {:?} late", best.0);
        assert!(best.1 <= CLOSING, "{faults:?}: closed in {:?}", best.1);
    }
}

/// How much later than its deadline a call ended, with arguments that fill any pipe, and how long closing took.
async fn late(faults: &[&str], kind: ErrorKind) -> (Duration, Duration) {
    let kit = Builder::default()
        .add(id("bad"), child(faults))
        .server("bad", |server| server.required().no_restart())
        .connect()
        .await
        .unwrap();
    let large = json!({"text": "x".repeat(1024 * 1024)});
    let started = Instant::now();
    let error = kit.call("bad.echo", large).timeout(DEADLINE).await;
    let took = started.elapsed();
    assert_eq!(error.unwrap_err().kind(), kind, "{faults:?}");
    let started = Instant::now();
    kit.close().await;
    (took.saturating_sub(DEADLINE), started.elapsed())
}

#[tokio::test]
async fn good_servers_do_not_feel_a_flood_from_another() {
    for flood in [
        "floods-progress",
        "floods-strays",
        "floods-pings",
        "drips=1",
    ] {
        let mut worst = Vec::new();
        for _ in 0..ATTEMPTS {
            let (alone, beside) = (p99(None).await, p99(Some(flood)).await);
            let limit = (alone * 2).max(alone + Duration::from_millis(50));
            if beside <= limit {
                worst.clear();
                break;
            }
            worst.push((alone, beside));
        }
        assert!(worst.is_empty(), "{flood}: p99 alone and beside: {worst:?}");
    }
}

/// The time that 99 of 100 calls to a good child take, while another child is kept busy misbehaving.
async fn p99(flood: Option<&str>) -> Duration {
    let kit = Builder::default()
        .add(id("good"), child(&[]))
        .add(id("bad"), child(flood.as_slice()))
        .connect()
        .await
        .unwrap();
    let busy = flood.map(|_| tokio::spawn(keep_busy(kit.clone())));
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        let reply = kit.call("good.echo", json!({"text": "hi"})).await.unwrap();
        assert!(!reply.is_error());
        times.push(started.elapsed());
    }
    if let Some(busy) = busy {
        busy.abort();
    }
    kit.close().await;
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap()
}

async fn keep_busy(kit: Toolkit) -> Value {
    loop {
        // How it ends is not the point here.
        let _ = kit
            .call("bad.echo", json!({"text": "hi"}))
            .timeout(Duration::from_millis(300))
            .await;
    }
}
