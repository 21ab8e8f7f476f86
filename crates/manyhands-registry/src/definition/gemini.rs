//! Arguments in the part of `OpenAPI`'s schemas that Gemini's `parameters` take.
//!
//! Why not its newer `parametersJsonSchema`: that one is not in every version of the API and its kit, and says less of what
//! it takes. What an API of today refuses is known from its answers: unknown keywords, types in lists, anything beside
//! `anyOf`, `enum` but for texts, lists without `items`, `required` names that are no properties. What is known of the
//! schema and has no place here is said in the description, where that is short.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::json_schema::names;
use crate::describe::pointed;

/// How deep schemas may lie in one another, references included, and how many there may be in all.
const MAX_DEPTH: usize = 16;
const MAX_SCHEMAS: usize = 2_000;
/// How many schemas one may be put together from.
const MAX_PARTS: usize = 64;
/// The longest value, or list of values, that is told in a description, in bytes, and the longest one of an `enum`.
const MAX_TOLD: usize = 200;
const MAX_VALUE: usize = 512;
/// What a value may be where nothing is said.
const ANYTHING: [&str; 4] = ["string", "number", "boolean", "object"];

/// Rewrites a schema that is one of JSON Schema 2020-12 already.
pub(super) fn parameters(schema: &Map<String, Value>) -> Value {
    let mut rewrite = Rewrite {
        root: schema,
        left: MAX_SCHEMAS,
        open: Vec::new(),
    };
    rewrite.schema(schema, 0).into()
}

struct Rewrite<'s> {
    root: &'s Map<String, Value>,
    left: usize,
    /// The references that lead to where it is.
    open: Vec<&'s str>,
}

/// A schema with everything that it refers to.
#[derive(Default)]
struct Plain<'s> {
    keys: HashMap<&'s str, &'s Value>,
    properties: Vec<(&'s str, &'s Value)>,
    required: Vec<&'s str>,
    alternatives: Vec<&'s Map<String, Value>>,
    references: Vec<&'s str>,
    nullable: bool,
    /// Whether it is inside of itself, or too deep, so that nothing below it is said.
    recurs: bool,
}

impl<'s> Rewrite<'s> {
    fn schema(&mut self, schema: &'s Map<String, Value>, depth: usize) -> Map<String, Value> {
        let mut plain = Plain::default();
        self.gather(&mut plain, schema);
        plain.recurs |= self.left == 0 || depth >= MAX_DEPTH;
        // Long lists of values count too, since a reference repeats them.
        self.left = self.left.saturating_sub(1 + plain.values().len());
        let open = self.open.len();
        self.open.append(&mut plain.references);
        let rewritten = self.rewritten(&plain, depth);
        self.open.truncate(open);
        rewritten
    }

    fn rewritten(&mut self, plain: &Plain<'s>, depth: usize) -> Map<String, Value> {
        let kinds = plain.kinds();
        let mut all: Vec<Map<String, Value>> = if !plain.alternatives.is_empty() && !plain.recurs {
            let alternatives = plain.alternatives.iter();
            let rewritten = alternatives.map(|it| self.schema(it, depth + 1));
            // One that is itself made of alternatives is no alternative of its own here.
            rewritten.flat_map(flattened).collect()
        } else {
            let kinds = kinds.iter();
            kinds.map(|kind| self.typed(plain, kind, depth)).collect()
        };
        all.dedup();
        if let (Some(text), Some(first)) = (plain.description(), all.first_mut()) {
            first.entry("description").or_insert(text.into());
        }
        if plain.nullable {
            for one in &mut all {
                one.insert("nullable".to_owned(), true.into());
            }
        }
        match all.len() {
            1 => all.swap_remove(0),
            // Nothing may stand beside it.
            _ => one("anyOf", all.into()),
        }
    }

    fn typed(&mut self, plain: &Plain<'s>, kind: &str, depth: usize) -> Map<String, Value> {
        let mut typed = one("type", kind.to_ascii_uppercase().into());
        match kind {
            "object" => {
                let below = plain.properties.iter().filter(|_| !plain.recurs);
                let below = below.map(|(name, it)| ((*name).to_owned(), self.value(it, depth)));
                let properties: Map<String, Value> = below.collect();
                let required = plain.required.iter();
                let required: Vec<Value> = required
                    .filter(|name| properties.contains_key(**name))
                    .map(|name| Value::from(*name))
                    .collect();
                if depth == 0 || !properties.is_empty() {
                    typed.insert("properties".to_owned(), properties.into());
                }
                if !required.is_empty() {
                    typed.insert("required".to_owned(), required.into());
                }
            }
            "array" => {
                plain.copy(&["minItems", "maxItems"], &mut typed);
                typed.insert("items".to_owned(), self.items(plain, depth));
            }
            "string" => plain.text(&mut typed),
            "number" | "integer" => plain.number(kind, &mut typed),
            _ => {}
        }
        typed
    }

