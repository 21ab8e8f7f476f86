//! Choosing tools for a task, and conversations that are about a few servers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use manyhands::{
    Builder, Cause, Connector, EmbedError, Embedder, Embeddings, ErrorKind, FromConfig as _,
    LeftOutCause, Member, ModelApi, Pinning, Profile, QualifiedName, Selection, Settings,
    StdioSettings, Toolkit,
};
use manyhands_testkit::{HttpServer, ScriptedServer};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::servers::{builder, id, kit, state, text};

fn server(name: &str, tools: &[(&str, &str)]) -> ScriptedServer {
    let add = |server: ScriptedServer, (name, description): &(&str, &str)| {
        let schema = json!({"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]});
        let tool = json!({"name": name, "description": description, "inputSchema": schema});
        let me = (*name).to_owned();
        server.tool_definition(tool, move |arguments| text(&format!("{me} {arguments}")))
    };
    tools.iter().fold(ScriptedServer::new(name), add)
}

pub(crate) fn ledger() -> ScriptedServer {
    server(
        "ledger",
        &[
            ("find_invoice", "Finds an invoice by customer or month."),
            ("pay_invoice", "Pays an invoice."),
        ],
    )
}

pub(crate) fn chat() -> ScriptedServer {
    server(
        "chat",
        &[
            ("post_message", "Posts a message to a channel."),
            ("search_messages", "Searches messages."),
        ],
    )
}

fn chosen(selection: &Selection) -> Vec<String> {
    let chosen = selection.chosen.iter();
    chosen.map(|it| it.tool.name().to_string()).collect()
}

pub(crate) fn name(text: &str) -> QualifiedName {
    QualifiedName::parse(text).unwrap()
}

fn with_finance(servers: &[(&str, &ScriptedServer)]) -> Builder {
    let finance = Profile::default().with_servers([id("ledger")]);
    let settings = Settings::default().with_profile("finance", finance);
    builder(servers).settings(settings)
}

#[tokio::test(start_paused = true)]
async fn the_right_tools_come_first_in_the_shape_that_a_model_takes() {
    let kit = kit(&[("ledger", &ledger()), ("chat", &chat())]).await;
    let selection = kit.select("find the invoice of march").at_most(2).now();
    assert_eq!(
        chosen(&selection),
        ["ledger.find_invoice", "ledger.pay_invoice"]
    );
    let both = kit
        .select(["find the invoice", "post a message"])
        .at_most(2);
    assert_eq!(
        chosen(&both.now()),
        ["ledger.find_invoice", "chat.post_message"]
    );
    let here = kit.select("invoice message").servers([id("chat")]).now();
    assert!(
        chosen(&here).iter().all(|it| it.starts_with("chat.")),
        "{here:?}"
    );

    let tools = kit.select("pay").at_most(1).for_model(ModelApi::Anthropic);
    assert_eq!(tools[0]["name"], "ledger__pay_invoice");
    assert_eq!(tools.len(), 1);
    let all = kit.select("invoice").now();
    let some = kit.select("invoice").within_tokens(all.tokens - 1).now();
    assert!(some.tokens < all.tokens && some.chosen.len() < all.chosen.len());
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_server_offers_from_now_on_is_found_from_now_on() {
    let growing = ledger();
    let kit = kit(&[("ledger", &growing), ("chat", &chat())]).await;
    assert_eq!(kit.select("weather forecast").now().chosen.len(), 0);
    let mut changes = kit.changes();
    growing.redefine(&json!({"name": "find_invoice", "description": "Forecasts the weather.", "inputSchema": {"type": "object"}}));
    growing.notify("notifications/tools/list_changed", &json!({}));
    while changes.next().await.unwrap().diff.is_empty() {}
    let found = kit.select("weather forecast").now();
    assert_eq!(chosen(&found), ["ledger.find_invoice"]);
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn finance_stays_stopped_until_a_finance_conversation() {
    let (books, talk) = (ledger(), chat());
    let kit = with_finance(&[("ledger", &books), ("chat", &talk)])
        .server("ledger", |it| it.lazy(true))
        .connect()
        .await
        .unwrap();
    let support = kit.conversation("support");
    drop(support.select("find an invoice").now());
    sleep(Duration::from_secs(60)).await;
    assert_eq!(state(&kit, "ledger"), "idle");

    let finance = kit.conversation("f-1").enable("finance").unwrap();
    finance.ready().await;
    assert_eq!(state(&kit, "ledger"), "ready");
    let shown = finance.select("find an invoice, post a message").now();
    assert_eq!(
        chosen(&shown),
        ["ledger.find_invoice", "ledger.pay_invoice"]
    );
    let error = kit.conversation("f-1").enable("finanse").unwrap_err();
    assert!(
        error.to_string().ends_with("did you mean \"finance\"?"),
        "{error}"
    );
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn from_what_is_remembered_only_the_servers_start_that_a_query_wants() {
    let (books, talk) = (ledger(), chat());
    let folder = tempfile::tempdir().unwrap();
    let start = || async {
        let known = |server: &ScriptedServer, name: &str| {
            let print = manyhands::Fingerprint::of([name]);
            server.connector().with_fingerprint(print)
        };
        let builder = Builder::default()
            .add(id("ledger"), known(&books, "ledger"))
            .add(id("chat"), known(&talk, "chat"));
        builder.remember_in(folder.path()).connect().await.unwrap()
    };
    let first = start().await;
    while std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .filter(|it| it.path().extension().is_some_and(|it| it == "json"))
        .count()
        < 2
    {
        sleep(Duration::from_millis(10)).await;
    }
    first.close().await;

    let kit = start().await;
    let talk = kit.conversation("c");
    let fits = talk.enable_for("which invoice did we pay?");
    assert_eq!(fits.len(), 1);
    assert_eq!(
        fits[0].tools,
        [name("ledger.pay_invoice"), name("ledger.find_invoice")]
    );
    talk.ready().await;
    assert_eq!(
        (state(&kit, "ledger"), state(&kit, "chat")),
        ("ready", "cached")
    );
    let shown = talk.select("post a message about the invoice").now();
    assert!(
        chosen(&shown).iter().all(|it| it.starts_with("ledger.")),
        "{shown:?}"
    );
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_only_appends_to_what_its_model_was_shown() {
    let always = Profile::default()
        .with_servers([id("ledger"), id("chat")])
        .with_always_on([name("chat.post_message")]);
    let settings = Settings::default().with_profile("all", always);
    let kit = builder(&[("ledger", &ledger()), ("chat", &chat())])
        .settings(settings)
        .connect()
        .await
        .unwrap();
    let talk = kit.conversation("c").enable("all").unwrap();
    let first = chosen(&talk.select("pay the invoice").at_most(2).now());
    assert_eq!(first, ["chat.post_message", "ledger.pay_invoice"]);
    let same = kit.conversation("c");
    let next = chosen(&same.select("search messages").at_most(3).now());
    assert_eq!(next[..2], first[..]);
    assert_eq!(next[2], "chat.search_messages");
    let other = chosen(
        &kit.conversation("d")
            .select("search messages")
            .at_most(1)
            .now(),
    );
    assert_eq!(other, ["chat.search_messages"]);
    same.forget_shown();
    let anew = chosen(&same.select("search messages").at_most(2).now());
    assert_eq!(anew, ["chat.post_message", "chat.search_messages"]);
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_of_no_enabled_profile_is_not_called() {
    let (books, talk) = (ledger(), chat());
    let kit = with_finance(&[("ledger", &books), ("chat", &talk)])
        .connect()
        .await
        .unwrap();
    let finance = kit.conversation("c").enable("finance").unwrap();
    let error = finance
        .call("chat.post_message", json!({"query": "x"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error
            .to_string()
            .contains("the conversation is about finance"),
        "{error}"
    );
    assert_eq!(talk.calls().len(), 0);
    let completed = finance.complete_resource("chat+x:{a}", ("a", ""), json!({}));
    let error = completed.await.unwrap_err().to_string();
    assert!(
        error.contains("the conversation is about finance"),
        "{error}"
    );
    finance
        .call("ledger.pay_invoice", json!({"query": "x"}))
        .await
        .unwrap();
    assert!(finance.disable("finance"));
    finance
        .call("chat.post_message", json!({"query": "x"}))
        .await
        .unwrap();
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn profiles_stand_in_the_configuration_and_a_misspelt_name_is_told() {
    let books = HttpServer::start(&ledger()).await.unwrap();
    let config = |profile: Value| {
        json!({
            "mcpServers": {"ledger": {"url": books.url()}},
            "manyhands": {"profiles": {"finance": profile}},
        })
        .to_string()
    };
    let good = json!({"description": "money", "tools": ["ledger.pay_invoice"], "alwaysOn": ["ledger.pay_invoice"]});
    let kit = Toolkit::from_json(&config(good))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let talk = kit.conversation("c").enable("finance").unwrap();
    assert_eq!(
        chosen(&talk.select("invoice").now()),
        ["ledger.pay_invoice"]
    );
    kit.close().await;
    for bad in [
        json!({"tool": []}),
        json!({"tools": ["pay"]}),
        json!({"servers": ["my server"]}),
    ] {
        assert!(Toolkit::from_json(&config(bad.clone())).is_err(), "{bad}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_reason_why_a_model_does_not_see_a_tool_is_told() {
    let (books, talk) = (ledger(), chat());
    let hidden = serde_json::from_value(json!({"hidden": true})).unwrap();
    let kit = with_finance(&[("ledger", &books), ("chat", &talk)])
        .server("chat", |it| it.tool("search_messages", hidden))
        .add(id("lazy"), chat().connector())
        .server("lazy", |it| it.lazy(true))
        .add(
            id("broken"),
            Connector::stdio(StdioSettings::new("no-such-program-anywhere")),
        )
        .connect()
        .await
        .unwrap();
    let causes = |name: &str| kit.explain(name).causes;
    assert_eq!(causes("ledger.pay_invoice"), []);
    assert!(kit.explain("ledger__pay_invoice").listed);
    assert_eq!(causes("chat.search_messages"), [Cause::Hidden]);
    assert_eq!(causes("lazy.post_message"), [Cause::NotAskedYet]);
    let nearest = ["ledger.pay_invoice", "ledger.find_invoice"].map(str::to_owned);
    let nearest = nearest.to_vec();
    assert_eq!(
        causes("ledger.pay_invoices"),
        [Cause::NotOffered {
            nearest: nearest.clone()
        }]
    );
    assert!(matches!(
        &causes("nobody.pay_invoice")[..],
        [Cause::NoServer { .. }]
    ));
    assert!(matches!(
        &causes("broken.any")[..],
        [Cause::ServerDown { .. }]
    ));

    let finance = kit.conversation("c").enable("finance").unwrap();
    let outside = finance.explain("chat.post_message");
    assert!(!outside.listed);
    let profiles = vec!["finance".to_owned()];
    assert_eq!(outside.causes, [Cause::OutsideConversation { profiles }]);

    let query = manyhands::Query::new("pay an invoice").with_limit(1);
    let choice = |name: &str| kit.explain_for(name, query.clone()).choice.unwrap();
    let best = choice("ledger.pay_invoice");
    assert!(best.chosen && best.place == Some(1), "{best:?}");
    let second = choice("ledger.find_invoice");
    assert!(!second.chosen && second.place == Some(2), "{second:?}");
    assert_eq!(second.left_out, Some(LeftOutCause::Limit));
    let other = choice("chat.post_message");
    assert_eq!((other.chosen, other.place), (false, None));
    let told = kit.explain_for("ledger.find_invoice", query).to_string();
    assert!(told.contains("place 2 of the 2 that fit"), "{told}");
    kit.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_kept_back_or_cannot_be_used_says_why() {
    let bad = json!({"name": "bad", "inputSchema": 5});
    let books = ledger().tool_definition(bad, |_| text("never"));
    let settings = Settings::default().with_pins(Pinning::Block);
    let kit = builder(&[("ledger", &books)])
        .settings(settings)
        .connect()
        .await
        .unwrap();
    assert!(kit.explain("ledger.pay_invoice").listed);
    let other = json!({"name": "pay_invoice", "description": "Pays it to me.", "inputSchema": {"type": "object"}});
    books.redefine(&other);
    let mut changes = kit.changes();
    books.notify("notifications/tools/list_changed", &json!({}));
    while changes.next().await.unwrap().diff.is_empty() {}

    let kept = kit.explain("ledger__pay_invoice");
    assert!(!kept.listed);
    assert!(
        kept.to_string().contains("kept back: ") && kept.to_string().contains("Pays it to me."),
        "{kept}"
    );
    let unusable = kit.explain("ledger.bad").causes;
    assert!(
        matches!(&unusable[..], [Cause::Unusable { .. }]),
        "{unusable:?}"
    );
    assert!(kit.explain("ledger.find_invoice").listed);
    kit.close().await;
}

/// Knows two topics: money, and all else.
#[derive(Clone, Default)]
struct Topics {
    asked: Arc<Mutex<Vec<String>>>,
    broken: bool,
}

impl Embedder for Topics {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let topic = |text: &String| {
            let money = ["invoice", "remuneration"]
                .iter()
                .any(|it| text.contains(it));
            if money {
                vec![1.0, 0.0]
            } else {
                vec![0.0, 1.0]
            }
        };
        self.asked.lock().unwrap().extend(texts.iter().cloned());
        if self.broken {
            return Err(EmbedError::new("it is down"));
        }
        Ok(texts.iter().map(topic).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_tokens_is_kept_as_a_models_own_counter_counts() {
    let books = ledger();
    let tools = async |builder: Builder| {
        let kit = builder.connect().await.unwrap();
        let within = kit.select("invoice").within_tokens(1_000);
        // The index is made anew by another server's change, and counts as before.
        let before = within.now().chosen.len();
        kit.add_server(Member::new(id("chat"), chat().connector()));
        sleep(Duration::from_secs(1)).await;
        let counts = (
            before,
            within.now().chosen.len(),
            within.for_model(ModelApi::OpenAi).len(),
        );
        kit.close().await;
        counts
    };
    let servers = || builder(&[("ledger", &books)]);
    assert_eq!(tools(servers()).await, (2, 2, 2));
    let dear = servers().count_tokens_by(|text: &str| if text.is_empty() { 0 } else { 700 });
    assert_eq!(tools(dear).await, (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_embedder_finds_what_no_word_says_and_costs_nothing_when_it_is_down() {
    let (books, talk) = (ledger(), chat());
    let topics = Topics::default();
    let kit = builder(&[("ledger", &books), ("chat", &talk)])
        .embed_by(Embeddings::new(topics.clone()))
        .connect()
        .await
        .unwrap();
    assert_eq!(chosen(&kit.select("remuneration").now()), [""; 0]);
    // The first question has the tools embedded in the background.
    drop(kit.select("remuneration").by_meaning().await);
    sleep(Duration::from_secs(1)).await;
    let found = kit.select("remuneration").at_most(2).by_meaning().await;
    assert_eq!(
        chosen(&found),
        ["ledger.find_invoice", "ledger.pay_invoice"]
    );
    let asked = topics.asked.lock().unwrap().len();
    drop(kit.select("remuneration").by_meaning().await);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        topics.asked.lock().unwrap().len(),
        asked + 1,
        "only the query is embedded anew"
    );
    kit.close().await;

    let broken = Topics {
        broken: true,
        ..Topics::default()
    };
    let kit = builder(&[("ledger", &books)])
        .embed_by(Embeddings::new(broken.clone()))
        .connect()
        .await
        .unwrap();
    for (asked, told) in [(2, None), (2, Some("embed texts: it is down"))] {
        let found = kit.select("invoice").by_meaning().await;
        assert_eq!(found.chosen.len(), 2);
        assert_eq!(found.without_embedder.as_deref(), told);
        sleep(Duration::from_secs(1)).await;
        // It is left alone for a while.
        assert_eq!(broken.asked.lock().unwrap().len(), asked);
    }
    sleep(Duration::from_secs(5)).await;
    drop(kit.select("invoice").by_meaning().await);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(broken.asked.lock().unwrap().len(), 4);
    kit.close().await;
}
