//! What model APIs document, and answer, of the tools that they take: what breaks a rule, as a list. It must not know how
//! definitions are made.
//!
//! `OpenAI`: <https://platform.openai.com/docs/guides/function-calling>; Anthropic:
//! <https://docs.anthropic.com/en/docs/agents-and-tools/tool-use>; Gemini: <https://ai.google.dev/api/caching#Schema>, and
//! <https://spec.openapis.org/oas/v3.1.0>.

use std::collections::HashSet;

use serde_json::{Map, Value};

pub(super) fn openai(tool: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    keys(tool, &["type", "function"], &mut broken);
    let function = &tool["function"];
    keys(
        function,
        &["name", "description", "parameters"],
        &mut broken,
    );
    name(&function["name"], 64, &mut broken);
    let description = function["description"].as_str().unwrap_or_default();
    check(
        description.chars().count() <= 1_024,
        "a long description",
        &mut broken,
    );
    root(&function["parameters"], &mut broken);
    broken
}

pub(super) fn anthropic(tool: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    keys(
        tool,
        &["name", "description", "input_schema", "input_examples"],
        &mut broken,
    );
    name(&tool["name"], 128, &mut broken);
    let schema = &tool["input_schema"];
    root(schema, &mut broken);
    for key in schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
    {
        let is_legal = key
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"_.-".contains(&it));
        check(
            is_legal && (1..=64).contains(&key.len()),
            &format!("the property {key}"),
            &mut broken,
        );
    }
    for example in tool["input_examples"].as_array().into_iter().flatten() {
        check(
            jsonschema::is_valid(schema, example),
            "an example that does not fit",
            &mut broken,
        );
    }
    broken
}

pub(super) fn gemini(function: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    keys(
        function,
        &["name", "description", "parameters"],
        &mut broken,
    );
    name(&function["name"], 64, &mut broken);
    check(
        function["description"]
            .as_str()
            .is_some_and(|it| !it.is_empty()),
        "no description",
        &mut broken,
    );
    check(
        function["parameters"]["type"] == "OBJECT",
        "no object at the root",
        &mut broken,
    );
    subset(&function["parameters"], "", &mut broken);
    broken
}

/// The schemas that Gemini takes, by the keywords that each type may have.
fn subset(schema: &Value, at: &str, broken: &mut Vec<String>) {
    let mut found = Vec::new();
    if let Some(all) = schema["anyOf"].as_array() {
        keys(schema, &["anyOf"], &mut found);
        check(all.len() > 1, "a single alternative", &mut found);
        for (n, it) in all.iter().enumerate() {
            check(
                it.get("anyOf").is_none(),
                "alternatives in alternatives",
                &mut found,
            );
            subset(it, &format!("{at}/anyOf/{n}"), broken);
        }
    } else {
        let own: &[&str] = match schema["type"].as_str().unwrap_or_default() {
            "STRING" => &["enum", "format", "minLength", "maxLength", "pattern"],
            "NUMBER" | "INTEGER" => &["minimum", "maximum"],
            "BOOLEAN" => &[],
            "ARRAY" => &["items", "minItems", "maxItems"],
            "OBJECT" => &["properties", "required"],
            other => {
                found.push(format!("the type {other:?}"));
                &[]
            }
        };
        keys(
            schema,
            &[&["type", "description", "nullable"], own].concat(),
            &mut found,
        );
        values(schema, &mut found);
    }
    broken.extend(found.iter().map(|it| format!("{at}: {it}")));
    for (name, it) in schema["properties"].as_object().into_iter().flatten() {
        subset(it, &format!("{at}/{name}"), broken);
    }
    if let Some(items) = schema.get("items") {
        subset(items, &format!("{at}/items"), broken);
    }
}

