//! Rules, messages and bounds of checks, one by one.

mod hostile;
mod random;
mod real;
mod told;

use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{Inventory, Notice, Reply, ServerId, model::Tool};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Unchecked, Verdict};
use crate::{Catalogue, ToolEntry};

fn id() -> ServerId {
    ServerId::parse("s").unwrap()
}

fn inventory(tools: &[Value]) -> Inventory {
    let mut inventory = Inventory::default();
    let read = |tool: &Value| Arc::new(serde_json::from_value::<Tool>(tool.clone()).unwrap());
    inventory.tools = tools.iter().map(read).collect();
    inventory
}

fn catalogue(tools: &[Value]) -> Catalogue {
    let empty = Catalogue::new([id()]);
    empty.with_inventory(&id(), &inventory(tools)).0
}

/// A tool that takes what fits `schema`.
fn taking(schema: &Value) -> ToolEntry {
    let catalogue = catalogue(&[json!({"name": "t", "inputSchema": schema})]);
    catalogue.tool("s.t").unwrap().clone()
}

/// A tool that gives what fits `schema`.
fn giving(schema: &Value) -> ToolEntry {
    let tool = json!({"name": "t", "inputSchema": {}, "outputSchema": schema});
    catalogue(&[tool]).tool("s.t").unwrap().clone()
}

/// `fits`, why it went unchecked, or what is wrong.
fn outcome(tool: &ToolEntry, arguments: &Value) -> String {
    said(tool.check_arguments(&arguments.clone().try_into().unwrap()))
}

fn said(result: Result<Verdict, super::Mismatch>) -> String {
    match result {
        Ok(Verdict::Fits) => "fits".to_owned(),
        Ok(Verdict::Unchecked(why)) => format!("unchecked: {why}"),
        Err(mismatch) => mismatch.to_string(),
    }
}

/// How arguments fare under a schema that must be usable.
fn checked(schema: &Value, arguments: &Value) -> String {
    let tool = taking(schema);
    assert_eq!(tool.schema_problem(), None, "{schema}");
    outcome(&tool, arguments)
}

fn reply(result: &Value) -> Reply {
    raw_reply(result.to_string())
}

fn raw_reply(text: String) -> Reply {
    let raw = RawValue::from_string(text).unwrap();
    Reply::new(id(), raw, Duration::ZERO)
}

#[test]
fn a_schema_without_a_type_is_one_of_an_object() {
    let tool = taking(&json!({"properties": {"a": {"type": "integer"}}}));
    assert_eq!(outcome(&tool, &json!({"a": 1})), "fits");
    assert_eq!(
        outcome(&tool, &json!({"a": "x"})),
        "expected arguments.a to be an integer, found \"x\""
    );
    assert_eq!(outcome(&taking(&json!({})), &json!({"any": [1]})), "fits");
    // What a tool gives may be anything.
    let content = json!({"structuredContent": [1]});
    assert_eq!(
        said(giving(&json!({})).check_result(&reply(&content))),
        "fits"
    );
}

#[test]
fn results_are_checked_where_there_is_something_to_check() {
    let tool = giving(&json!({"type": "object", "required": ["id"]}));
    for (result, expected) in [
        (json!({"structuredContent": {"id": 1}}), "fits"),
        (
            json!({"structuredContent": {}}),
            "missing structuredContent.id",
        ),
        (json!({"content": []}), "missing structuredContent"),
        (json!({"isError": true, "content": []}), "fits"),
        (json!({"isError": true, "structuredContent": {}}), "fits"),
        (
            json!({"structuredContent": null}),
            "expected structuredContent to be an object, found null",
        ),
    ] {
        assert_eq!(
            said(tool.check_result(&reply(&result))),
            expected,
            "{result}"
        );
    }
    let without = taking(&json!({}));
    let result = reply(&json!({"structuredContent": [1]}));
    assert_eq!(said(without.check_result(&result)), "fits");
}

#[test]
fn results_that_are_too_large_or_too_deep_go_unchecked() {
    let tool = giving(&json!({"type": "integer"}));
    let large = json!({"structuredContent": "x".repeat(5 << 20)});
    assert_eq!(
        said(tool.check_result(&reply(&large))),
        "unchecked: it is larger than 4 MiB"
    );
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let deep = raw_reply(format!("{{\"structuredContent\":{deep}}}"));
    assert_eq!(
        said(tool.check_result(&deep)),
        "unchecked: it is nested too deep"
    );
}

