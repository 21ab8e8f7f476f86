//! Tests that the schema and the reader know the same keys.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::document::Document;
use crate::keys;
use crate::schema::unknown_key;
use crate::{Config, Source};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
struct OfServer {
    /// Whether it must start.
    required: bool,
    retry: Retry,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Retry {
    attempts: u32,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct OfFile {
    grace: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct OfEmbeddings {
    #[expect(dead_code, reason = "its schema is all that is looked at")]
    url: String,
}

fn schema() -> Value {
    json_schema::<OfServer, OfFile, OfEmbeddings>()
}

fn names(pointer: &str) -> BTreeSet<String> {
    let schema = schema();
    let properties = schema.pointer(pointer).unwrap().as_object().unwrap();
    properties.keys().cloned().collect()
}

/// The first key of the file that the schema does not name, told as the reader would tell it.
fn stranger(text: &str) -> Option<String> {
    let document = Document::parse(text).unwrap();
    unknown_key(&document.root, &schema()).map(|fault| fault.to_string())
}

#[test]
fn the_schema_names_each_key_that_is_read_and_no_other() {
    let of = |lists: &[&[&str]]| -> BTreeSet<String> {
        lists.concat().into_iter().map(str::to_owned).collect()
    };
    let server = of(&[&keys::COMMON, &keys::STDIO, &keys::HTTP]);
    assert_eq!(names("/$defs/server/properties"), server);
    assert_eq!(names("/properties"), of(&[&keys::TOP, &["$schema"]]));
}

#[test]
fn every_key_of_the_documented_example_is_named() {
    let page = include_str!("../../../../docs/configuration.md");
    let example = page
        .split("```")
        .find_map(|part| part.strip_prefix("jsonc\n"));
    // The settings of the example belong to other layers.
    let known = json_schema::<Value, Value, Value>();
    let document = Document::parse(example.unwrap()).unwrap();
    assert!(unknown_key(&document.root, &known).is_none());
}

#[test]
fn strangers_are_found_at_every_depth() {
    for (text, key) in [
        (r#"{"mcpServers": {"a": {"comand": "x"}}}"#, "comand"),
        (r#"{"server": {}}"#, "server"),
        (r#"{"inputs": [{"ID": "x"}]}"#, "ID"),
        (
            r#"{"servers": {"a": {"manyhands": {"requird": true}}}}"#,
            "requird",
        ),
        (
            r#"{"servers": {"a": {"manyhands": {"retry": {"atempts": 1}}}}}"#,
            "atempts",
        ),
        (r#"{"manyhands": {"grce": "2s"}}"#, "grce"),
        (r#"{"manyhands": {"embeddings": {"uri": "x"}}}"#, "uri"),
    ] {
        let found = stranger(text).unwrap_or_default();
        assert!(found.contains(&format!("`{key}`")), "{text}: {found}");
    }
    let fine = r#"{"servers": {"a": {"env": {"ANY": 1}, "manyhands": {"required": true, "retry": {"attempts": 1}}}},
        "manyhands": {"include": "x", "embeddings": {"url": "x"}}}"#;
    assert_eq!(stranger(fine), None);
}

#[test]
fn settings_are_closed_and_all_else_is_open() {
    let schema = schema();
    for definition in ["OfServer", "Retry", "OfFile", "OfEmbeddings"] {
        let closed = schema.pointer(&format!("/$defs/{definition}/additionalProperties"));
        assert_eq!(closed, Some(&json!(false)), "{definition}");
    }
    for open in ["", "/$defs/server", "/$defs/input"] {
        let closed = schema.pointer(&format!("{open}/additionalProperties"));
        assert_eq!(closed, None, "{open}");
    }
    let reference = schema.pointer("/$defs/server/properties/manyhands/$ref");
    assert_eq!(reference, Some(&json!("#/$defs/OfServer")));
}

#[test]
fn an_object_of_several_schemas_is_left_open() {
    let mut combined =
        json!({"properties": {"a": {"properties": {}}}, "anyOf": [{"properties": {"b": {}}}]});
    close(&mut combined);
    assert_eq!(
        combined,
        json!({
            "properties": {"a": {"properties": {}, "additionalProperties": false}},
            "anyOf": [{"properties": {"b": {}}}],
        })
    );
    let mut with_rest = json!({"properties": {}, "additionalProperties": true});
    close(&mut with_rest);
    assert_eq!(
        with_rest,
        json!({"properties": {}, "additionalProperties": true})
    );
}

#[test]
fn each_type_of_the_schema_is_one_that_is_read() {
    let schema = schema();
    let types = schema
        .pointer("/$defs/server/properties/type/enum")
        .unwrap();
    for name in types.as_array().unwrap() {
        let text = json!({"servers": {"a": {
            "type": name, "command": "x", "url": "https://example.com/mcp"
        }}});
        let variables = BTreeMap::new();
        let config = Config::<Value, Value>::from_json(
            &text.to_string(),
            &Source::new("mcp.json", "."),
            &variables,
        );
        assert!(config.unwrap().servers[0].definition.is_ok(), "{name}");
    }
}

#[test]
fn what_is_included_is_named_beside_the_settings_of_the_file() {
    let text =
        r#"{"manyhands": {"grace": "1s", "include": ["a.json", {"path": "b", "owner": "c"}]}}"#;
    assert_eq!(stranger(text), None);
    let mistyped = stranger(&text.replace("include", "includ"));
    assert!(mistyped.is_some_and(|told| told.contains("includ")));
}
