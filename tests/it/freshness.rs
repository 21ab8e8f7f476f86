//! Servers whose offer changes while they are connected.

use std::time::Duration;

use manyhands::{
    Account, Capability, CapabilityKind, Change, Member, Principal, ServerStatus, Toolkit,
};
use manyhands_testkit::{Fault, HandshakeFault, HttpServer, ListFault, ScriptedServer};
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

/// A server of 2026-07-28 that tells of no changes, and says how long its lists stay as they are.
fn silent(name: &str, ttl: &str) -> ScriptedServer {
    polite(name)
        .fault(Fault::ModernOnly)
        .fault(HandshakeFault::AnnouncesNothing)
        .fault(ListFault::OddTtl(ttl.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn lists_without_news_are_asked_for_when_their_time_is_over() {
    let server = silent("s", "90000");
    let kit = kit(&[("s", &server)]).await;
    let mut changes = kit.changes();
    let _ = server.clone().tool("more", |_| text("more"));
    let began = tokio::time::Instant::now();
    let change = changed(&mut changes).await;
    let waited = began.elapsed().as_secs();
    assert!((90..=113).contains(&waited), "{waited} s");
    let diff = change.diff;
    assert_eq!(diff.added, [tool("s.more")]);
    assert!(
        diff.removed.is_empty() && diff.changed.is_empty(),
        "{diff:?}"
    );
    assert_eq!(kit.call("s.more", json!({})).await.unwrap().text(), "more");
    // And again, for as long as it is connected.
    server.until(|it| it.asked("tools/list") == 4).await;
    assert_eq!(server.asked("subscriptions/listen"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_tell_what_it_said_it_would_is_asked_again() {
    let server = polite("s")
        .fault(Fault::ModernOnly)
        .fault(HandshakeFault::RefusesListen)
        .fault(ListFault::OddTtl("90000".to_owned()));
    let kit = kit(&[("s", &server)]).await;
    let mut changes = kit.changes();
    let _ = server.clone().tool("more", |_| text("more"));
    assert_eq!(changed(&mut changes).await.diff.added, [tool("s.more")]);
}

#[tokio::test(start_paused = true)]
async fn who_listens_late_knows_that_there_will_be_no_news() {
    let server = polite("s").fault(Fault::ModernOnly);
    let deaf = polite("s")
        .fault(Fault::ModernOnly)
        .fault(HandshakeFault::RefusesListen);
    for (server, announced) in [(server, true), (deaf, false)] {
        let options = manyhands_transport::ConnectOptions::new(id("s"));
        let connection = server.connector().connect(options).await.unwrap();
        server
            .until(|it| it.asked("subscriptions/listen") == 1)
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(connection.announced_lists().count() > 0, announced);
    }
}

#[tokio::test(start_paused = true)]
async fn lists_that_promise_nothing_are_not_asked_for_again() {
    for ttl in ["0", "-1", "\"soon\"", "null"] {
        let server = silent("s", ttl);
        let _kit = kit(&[("s", &server)]).await;
        tokio::time::sleep(Duration::from_secs(48 * 3600)).await;
        assert_eq!(server.asked("tools/list"), 1, "{ttl}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_login_asks_for_itself_and_sees_its_own_lists() {
    let (everybodys, adas) = (silent("s", "60000"), silent("s", "600000"));
    let account = Account::new("ada", adas.connector()).for_principals(["ada"]);
    let member = Member::new(id("s"), everybodys.connector()).with_account(account);
    let kit = manyhands::Builder::default()
        .member(member)
        .connect()
        .await
        .unwrap();
    let ada = kit.for_principal(&Principal::new("ada"));
    ada.all_started().await;
    let (mut changes, mut adas_changes) = (kit.changes(), ada.changes());
    let _ = adas.clone().tool("secret", |_| text("ada's"));
    adas.until(|it| it.asked("tools/list") == 2).await;
    assert_eq!(
        changed(&mut adas_changes).await.diff.added,
        [tool("s.secret")]
    );
    // Meanwhile the other one was asked every minute, and told nobody anything new.
    let asked = everybodys.asked("tools/list");
    assert!((8..=13).contains(&asked), "asked {asked} times");
    assert_eq!(names(&kit), ["s.whoami", "s.echo"]);
    assert_eq!(names(&ada), ["s.whoami", "s.echo", "s.secret"]);
    let _ = everybodys.clone().tool("open", |_| text("everybody's"));
    assert_eq!(changed(&mut changes).await.diff.added, [tool("s.open")]);
    assert!(!names(&ada).contains(&"s.open".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_keeps_the_lists_says_so_and_is_made_again() {
    let server = silent("s", "60000");
    let kit = kit(&[("s", &server)]).await;
    let before = names(&kit);
    let _ = server.clone().fault(Fault::List(ListFault::NullList));
    server.until(|it| it.asked("tools/list") >= 3).await;
    assert_eq!(names(&kit), before);
    let report = kit.report();
    let server_report = report.server("s").unwrap();
    assert_eq!(server_report.status, ServerStatus::Ready);
    let told = server_report.notices.join("\n");
    assert!(
        told.contains("its tools could not be listed anew, and are as they were: "),
        "{told}"
    );
    server.heal();
    let _ = server
        .clone()
        .fault(Fault::ModernOnly)
        .tool("more", |_| text("more"));
    assert_eq!(
        changed(&mut kit.changes()).await.diff.added,
        [tool("s.more")]
    );
    assert!(kit.report().server("s").unwrap().notices.is_empty());
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