    /// What is in a list; of a tuple, what is in it anywhere.
    fn items(&mut self, plain: &Plain<'s>, depth: usize) -> Value {
        let tuple = plain.keys.get("prefixItems").and_then(|it| it.as_array());
        let items = plain.keys.get("items").copied();
        let is_said = |it: &&Value| it.as_object().is_some_and(|it| !it.is_empty());
        let all = tuple.into_iter().flatten().chain(items).filter(is_said);
        let all: Vec<&'s Value> = all.filter(|_| !plain.recurs).collect();
        let mut rewritten: Vec<Map<String, Value>> = Vec::new();
        for it in all {
            let more = it.as_object().map(|it| self.schema(it, depth + 1));
            for it in more.into_iter().flat_map(flattened) {
                if !rewritten.contains(&it) {
                    rewritten.push(it);
                }
            }
        }
        match rewritten.len() {
            0 => one("type", "STRING".into()).into(),
            1 => rewritten.swap_remove(0).into(),
            _ => one("anyOf", rewritten.into()).into(),
        }
    }

    fn value(&mut self, schema: &'s Value, depth: usize) -> Value {
        match schema.as_object() {
            Some(schema) => self.schema(schema, depth + 1).into(),
            None => anything().into(),
        }
    }

    /// Puts a schema together with what it refers to, and with its one alternative to null. What is nearer counts.
    fn gather(&self, plain: &mut Plain<'s>, schema: &'s Map<String, Value>) {
        let mut parts = vec![(schema, true)];
        let mut next = 0;
        while let Some((part, holds)) = parts.get(next).copied() {
            next += 1;
            self.take_in(plain, part, holds, &mut parts);
            if next == parts.len() {
                parts.extend(plain.settled().map(|it| (it, true)));
            }
            parts.truncate(MAX_PARTS);
        }
        if plain.is_typed() {
            // What is beside a type only narrows it; its properties are worth knowing.
            for part in std::mem::take(&mut plain.alternatives) {
                self.take_in(plain, part, false, &mut Vec::new());
            }
        }
    }

    fn take_in(
        &self,
        plain: &mut Plain<'s>,
        part: &'s Map<String, Value>,
        holds: bool,
        parts: &mut Vec<(&'s Map<String, Value>, bool)>,
    ) {
        for (key, value) in part {
            match (key.as_str(), value) {
                ("properties", Value::Object(more)) => plain.properties(more),
                ("required", Value::Array(more)) if holds => {
                    plain.required.extend(more.iter().filter_map(Value::as_str));
                }
                ("required", _) => {}
                ("$ref", Value::String(target)) => {
                    let known = self.open.iter().chain(&plain.references);
                    plain.recurs |= known.copied().any(|it| it == target) || target == "#";
                    plain.references.push(target);
                    parts.extend(pointed(self.root, target).map(|it| (it, holds)));
                }
                ("allOf", Value::Array(all)) => {
                    parts.extend(
                        all.iter()
                            .filter_map(Value::as_object)
                            .map(|it| (it, holds)),
                    );
                }
                ("anyOf" | "oneOf", Value::Array(all)) => {
                    let (null, others): (Vec<_>, Vec<_>) = all
                        .iter()
                        .filter_map(Value::as_object)
                        .partition(|it| is_null(it));
                    plain.nullable |= !null.is_empty();
                    plain.alternatives.extend(others);
                }
                (key, value) => {
                    plain.nullable |= key == "type" && names(value).any(|it| it == "null");
                    plain.keys.entry(key).or_insert(value);
                }
            }
        }
    }
}

impl<'s> Plain<'s> {
    fn properties(&mut self, more: &'s Map<String, Value>) {
        for (name, schema) in more {
            if self.properties.iter().all(|(known, _)| known != name) {
                self.properties.push((name, schema));
            }
        }
    }

    fn is_typed(&self) -> bool {
        self.keys.contains_key("type") || !self.properties.is_empty()
    }

    /// The only alternative, which then is none.
    fn settled(&mut self) -> Option<&'s Map<String, Value>> {
        let only = self.alternatives.len() == 1 && !self.is_typed();
        if only { self.alternatives.pop() } else { None }
    }

