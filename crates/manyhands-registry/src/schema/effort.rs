//! What a check would cost, found by walking schema and value together before anything is checked.
//!
//! The validator has no bound of its own, and a few lines of schema can keep it busy for years: a dozen definitions that
//! each offer the next one twice, a list of unlike lists under `uniqueItems`. The walk counts every schema that the
//! validator could come to for every part of the value, as if nothing was ever decided early, and gives up at the bound.
//! It may count too much, and must not count too little.

use serde_json::{Map, Value};

use super::document::Document;
use super::pattern::{matching, states};

/// The most units of work in one check. A unit is about one keyword looked at.
pub(super) const CHECK: u64 = 1_000_000;
/// The most units of work in telling why a value does not fit, and about 64 bytes of memory each.
pub(super) const TELL: u64 = 50_000;
/// The most schemas inside one another, each of which takes stack.
const DEPTH: usize = 128;

/// Which bound a check would be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Work,
    Depth,
}

/// What the walk found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Effort {
    /// Units of work in all.
    pub(super) total: u64,
    /// Units of work in the alternatives that cost most: what it takes to tell the first thing that is wrong.
    pub(super) widest: u64,
}

/// Estimates the work of checking `value`.
pub(super) fn of_check(document: &Document, value: &Value) -> Result<Effort, Over> {
    Walk::new(document, false).run(value)
}

/// Estimates the work of telling all that is wrong with `value`, copies of what is told included.
pub(super) fn of_telling(document: &Document, value: &Value) -> Result<Effort, Over> {
    Walk::new(document, true).run(value)
}

struct Walk<'a> {
    document: &'a Document,
    effort: Effort,
    is_telling: bool,
    /// The most units of work.
    limit: u64,
    /// How many alternatives it is in: failures there are kept with a copy of their value.
    choices: usize,
    depth: usize,
    /// The length of the path to the value.
    path: usize,
}

impl<'a> Walk<'a> {
    fn new(document: &'a Document, is_telling: bool) -> Self {
        Self {
            document,
            effort: Effort::default(),
            is_telling,
            // What is told may go over the whole of a value that is wrong in one place.
            limit: if is_telling { 2 * CHECK } else { CHECK },
            choices: 0,
            depth: 0,
            path: 0,
        }
    }

    fn run(mut self, value: &Value) -> Result<Effort, Over> {
        self.visit(&self.document.root, value)?;
        Ok(self.effort)
    }

    fn spend(&mut self, units: u64) -> Result<(), Over> {
        self.effort.total = self.effort.total.saturating_add(units);
        if self.effort.total > self.limit {
            return Err(Over::Work);
        }
        Ok(())
    }

