//! A server's schema made one of JSON Schema 2020-12 whose root is an object: what older drafts wrote otherwise is
//! rewritten, and what no draft knows, or points out of the document, is left out. Size and depth are bounded.
//!
//! It must not know which API takes more or less than that.

use manyhands_core::clip;
use serde_json::{Map, Value};

use crate::describe::{pointed, visible};
use crate::schema::is_usable;

/// How deep schemas may lie in one another, and how many there may be in all; beyond it, anything fits.
const MAX_DEPTH: usize = 48;
const MAX_SCHEMAS: usize = 10_000;
/// How many parts of a root are put together.
const MAX_PARTS: usize = 64;
/// The longest text about a parameter, in bytes. The longest of 1,167 real tools has 5,231.
const MAX_TEXT: usize = 8 * 1024;

/// Keywords that hold a schema, a list of schemas, or schemas by name.
const ONE: [&str; 10] = [
    "additionalProperties",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
const LIST: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
const NAMED: [&str; 5] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];
/// What does not belong at the top of a tool's arguments: APIs refuse it there.
const NOT_AT_ROOT: [&str; 9] = [
    "anyOf", "oneOf", "allOf", "not", "enum", "const", "if", "then", "else",
];

/// The schema of a tool's arguments: an object with properties, and without alternatives at its root.
pub(super) fn arguments(schema: &Map<String, Value>) -> Map<String, Value> {
    let mut root = if is_usable(schema) {
        flattened(schema)
    } else {
        Map::new()
    };
    root.insert("type".to_owned(), "object".into());
    let has_properties = root.get("properties").is_some_and(Value::is_object);
    if !has_properties {
        root.insert("properties".to_owned(), Map::new().into());
    }
    repaired(&root)
}

/// A schema of JSON Schema 2020-12 that means as much as possible of what the server's means.
pub(super) fn repaired(schema: &Map<String, Value>) -> Map<String, Value> {
    if !is_usable(schema) {
        return Map::new();
    }
    let left = MAX_SCHEMAS;
    Repair { root: schema, left }.object(schema, 0)
}

/// Whether a parameter's name is one that every API takes: `^[a-zA-Z0-9_.-]{1,64}$`, as Anthropic's errors have it.
pub(crate) fn is_parameter_name(name: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(safe)
}

/// Keeps only those properties of an object whose names are wanted.
pub(super) fn retain_properties(schema: &mut Map<String, Value>, wanted: impl Fn(&str) -> bool) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| wanted(name));
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name.as_str().is_some_and(&wanted));
    }
}

/// The root with the properties of all that it is put together from, and without what puts it together.
fn flattened(schema: &Map<String, Value>) -> Map<String, Value> {
    let mut flat = schema.clone();
    flat.retain(|key, _| key != "$ref" && !NOT_AT_ROOT.contains(&key.as_str()));
    // Whether all of a part holds, or only what its values look like.
    let mut parts = vec![(schema, true)];
    let mut next = 0;
    while let Some((part, holds)) = parts.get(next).copied() {
        next += 1;
        if next > 1 {
            take_in(&mut flat, part, holds);
        }
        let target = part.get("$ref").and_then(Value::as_str);
        parts.extend(
            target
                .and_then(|it| pointed(schema, it))
                .map(|it| (it, holds)),
        );
        for key in ["allOf", "anyOf", "oneOf"] {
            let alternatives = part.get(key).and_then(Value::as_array);
            let objects = alternatives
                .into_iter()
                .flatten()
                .filter_map(Value::as_object);
            parts.extend(objects.map(|it| (it, holds && key == "allOf")));
        }
        parts.truncate(MAX_PARTS);
    }
    flat
}

/// Adds a part's properties that are not there yet, and what it requires where that `holds`.
fn take_in(flat: &mut Map<String, Value>, part: &Map<String, Value>, holds: bool) {
    if let Some(Value::Object(more)) = part.get("properties") {
        let all = flat
            .entry("properties")
            .or_insert_with(|| Map::new().into());
        if let Value::Object(all) = all {
            for (name, schema) in more {
                all.entry(name.clone()).or_insert_with(|| schema.clone());
            }
        }
    }
    if let (true, Some(Value::Array(more))) = (holds, part.get("required")) {
        let all = flat
            .entry("required")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(all) = all {
            all.extend(more.iter().cloned());
        }
    }
}

struct Repair<'s> {
    /// What local references point into.
    root: &'s Map<String, Value>,
    left: usize,
}

