//! Tools that do the same: which is put forward, which stands in for one that cannot be used, and who is told.

use std::time::Duration;

use manyhands::{
    BreakerSettings, Builder, CallError, Criterion, Delivery, Effect, ErrorKind, FromConfig as _,
    Group, GroupMember, LeftOutCause, ModelApi, Profile, RetrySettings, ServerSettings, Settings,
    Toolkit,
};
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tracing::subscriber::with_default;

use crate::log::Log;
use crate::servers::{builder, id, polite, text};

const SECOND: Duration = Duration::from_secs(1);

/// A server with a tool `search`, which takes a text of this name, and answers with the server's name and what it got.
fn engine(name: &str, parameter: &str) -> ScriptedServer {
    let me = name.to_owned();
    let schema = json!({
        "type": "object", "properties": {parameter: {"type": "string"}}, "required": [parameter],
        "additionalProperties": false,
    });
    let tool = json!({"name": "search", "description": "Searches pages.", "inputSchema": schema});
    ScriptedServer::new(name).tool_definition(tool, move |given| text(&format!("{me} {given}")))
}

fn docs() -> Group {
    let mapped =
        GroupMember::new("confluence.search").with_arguments("{cql: \"text ~ \\(.query)\"}");
    Group::new(["notion.search"]).with_tool(mapped)
}

fn reads(settings: ServerSettings) -> ServerSettings {
    settings.tool_effect("search", Effect::ReadOnly).retry(None)
}

fn writes(settings: ServerSettings) -> ServerSettings {
    settings.retry(None)
}

/// Notion and Confluence in one group.
struct Engines {
    notion: ScriptedServer,
    confluence: ScriptedServer,
}

impl Engines {
    fn new() -> Self {
        Self {
            notion: engine("notion", "query"),
            confluence: engine("confluence", "cql"),
        }
    }

    fn builder(&self, group: Group) -> Builder {
        let settings = Settings::default().with_group("docs", group);
        builder(&[("notion", &self.notion), ("confluence", &self.confluence)]).settings(settings)
    }

    async fn kit(&self, adjust: impl Fn(ServerSettings) -> ServerSettings) -> Toolkit {
        self.builder(docs())
            .servers(adjust)
            .connect()
            .await
            .unwrap()
    }
}

async fn search(kit: &Toolkit) -> Result<String, CallError> {
    let reply = kit.call("notion.search", json!({"query": "fire"})).await?;
    let mark = reply
        .substitution()
        .map(|it| format!("{it}: "))
        .unwrap_or_default();
    Ok(format!("{mark}{}", reply.text()))
}

