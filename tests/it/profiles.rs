//! What is told of profiles that name what is not there, and what is not, since nobody knows it yet.

use manyhands::{Connector, FromConfig as _, Member, Profile, Settings, StdioSettings, Toolkit};
use manyhands_testkit::HttpServer;
use serde_json::json;
use tracing::subscriber::with_default;

use crate::choosing::{chat, ledger, name};
use crate::log::Log;
use crate::memory::until_remembered;
use crate::servers::{builder, id};

#[tokio::test(start_paused = true)]
async fn what_a_profile_names_and_nobody_has_is_told_and_what_is_not_known_yet_is_not() {
    let (books, talk, asleep) = (ledger(), chat(), chat());
    let hidden = serde_json::from_value(json!({"hidden": true})).unwrap();
    let profile = Profile::default()
        .with_servers(["ledgr", "lazy", "broken", "off", "ledger"].map(id))
        .with_tools(["ledger.pay_invoices", "ledger.pay_invoice", "lazy.nothing"].map(name))
        .with_tools(["broken.nothing", "off.nothing", "chat.search_messages"].map(name))
        .with_always_on(["ledger.pay_invoices", "nobody.x"].map(name));
    let settings = Settings::default().with_profile("finance", profile);
    let kit = builder(&[("ledger", &books), ("chat", &talk)])
        .settings(settings)
        .server("chat", |it| it.tool("search_messages", hidden))
        .add(id("lazy"), asleep.connector())
        .server("lazy", |it| it.lazy(true))
        .add(
            id("broken"),
            Connector::stdio(StdioSettings::new("no-such-program-anywhere")),
        )
        .member(Member::disabled(id("off")))
        .connect()
        .await
        .unwrap();
    let told = || -> Vec<String> {
        let problems = kit.profile_problems();
        problems.iter().map(ToString::to_string).collect()
    };
    let expected = [
        "the profile finance: ledgr: no server offers anything of this name -> did you mean ledger?",
        "the profile finance: chat.search_messages: hidden in the configuration -> remove `hidden` from its server's entry",
        "the profile finance: ledger.pay_invoices: its server offers nothing of this name -> did you mean \
         ledger.pay_invoice or ledger.find_invoice?",
        "the profile finance: nobody.x: no server offers anything of this name",
    ];
    assert_eq!(told(), expected);
    // Once it is up, it is known what the lazy one offers.
    kit.call("lazy.post_message", json!({"query": "x"}))
        .await
        .unwrap();
    let told = told();
    assert_eq!(told.len(), 5, "{told:#?}");
    assert!(
        told[2].contains("lazy.nothing: its server offers nothing"),
        "{told:#?}"
    );
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_a_server_accuses_no_profile() {
    let (folder, books) = (
        tempfile::tempdir().unwrap(),
        HttpServer::start(&ledger()).await.unwrap(),
    );
    let kit = |tool: &str| {
        let profile = json!({"servers": ["ledger"], "tools": [tool]});
        let config = json!({
            "mcpServers": {"ledger": {"url": books.url(), "manyhands": {"lazy": true}}},
            "manyhands": {"profiles": {"finance": profile}},
        });
        let kit = Toolkit::from_json(&config.to_string()).unwrap();
        kit.remember_in(folder.path()).connect()
    };
    let first = kit("ledger.pay").await.unwrap();
    first
        .call("ledger.pay_invoice", json!({"query": "x"}))
        .await
        .unwrap();
    assert_eq!(first.profile_problems().len(), 1);
    until_remembered(folder.path(), 1).await;
    first.close().await;
    let second = kit("ledger.pay").await.unwrap();
    assert_eq!(second.catalogue().tools().count(), 2);
    assert_eq!(second.profile_problems(), []);
    second.close().await;
}

#[test]
fn a_misspelt_tool_of_a_profile_is_logged_once() {
    let log = Log::default();
    let writer = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    with_default(writer, || {
        runtime.block_on(async {
            let profile = Profile::default().with_tools([name("ledger.pay"), name("lost.pay")]);
            let settings = Settings::default().with_profile("finance", profile);
            let kit = builder(&[("ledger", &ledger())]).settings(settings).start();
            let talk = kit.conversation("a").enable("finance").unwrap();
            assert!(log.text().contains("lost.pay"), "it is told at once");
            talk.ready().await;
            assert!(
                log.text().contains("ledger.pay"),
                "it is told once it is known"
            );
            let other = kit.conversation("b").enable("finance").unwrap();
            other.ready().await;
        });
    });
    let told = log.text();
    for name in ["ledger.pay: ", "lost.pay: "] {
        assert_eq!(told.matches(name).count(), 1, "{told}");
    }
}
