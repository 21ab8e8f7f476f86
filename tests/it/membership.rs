//! Servers that come and go while a toolkit is in use.

use std::time::Duration;

use manyhands::{
    Account, Builder, Capability, CapabilityKind, Delivery, ErrorKind, Member, Principal,
    ServerSettings, ServerStatus, ToolOverlay, Toolkit,
};
use manyhands_testkit::{HandshakeFault, ScriptedServer};
use serde_json::json;
use tokio::time::timeout;

use crate::servers::{builder, id, kit, polite, state, text};

const LONG: Duration = Duration::from_secs(120);

fn names(kit: &Toolkit) -> Vec<String> {
    let catalogue = kit.catalogue();
    catalogue.tools().map(|it| it.name().to_string()).collect()
}

fn tools(names: &[&str]) -> Vec<Capability> {
    let tool = |name: &&str| Capability::new(CapabilityKind::Tool, *name);
    names.iter().map(tool).collect()
}

/// A server whose only tool never answers before it is told to.
fn slow(name: &str) -> ScriptedServer {
    polite(name).latency(Duration::from_secs(5))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_added_is_called_at_once_and_told_of() {
    let (old, new) = (polite("old"), polite("new"));
    let kit = kit(&[("old", &old)]).await;
    let other_handle = kit.clone();
    let mut changes = kit.changes();
    kit.add_server(Member::new(id("new"), new.connector()));
    // Its offer is not known yet, which the call waits for.
    let reply = other_handle.call("new.whoami", json!({})).await.unwrap();
    assert_eq!(reply.text(), "new");
    let told = async {
        loop {
            let change = changes.next().await.unwrap();
            if change.status == ServerStatus::Ready {
                return change;
            }
        }
    };
    let change = timeout(LONG, told).await.unwrap();
    assert_eq!(change.server, id("new"));
    assert_eq!(change.diff.added, tools(&["new.whoami", "new.echo"]));
    assert_eq!(change.generation, kit.catalogue().generation());
    assert_eq!(
        names(&kit),
        ["old.whoami", "old.echo", "new.whoami", "new.echo"]
    );
    assert_eq!(state(&kit, "new"), "ready");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_removed_takes_its_names_along_and_is_ended() {
    let (stays, goes) = (polite("stays"), polite("goes"));
    let kit = kit(&[("goes", &goes), ("stays", &stays)]).await;
    let mut changes = kit.changes();
    assert!(kit.remove_server(&id("goes")));
    assert!(!kit.remove_server(&id("goes")), "it is gone already");
    assert_eq!(names(&kit), ["stays.whoami", "stays.echo"]);
    assert!(kit.report().server("goes").is_none());

    let change = changes.next().await.unwrap();
    assert_eq!(
        (change.server, change.status),
        (id("goes"), ServerStatus::Removed)
    );
    assert_eq!(change.diff.removed, tools(&["goes.whoami", "goes.echo"]));
    let error = kit.call("goes.whoami", json!({})).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::NotFound, Delivery::NotSent)
    );
    timeout(LONG, goes.until(|it| it.open_connections() == 0))
        .await
        .unwrap();
    assert_eq!(
        kit.call("stays.whoami", json!({})).await.unwrap().text(),
        "stays"
    );
    assert_eq!(stays.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_that_a_removed_server_has_got_are_answered_first() {
    let server = slow("s");
    let kit = kit(&[("s", &server)]).await;
    let calling = tokio::spawn({
        let kit = kit.clone();
        async move { kit.call("s.whoami", json!({})).await }
    });
    server.until(|it| it.calls().len() == 1).await;
    assert!(kit.remove_server(&id("s")));
    assert_eq!(calling.await.unwrap().unwrap().text(), "s");
    timeout(LONG, server.until(|it| it.open_connections() == 0))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_a_removed_server_were_not_sent() {
    let stuck = polite("s").fault(HandshakeFault::BootsSlowly(LONG));
    let kit = builder(&[("s", &stuck)]).start();
    let calling = tokio::spawn({
        let kit = kit.clone();
        async move { kit.call("s.whoami", json!({})).timeout(LONG).await }
    });
    stuck.until(|it| it.connections() == 1).await;
    assert!(kit.remove_server(&id("s")));
    let error = timeout(Duration::from_secs(10), calling)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_the_restart_of_a_removed_server_were_not_sent() {
    let server = polite("s");
    let kit = kit(&[("s", &server)]).await;
    let _ = server.clone().fault(HandshakeFault::BootsSlowly(LONG));
    server.stop();
    server.until(|it| it.connections() == 2).await;
    let calling = tokio::spawn({
        let kit = kit.clone();
        async move { kit.call("s.whoami", json!({})).timeout(LONG).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    kit.remove_server(&id("s"));
    let called = timeout(Duration::from_secs(10), calling).await.unwrap();
    let error = called.unwrap().unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_in_anothers_place_keeps_the_names_until_it_has_said_its_own() {
    let (before, after) = (polite("before"), ScriptedServer::new("after"));
    let after = after
        .tool("whoami", |_| text("after"))
        .tool("more", |_| text("more"));
    let (other, third) = (polite("other"), polite("third"));
    let kit = kit(&[("s", &before), ("other", &other)]).await;
    let mut changes = kit.changes();
    kit.add_server(Member::new(id("s"), after.connector()));
    assert_eq!(
        names(&kit),
        ["s.whoami", "s.echo", "other.whoami", "other.echo"]
    );
    assert_eq!(
        kit.call("s.whoami", json!({})).await.unwrap().text(),
        "after"
    );
    assert_eq!(
        names(&kit),
        ["s.whoami", "s.more", "other.whoami", "other.echo"]
    );
    let told = async {
        loop {
            let change = changes.next().await.unwrap();
            if !change.diff.is_empty() {
                return change.diff;
            }
        }
    };
    let diff = timeout(LONG, told).await.unwrap();
    assert_eq!(
        (&diff.added[..], &diff.removed[..]),
        (&tools(&["s.more"])[..], &tools(&["s.echo"])[..])
    );
    timeout(LONG, before.until(|it| it.open_connections() == 0))
        .await
        .unwrap();

    // What an ended server would still say is not heard: its place is another's.
    kit.add_server(Member::new(id("s"), third.connector()));
    kit.call("s.echo", json!({})).await.unwrap();
    after.notify("notifications/tools/list_changed", &json!({}));
    tokio::time::sleep(LONG).await;
    assert_eq!(
        kit.call("s.whoami", json!({})).await.unwrap().text(),
        "third"
    );
    assert_eq!(state(&kit, "s"), "ready");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_added_brings_what_the_configuration_says_of_its_tools() {
    let server = polite("s");
    let kit = kit(&[]).await;
    let hidden = |name: &str| {
        let mut overlay = ToolOverlay::default();
        overlay.hidden = true;
        ServerSettings::default().tool(name, overlay)
    };
    for (name, left) in [("echo", "s.whoami"), ("whoami", "s.echo")] {
        let member = Member::new(id("s"), server.connector());
        kit.add_server(member.with_settings(hidden(name)));
        kit.all_started().await;
        assert_eq!(names(&kit), [left]);
    }
    kit.remove_server(&id("s"));
    kit.add_server(Member::new(id("s"), server.connector()));
    kit.all_started().await;
    assert_eq!(names(&kit).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn principals_find_what_was_added_with_their_own_accounts() {
    let (own, shared) = (polite("own"), polite("shared"));
    let first = Member::new(id("first"), shared.connector())
        .with_account(Account::new("a", own.connector()).for_principals(["ada"]));
    let kit = Builder::default().member(first).connect().await.unwrap();
    let ada = kit.for_principal(&Principal::new("ada"));
    let bob = kit.for_principal(&Principal::new("bob"));
    let who = async |kit: &Toolkit, tool: &str| {
        let reply = kit.call(tool, json!({})).await.unwrap();
        reply.text().to_string()
    };
    assert_eq!(
        (
            who(&ada, "first.whoami").await,
            who(&bob, "first.whoami").await
        ),
        ("own".into(), "shared".into())
    );

    let (plain, theirs) = (polite("plain"), polite("theirs"));
    ada.add_server(Member::new(id("plain"), plain.connector()));
    assert_eq!(who(&ada, "plain.whoami").await, "plain");
    let second = Member::new(id("second"), shared.connector())
        .with_account(Account::new("a", theirs.connector()).for_principals(["bob"]));
    kit.add_server(second);
    // Each view knows it, whether or not it was made before.
    assert_eq!(
        (
            who(&ada, "second.whoami").await,
            who(&bob, "second.whoami").await
        ),
        ("shared".into(), "theirs".into())
    );
    assert_eq!(who(&ada, "first.whoami").await, "own");
    assert_eq!(
        own.connections(),
        1,
        "a new server costs no other its connection"
    );

    for server in ["first", "second"] {
        kit.remove_server(&id(server));
    }
    assert_eq!(names(&ada), ["plain.whoami", "plain.echo"]);
    for gone in [&own, &theirs] {
        timeout(LONG, gone.until(|it| it.open_connections() == 0))
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn closing_ends_servers_that_are_still_leaving() {
    let server = slow("s");
    let kit = kit(&[("s", &server)]).await;
    let calling = tokio::spawn({
        let kit = kit.clone();
        async move { kit.call("s.whoami", json!({})).await }
    });
    server.until(|it| it.calls().len() == 1).await;
    kit.remove_server(&id("s"));
    kit.close().await;
    assert_eq!(server.open_connections(), 0);
    assert!(calling.await.unwrap().is_err());
}
