//! What the configuration says of tools, from its JSON to what a model is shown and what a call is answered.

use manyhands::prelude::*;
use manyhands::{ErrorKind, Origin};
use manyhands_testkit::{HttpServer, ScriptedServer};
use serde_json::{Value, json};

use crate::servers::text;

async fn kit(tools: Value) -> (Toolkit, HttpServer) {
    let told = json!({
        "name": "search", "title": "Their search", "description": "Finds things.", "inputSchema": {"type": "object"},
        "_meta": {"fastmcp": {"tags": ["beta"]}},
    });
    let server = ScriptedServer::new("crm")
        .tool_definition(told, |_| text("found"))
        .tool("wipe", |_| text("wiped"));
    let http = HttpServer::start(&server).await.unwrap();
    let ours = json!({"tags": ["work"], "tools": tools});
    let file = json!({"mcpServers": {"crm": {"url": http.url(), "manyhands": ours}}});
    let kit = Toolkit::from_json(&file.to_string()).unwrap();
    (kit.connect().await.unwrap(), http)
}

#[tokio::test]
async fn the_configuration_says_what_a_tool_is_and_which_are_hidden() {
    let search = json!({"title": "Search", "whenToUse": "For customers only.", "examples": [{"q": "x"}], "timeout": "5s"});
    let (kit, _http) = kit(json!({"search": search, "wipe": {"hidden": true}, "serch": {}})).await;
    let catalogue = kit.catalogue();
    let names: Vec<String> = catalogue.tools().map(|it| it.name().to_string()).collect();
    assert_eq!(names, ["crm.search"]);

    let said = catalogue.tool("crm.search").unwrap().metadata();
    assert_eq!(said.title.unwrap().value, "Search");
    assert_eq!(said.purpose.unwrap().origin, Origin::Server);
    let tags: Vec<(&str, Origin)> = said.tags.iter().map(|it| (&*it.value, it.origin)).collect();
    assert_eq!(tags, [("work", Origin::Config), ("beta", Origin::Server)]);

    let report = kit.report();
    let notices = &report.server("crm").unwrap().notices;
    assert_eq!(notices.len(), 1);
    assert!(notices[0].ends_with("did you mean search?"), "{notices:?}");
    kit.close().await;
}

#[tokio::test]
async fn a_hidden_tool_is_not_called_and_the_error_says_where_that_is_written() {
    let (kit, http) = kit(json!({"wipe": {"hidden": true}})).await;
    let before = http.posts();
    for ask in [
        kit.call("crm.wipe", json!({})),
        kit.call("crm__wipe", json!({})).by_wire_name(),
    ] {
        let error = ask.await.unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::NotFound, Delivery::NotSent)
        );
        let told = error.to_string();
        assert!(told.contains("hidden in the configuration"), "{told}");
        assert!(told.contains("`manyhands.tools.wipe.hidden`"), "{told}");
    }
    assert_eq!(http.posts(), before);
    kit.close().await;
}
