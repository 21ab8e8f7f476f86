//! Definitions keep to what each API documents: of real tools, of odd ones, and of those made to break them.

mod rules;

use serde_json::{Value, json};

use super::*;
use crate::catalogue::Catalogue;
use crate::samples::{all_real_tools, odd_real_tools, tool};
use crate::tokens::estimate;

fn define(api: ModelApi, schema: &Value) -> Value {
    let tool = tool(&json!({"name": "t", "inputSchema": schema}));
    definition(&tool, api, 100, &estimate)
}

fn broken_by(api: ModelApi, definition: &Value) -> Vec<String> {
    match api {
        ModelApi::OpenAi => rules::openai(definition),
        ModelApi::Anthropic => rules::anthropic(definition),
        ModelApi::Gemini => rules::gemini(definition),
    }
}

/// Holds every format of every tool against the rules.
fn keep_to_the_rules(catalogue: &Catalogue) {
    for tool in catalogue.tools() {
        let before = tool.definition().clone();
        for api in ModelApi::ALL {
            let made = definition(tool, api, 400, &estimate);
            assert_eq!(
                broken_by(api, &made),
                [""; 0],
                "{} for {api:?}: {made:#}",
                tool.name()
            );
        }
        assert_eq!(*tool.definition(), before);
    }
    let document = openapi(catalogue.tools(), 400, &estimate);
    assert_eq!(rules::openapi(&document), [""; 0]);
    assert_eq!(
        document["paths"].as_object().unwrap().len(),
        catalogue.tools().count()
    );
}

#[test]
fn odd_real_tools_keep_to_the_rules() {
    let catalogue = odd_real_tools();
    assert_eq!(catalogue.tools().count(), 25);
    keep_to_the_rules(&catalogue);
}

#[test]
fn all_real_tools_keep_to_the_rules() {
    if let Some(catalogue) = all_real_tools() {
        keep_to_the_rules(&catalogue);
        println!("{} tools keep to the rules", catalogue.tools().count());
    }
}