impl Repair<'_> {
    /// Anything that is no schema becomes one that everything fits.
    fn schema(&mut self, schema: &Value, depth: usize) -> Value {
        match schema {
            Value::Object(schema) => self.object(schema, depth).into(),
            Value::Bool(false) => Value::Bool(false),
            _ => Map::new().into(),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, depth: usize) -> Map<String, Value> {
        let mut repaired = Map::new();
        let Some(left) = self.left.checked_sub(1).filter(|_| depth <= MAX_DEPTH) else {
            return repaired;
        };
        self.left = left;
        for (key, value) in schema {
            if let Some(value) = self.keyword(key, value, depth + 1) {
                repaired.insert(key.clone(), value);
            }
        }
        self.items(schema, &mut repaired, depth + 1);
        bounds(schema, &mut repaired);
        if !is_default_of_type(&repaired) {
            repaired.remove("default");
        }
        repaired
    }

    fn keyword(&mut self, key: &str, value: &Value, depth: usize) -> Option<Value> {
        match (key, value) {
            (key, _) if ONE.contains(&key) => {
                let is_schema = value.is_object() || value.is_boolean();
                is_schema.then(|| self.schema(value, depth))
            }
            (key, Value::Array(all)) if LIST.contains(&key) && !all.is_empty() => {
                Some(all.iter().map(|it| self.schema(it, depth)).collect())
            }
            (key, Value::Object(all)) if NAMED.contains(&key) => {
                let schemas = all
                    .iter()
                    .map(|(name, it)| (name.clone(), self.schema(it, depth)));
                Some(Value::Object(schemas.collect()))
            }
            (key, _) if LIST.contains(&key) || NAMED.contains(&key) => None,
            ("$ref", Value::String(target)) => {
                let is_there = target == "#" || pointed(self.root, target).is_some();
                is_there.then(|| value.clone())
            }
            _ => assertion(key, value),
        }
    }

    /// Lists say what is in them, since APIs refuse those that do not; tuples are written as they are since 2020-12.
    fn items(
        &mut self,
        schema: &Map<String, Value>,
        repaired: &mut Map<String, Value>,
        depth: usize,
    ) {
        let rest = match schema.get("items") {
            Some(Value::Array(tuple)) => {
                if !tuple.is_empty() {
                    let tuple = tuple.iter().map(|it| self.schema(it, depth)).collect();
                    repaired.insert("prefixItems".to_owned(), tuple);
                }
                schema.get("additionalItems")
            }
            items => items,
        };
        let is_list = repaired
            .get("type")
            .is_some_and(|it| names(it).any(|it| it == "array"));
        if rest.is_some() || is_list || repaired.contains_key("prefixItems") {
            let rest = rest.and_then(Value::as_object);
            let rest = rest.map(|it| self.object(it, depth)).unwrap_or_default();
            repaired.insert("items".to_owned(), rest.into());
        }
    }
}

/// A keyword without schemas inside, where its value is one that it may have.
fn assertion(key: &str, value: &Value) -> Option<Value> {
    let keep = |is_legal: bool| is_legal.then(|| value.clone());
    match key {
        "type" => kinds(value),
        "required" => value.as_array().map(|all| unique(all).into()),
        "enum" => keep(value.as_array().is_some_and(|all| !all.is_empty())),
        "examples" => keep(value.is_array()),
        "title" | "description" => {
            let text = value.as_str()?;
            Some(visible(&clip(text, MAX_TEXT)).into())
        }
        "format" | "pattern" | "$comment" | "contentEncoding" | "contentMediaType" => {
            keep(value.is_string())
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => keep(value.is_number()),
        "multipleOf" => keep(value.as_f64().is_some_and(|it| it > 0.0)),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => keep(value.is_u64()),
        "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => keep(value.is_boolean()),
        // Each changes how the rest is read, and none is taken everywhere; `items` is seen to by itself.
        "items" | "additionalItems" | "dependencies" | "dependentRequired" | "$schema" | "$id"
        | "id" | "$anchor" | "$ref" | "$vocabulary" | "$dynamicRef" | "$dynamicAnchor"
        | "$recursiveRef" | "$recursiveAnchor" => None,
        _ => Some(value.clone()),
    }
}

/// Up to draft 4 whether a bound is exclusive was said beside it.
fn bounds(schema: &Map<String, Value>, repaired: &mut Map<String, Value>) {
    for (bound, exclusive) in [
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ] {
        if schema.get(exclusive) == Some(&Value::Bool(true))
            && let Some(limit) = repaired.remove(bound)
        {
            repaired.insert(exclusive.to_owned(), limit);
        }
    }
}

/// Whether the default, where there is one, is of a type that is named: a null for what may be left out often is not.
fn is_default_of_type(schema: &Map<String, Value>) -> bool {
    let (Some(default), Some(kind)) = (schema.get("default"), schema.get("type")) else {
        return true;
    };
    let is = |name: &str| match name {
        "null" => default.is_null(),
        "boolean" => default.is_boolean(),
        "string" => default.is_string(),
        "array" => default.is_array(),
        "object" => default.is_object(),
        _ => default.is_number(),
    };
    names(kind).any(is)
}

/// The types that JSON has, of those that are named.
fn kinds(value: &Value) -> Option<Value> {
    const KINDS: [&str; 7] = [
        "string", "number", "integer", "boolean", "object", "array", "null",
    ];
    let known = names(value).filter_map(|it| {
        let kind = it.to_ascii_lowercase();
        KINDS.contains(&kind.as_str()).then(|| Value::from(kind))
    });
    let known = unique(&known.collect::<Vec<_>>());
    match known.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        _ => Some(known.into()),
    }
}

/// The names in a `type`: one, or a list of them.
pub(super) fn names(kind: &Value) -> impl Iterator<Item = &str> {
    let all = kind
        .as_array()
        .map_or(std::slice::from_ref(kind), Vec::as_slice);
    all.iter().filter_map(Value::as_str)
}

fn unique(texts: &[Value]) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    let texts = texts
        .iter()
        .filter(|it| it.as_str().is_some_and(|it| seen.insert(it)));
    texts.cloned().collect()
}