    /// The types that a value may have, beside null.
    fn kinds(&self) -> Vec<&'s str> {
        let said = self.keys.get("type").copied().into_iter().flat_map(names);
        let said: Vec<&str> = said.filter(|it| *it != "null").collect();
        if !said.is_empty() {
            return said;
        }
        let values = self.values();
        let is_in = |keys: &[&str]| keys.iter().any(|it| self.keys.contains_key(it));
        match values.first() {
            _ if !self.properties.is_empty() => vec!["object"],
            _ if is_in(&["items", "prefixItems"]) => vec!["array"],
            Some(Value::Number(_)) => vec!["number"],
            Some(Value::Bool(_)) => vec!["boolean"],
            Some(Value::String(_)) => vec!["string"],
            _ if is_in(&["type"]) => vec!["string"],
            _ if self.recurs => vec!["object"],
            _ => ANYTHING.to_vec(),
        }
    }

    /// The values that it may have, where they are listed.
    fn values(&self) -> Vec<&'s Value> {
        let listed = self.keys.get("enum").and_then(|it| it.as_array());
        let only = self.keys.get("const").copied();
        let all = listed.into_iter().flatten().chain(only);
        all.filter(|it| !it.is_null()).collect()
    }

    fn text(&self, typed: &mut Map<String, Value>) {
        let values = self.values().into_iter();
        let texts: Vec<Value> = values
            .filter(|it| {
                it.as_str()
                    .is_some_and(|it| (1..=MAX_VALUE).contains(&it.len()))
            })
            .cloned()
            .collect();
        if !texts.is_empty() {
            typed.insert("enum".to_owned(), texts.into());
        } else if self.keys.get("format").is_some_and(|it| *it == "date-time") {
            typed.insert("format".to_owned(), "date-time".into());
        }
        self.copy(&["minLength", "maxLength", "pattern"], typed);
    }

    fn number(&self, kind: &str, typed: &mut Map<String, Value>) {
        for (bound, exclusive, step) in [
            ("minimum", "exclusiveMinimum", 1),
            ("maximum", "exclusiveMaximum", -1),
        ] {
            self.copy(&[bound], typed);
            let Some(limit) = self
                .keys
                .get(exclusive)
                .copied()
                .filter(|it| it.is_number())
            else {
                continue;
            };
            // Among whole numbers the next one is known; else the bound itself is the nearest that can be said.
            let next = limit.as_i64().filter(|_| kind == "integer");
            let next = next.and_then(|it| it.checked_add(step)).map(Value::from);
            typed
                .entry(bound)
                .or_insert(next.unwrap_or_else(|| limit.clone()));
        }
    }

    fn copy(&self, keys: &[&str], to: &mut Map<String, Value>) {
        for key in keys {
            if let Some(value) = self.keys.get(key) {
                to.insert((*key).to_owned(), (*value).clone());
            }
        }
    }

    /// Its description, with what has no other place.
    fn description(&self) -> Option<String> {
        let said = self.keys.get("description").and_then(|it| it.as_str());
        let mut parts: Vec<String> = said
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect();
        let values = self.values();
        if !values.is_empty() && values.iter().any(|it| !it.is_string()) {
            let all: Vec<String> = values.iter().map(ToString::to_string).collect();
            parts.push(format!("One of: {}.", all.join(", ")));
        }
        let default = self.keys.get("default").filter(|it| !it.is_null());
        parts.extend(default.map(|it| format!("Default: {it}.")));
        let own = usize::from(said.is_some_and(|it| !it.is_empty()));
        let mut place = 0;
        parts.retain(|it| {
            place += 1;
            place <= own || it.len() <= MAX_TOLD
        });
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

fn is_null(schema: &Map<String, Value>) -> bool {
    let only = schema.get("enum").and_then(Value::as_array);
    schema.get("type").is_some_and(|it| it == "null")
        || schema.get("const").is_some_and(Value::is_null)
        || only.is_some_and(|it| it.iter().all(Value::is_null))
}

/// The alternatives that a rewritten schema is made of; else itself.
fn flattened(mut schema: Map<String, Value>) -> Vec<Map<String, Value>> {
    match schema.remove("anyOf") {
        Some(Value::Array(all)) => {
            let objects = all.into_iter().filter_map(|it| match it {
                Value::Object(it) => Some(it),
                _ => None,
            });
            objects.collect()
        }
        _ => vec![schema],
    }
}

fn anything() -> Map<String, Value> {
    let all = ANYTHING
        .iter()
        .map(|kind| one("type", kind.to_ascii_uppercase().into()));
    one("anyOf", all.collect::<Vec<_>>().into())
}

fn one(key: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value)])
}
