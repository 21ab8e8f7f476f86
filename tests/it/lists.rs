//! Lists come from strangers: all pages, within limits, and a bad item costs only itself.

use std::time::Duration;

use manyhands::ServerStatus;
use manyhands_core::ListKind;
use manyhands_testkit::{Fault, ScriptedServer};
use serde_json::json;
use tokio::time::Instant;

use crate::servers::{builder, kit, polite, text};

fn many(count: usize) -> ScriptedServer {
    (0..count).fold(ScriptedServer::new("many"), |server, n| {
        server.tool(&format!("t{n}"), |_| text("ok"))
    })
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_read_in_order() {
    let server = many(25).page_size(10);
    let kit = kit(&[("s", &server)]).await;
    let names: Vec<String> = kit
        .catalogue()
        .tools()
        .map(|tool| tool.name().name().to_owned())
        .collect();
    assert_eq!(names, (0..25).map(|n| format!("t{n}")).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn pages_without_end_are_cut_and_told() {
    for (fault, told) in [
        (
            Fault::EndlessPages,
            "stopped reading its tools after 200 pages",
        ),
        (
            Fault::RepeatsCursor,
            "stopped reading its tools after a cursor that comes again",
        ),
    ] {
        let server = polite("s").fault(fault);
        let kit = kit(&[("s", &server)]).await;
        let report = kit.report();
        let server = report.server("s").unwrap();
        assert_eq!(server.status, ServerStatus::Ready);
        assert!(
            server.notices.iter().any(|notice| notice == told),
            "{:?}",
            server.notices
        );
        assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    }
}

#[tokio::test(start_paused = true)]
async fn one_malformed_tool_does_not_cost_the_list() {
    let server = polite("s").tool_definition(json!({"name": "bad"}), |_| text(""));
    let kit = kit(&[("s", &server)]).await;
    assert_eq!(kit.catalogue().tools().count(), 2);
    let report = kit.report();
    let notices = &report.server("s").unwrap().notices;
    assert!(
        notices[0].starts_with("left out the tool bad (missing field `inputSchema`"),
        "{notices:?}"
    );
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    for (schema, name) in [
        (json!(null), "null"),
        (json!([]), "list"),
        (json!("object"), "text"),
    ] {
        let bad = json!({"name": name, "inputSchema": schema});
        let server = polite("s").tool_definition(bad, |_| text(""));
        let kit = crate::servers::kit(&[("s", &server)]).await;
        let error = kit.call(format!("s.{name}"), json!({})).await.unwrap_err();
        let said =
            format!("the server s offers it, and it cannot be used: left out the tool {name} (");
        assert!(error.to_string().contains(&said), "{error}");
        assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_tools_cannot_be_listed_says_so_and_keeps_its_prompts() {
    let prompt = json!({"name": "p"});
    let server = polite("s")
        .prompt(prompt, json!({"messages": []}))
        .fault(Fault::FailsList(ListKind::Tools, -32_603));
    let other = polite("other");
    let kit = kit(&[("s", &server), ("other", &other)]).await;
    let report = kit.report();
    let cause = report
        .server("s")
        .unwrap()
        .status
        .cause()
        .unwrap()
        .to_owned();
    assert!(
        cause.starts_with("its tools cannot be listed: the server answered with error -32603"),
        "{cause}"
    );
    assert!(kit.get_prompt("s.p", json!({})).await.is_ok());
    assert_eq!(
        kit.call("other.whoami", json!({})).await.unwrap().text(),
        "other"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_that_hangs_does_not_hold_up_the_others() {
    let server = polite("s").fault(Fault::HangsOnList(ListKind::Tools));
    let good = polite("good");
    let started = Instant::now();
    let kit = builder(&[("s", &server), ("good", &good)])
        .connect()
        .await
        .unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    assert_eq!(
        kit.call("good.whoami", json!({})).await.unwrap().text(),
        "good"
    );
    kit.all_started().await;
    let report = kit.report();
    assert!(
        report
            .server("s")
            .unwrap()
            .status
            .cause()
            .unwrap()
            .contains("no answer within 30s")
    );
}

#[tokio::test(start_paused = true)]
async fn chatter_on_stdout_is_survived_and_counted() {
    let server = polite("s").fault(Fault::ChatterOnStdout);
    let kit = kit(&[("s", &server)]).await;
    assert_eq!(kit.call("s.whoami", json!({})).await.unwrap().text(), "s");
    assert!(kit.report().server("s").unwrap().diagnostics.stray_lines > 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_can_use_costs_its_call_only_and_is_told() {
    for (fault, told) in [
        (
            Fault::OversizedReply(17 * 1024 * 1024),
            "its answer is over 16 MiB",
        ),
        (Fault::GarbageReply, "had to be dropped: not MCP, such as"),
        (
            Fault::DeepReply(1_000),
            "its result is nested deeper than 126 levels",
        ),
    ] {
        let server = polite("s").fault(fault);
        let kit = kit(&[("s", &server)]).await;
        let limit = Duration::from_secs(1);
        let error = kit
            .call("s.whoami", json!({}))
            .timeout(limit)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(
            kit.report().server("s").unwrap().status,
            ServerStatus::Ready
        );
    }
}