/// Schemas that break a rule of some API, or a schema's own, one by one.
fn odd_schemas() -> Vec<Value> {
    let inner = [
        json!(true),
        json!(false),
        json!(7),
        json!({"type": "any"}),
        json!({"type": ["string", "null"], "enum": ["a", "", null]}),
        json!({"type": ["string", "integer"], "enum": ["a", 1]}),
        json!({"type": "String", "required": true, "format": "uri", "default": null}),
        json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 9, "exclusiveMaximum": true, "enum": [1, 2]}),
        json!({"type": "number", "minimum": "0", "multipleOf": 0, "exclusiveMaximum": 1.5}),
        json!({"type": "array"}),
        json!({"type": "array", "items": [{"type": "string"}, {"type": "integer"}], "additionalItems": false}),
        json!({"prefixItems": [{"const": 1}, {"const": null}], "items": false, "minItems": -1}),
        json!({"oneOf": [{"type": "null"}, {"type": "string"}], "description": "D"}),
        json!({"anyOf": [{"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "integer"}, {"const": null}]}),
        json!({"anyOf": []}),
        json!({"anyOf": [{"type": "null"}]}),
        json!({"allOf": [{"$ref": "#/$defs/a"}, {"properties": {"b": {}}, "required": ["b", "gone"]}]}),
        json!({"$ref": "#/$defs/gone"}),
        json!({"$ref": "https://example.com/schema.json"}),
        json!({"$ref": "#"}),
        json!({"properties": {"$x": {"type": "null"}}, "required": ["$x", 5]}),
        json!({"type": "object", "additionalProperties": {"type": "string"}, "patternProperties": {"^x": {}}, "propertyNames": {"pattern": "x"}}),
        json!({"not": {}, "if": {}, "then": 5, "$anchor": "x", "$id": "https://example.com", "dependencies": {"a": ["b"]}}),
        json!({"type": "string", "description": 5, "pattern": 5, "minLength": 1.5, "examples": "x", "enum": []}),
    ];
    let defs = json!({"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}, "list": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}});
    let within = inner.into_iter().map(|it| {
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "$defs": defs, "properties": {"x": it, "y": {"type": "array", "items": it}}, "required": ["x", "x"]})
    });
    let roots = [
        json!({}),
        json!({"properties": 5, "required": "x"}),
        json!({"type": ["object", "null"]}),
        json!({"type": "string"}),
        json!({"$ref": "#/$defs/a", "$defs": defs}),
        json!({"$ref": "#"}),
        json!({"properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]}),
        json!({"allOf": [{"properties": {"a": {}}, "required": ["a"]}], "not": {"required": ["z"]}, "enum": [{}], "const": {}}),
        json!({"properties": {"ü": {"type": "string"}, "$where": {}, "a b": {}, "ok": {}}, "required": ["$where", "ok"]}),
    ];
    within.chain(roots).collect()
}

#[test]
fn odd_schemas_keep_to_the_rules() {
    for schema in odd_schemas() {
        let odd = tool(&json!({"name": "odd.name", "inputSchema": schema, "outputSchema": schema}));
        for api in ModelApi::ALL {
            let made = definition(&odd, api, 100, &estimate);
            assert_eq!(
                broken_by(api, &made),
                [""; 0],
                "{api:?}: {schema} gave {made}"
            );
        }
        let document = openapi([&odd], 100, &estimate);
        assert_eq!(
            rules::openapi(&document),
            [""; 0],
            "{schema} gave {document}"
        );
    }
}

#[test]
fn what_was_meant_is_kept() {
    let parameters = |api, schema: &Value| match api {
        ModelApi::OpenAi => define(api, schema)["function"]["parameters"].take(),
        ModelApi::Anthropic => define(api, schema)["input_schema"].take(),
        ModelApi::Gemini => define(api, schema)["parameters"].take(),
    };
    let plain = json!({"type": "object", "properties": {"a": {"type": "string", "description": "A", "x-own": 1}}, "required": ["a"], "additionalProperties": false});
    for api in [ModelApi::OpenAi, ModelApi::Anthropic] {
        assert_eq!(parameters(api, &plain), plain, "{api:?}");
    }
    let alternatives = json!({"properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}], "allOf": [{"properties": {"c": {}}, "required": ["c"]}]});
    assert_eq!(
        parameters(ModelApi::OpenAi, &alternatives),
        json!({"properties": {"a": {}, "c": {}, "b": {}}, "type": "object", "required": ["c"]})
    );
    let drafts = json!({"properties": {"a": {"items": [{"type": "string"}], "additionalItems": {"type": "integer"}}, "b": {"minimum": 1, "exclusiveMinimum": true}}});
    assert_eq!(
        parameters(ModelApi::Anthropic, &drafts)["properties"],
        json!({"a": {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, "b": {"exclusiveMinimum": 1}})
    );
    let typed = json!({"$defs": {"p": {"type": "object", "properties": {"n": {"type": "integer"}}, "description": "P"}}, "properties": {
        "a": {"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}], "default": "x", "description": "A."},
        "b": {"type": ["integer", "string", "null"]},
        "c": {"$ref": "#/$defs/p", "description": "Own."},
        "d": {"type": "integer", "exclusiveMinimum": 0, "enum": [1, 2], "description": "D."},
        "e": {"const": "only"},
    }, "required": ["a"]});
    assert_eq!(
        parameters(ModelApi::Gemini, &typed),
        json!({"type": "OBJECT", "properties": {
            "a": {"type": "STRING", "enum": ["x"], "description": "A. Default: \"x\".", "nullable": true},
            "b": {"anyOf": [{"type": "INTEGER", "nullable": true}, {"type": "STRING", "nullable": true}]},
            "c": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "description": "Own."},
            "d": {"type": "INTEGER", "minimum": 1, "description": "D. One of: 1, 2."},
            "e": {"type": "STRING", "enum": ["only"]},
        }, "required": ["a"]})
    );
}

#[test]
fn a_reference_into_itself_points_to_itself_in_a_document() {
    let tree = json!({"properties": {"next": {"$ref": "#/$defs/node"}, "whole": {"$ref": "#"}}, "$defs": {"node": {"type": "object"}}});
    let tree = tool(&json!({"name": "tree", "inputSchema": tree}));
    let document = openapi([&tree], 100, &estimate);
    let properties = &document["components"]["schemas"]["s__tree.arguments"]["properties"];
    assert_eq!(
        properties["next"]["$ref"],
        "#/components/schemas/s__tree.arguments/$defs/node"
    );
    assert_eq!(
        properties["whole"]["$ref"],
        "#/components/schemas/s__tree.arguments"
    );
}

#[test]
fn examples_that_fit_are_sent_as_such_where_an_api_has_a_place_for_them() {
    let tool = tool(&json!({"name": "t", "description": "D.", "inputSchema": {
        "properties": {"a": {"type": "integer"}}, "examples": [{"a": 1}, {"a": "no number"}],
    }}));
    let made = |api| definition(&tool, api, 100, &estimate);
    let anthropic = made(ModelApi::Anthropic);
    assert_eq!(anthropic["input_examples"], json!([{"a": 1}]));
    assert_eq!(anthropic["description"], "D.");
    let openai = made(ModelApi::OpenAi)["function"]["description"].take();
    assert_eq!(
        openai,
        "D.\nExample: {\"a\":1}\nExample: {\"a\":\"no number\"}"
    );
}

#[test]
fn descriptions_are_as_short_as_an_api_wants_them_and_there_where_it_does() {
    let long =
        tool(&json!({"name": "t", "description": "A sentence. ".repeat(200), "inputSchema": {}}));
    let text = definition(&long, ModelApi::OpenAi, 10_000, &estimate);
    let text = text["function"]["description"].as_str().unwrap();
    assert!(
        (1_000..=1_024).contains(&text.len()) && text.ends_with("sentence."),
        "{}",
        text.len()
    );
    assert_eq!(define(ModelApi::Gemini, &json!({}))["description"], "s__t");
    assert_eq!(
        define(ModelApi::OpenAi, &json!({}))["function"].get("description"),
        None
    );
}

#[test]
fn hostile_schemas_give_small_definitions() {
    let doubling = (0..40).map(|n| {
        let next = json!({"$ref": format!("#/$defs/{}", n + 1)});
        (
            n.to_string(),
            json!({"properties": {"a": next, "b": next}, "description": "x".repeat(200)}),
        )
    });
    let doubling = json!({"$defs": Map::from_iter(doubling), "$ref": "#/$defs/0"});
    let deep = (0..60).fold(json!({}), |inner, _| json!({"properties": {"a": inner}}));
    let wide: Map<_, _> = (0..20_000)
        .map(|n| (n.to_string(), json!({"type": "string"})))
        .collect();
    let circle = json!({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}});
    let huge = json!({"properties": {"a": {"enum": ["x".repeat(1024 * 1024)]}}});
    for schema in [doubling, deep, json!({"properties": wide}), circle, huge] {
        for api in ModelApi::ALL {
            let made = define(api, &schema);
            let size = made.to_string().len();
            assert!(size < 1024 * 1024, "{size} bytes for {api:?}");
            if size < 100_000 {
                assert_eq!(broken_by(api, &made), [""; 0], "{api:?}");
            }
        }
    }
}
