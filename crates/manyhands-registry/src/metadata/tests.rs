//! What is merged, by whom it is said, and what is bounded.

use manyhands_core::{Capability, CapabilityKind, Notice};
use serde_json::{Value, json};

use super::*;
use crate::Catalogue;
use crate::samples::{id, offering, overlaid, tool};

fn overlay(said: Value) -> ToolOverlay {
    serde_json::from_value(said).unwrap()
}

fn search(said: Value) -> Metadata {
    let told = json!({
        "name": "search", "title": "Their search", "description": "Finds things.", "inputSchema": {},
        "annotations": {"readOnlyHint": true, "destructiveHint": false},
        "_meta": {"fastmcp": {"tags": ["Chat", "beta"]}},
        "outputSchema": {"type": "object", "properties": {"found": {}}},
    });
    let overlays = Overlays::default().with_tags(["work".to_owned()]);
    let catalogue = overlaid(&[told], overlays.with_tool("search", overlay(said)));
    catalogue.tool("s.search").unwrap().metadata()
}

#[test]
fn the_configuration_wins_and_the_server_fills_the_gaps() {
    let said = search(json!({
        "title": "Search", "whenToUse": "For chat only.", "tags": ["chat"], "cost": "high", "returns": "what was found",
        "examples": [{"q": "x"}],
    }));
    let (config, server) = (Origin::Config, Origin::Server);
    let text = |it: &Option<Sourced<String>>| it.clone().map(|it| (it.value, it.origin));
    let is = |value: &str, origin| Some((value.to_owned(), origin));
    assert_eq!(text(&said.title), is("Search", config));
    assert_eq!(text(&said.purpose), is("Finds things.", server));
    assert_eq!(text(&said.when_to_use), is("For chat only.", config));
    assert_eq!(text(&said.returns), is("what was found", config));
    assert_eq!(said.cost, Some(Sourced::by_config(Cost::High)));
    assert_eq!(said.examples.len(), 1);
    let tags: Vec<(&str, Origin)> = said.tags.iter().map(|it| (&*it.value, it.origin)).collect();
    assert_eq!(tags, [("chat", config), ("work", config), ("beta", server)]);
    // A hint is the server's word, whatever else the configuration says.
    assert_eq!(said.read_only, Some(Sourced::by_server(true)));
    assert_eq!(said.destructive, Some(Sourced::by_server(false)));
    assert_eq!((said.idempotent, said.open_world), (None, None));

    let untold = search(json!({}));
    assert_eq!(text(&untold.title), is("Their search", server));
    assert_eq!(text(&untold.returns), is("{found?}", server));
}

#[test]
fn servers_are_understood_where_they_say_it_and_cut_where_it_is_too_much() {
    let many: Vec<String> = (0..100)
        .map(|n| format!("{n}{}", "x".repeat(100)))
        .collect();
    let told = tool(&json!({
        "name": "t", "annotations": {"title": "An\u{202e}notated"}, "description": " \u{200b} two\nlines ",
        "inputSchema": {"examples": [{"a": 1}, "no object", {"a": "x".repeat(5_000)}]},
        "_meta": {"_fastmcp": {"tags": many}, "tags": [7, "", "own"], "examples": {"a": 2}},
    }))
    .metadata();
    assert_eq!(told.title.unwrap().value, r"An\u{202e}notated");
    assert_eq!(told.purpose.unwrap().value, "\\u{200b} two\nlines");
    assert_eq!(told.tags.len(), 32);
    assert!(told.tags.iter().all(|it| it.value.len() <= 64));
    let examples: Vec<Value> = told
        .examples
        .into_iter()
        .map(|it| it.value.into())
        .collect();
    assert_eq!(examples, [json!({"a": 1})]);
    let own = tool(&json!({"name": "t", "inputSchema": {}, "_meta": {"tags": ["own", "own"]}}));
    assert_eq!(own.metadata().tags, [Sourced::by_server("own".to_owned())]);
    let silent = tool(&json!({"name": "t", "description": " \n", "inputSchema": {}}));
    assert_eq!(silent.metadata(), Metadata::default());
}

#[test]
fn a_hidden_tool_is_not_there_and_its_name_says_why() {
    let tools = ["a", "b"].map(|name| json!({"name": name, "inputSchema": {}}));
    let hidden = overlay(json!({"hidden": true}));
    let catalogue = overlaid(&tools, Overlays::default().with_tool("b", hidden));
    let listed: Vec<String> = catalogue.tools().map(|it| it.name().to_string()).collect();
    assert_eq!(listed, ["s.a"]);
    for unknown in [
        catalogue.tool("s.b").unwrap_err(),
        catalogue.tool_by_wire("s__b").unwrap_err(),
    ] {
        assert_eq!(unknown.hidden().unwrap().to_string(), "s.b");
        let told = unknown.to_string();
        assert!(
            told.ends_with("; it is hidden in the configuration"),
            "{told}"
        );
    }
    assert_eq!(catalogue.tool("s.c").unwrap_err().hidden(), None);
}

#[test]
fn a_changed_overlay_is_a_changed_tool() {
    let inventory = offering(&[
        json!({"name": "a", "inputSchema": {}}),
        json!({"name": "b", "inputSchema": {}}),
    ]);
    let said = |title: &str| Overlays::default().with_tool("a", overlay(json!({"title": title})));
    let empty = Catalogue::new([id("s")]).with_overlays(&id("s"), said("One"));
    let (one, _) = empty.with_inventory(&id("s"), &inventory);
    let (same, diff) = one.with_inventory(&id("s"), &inventory);
    assert!(diff.is_empty());
    let other = same.with_overlays(&id("s"), said("Two"));
    let (other, diff) = other.with_inventory(&id("s"), &inventory);
    assert_eq!(diff.changed, [Capability::new(CapabilityKind::Tool, "s.a")]);
    assert_ne!(one.tool("s.a").unwrap(), other.tool("s.a").unwrap());
}

#[test]
fn settings_for_a_tool_that_is_not_there_are_told() {
    let overlays = Overlays::default()
        .with_tool("serach", ToolOverlay::default())
        .with_tool("search", ToolOverlay::default());
    let tools = [json!({"name": "search", "inputSchema": {}})];
    let catalogue = overlaid(&tools, overlays.clone());
    let told = "the configuration has settings for a tool serach, which the server does not offer; did you mean search?";
    assert_eq!(catalogue.notices(&id("s")), [Notice::new(told)]);
    // A server whose tools could not be listed has another trouble.
    assert_eq!(overlaid(&[], overlays).notices(&id("s")), []);
}
