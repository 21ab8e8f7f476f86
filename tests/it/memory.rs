//! Servers whose offer is remembered from an earlier start.

use std::fs;
use std::path::Path;
use std::time::Duration;

use manyhands::{
    Account, Builder, Connector, Credentials, Fingerprint, Member, Principal, Reach, Toolkit,
};
use manyhands_testkit::{Fault, HandshakeFault, ScriptedServer};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::servers::{LoggedIn, id, polite, state, text};

const LONG: Duration = Duration::from_secs(300);

/// Reaches a server that is the same one at each start.
fn known(server: &ScriptedServer, as_whom: &str) -> Connector {
    server
        .connector()
        .with_fingerprint(Fingerprint::of([as_whom]))
}

fn builder(folder: &Path, servers: &[(&str, &ScriptedServer)]) -> Builder {
    let add = |builder: Builder, (name, server): &(&str, &ScriptedServer)| {
        builder.add(id(name), known(server, name))
    };
    let builder = Builder::default().remember_in(folder);
    servers.iter().fold(builder, add)
}

fn names(kit: &Toolkit) -> Vec<String> {
    let catalogue = kit.catalogue();
    catalogue.tools().map(|it| it.name().to_string()).collect()
}

/// How many servers are remembered.
fn remembered(folder: &Path) -> usize {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.map(|it| it.file_name().to_string_lossy().into_owned());
    names.filter(|it| it.ends_with(".json")).count()
}

pub(crate) async fn until_remembered(folder: &Path, count: usize) {
    let there = async {
        while remembered(folder) != count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, there).await.unwrap();
}

