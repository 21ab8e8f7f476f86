//! Each weakness found once, and nothing said of a tool that has none.

use serde_json::{Value, json};

use super::*;
use crate::metadata::{Overlays, ToolOverlay};
use crate::samples::{all_real_tools, id, offering, overlaid};

fn said(tools: &[Value]) -> Vec<String> {
    let findings = lint(&overlaid(tools, Overlays::default()));
    findings
        .iter()
        .map(|it| format!("{}: {it}", it.tool().name()))
        .collect()
}

/// A tool that is beyond reproach.
fn good(name: &str, text: &str) -> Value {
    json!({"name": name, "description": text, "inputSchema": {"properties": {"a": {"type": "string", "description": "What to take."}}}, "outputSchema": {}})
}

#[test]
fn a_good_tool_is_not_blamed() {
    assert_eq!(said(&[good("find", "Looks up orders by number.")]), [""; 0]);
}

#[test]
fn each_weakness_is_named() {
    let silent = json!({"name": "silent", "inputSchema": {}});
    let mut told = good("told", "Looks up orders by number.");
    told["inputSchema"]["properties"] = json!({
        "any": {"description": "Anything."}, "bare": {"type": "string"}, "$odd": true,
        "inner": {"anyOf": [{"type": "null"}, {"type": "string", "description": "Said inside."}]},
    });
    let tools = [
        silent,
        good("create_issue", "The tool to create issues."),
        told,
    ];
    assert_eq!(
        said(&tools),
        [
            "silent: no description",
            "silent: no output schema",
            "create_issue: a description that only repeats the name",
            "told: parameters without a type: any, $odd",
            "told: parameters without a description: bare, $odd",
            "told: parameters whose names some model APIs do not take: $odd",
        ]
    );
}

#[test]
fn the_configuration_mends_what_a_server_leaves_out() {
    let tool = json!({"name": "t", "inputSchema": {}});
    let said = json!({"description": "Looks up orders by number.", "returns": "the order"});
    let said: ToolOverlay = serde_json::from_value(said).unwrap();
    let catalogue = overlaid(&[tool], Overlays::default().with_tool("t", said));
    assert_eq!(lint(&catalogue), []);
}

#[test]
fn look_alikes_are_found_across_servers_by_name_and_by_description() {
    let text = "Searches the whole archive for messages that hold a word, newest first.";
    let near = "Searches the whole archive for messages that hold a word, newest first!";
    let a = [
        good("get_user", "Reads one person from the list."),
        good("find", text),
    ];
    let b = [
        good("b_getUsers", "Tells everything about somebody."),
        good("look", near),
    ];
    let other = good(
        "other",
        "Searches the whole archive for files that hold a picture.",
    );
    let empty = Catalogue::new([id("a"), id("b")]);
    let (catalogue, _) = empty.with_inventory(&id("a"), &offering(&a));
    let (catalogue, _) =
        catalogue.with_inventory(&id("b"), &offering(&[&b[..], &[other]].concat()));
    let found: Vec<String> = lint(&catalogue)
        .iter()
        .map(|it| format!("{} {it}", it.tool()))
        .collect();
    assert_eq!(
        found,
        [
            "a.get_user looks like b.b_getUsers",
            "a.find looks like b.look",
            "b.b_getUsers looks like a.get_user",
            "b.look looks like a.find",
        ]
    );
}

#[test]
fn ten_thousand_alike_tools_are_not_each_compared_with_all() {
    let text = "Looks up orders by the number that stands on the invoice.";
    let tools: Vec<Value> = (0..10_000)
        .map(|n| good(&format!("find{n}"), text))
        .collect();
    let findings = lint(&overlaid(&tools, Overlays::default()));
    assert_eq!(findings.len(), 10_000);
    let most = findings.iter().map(|it| it.about.len() + it.more).max();
    assert_eq!(most, Some(2 * 64));
}

#[test]
fn names_are_cut_into_words() {
    let cut = |text| words(text).collect::<Vec<_>>();
    assert_eq!(
        cut("getUser_byId2-HTTPClass"),
        ["get", "user", "by", "id2", "httpclass"]
    );
    assert_eq!(cut("issues, as"), ["issue", "as"]);
}

#[test]
fn real_tools_are_judged() {
    let Some(catalogue) = all_real_tools() else {
        return;
    };
    let started = std::time::Instant::now();
    let findings = lint(&catalogue);
    for kind in FindingKind::ALL {
        let count = findings.iter().filter(|it| it.kind() == kind).count();
        println!("{kind}: {count}");
    }
    println!(
        "{:?} for {} tools",
        started.elapsed(),
        catalogue.tools().count()
    );
    assert!(
        findings
            .iter()
            .any(|it| it.kind() == FindingKind::LookAlike)
    );
}