#[test]
fn a_dialect_is_honoured_and_an_unknown_one_is_told() {
    // What each dialect alone understands: a boolean `exclusiveMinimum`, lists of item schemas, `dependentRequired`.
    let of = |dialect: &str, rule: Value| {
        taking(&json!({"$schema": dialect, "properties": {"a": rule}}))
    };
    let old = json!({"minimum": 1, "exclusiveMinimum": true});
    let arguments = json!({"a": 1});
    let draft4 = of("http://json-schema.org/draft-04/schema#", old.clone());
    assert_eq!(
        outcome(&draft4, &arguments),
        "expected arguments.a to be more than 1, found 1"
    );
    for modern in [
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        assert!(
            of(modern, old.clone()).schema_problem().is_some(),
            "{modern}"
        );
    }
    let listed = json!({"items": [{"type": "integer"}]});
    let arguments = json!({"a": ["x"]});
    for older in [
        "http://json-schema.org/draft-06/schema",
        "https://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
    ] {
        assert!(
            outcome(&of(older, listed.clone()), &arguments).starts_with("expected"),
            "{older}"
        );
    }
    let prefixed = json!({"prefixItems": [{"type": "integer"}]});
    for newest in [
        "https://json-schema.org/draft/2020-12/schema",
        "http://json-schema.org/schema#",
    ] {
        let tool = of(newest, prefixed.clone());
        assert!(
            outcome(&tool, &arguments).starts_with("expected"),
            "{newest}"
        );
        assert_eq!(tool.schema_notices(), []);
    }
    let unknown = of("https://example.com/\u{1b}mine", prefixed);
    assert!(outcome(&unknown, &arguments).starts_with("expected"));
    assert_eq!(
        unknown.schema_notices(),
        [Notice::new(
            "the inputSchema of the tool t names an unknown dialect, `https://example.com/\\u{1b}mine`, \
             and is read as 2020-12"
        )]
    );
}

#[test]
fn references_within_the_document_lead_where_they_say() {
    let integer = json!({"type": "integer"});
    for schema in [
        json!({"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": integer}}),
        json!({"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"$ref": "#/$defs/m"}, "m": integer}}),
        json!({"properties": {"a": {"$ref": "#/definitions/a%20~1%C3%A9~1"}}, "definitions": {"a /é/": integer}}),
        json!({"properties": {"a": {"$ref": "#n"}}, "$defs": {"x": {"$anchor": "n", "type": "integer"}}}),
        json!({"properties": {"a": {"$ref": "T0"}}, "$defs": {"x": {"$id": "T0", "type": "integer"}}}),
        json!({"$id": "https://x.example/s", "properties": {"a": {"$ref": "https://x.example/s#/$defs/n"}}, "$defs": {"n": integer}}),
        json!({"properties": {"a": {"$ref": "T0#/$defs/n"}}, "$defs": {"x": {"$id": "T0", "$defs": {"n": integer}}}}),
        json!({"properties": {"a": {"$ref": "#/components/schemas/n"}}, "components": {"schemas": {"n": integer}}}),
        json!({"$dynamicAnchor": "r", "properties": {"a": {"$dynamicRef": "#i"}}, "$defs": {"i": {"$dynamicAnchor": "i", "type": "integer"}}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"$ref": "#n"}},
            "definitions": {"x": {"$id": "#n", "type": "integer"}}}),
        json!({"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"$ref": "N"}},
            "definitions": {"x": {"id": "N", "type": "integer"}}}),
        json!({"properties": {"a": {"$ref": "#/$defs/$ref"}}, "$defs": {"$ref": integer}}),
    ] {
        assert_eq!(checked(&schema, &json!({"a": 1})), "fits", "{schema}");
        let told = checked(&schema, &json!({"a": "x"}));
        assert_eq!(
            told, "expected arguments.a to be an integer, found \"x\"",
            "{schema}"
        );
    }
}

