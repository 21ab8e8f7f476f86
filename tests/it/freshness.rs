//! Servers whose offer changes while they are connected.

use std::time::Duration;

use manyhands::{Capability, CapabilityKind, Change, ServerStatus, Toolkit};
use manyhands_testkit::{Fault, HttpServer, ListFault};
use serde_json::json;

use crate::servers::{builder, id, kit, polite, text};

const TOOLS_CHANGED: &str = "notifications/tools/list_changed";

/// The next change that touches the catalogue.
async fn changed(changes: &mut manyhands::Changes) -> Change {
    let waiting = async {
        loop {
            let change = changes.next().await.unwrap();
            if !change.diff.is_empty() {
                return change;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), waiting)
        .await
        .unwrap()
}

fn tool(name: &str) -> Capability {
    Capability::new(CapabilityKind::Tool, name)
}

fn names(kit: &Toolkit) -> Vec<String> {
    kit.catalogue()
        .tools()
        .map(|it| it.name().to_string())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_comes_is_there_for_the_next_call() {
    for modern in [false, true] {
        let server = match modern {
            true => polite("s").fault(Fault::ModernOnly),
            false => polite("s"),
        };
        let kit = kit(&[("s", &server)]).await;
        let (mut changes, before) = (kit.changes(), kit.catalogue().generation());
        // The subscription of a modern server opens beside the first calls.
        server
            .until(|it| !modern || it.asked("subscriptions/listen") == 1)
            .await;
        let _ = server.clone().tool("more", |_| text("more"));
        server.notify(TOOLS_CHANGED, &json!({}));
        let change = changed(&mut changes).await;
        assert_eq!(
            (&change.diff.added[..], change.diff.removed.len()),
            (&[tool("s.more")][..], 0)
        );
        assert_eq!(change.generation, before + 1);
        assert_eq!(kit.call("s.more", json!({})).await.unwrap().text(), "more");
        // What did not change was not asked for.
        assert_eq!(
            (server.asked("tools/list"), server.asked("prompts/list")),
            (2, 0)
        );
    }
}

#[tokio::test]
async fn changes_are_heard_over_http_too() {
    let server = polite("s");
    let http = HttpServer::start(&server).await.unwrap();
    let connector = manyhands::Connector::http(manyhands::HttpSettings::new(http.url()));
    let kit = manyhands::Builder::default()
        .add(id("s"), connector)
        .connect()
        .await
        .unwrap();
    let mut changes = kit.changes();
    let _ = server.clone().tool("more", |_| text("more"));
    server.notify(TOOLS_CHANGED, &json!({}));
    assert_eq!(changed(&mut changes).await.diff.added, [tool("s.more")]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_changes_is_a_few_questions() {
    let server = polite("s");
    let kit = kit(&[("s", &server)]).await;
    for _ in 0..10_000 {
        server.notify(TOOLS_CHANGED, &json!({}));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let asked = server.asked("tools/list");
    assert!((2..=12).contains(&asked), "asked {asked} times in 50 s");
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_again_stays_as_it_was() {
    let server = polite("s").prompt(json!({"name": "p"}), json!({"messages": []}));
    let kit = kit(&[("s", &server)]).await;
    let mut changes = kit.changes();
    let before = names(&kit);
    let _ = server.clone().fault(Fault::List(ListFault::NullList));
    server.notify(TOOLS_CHANGED, &json!({}));
    server.until(|it| it.asked("tools/list") >= 3).await;
    assert_eq!(names(&kit), before);
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    let report = kit.report();
    let server_report = report.server("s").unwrap();
    assert_eq!(server_report.status, ServerStatus::Ready);
    let told = server_report.notices.join("\n");
    assert!(
        told.contains("its tools could not be listed anew, and are as they were"),
        "{told}"
    );
    // It is asked ever more rarely, until it can be read again.
    server.heal();
    let _ = server.clone().tool("more", |_| text("more"));
    assert_eq!(changed(&mut changes).await.diff.added, [tool("s.more")]);
    let notices = kit.report().server("s").unwrap().notices.clone();
    assert!(notices.is_empty(), "{notices:?}");
}

#[tokio::test(start_paused = true)]
async fn what_one_server_changes_is_nobody_elses_business() {
    let (one, two) = (polite("one"), polite("two"));
    let kit = builder(&[("one", &one), ("two", &two)])
        .connect()
        .await
        .unwrap();
    let mut changes = kit.changes();
    let _ = one.clone().tool("more", |_| text("more"));
    one.notify(TOOLS_CHANGED, &json!({}));
    assert_eq!(changed(&mut changes).await.server, id("one"));
    assert_eq!((one.asked("tools/list"), two.asked("tools/list")), (2, 1));
}