    fn visit(&mut self, schema: &Value, value: &Value) -> Result<(), Over> {
        let Value::Object(schema) = schema else {
            return self.spend(1);
        };
        if self.depth >= DEPTH {
            return Err(Over::Depth);
        }
        self.depth += 1;
        let before = self.effort.total;
        self.spend(own(schema, value))?;
        if self.is_telling {
            self.spend(self.copies(schema, value))?;
        }
        for (keyword, inner) in schema {
            self.keyword(schema, keyword, inner, value)?;
        }
        if schema.contains_key("unevaluatedProperties") || schema.contains_key("unevaluatedItems") {
            // They ask everything beside them once more for what it looked at.
            self.spend((self.effort.total - before).saturating_mul(3))?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// The schemas under one keyword, each with the part of the value that it is for.
    fn keyword(
        &mut self,
        schema: &Map<String, Value>,
        keyword: &str,
        inner: &Value,
        value: &Value,
    ) -> Result<(), Over> {
        match (keyword, inner, value) {
            ("$ref", Value::String(reference), _) => match self.document.target(reference) {
                Some(target) => self.visit(target, value),
                None => Ok(()),
            },
            ("anyOf" | "oneOf", Value::Array(schemas), _) => self.choice(schemas, value),
            ("allOf", Value::Array(schemas), _) => self.all(schemas, value),
            ("not" | "if" | "then" | "else", ..) => self.visit(inner, value),
            ("dependentSchemas" | "dependencies", Value::Object(named), _) => {
                self.all(named.values(), value)
            }
            (_, _, Value::Object(object)) => self.members(schema, keyword, inner, object),
            (_, _, Value::Array(items)) => self.items(keyword, inner, items),
            _ => Ok(()),
        }
    }

    fn all<'s>(
        &mut self,
        schemas: impl IntoIterator<Item = &'s Value>,
        value: &Value,
    ) -> Result<(), Over> {
        schemas
            .into_iter()
            .try_for_each(|schema| self.visit(schema, value))
    }

    fn choice(&mut self, schemas: &[Value], value: &Value) -> Result<(), Over> {
        let before = self.effort.total;
        self.choices += 1;
        self.all(schemas, value)?;
        self.choices -= 1;
        self.effort.widest = self.effort.widest.max(self.effort.total - before);
        Ok(())
    }

    fn members(
        &mut self,
        schema: &Map<String, Value>,
        keyword: &str,
        inner: &Value,
        object: &Map<String, Value>,
    ) -> Result<(), Over> {
        match (keyword, inner) {
            ("properties", Value::Object(named)) => named.iter().try_for_each(|(name, inner)| {
                let Some(value) = object.get(name) else {
                    return Ok(());
                };
                self.below(name.len(), inner, value)
            }),
            ("patternProperties", Value::Object(named)) => {
                named.iter().try_for_each(|(pattern, inner)| {
                    let states = states(pattern);
                    object.iter().try_for_each(|(name, value)| {
                        self.spend(matching(states, name))?;
                        self.below(name.len(), inner, value)
                    })
                })
            }
            ("additionalProperties" | "unevaluatedProperties", _) => {
                let known = schema.get("properties").and_then(Value::as_object);
                let rest = object.iter().filter(|(name, _)| {
                    keyword == "unevaluatedProperties"
                        || !known.is_some_and(|known| known.contains_key(*name))
                });
                rest.into_iter()
                    .try_for_each(|(name, value)| self.below(name.len(), inner, value))
            }
            ("propertyNames", _) => object
                .keys()
                .try_for_each(|name| self.visit(inner, &Value::from(name.as_str()))),
            _ => Ok(()),
        }
    }

    fn items(&mut self, keyword: &str, inner: &Value, items: &[Value]) -> Result<(), Over> {
        match (keyword, inner) {
            ("items" | "prefixItems", Value::Array(schemas)) => schemas
                .iter()
                .zip(items)
                .try_for_each(|(schema, item)| self.below(8, schema, item)),
            ("items" | "additionalItems" | "contains" | "unevaluatedItems", _) => {
                items.iter().try_for_each(|item| self.below(8, inner, item))
            }
            _ => Ok(()),
        }
    }

    /// One step further down the value.
    fn below(&mut self, step: usize, schema: &Value, value: &Value) -> Result<(), Over> {
        self.path += step;
        let result = self.visit(schema, value);
        self.path -= step;
        result
    }

    /// What is copied into each failure of a schema.
    fn copies(&self, schema: &Map<String, Value>, value: &Value) -> u64 {
        let told = ["pattern", "required", "not"].into_iter();
        let rules: u64 = told.filter_map(|it| schema.get(it)).map(weight).sum();
        let value = if self.choices > 0 { weight(value) } else { 0 };
        let each = value.saturating_add(self.path as u64 / 64);
        rules.saturating_add(each.saturating_mul(schema.len() as u64))
    }
}

/// The work in a schema's own keywords, those of the schemas inside it left out.
fn own(schema: &Map<String, Value>, value: &Value) -> u64 {
    let rules = schema.iter().map(|(keyword, rule)| match keyword.as_str() {
        "enum" | "const" => comparisons(rule, value),
        "required" => rule.as_array().map_or(1, Vec::len) as u64,
        "properties" => 1 + rule.as_object().map_or(0, Map::len) as u64 / 4,
        "dependentRequired" | "dependencies" => weight(rule),
        "pattern" => pattern(rule, value),
        "$ref" => 4,
        "multipleOf" => 16,
        "uniqueItems" => value.as_array().map_or(1, |items| uniqueness(items)),
        _ => 1,
    });
    let size = match value {
        Value::String(text) => text.len() as u64 / 64,
        Value::Object(map) => map.len() as u64,
        Value::Array(items) => items.len() as u64,
        _ => 0,
    };
    rules.fold(1 + size, u64::saturating_add)
}

fn pattern(rule: &Value, value: &Value) -> u64 {
    match (rule, value) {
        (Value::String(pattern), Value::String(text)) => matching(states(pattern), text),
        _ => 1,
    }
}

fn comparisons(rule: &Value, value: &Value) -> u64 {
    match rule {
        Value::Array(options) if !value.is_array() && !value.is_object() => options.len() as u64,
        rule => weight(rule),
    }
}

/// The work of finding two like items: their hashes tell texts and small numbers apart, but not lists of lists, nor large
/// numbers, and then each is compared with each.
fn uniqueness(items: &[Value]) -> u64 {
    let is_plain = |item: &Value| match item {
        Value::Array(_) | Value::Object(_) => false,
        Value::Number(number) => number.as_f64().is_some_and(|it| it.abs() < 9e15),
        _ => true,
    };
    let weights = items.iter().map(weight).fold(0, u64::saturating_add);
    if items.iter().all(is_plain) {
        return weights;
    }
    weights.saturating_mul(1 + items.len() as u64 / 8)
}

/// About how large a value is: its parts, and their texts in pieces of 64 bytes.
fn weight(value: &Value) -> u64 {
    let text = |text: &str| 1 + text.len() as u64 / 64;
    match value {
        Value::String(it) => text(it),
        Value::Array(items) => items.iter().map(weight).fold(1, u64::saturating_add),
        Value::Object(map) => map
            .iter()
            .map(|(key, inner)| text(key) + weight(inner))
            .fold(1, u64::saturating_add),
        _ => 1,
    }
}
