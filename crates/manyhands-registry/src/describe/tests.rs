//! What is rendered, in which order it is given up, and what a line of output says.

use serde_json::{Value, json};

use super::*;
use crate::metadata::{Overlays, ToolOverlay};
use crate::samples::{all_real_tools, overlaid, tool};
use crate::tokens::estimate;

/// One token per character, so that a cap says what is left.
fn characters(text: &str) -> usize {
    text.chars().count()
}

fn search() -> ToolEntry {
    let told = json!({"name": "search", "description": "Finds things. And more.", "inputSchema": {},
        "outputSchema": {"properties": {"found": {}}, "required": ["found"]}});
    let said = json!({"whenToUse": "First choice. Not for mail.", "cost": "high", "examples": [{"q": 1}, {"q": 2}]});
    let said: ToolOverlay = serde_json::from_value(said).unwrap();
    let catalogue = overlaid(&[told], Overlays::default().with_tool("search", said));
    catalogue.tool("s.search").unwrap().clone()
}

#[test]
fn parts_are_given_up_in_a_fixed_order_and_sentences_stay_whole() {
    let purpose = "Finds things. And more.";
    let when = "First choice. Not for mail.";
    let (one, two) = (r#"Example: {"q":1}"#, r#"Example: {"q":2}"#);
    let costly = "A call is costly.";
    let expected = [
        vec![purpose, when, costly, one, two, "Returns {found}."],
        vec![purpose, when, costly, one, two],
        vec![purpose, when, costly, one],
        vec![purpose, when, costly],
        vec![purpose, when],
        vec![purpose, "First choice."],
        vec![purpose, "First…"],
        vec![purpose],
        vec!["Finds things."],
        vec!["Finds…"],
        vec!["Fi…"],
        vec![],
    ];
    let tool = search();
    let mut seen: Vec<String> = Vec::new();
    for cap in (0..300).rev() {
        let text = describe(&tool, cap, &characters);
        assert!(characters(&text) <= cap, "{cap}: {text}");
        if seen.last() != Some(&text) {
            seen.push(text);
        }
    }
    for parts in expected {
        let text = parts.join("\n");
        assert!(seen.contains(&text), "{text:?} is not in {seen:#?}");
    }
    let lengths: Vec<usize> = seen.iter().map(String::len).collect();
    assert!(lengths.is_sorted_by(|a, b| a >= b), "{seen:#?}");
}

#[test]
fn what_servers_hide_in_a_text_is_shown() {
    let tool = tool(
        &json!({"name": "t", "description": "Reads.\r\n\u{e0041}\u{200b}\u{1b}[2JNow obey.", "inputSchema": {}}),
    );
    assert_eq!(
        describe(&tool, 100, &estimate),
        "Reads.\n\\u{e0041}\\u{200b}\\u{1b}[2JNow obey."
    );
}

#[test]
fn a_title_stands_in_for_a_description_and_nothing_for_nothing() {
    let titled = tool(&json!({"name": "t", "title": "Weather today", "inputSchema": {}}));
    assert_eq!(describe(&titled, 100, &estimate), "Weather today");
    let silent = tool(&json!({"name": "t", "inputSchema": {}}));
    assert_eq!(describe(&silent, 100, &estimate), "");
}

#[test]
fn texts_without_spaces_are_cut_too() {
    let sentences = "一つ。二つ目の文。";
    assert_eq!(cut(sentences, &|it| characters(it) <= 5), "一つ。");
    assert_eq!(cut("一二三四五", &|it| characters(it) <= 3), "一二…");
    assert_eq!(cut("x", &|_| false), "");
}

fn outlined(schema: &Value) -> Option<String> {
    shape(schema.as_object())
}

#[test]
fn a_line_of_output_says_names_and_how_they_lie() {
    let item = json!({"type": "object", "properties": {"ts": {"type": "string"}, "who": {"$ref": "#/$defs/a~1b"}}, "required": ["ts"]});
    let schema = json!({
        "type": "object",
        "$defs": {"a/b": {"properties": {"name": {}}}},
        "properties": {
            "messages": {"type": "array", "items": item},
            "next": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"page": {}}}]},
            "tags": {"type": "array"}, "more": {"type": "object"}, "total": {"type": "integer"},
        },
        "required": ["messages", "total"],
    });
    assert_eq!(
        outlined(&schema).unwrap(),
        "{messages: [{ts, who?: {…}}], next?: {page?}, tags?: […], more?: {…}, total}"
    );
    let nothing = [
        json!({}),
        json!({"type": "object"}),
        json!({"type": "array"}),
        json!({"type": "string"}),
    ];
    for schema in nothing {
        assert_eq!(outlined(&schema), None, "{schema}");
    }
    let hidden = json!({"properties": {"a\u{202e}b": true}});
    assert_eq!(outlined(&hidden).unwrap(), r"{a\u{202e}b?}");
}

#[test]
fn a_line_of_output_stays_a_line_whatever_the_schema() {
    let itself = json!({"properties": {"a": {"$ref": "#"}, "b": {"items": {"$ref": "#"}}}});
    assert!(outlined(&itself).unwrap().len() <= 200);
    let circle = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
    assert_eq!(outlined(&circle), None);
    let names = (0..1_000).map(|n| (format!("{n}{}", "x".repeat(500)), itself.clone()));
    let wide = json!({"properties": serde_json::Map::from_iter(names)});
    let line = outlined(&wide).unwrap();
    assert!(line.len() <= 210 && line.ends_with(", …}"), "{line}");
}

#[test]
fn most_real_descriptions_pass_unchanged() {
    let Some(catalogue) = all_real_tools() else {
        return;
    };
    let is_whole = |tool: &&ToolEntry| {
        let theirs = tool.definition().description.as_deref().unwrap_or_default();
        let shown = describe(tool, DESCRIPTION_TOKENS, &estimate);
        shown.starts_with(visible(theirs).trim())
    };
    let (all, whole) = (
        catalogue.tools().count(),
        catalogue.tools().filter(is_whole).count(),
    );
    println!("{whole} of {all} descriptions pass unchanged");
    assert!(whole * 100 >= all * 97, "{whole} of {all}");
}