/// A folder in which these servers are remembered.
async fn after_a_start(servers: &[(&str, &ScriptedServer)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let kit = builder(folder.path(), servers).connect().await.unwrap();
    until_remembered(folder.path(), servers.len()).await;
    kit.close().await;
    folder
}

#[tokio::test(start_paused = true)]
async fn the_second_start_has_all_tools_and_connects_at_first_use() {
    let (a, b) = (polite("a"), polite("b"));
    let folder = after_a_start(&[("a", &a), ("b", &b)]).await;
    let kit = builder(folder.path(), &[("a", &a), ("b", &b)]).start();
    // Nothing was awaited yet.
    assert_eq!(names(&kit), ["a.whoami", "a.echo", "b.whoami", "b.echo"]);
    assert_eq!(state(&kit, "a"), "cached");
    kit.all_started().await;
    sleep(LONG).await;
    assert_eq!(
        (a.connections(), b.connections()),
        (1, 1),
        "of the first start"
    );

    assert_eq!(kit.call("a.whoami", json!({})).await.unwrap().text(), "a");
    assert_eq!((a.connections(), b.connections()), (2, 1));
    sleep(LONG).await;
    assert_eq!((state(&kit, "a"), state(&kit, "b")), ("ready", "cached"));
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_since_is_found_out_by_the_first_call() {
    let server = polite("s");
    let folder = after_a_start(&[("s", &server)]).await;
    let more = server.clone().tool("more", |_| text("more"));
    let kit = builder(folder.path(), &[("s", &more)]).start();
    assert_eq!(names(&kit), ["s.whoami", "s.echo"]);
    let mut changes = kit.changes();
    // It is not among what is remembered, so the server is asked before anybody says that there is no such tool.
    assert_eq!(kit.call("s.more", json!({})).await.unwrap().text(), "more");
    let told = async {
        loop {
            let change = changes.next().await.unwrap();
            if !change.diff.is_empty() {
                return change.diff;
            }
        }
    };
    assert_eq!(timeout(LONG, told).await.unwrap().added.len(), 1);
    let error = kit.call("s.none", json!({})).await.unwrap_err();
    assert!(error.to_string().contains("offers no such tool"), "{error}");
    kit.close().await;

    // And the change is remembered.
    let third = async {
        loop {
            let kit = builder(folder.path(), &[("s", &more)]).start();
            if names(&kit).len() == 3 {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, third).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_listed_while_its_server_is_asked() {
    let server = polite("s");
    let folder = after_a_start(&[("s", &server)]).await;
    let slow = server
        .clone()
        .fault(HandshakeFault::BootsSlowly(Duration::from_secs(9)));
    let start = |adjust: fn(manyhands::ServerSettings) -> manyhands::ServerSettings| {
        let before = slow.connections();
        let kit = builder(folder.path(), &[("s", &slow)])
            .server("s", adjust)
            .start();
        (kit, before)
    };
    for adjust in [
        (|it| it.cache_for(Duration::ZERO)) as fn(manyhands::ServerSettings) -> _,
        |it| it.required(),
    ] {
        let (kit, before) = start(adjust);
        assert_eq!((names(&kit).len(), state(&kit, "s")), (2, "starting"));
        kit.all_started().await;
        assert_eq!(
            (slow.connections() - before, state(&kit, "s")),
            (1, "ready")
        );
        kit.close().await;
    }
    let (kit, before) = start(|it| it.lazy(true).cache_for(Duration::ZERO));
    assert_eq!((names(&kit).len(), state(&kit, "s")), (2, "cached"));
    sleep(LONG).await;
    assert_eq!(slow.connections(), before);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_keeps_its_names_and_its_calls_say_why() {
    let (gone, fine) = (polite("gone"), polite("fine"));
    let folder = after_a_start(&[("gone", &gone), ("fine", &fine)]).await;
    let _ = gone.clone().fault(Fault::ClosesAtHandshake);
    let kit = builder(folder.path(), &[("gone", &gone), ("fine", &fine)]).start();
    let call = kit
        .call("gone.whoami", json!({}))
        .timeout(Duration::from_secs(5));
    let error = call.await.unwrap_err();
    assert_eq!(error.delivery(), manyhands::Delivery::NotSent);
    assert!(
        error.to_string().starts_with("call gone.whoami: "),
        "{error}"
    );
    assert_eq!(names(&kit).len(), 4);
    assert_eq!(
        kit.call("fine.whoami", json!({})).await.unwrap().text(),
        "fine"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_any_more_stays_as_it_is_remembered() {
    let server = polite("s");
    let folder = after_a_start(&[("s", &server)]).await;
    let failing = Fault::FailsList(manyhands_core::ListKind::Tools, -32_603);
    let _ = server.clone().fault(failing);
    let kit = builder(folder.path(), &[("s", &server)]).start();
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    sleep(Duration::from_secs(1)).await;
    assert_eq!((names(&kit).len(), state(&kit, "s")), (2, "failed"));
    let report = kit.report();
    let notices = &report.server("s").unwrap().notices;
    assert!(notices[0].contains("are as they were"), "{notices:?}");

    let fresh = tempfile::tempdir().unwrap();
    let kit = builder(fresh.path(), &[("s", &server)]).start();
    kit.all_started().await;
    sleep(LONG).await;
    assert_eq!(
        remembered(fresh.path()),
        0,
        "what was not read is not remembered"
    );
}

#[tokio::test(start_paused = true)]
async fn files_that_cannot_be_used_are_as_if_they_were_not_there() {
    let server = polite("s");
    let folder = after_a_start(&[("s", &server)]).await;
    for file in fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|it| it == "json") {
            fs::write(path, "{\"format\": 1, ").unwrap();
        }
    }
    let kit = builder(folder.path(), &[("s", &server)]).start();
    assert_eq!((names(&kit).len(), state(&kit, "s")), (0, "starting"));
    kit.all_started().await;
    assert_eq!(names(&kit).len(), 2);

    // Another server under the name, and another folder, know nothing of it.
    let other = Builder::default().remember_in(folder.path());
    let other = other.add(id("s"), known(&server, "another")).start();
    let elsewhere = builder(&folder.path().join("other"), &[("s", &server)]).start();
    assert_eq!((names(&other).len(), names(&elsewhere).len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_one_account_was_offered_is_not_shown_to_another() {
    let (everybodys, own) = (polite("s"), polite("s").tool("secret", |_| text("x")));
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let account = Account::new("a", known(&own, "s")).for_principals(["ada"]);
        let member = Member::new(id("s"), known(&everybodys, "s")).with_account(account);
        Builder::default()
            .member(member)
            .remember_in(folder.path())
            .start()
    };
    let ada = Principal::new("ada");
    let kit = start();
    kit.all_started().await;
    kit.for_principal(&ada).all_started().await;
    until_remembered(folder.path(), 2).await;
    kit.close().await;

    let kit = start();
    assert_eq!(names(&kit), ["s.whoami", "s.echo"]);
    assert_eq!(
        names(&kit.for_principal(&ada)),
        ["s.whoami", "s.echo", "s.secret"]
    );
    assert_eq!(state(&kit.for_principal(&ada), "s"), "cached");
}

#[tokio::test(start_paused = true)]
async fn a_logout_is_forgotten_with() {
    let server = polite("s");
    let folder = tempfile::tempdir().unwrap();
    let reach = Reach::new(known(&server, "s"))
        .with_credentials(Credentials::new(LoggedIn("Bearer token")));
    let member = Member::new(id("s"), reach);
    let builder = Builder::default().member(member).remember_in(folder.path());
    let kit = builder.connect().await.unwrap();
    until_remembered(folder.path(), 1).await;
    assert!(kit.logout(&id("s")).await.unwrap());
    until_remembered(folder.path(), 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_added_brings_what_is_remembered_of_it() {
    let server = polite("s");
    let folder = after_a_start(&[("s", &server)]).await;
    let kit = builder(folder.path(), &[]).start();
    let mut changes = kit.changes();
    kit.add_server(Member::new(id("s"), known(&server, "s")));
    let change = changes.next().await.unwrap();
    assert_eq!(
        (change.status.word(), change.diff.added.len()),
        ("cached", 2)
    );
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
}
