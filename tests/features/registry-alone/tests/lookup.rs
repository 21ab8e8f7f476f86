//! Looks names up in a catalogue of two servers that share a tool name.

use feature_registry_alone::catalogue;
use manyhands_registry::{Catalogue, ModelApi};
use serde_json::{Value, json};

fn list(names: &[&str]) -> Value {
    let tools = names
        .iter()
        .map(|name| json!({"name": name, "inputSchema": {"type": "object"}}));
    json!({"tools": tools.collect::<Vec<_>>()})
}

fn two_servers() -> Catalogue {
    let slack = list(&["search", "post_message"]);
    let wiki = list(&["search", "page.read"]);
    catalogue(&[("slack", slack), ("wiki", wiki)]).expect("both lists are well formed")
}

#[test]
fn a_name_that_two_servers_have_leads_to_each() {
    let catalogue = two_servers();
    for server in ["slack", "wiki"] {
        let tool = catalogue.tool(&format!("{server}.search")).unwrap();
        assert_eq!(tool.name().server().as_str(), server);
        assert_eq!(tool.name().name(), "search");
    }
    let servers = &catalogue.collisions()["search"];
    assert_eq!(servers.len(), 2);
}

#[test]
fn every_tool_is_found_by_its_name_for_models() {
    let catalogue = two_servers();
    assert_eq!(catalogue.tools().count(), 4);
    for tool in catalogue.tools() {
        assert_eq!(catalogue.tool_by_wire(tool.wire()).unwrap(), tool);
    }
}

#[test]
fn odd_names_are_found_by_their_names_for_every_model_api() {
    let (long, longer) = ("x".repeat(100), "x".repeat(4_096));
    let odd = [
        "a.b",
        "a/b",
        "a b",
        "a_b",
        "日本",
        "日木",
        "\u{202e}x",
        "x\u{0}",
        "\n",
        "1st",
        "__",
        "_b",
        "х",
        &long,
        &longer,
    ];
    let catalogue = catalogue(&[("a", list(&odd)), ("a_", list(&odd))]).unwrap();
    assert_eq!(catalogue.tools().count(), 2 * odd.len());
    for api in ModelApi::ALL {
        for tool in catalogue.tools() {
            let wire = tool.wire_for(api);
            assert_eq!(
                catalogue.tool_by_wire_for(api, wire),
                Ok(tool),
                "{api:?}: {wire}"
            );
        }
    }
}

#[test]
fn an_unknown_name_comes_with_the_nearest() {
    let unknown = two_servers().tool("slack.post_mesage").unwrap_err();
    assert_eq!(unknown.nearest()[0], "slack.post_message");
}

#[test]
fn what_is_no_list_of_tools_is_an_error() {
    assert!(catalogue(&[("slack", json!({"tools": [{"title": "nameless"}]}))]).is_err());
    assert!(catalogue(&[("slack", json!({}))]).is_err());
    assert!(catalogue(&[("not an id", list(&[]))]).is_err());
}
