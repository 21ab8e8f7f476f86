//! What goes on between a call and its answer: progress, questions, and limits of single tools.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use manyhands::{CallEvent, InputHandler, InputKind, InputRequest, InputResponse};
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::{Map, json};
use tokio::time::{Instant, sleep};

use crate::servers::{builder, kit, polite};

fn with(faults: &[&str]) -> ScriptedServer {
    let fault = |text: &&str| text.parse::<Fault>().unwrap();
    faults
        .iter()
        .map(fault)
        .fold(polite("s"), ScriptedServer::fault)
}

#[tokio::test(start_paused = true)]
async fn a_call_hears_of_its_progress_and_of_what_the_server_logs() {
    for (flood, wanted) in [("floods-progress=3", "progress"), ("floods-logs=3", "log")] {
        let kit = kit(&[("s", &with(&[flood]))]).await;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = heard.clone();
        let call = kit.call("s.whoami", json!({})).on_event(move |event| {
            let word = match event {
                CallEvent::Progress { .. } => "progress",
                CallEvent::Log { .. } => "log",
                _ => "something else",
            };
            listener.lock().unwrap().push(word);
        });
        assert_eq!(call.await.unwrap().text(), "s");
        assert_eq!(*heard.lock().unwrap(), [wanted; 3], "{flood}");
    }
}

/// Takes a minute, and says yes.
struct Person;

impl InputHandler for Person {
    fn kinds(&self) -> Vec<InputKind> {
        vec![InputKind::Form]
    }

    async fn answer(&self, request: InputRequest) -> InputResponse {
        assert_eq!(request.server().as_str(), "s");
        sleep(Duration::from_secs(60)).await;
        InputResponse::accept(Map::new())
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_is_put_to_the_handler_however_it_is_asked() {
    for faults in [&["asks-back"][..], &["needs-input", "modern-only"]] {
        let server = with(faults);
        let servers = builder(&[("s", &server)]).input(Person);
        let kit = servers.connect().await.unwrap();
        let started = Instant::now();
        // The person takes longer than the call may, and the clocks stand still meanwhile.
        let reply = kit
            .call("s.whoami", json!({}))
            .timeout(Duration::from_secs(5));
        assert_eq!(reply.await.unwrap().text(), "s", "{faults:?}");
        assert!(started.elapsed() >= Duration::from_secs(60), "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_may_have_limits_of_its_own() {
    let server = with(&["hangs-on-call"]);
    let seconds = Duration::from_secs;
    let kit = builder(&[("s", &server)])
        .server("s", |s| {
            s.timeout(seconds(3))
                .tool_timeouts("echo", seconds(7), seconds(60))
        })
        .connect()
        .await
        .unwrap();
    for (tool, limit) in [("s.whoami", 3), ("s.echo", 7)] {
        let started = Instant::now();
        kit.call(tool, json!({})).await.unwrap_err();
        assert_eq!(started.elapsed(), seconds(limit), "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_is_spoken_to_in_the_version_that_its_settings_name() {
    let server = polite("s");
    let kit = builder(&[("s", &server)])
        .server("s", |s| s.protocol("2025-06-18"))
        .connect()
        .await
        .unwrap();
    assert_eq!(server.asked("server/discover"), 0);
    let report = kit.report();
    let info = report.server("s").unwrap().info.clone().unwrap();
    assert_eq!(info.protocol, "2025-06-18");
}