fn values(schema: &Value, broken: &mut Vec<String>) {
    if let Some(all) = schema.get("enum") {
        let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_text = |it: &Value| it.as_str().is_some_and(|it| !it.is_empty());
        check(
            !all.is_empty() && all.iter().all(is_text),
            "an enum that is not of texts",
            broken,
        );
    }
    check(
        schema.get("format").is_none_or(|it| it == "date-time"),
        "a format",
        broken,
    );
    check(
        schema["type"] != "ARRAY" || schema["items"].is_object(),
        "a list without items",
        broken,
    );
    let properties = schema["properties"].as_object();
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        let is_there = properties.is_some_and(|it| it.contains_key(name));
        check(
            is_there,
            &format!("{name} is required and not there"),
            broken,
        );
    }
}

pub(super) fn openapi(document: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    keys(
        document,
        &["openapi", "info", "tags", "paths", "components"],
        &mut broken,
    );
    check(
        document["openapi"] == "3.1.0" && document["info"]["version"].is_string(),
        "no version",
        &mut broken,
    );
    let mut ids = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        check(
            path.starts_with('/') && !path.contains(['{', '}']),
            path,
            &mut broken,
        );
        let post = &item["post"];
        check(
            ids.insert(post["operationId"].as_str().unwrap()),
            "an id twice",
            &mut broken,
        );
        check(
            post["responses"]["200"]["description"].is_string(),
            "no answer",
            &mut broken,
        );
        check(
            post["requestBody"]["content"]["application/json"]["schema"].is_object(),
            "no body",
            &mut broken,
        );
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let is_legal = name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"_.-".contains(&it));
        check(is_legal, &format!("the name {name}"), &mut broken);
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            broken.push(format!("{name}: {error}"));
        }
    }
    references(document, document, &mut broken);
    broken
}

fn references(part: &Value, document: &Value, broken: &mut Vec<String>) {
    match part {
        Value::Object(all) => {
            if let Some(target) = all.get("$ref").and_then(Value::as_str) {
                let is_there = target
                    .strip_prefix('#')
                    .is_some_and(|it| document.pointer(it).is_some());
                check(is_there, target, broken);
            }
            all.values().for_each(|it| references(it, document, broken));
        }
        Value::Array(all) => all.iter().for_each(|it| references(it, document, broken)),
        _ => {}
    }
}

/// A schema of JSON Schema 2020-12 with an object at its root, and nothing there that makes alternatives.
fn root(schema: &Value, broken: &mut Vec<String>) {
    check(
        schema["type"] == "object" && schema["properties"].is_object(),
        "no object at the root",
        broken,
    );
    for key in [
        "oneOf", "anyOf", "allOf", "enum", "const", "not", "$ref", "$schema",
    ] {
        check(
            schema.get(key).is_none(),
            &format!("{key} at the root"),
            broken,
        );
    }
    if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
        broken.push(format!("{}: {error}", error.instance_path()));
    }
    // Compiling follows every reference.
    if let Err(error) = jsonschema::validator_for(schema) {
        broken.push(error.to_string());
    }
    lists(schema, broken);
}

fn lists(schema: &Value, broken: &mut Vec<String>) {
    if schema["type"] == "array" {
        check(schema["items"].is_object(), "a list without items", broken);
    }
    let parts: Vec<&Value> = match schema {
        Value::Object(all) => all.values().collect(),
        Value::Array(all) => all.iter().collect(),
        _ => Vec::new(),
    };
    parts.into_iter().for_each(|it| lists(it, broken));
}

fn name(name: &Value, max: usize, broken: &mut Vec<String>) {
    let name = name.as_str().unwrap_or_default();
    let is_legal = name
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-');
    check(
        is_legal && (1..=max).contains(&name.len()),
        &format!("the name {name:?}"),
        broken,
    );
}

fn keys(value: &Value, known: &[&str], broken: &mut Vec<String>) {
    let none = Map::new();
    for key in value.as_object().unwrap_or(&none).keys() {
        check(
            known.contains(&key.as_str()),
            &format!("the key {key}"),
            broken,
        );
    }
}

fn check(holds: bool, what: &str, broken: &mut Vec<String>) {
    if !holds {
        broken.push(what.to_owned());
    }
}