#[tokio::test(start_paused = true)]
async fn what_reads_is_answered_by_another_with_arguments_of_its_own_and_is_marked() {
    let engines = Engines::new();
    let kit = engines.kit(reads).await;
    assert_eq!(search(&kit).await.unwrap(), r#"notion {"query":"fire"}"#);

    let notion = engines.notion.fault(Fault::ClosesOnCall);
    let told = search(&kit).await.unwrap();
    assert_eq!(
        told,
        "notion.search could not be used (the connection was closed while the call was under way); confluence.search answered instead: \
         confluence {\"cql\":\"text ~ fire\"}"
    );
    let reply = kit
        .call("notion.search", json!({"query": "fire"}))
        .await
        .unwrap();
    assert_eq!(reply.substitute_for().unwrap().to_string(), "notion.search");
    assert_eq!(reply.server(), &id("confluence"));
    let back = notion.calls().len();
    notion.heal();
    sleep(60 * SECOND).await;
    assert!(
        kit.call("notion.search", json!({"query": "fire"}))
            .await
            .unwrap()
            .substitution()
            .is_none()
    );
    assert_eq!(notion.calls().len(), back + 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_happened_is_made_nowhere_else() {
    for effect in [Effect::Unknown, Effect::Idempotent] {
        let engines = Engines::new();
        let kit = engines
            .kit(|s| writes(s).tool_effect("search", effect))
            .await;
        let _notion = engines.notion.fault(Fault::ClosesOnCall);
        let error = search(&kit).await.unwrap_err();
        assert_eq!(error.delivery(), Delivery::Unknown);
        assert!(engines.confluence.calls().is_empty(), "{effect:?}");
        assert!(error.tried().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_left_is_made_elsewhere() {
    let engines = Engines::new();
    let once = BreakerSettings::default().with_consecutive(1.try_into().unwrap());
    let kit = engines.kit(|s| writes(s).breaker(once.clone())).await;
    let _notion = engines.notion.fault(Fault::ClosesOnCall);
    search(&kit).await.unwrap_err();
    // Its server is left alone now.
    let told = search(&kit).await.unwrap();
    assert!(told.contains("notion has failed"), "{told}");
    assert!(
        told.ends_with(r#"confluence {"cql":"text ~ fire"}"#),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_never_up_is_stood_in_for() {
    let engines = Engines::new();
    let _notion = engines.notion.clone().fault(Fault::ClosesAtHandshake);
    let kit = engines
        .builder(docs())
        .servers(ServerSettings::no_restart)
        .connect()
        .await
        .unwrap();
    let told = search(&kit).await.unwrap();
    assert!(
        told.starts_with("notion.search could not be used ("),
        "{told}"
    );
    assert!(
        told.ends_with(r#"confluence {"cql":"text ~ fire"}"#),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_another_server_cannot_cure_is_told_as_it_is() {
    let engines = Engines::new();
    let kit = engines.kit(reads).await;
    let wrong = kit
        .call("notion.search", json!({"q": 1}))
        .await
        .unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidArguments);
    let none = kit
        .call("notion.serach", json!({"query": "x"}))
        .await
        .unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    let _notion = engines.notion.fault(Fault::FailsCall(-32_602));
    search(&kit).await.unwrap_err();
    assert!(engines.confluence.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_tools_own_word_that_it_will_pass_counts_where_it_only_reads() {
    for (effect, class, stands_in) in [
        (Effect::ReadOnly, "transient", true),
        (Effect::ReadOnly, "permanent", false),
        (Effect::Idempotent, "transient", false),
        (Effect::Unknown, "transient", false),
    ] {
        let busy = json!({"code": "busy", "message": "index is rebuilt", "type": class});
        let notion = ScriptedServer::new("notion").tool(
            "search",
            move |_| json!({"isError": true, "content": [], "structuredContent": busy}),
        );
        let engines = Engines {
            notion,
            confluence: engine("confluence", "cql"),
        };
        let kit = engines
            .kit(|s| reads(s).tool_effect("search", effect))
            .await;
        let told = search(&kit).await.unwrap();
        assert_eq!(
            !engines.confluence.calls().is_empty(),
            stands_in,
            "{effect:?} {class}"
        );
        assert_eq!(
            told.contains("could not be used (index is rebuilt)"),
            stands_in,
            "{told}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_stands_in_where_nobody_wants_it() {
    let engines = Engines::new();
    let kit = engines
        .builder(docs().without_fallback())
        .servers(reads)
        .connect()
        .await
        .unwrap();
    let _notion = engines.notion.clone().fault(Fault::ClosesOnCall);
    search(&kit).await.unwrap_err();
    let kit = engines.kit(reads).await;
    let call = kit.call("notion.search", json!({"query": "fire"}));
    call.no_fallback().await.unwrap_err();
    assert!(engines.confluence.calls().is_empty());
    search(&kit).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn arguments_are_checked_by_the_schema_of_what_stands_in() {
    for program in [
        "{cql: 7}",
        "{other: .query}",
        "empty",
        ".query",
        "until(false; .)",
    ] {
        let engines = Engines::new();
        let mapped = GroupMember::new("confluence.search").with_arguments(program);
        let group = Group::new(["notion.search"]).with_tool(mapped);
        let kit = engines
            .builder(group)
            .servers(reads)
            .connect()
            .await
            .unwrap();
        let _notion = engines.notion.fault(Fault::ClosesOnCall);
        let error = search(&kit).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionClosed, "{program}");
        assert!(
            error.to_string().contains(", confluence in vain ("),
            "{error}"
        );
        assert!(engines.confluence.calls().is_empty(), "{program}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_whose_own_arguments_are_made_has_nothing_that_stands_in() {
    let engines = Engines::new();
    let kit = engines.kit(reads).await;
    let _confluence = engines.confluence.fault(Fault::ClosesOnCall);
    let call = kit.call("confluence.search", json!({"cql": "fire"}));
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionClosed);
    assert!(error.tried().is_empty(), "{error}");
    assert!(engines.notion.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_is_tried_once_and_the_error_says_where_and_why() {
    let servers = ["a", "b", "c"].map(|it| polite(it).fault(Fault::ClosesOnCall));
    let [a, b, c] = &servers;
    let group = Group::new([
        "a.whoami",
        "b.whoami",
        "c.whoami",
        "c.whoami",
        "gone.whoami",
    ]);
    let settings = Settings::default().with_group("who", group);
    let three = builder(&[("a", a), ("b", b), ("c", c)]).settings(settings);
    let read = |s: ServerSettings| s.tool_effect("whoami", Effect::ReadOnly).retry(None);
    let kit = three.servers(read).connect().await.unwrap();
    let error = kit.call("b.whoami", json!({})).await.unwrap_err();
    let told = error.to_string();
    let begin = "call b.whoami: the connection was closed while the call was under way; tried once on b in 0 ms, once on a in 0 ms (the connection was \
                 closed while the call was under way), once on c in 0 ms (the connection was closed while the call was under way), gone in vain (no server offers this tool)";
    assert!(told.starts_with(begin), "{told}");
    assert!(servers.iter().all(|it| it.calls().len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_happened_where_it_stood_in_ends_the_search() {
    let servers = ["a", "b", "c"].map(polite);
    let [a, b, c] = &servers;
    let settings =
        Settings::default().with_group("who", Group::new(["a.whoami", "b.whoami", "c.whoami"]));
    let three = builder(&[("a", a), ("b", b), ("c", c)]).settings(settings);
    let once = BreakerSettings::default().with_consecutive(1.try_into().unwrap());
    let kit = three
        .servers(|s| s.retry(None).breaker(once.clone()))
        .connect()
        .await
        .unwrap();
    for server in [a, b] {
        let _ = server.clone().fault(Fault::ClosesOnCall);
    }
    kit.call("a.whoami", json!({})).await.unwrap_err();
    let error = kit.call("a.whoami", json!({})).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown);
    assert_eq!(error.capability().unwrap().name(), "b.whoami");
    let told = error.to_string();
    assert!(
        told.starts_with("call b.whoami: the connection was closed while the call was under way; tried a in vain (a has failed"),
        "{told}"
    );
    assert!(told.contains(", once on b in 0 ms;"), "{told}");
    assert!(c.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_callers_time_is_for_all_of_them() {
    let engines = Engines::new();
    let kit = engines.kit(|s| reads(s).attempt_timeout(2 * SECOND)).await;
    let (_notion, _confluence) = (
        engines.notion.clone().fault(Fault::HangsOnCall),
        engines.confluence.clone().fault(Fault::HangsOnCall),
    );
    for (limit, called) in [(3 * SECOND, 1), (2 * SECOND, 0)] {
        let (started, before) = (Instant::now(), engines.confluence.calls().len());
        let call = kit.call("notion.search", json!({"query": "fire"}));
        let error = call.timeout(limit).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        assert_eq!(started.elapsed(), limit);
        assert_eq!(engines.confluence.calls().len() - before, called);
    }
}

#[tokio::test(start_paused = true)]
async fn the_fastest_of_late_is_put_forward_and_stands_in_first() {
    let [a, b, c] =
        [("a", 1), ("b", 4), ("c", 2)].map(|(name, n)| polite(name).latency(n * SECOND));
    let group = Group::new(["a.whoami", "b.whoami", "c.whoami"]).with_prefer([Criterion::Latency]);
    let settings = Settings::default().with_group("who", group);
    let three = builder(&[("a", &a), ("b", &b), ("c", &c)]).settings(settings);
    let read = |s: ServerSettings| s.tool_effect("whoami", Effect::ReadOnly).retry(None);
    let kit = three.servers(read).connect().await.unwrap();
    let first = |kit: &Toolkit| {
        let ranking = kit.groups();
        let members = ranking.groups()[0].members.iter();
        members
            .map(|it| it.tool.server().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(first(&kit), ["a", "b", "c"]);
    for _ in 0..10 {
        for name in ["a.whoami", "b.whoami", "c.whoami"] {
            kit.call(name, json!({})).await.unwrap();
        }
    }
    assert_eq!(first(&kit), ["a", "c", "b"]);
    let _a = a.fault(Fault::ClosesOnCall);
    let reply = kit.call("a.whoami", json!({})).await.unwrap();
    assert_eq!(reply.text(), "c");
}

#[tokio::test(start_paused = true)]
async fn one_of_a_group_is_chosen_and_it_is_told_for_whom() {
    let engines = Engines::new();
    let kit = engines.kit(ServerSettings::no_restart).await;
    let chosen = |kit: &Toolkit| {
        let selection = kit.select("search pages").now();
        let chosen = selection.chosen.iter();
        chosen
            .map(|it| it.tool.name().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(chosen(&kit), ["notion.search"]);
    let explained = kit.explain_for("confluence.search", "search pages");
    let cause = explained
        .choice
        .as_ref()
        .and_then(|it| it.left_out.as_ref());
    assert!(
        matches!(cause, Some(LeftOutCause::Alternative { of }) if of.to_string() == "notion.search")
    );
    let told = explained.to_string();
    for expected in [
        "in the group docs: notion.search, then confluence.search (after notion.search: declared later)",
        "notion.search stands for its group",
    ] {
        assert!(told.contains(expected), "{told}");
    }
    let talk = kit.conversation("c");
    assert_eq!(
        talk.select("search pages")
            .for_model(ModelApi::OpenAi)
            .len(),
        1
    );

    let mut changes = kit.changes();
    engines.notion.stop();
    changes.next().await.unwrap();
    assert_eq!(
        chosen(&kit),
        ["confluence.search"],
        "the other one cannot be called"
    );
    engines.confluence.stop();
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_not_led_to_what_it_is_not_about() {
    let engines = Engines::new();
    let only = Profile::default().with_servers([id("notion")]);
    let settings = Settings::default()
        .with_group("docs", docs())
        .with_profile("notes", only);
    let two = builder(&[
        ("notion", &engines.notion),
        ("confluence", &engines.confluence),
    ]);
    let kit = two
        .settings(settings)
        .servers(reads)
        .connect()
        .await
        .unwrap();
    let talk = kit.conversation("c").enable("notes").unwrap();
    let _notion = engines.notion.fault(Fault::ClosesOnCall);
    let error = talk
        .call("notion.search", json!({"query": "fire"}))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("confluence in vain (the conversation is about notes"),
        "{error}"
    );
    assert!(engines.confluence.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_model_is_told_who_answered() {
    let engines = Engines::new();
    let kit = engines.kit(reads).await;
    let _notion = engines.notion.fault(Fault::ClosesOnCall);
    let call = json!([{"type": "tool_use", "id": "1", "name": "notion__search", "input": {"query": "fire"}}]);
    let done = kit.dispatch(ModelApi::Anthropic, &call).await.messages();
    let text = &done[0]["content"][0]["content"][0]["text"];
    assert_eq!(
        text,
        "[notion.search could not be used (the connection was closed while the call was under way); confluence.search answered instead]"
    );
}

#[tokio::test(start_paused = true)]
async fn retries_come_before_another_tool() {
    let engines = Engines::new();
    let twice = RetrySettings::default().with_backoff(Duration::ZERO, Duration::ZERO);
    let kit = engines.kit(|s| reads(s).retry(twice.clone())).await;
    let _notion = engines.notion.clone().fault(Fault::ClosesOnCall);
    search(&kit).await.unwrap();
    assert_eq!(engines.notion.calls().len(), 3);
    assert_eq!(engines.confluence.calls().len(), 1);
}

#[test]
fn what_is_wrong_with_a_group_is_told_once() {
    let log = Log::default();
    let writer = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    let engines = Engines::new();
    let group = Group::new(["notion.search", "notion.serach", "lost.search"]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    with_default(writer, || {
        runtime.block_on(async {
            let kit = engines.builder(group).connect().await.unwrap();
            for _ in 0..3 {
                let _ = kit.select("search").now();
                sleep(10 * SECOND).await;
            }
            let problems = kit.groups();
            let problems: Vec<String> = problems
                .problems()
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(problems.len(), 3, "{problems:?}");
            assert!(
                problems[0].contains("did you mean notion.search or confluence.search?"),
                "{problems:?}"
            );
        });
    });
    let told = log.text();
    assert_eq!(told.matches("notion.serach").count(), 1, "{told}");
}

#[test]
fn an_mcp_json_declares_groups_and_a_bad_program_is_told_with_its_place() {
    let config = |program: &str| {
        let member = json!({"tool": "b.x", "arguments": program});
        let settings = json!({"groups": {"g": {"tools": ["a.x", member], "fallback": false}}});
        format!("{:#}", json!({"mcpServers": {}, "manyhands": settings}))
    };
    assert!(Toolkit::from_json(&config("{q: .query}")).is_ok());
    let error = Toolkit::from_json(&config("{q: .query"))
        .unwrap_err()
        .to_string();
    for told in [
        "manyhands.groups",
        "the group `g`: the `arguments` of `b.x` are no jq program: expected closing brace",
    ] {
        assert!(error.contains(told), "{error}");
    }
}