#[test]
fn a_schema_may_refer_to_itself_on_the_way_down() {
    for schema in [
        json!({"type": "object", "properties": {"c": {"$ref": "#"}, "v": {"type": "integer"}}}),
        json!({"properties": {"c": {"$ref": ""}, "v": {"type": "integer"}}}),
        json!({"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": true,
            "properties": {"c": {"$recursiveRef": "#"}, "v": {"type": "integer"}}}),
        json!({"$dynamicAnchor": "n", "properties": {"c": {"$dynamicRef": "#n"}, "v": {"type": "integer"}}}),
    ] {
        let told = checked(&schema, &json!({"c": {"c": {"v": "x"}}}));
        assert_eq!(
            told, "expected arguments.c.c.v to be an integer, found \"x\"",
            "{schema}"
        );
    }
}

#[test]
fn formats_and_encodings_are_notes_in_every_dialect() {
    for dialect in ["draft-04", "draft-07", "draft/2020-12"] {
        let schema = json!({"$schema": format!("http://json-schema.org/{dialect}/schema#"), "properties": {
            "a": {"format": "email"}, "b": {"contentMediaType": "application/json", "contentEncoding": "base64"},
        }});
        assert_eq!(
            checked(&schema, &json!({"a": "x", "b": "%"})),
            "fits",
            "{dialect}"
        );
    }
}

#[test]
fn a_schema_that_cannot_be_used_leaves_arguments_unchecked_and_says_why() {
    let tool = json!({
        "name": "t",
        "inputSchema": {"properties": {"a": {"type": "strin"}}},
        "outputSchema": {"properties": {"a": {"$ref": "#/$defs/none"}}},
    });
    let catalogue = catalogue(&[tool]);
    let tool = catalogue.tool("s.t").unwrap();
    let arguments = json!({"a": 1});
    assert_eq!(
        tool.check_arguments(&arguments.clone().try_into().unwrap()),
        Ok(Verdict::Unchecked(Unchecked::Schema))
    );
    let content = reply(&json!({"structuredContent": 1}));
    assert_eq!(
        tool.check_result(&content),
        Ok(Verdict::Unchecked(Unchecked::Schema))
    );
    let problem = "its inputSchema is no JSON Schema: expected it.properties.a.type to be \"array\", \"boolean\", \
         \"integer\", \"null\", \"number\", \"object\" or one of 2 more, found \"strin\"; \
         its outputSchema refers to `#/$defs/none`, which is not in it, and nothing is fetched";
    assert_eq!(tool.schema_problem(), Some(problem));
    assert_eq!(
        tool.schema_notices(),
        [Notice::new(format!(
            "the tool t goes unchecked in part: {problem}"
        ))]
    );
}

#[test]
fn what_was_compiled_lasts_as_long_as_the_schema_stays_the_same() {
    let a = json!({"name": "a", "inputSchema": {"type": "object"}});
    let b = json!({"name": "b", "inputSchema": {"type": "object"}});
    let described = json!({"name": "a", "description": "new", "inputSchema": {"type": "object"}});
    let before = catalogue(&[a, b]);
    let changed = json!({"name": "b", "inputSchema": {"type": "object", "required": ["x"]}});
    let (after, diff) = before.with_inventory(&id(), &inventory(&[described, changed]));
    assert_eq!(diff.changed.len(), 2);
    let cell = |catalogue: &Catalogue, name: &str| catalogue.tool(name).unwrap().schemas.clone();
    assert!(Arc::ptr_eq(&cell(&before, "s.a"), &cell(&after, "s.a")));
    assert!(!Arc::ptr_eq(&cell(&before, "s.b"), &cell(&after, "s.b")));
    assert_eq!(
        outcome(after.tool("s.b").unwrap(), &json!({})),
        "missing arguments.x"
    );
}

#[test]
fn an_entry_compiles_once_for_all_its_clones_and_only_when_asked() {
    let tool = taking(&json!({"required": ["x"]}));
    let clone = tool.clone();
    assert!(tool.schemas.input.get().is_none());
    assert_eq!(outcome(&clone, &json!({})), "missing arguments.x");
    assert!(tool.schemas.input.get().is_some());
    assert!(tool.schemas.output.get().is_none());
}
