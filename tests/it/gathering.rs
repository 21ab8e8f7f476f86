//! Many calls as one question: side by side, within one deadline, each with its own outcome.

use std::time::Duration;

use manyhands::{CallError, Delivery, ErrorKind};
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::servers::{kit, text};

const SECOND: Duration = Duration::from_secs(1);

fn echo(name: &str, latency: Duration) -> ScriptedServer {
    let me = name.to_owned();
    let server = ScriptedServer::new(name).latency(latency);
    server.tool("ask", move |it| text(&format!("{me} {it}")))
}

#[tokio::test(start_paused = true)]
async fn each_call_has_its_own_outcome_in_the_order_of_the_calls() {
    let (quick, slow) = (echo("quick", SECOND), echo("slow", 3 * SECOND));
    let broken = echo("broken", SECOND).fault(Fault::ClosesOnCall);
    let kit = kit(&[("slow", &slow), ("broken", &broken), ("quick", &quick)]).await;
    let call = |name: &str| kit.call(name, json!({}));
    let start = Instant::now();
    let found = kit
        .fan_out([
            call("slow.ask"),
            call("broken.ask"),
            call("quick.ask"),
            call("nobody.ask"),
        ])
        .await;
    assert!(start.elapsed() < 4 * SECOND, "{:?}", start.elapsed());
    let answered: Vec<bool> = found.calls.iter().map(|it| it.result.is_ok()).collect();
    assert_eq!(answered, [true, false, true, false]);
    let replies: Vec<&str> = found.replies().map(|it| it.server().as_str()).collect();
    assert_eq!(replies, ["slow", "quick"]);
    assert!(!found.is_complete());
    let told = found.to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "2 of 4 calls answered in 3 s");
    assert!(
        lines[1].starts_with("broken.ask: ") && lines[2].starts_with("nobody.ask: "),
        "{told}"
    );
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_done_in_time_says_whether_it_was_sent() {
    let slow = echo("slow", 2 * SECOND);
    let kit = kit(&[("slow", &slow)]).await;
    let arguments = (0..4).map(|n| json!({"n": n}));
    let found = kit
        .batch("slow.ask", arguments)
        .at_once(1)
        .deadline(3 * SECOND)
        .await;
    assert_eq!(found.took, 3 * SECOND);
    let deliveries: Vec<Option<Delivery>> = found
        .calls
        .iter()
        .map(|it| it.result.as_ref().err().map(CallError::delivery))
        .collect();
    let (unknown, not_sent) = (Some(Delivery::Unknown), Some(Delivery::NotSent));
    assert_eq!(deliveries, [None, unknown, not_sent, not_sent]);
    let kinds = found.failures().map(|(_, error)| error.kind());
    assert!(
        kinds
            .into_iter()
            .all(|it| it == ErrorKind::DeadlineExceeded)
    );
    let sent: Vec<Value> = slow
        .calls()
        .into_iter()
        .map(|(_, it)| it["n"].clone())
        .collect();
    assert_eq!(sent, [0, 1]);
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_made_a_few_calls_at_a_time() {
    let slow = echo("slow", SECOND);
    let kit = kit(&[("slow", &slow)]).await;
    let many = |count: u32| (0..count).map(|n| json!({"n": n}));
    let found = kit.batch("slow.ask", many(20)).await;
    // 8 at once: three rounds.
    assert_eq!((found.took, found.is_complete()), (3 * SECOND, true));
    let found = kit.batch("slow.ask", many(20)).at_once(20).await;
    assert_eq!(found.took, SECOND);
    let none = kit.fan_out([]).await;
    assert!(none.is_complete() && none.calls.is_empty());
    kit.close().await;
}
