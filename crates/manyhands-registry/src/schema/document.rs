//! A server's schema, made safe to compile: its dialect read, its references all within it and in one plain form.
//!
//! What JSON Schema calls a reference has many shapes: pointers, anchors, ids relative to other ids, dynamic scopes. All
//! that stay within the document become `#/json/pointer` here, and the rest is refused, so that whoever reads the
//! document afterwards, the compiler or our own estimate of its effort, means the same schema by the same words.

use std::collections::HashMap;

use jsonschema::Draft;
use manyhands_core::{Printable, clip};
use serde_json::{Map, Value};

use super::bounds::{self, SCHEMA};
use super::pattern::{MAX_STATES, states};

/// The most ids and anchors that one schema may have.
const MAX_NAMES: usize = 64;
/// How many references the compiler follows inside one another, each with all that is below its target on the stack.
const NESTED_REFERENCES: usize = 8;
/// The most levels that the compiler may come to in that way.
const MAX_LEVELS: usize = 200;
/// The most targets of references whose depth is looked at.
const MAX_DEEP_TARGETS: usize = 256;

/// A schema within its bounds that refers to nothing outside of itself.
pub(super) struct Document {
    pub(super) root: Value,
    pub(super) dialect: Draft,
    /// The dialect it names, where that is none we know.
    pub(super) unknown_dialect: Option<String>,
    /// From each `$ref` in it to the JSON pointer that it means.
    targets: HashMap<String, String>,
}

impl Document {
    /// Reads a schema; `Err` says, after "it", why it cannot be used.
    pub(super) fn read(schema: &Map<String, Value>) -> Result<Self, String> {
        let mut root = Value::Object(schema.clone());
        bounds::keeps_to(&SCHEMA, &root).map_err(|over| over.reason(&SCHEMA))?;
        let (dialect, unknown_dialect) = dialect(schema);
        let mut names = Names::default();
        each_schema(&mut root, &mut String::new(), &mut |schema, at| {
            names.collect(schema, at, dialect)
        })?;
        let plan = Plan::new(&root, names);
        let mut rewriter = Rewriter::new(plan, dialect);
        each_schema(&mut root, &mut String::new(), &mut |schema, at| {
            rewriter.rewrite(schema, at)
        })?;
        let targets = rewriter.targets;
        let document = Self {
            root,
            dialect,
            unknown_dialect,
            targets,
        };
        if document.levels() > MAX_LEVELS {
            return Err("is nested too deep where its references lead".to_owned());
        }
        Ok(document)
    }

    /// How many levels the compiler has on its stack at worst.
    fn levels(&self) -> usize {
        let depth = depth(&self.root);
        if self.targets.is_empty() || depth * (NESTED_REFERENCES + 1) <= MAX_LEVELS {
            return depth;
        }
        if self.targets.len() > MAX_DEEP_TARGETS {
            return usize::MAX;
        }
        let targets = self.targets.values();
        let depths = targets.filter_map(|pointer| self.root.pointer(pointer).map(self::depth));
        depth + NESTED_REFERENCES * depths.max().unwrap_or(0)
    }

    /// What a `$ref` of this document means.
    pub(super) fn target(&self, reference: &str) -> Option<&Value> {
        self.root.pointer(self.targets.get(reference)?)
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The dialect a schema is written in, and the one it names where that is unknown.
fn dialect(schema: &Map<String, Value>) -> (Draft, Option<String>) {
    let named = match schema.get("$schema") {
        None => return (Draft::Draft202012, None),
        Some(Value::String(named)) => named.as_str(),
        Some(_) => "",
    };
    let plain = named.trim_end_matches('#').trim_end_matches('/');
    let plain = plain.split_once("://").map_or(plain, |(_, rest)| rest);
    match plain {
        "json-schema.org/draft-04/schema" => (Draft::Draft4, None),
        "json-schema.org/draft-06/schema" => (Draft::Draft6, None),
        "json-schema.org/draft-07/schema" => (Draft::Draft7, None),
        "json-schema.org/draft/2019-09/schema" => (Draft::Draft201909, None),
        "json-schema.org/draft/2020-12/schema" | "json-schema.org/schema" => {
            (Draft::Draft202012, None)
        }
        _ => (Draft::Draft202012, Some(shown(named))),
    }
}

/// What stands under a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A schema, a list of schemas, or something unknown that may hold some.
    Schemas,
    /// Schemas under names that their author chose.
    Named,
    /// Values.
    Values,
}

fn holds(keyword: &str) -> Holds {
    match keyword {
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
        | "dependencies" => Holds::Named,
        "enum" | "const" | "default" | "examples" | "example" => Holds::Values,
        _ => Holds::Schemas,
    }
}

type Visit<'a> = dyn FnMut(&mut Map<String, Value>, &str) -> Result<(), String> + 'a;

/// Visits each schema with its JSON pointer, the outer ones first. The depth is bounded already.
fn each_schema(value: &mut Value, at: &mut String, visit: &mut Visit<'_>) -> Result<(), String> {
    match value {
        Value::Object(schema) => {
            visit(schema, at)?;
            schema.iter_mut().try_for_each(|(keyword, inner)| {
                within(at, keyword, |at| match (holds(keyword), &mut *inner) {
                    (Holds::Values, _) => Ok(()),
                    (Holds::Named, Value::Object(named)) => {
                        named.iter_mut().try_for_each(|(name, it)| {
                            within(at, name, |at| each_schema(it, at, visit))
                        })
                    }
                    _ => each_schema(inner, at, visit),
                })
            })
        }
        Value::Array(items) => items.iter_mut().enumerate().try_for_each(|(index, item)| {
            within(at, &index.to_string(), |at| each_schema(item, at, visit))
        }),
        _ => Ok(()),
    }
}

/// Goes one step down a JSON pointer, and back.
fn within<T>(at: &mut String, step: &str, then: impl FnOnce(&mut String) -> T) -> T {
    let length = at.len();
    at.push('/');
    at.push_str(&step.replace('~', "~0").replace('/', "~1"));
    let result = then(at);
    at.truncate(length);
    result
}

/// The names that a schema gives to itself and its parts.
#[derive(Default)]
struct Names {
    /// From an id to the pointer of what has it.
    ids: HashMap<String, String>,
    /// From where a part with an id of its own begins, and an anchor within it, to the anchor's pointer.
    anchors: Vec<(String, String)>,
    is_dynamic: bool,
}

impl Names {
    fn collect(
        &mut self,
        schema: &Map<String, Value>,
        at: &str,
        dialect: Draft,
    ) -> Result<(), String> {
        let text = |keyword| schema.get(keyword).and_then(Value::as_str);
        match text(id_keyword(dialect)).map(|id| (id, id.strip_prefix('#'))) {
            Some((_, Some(anchor))) => self.anchors.push((anchor.to_owned(), at.to_owned())),
            Some((id, None)) => {
                let id = id.trim_end_matches('#').to_owned();
                if self.ids.insert(id, at.to_owned()).is_some() {
                    return Err("gives the same `$id` twice".to_owned());
                }
            }
            None => {}
        }
        for keyword in ["$anchor", "$dynamicAnchor"] {
            let anchor = text(keyword).map(|anchor| (anchor.to_owned(), at.to_owned()));
            self.anchors.extend(anchor);
        }
        self.is_dynamic |= text("$dynamicRef").or(text("$recursiveRef")).is_some();
        if self.ids.len() + self.anchors.len() > MAX_NAMES {
            return Err(format!("has more than {MAX_NAMES} ids and anchors"));
        }
        Ok(())
    }
}

fn id_keyword(dialect: Draft) -> &'static str {
    if dialect == Draft::Draft4 {
        "id"
    } else {
        "$id"
    }
}

/// Where each reference may lead.
struct Plan {
    names: Names,
    /// The schema as it was, to look targets up in.
    original: Value,
}

impl Plan {
    fn new(root: &Value, names: Names) -> Self {
        let original = root.clone();
        Self { names, original }
    }

    /// The pointer of what `reference` means, where it is written at `at`.
    fn resolve(&self, reference: &str, at: &str) -> Option<String> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let begin = match base {
            "" => self.part_around(at),
            id => self.names.ids.get(id)?,
        };
        let pointer = match percent_decoded(fragment)? {
            fragment if fragment.is_empty() || fragment.starts_with('/') => {
                format!("{begin}{fragment}")
            }
            anchor => {
                let mut anchors = self.names.anchors.iter();
                let found =
                    anchors.find(|(name, at)| *name == anchor && self.part_around(at) == begin)?;
                found.1.clone()
            }
        };
        self.is_schema(&pointer).then_some(pointer)
    }

    /// Where the innermost part with an id of its own begins that holds what is at `at`.
    fn part_around(&self, at: &str) -> &str {
        let holds_it = |begin: &&String| {
            at.strip_prefix(begin.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let begins = self.names.ids.values().filter(holds_it);
        begins
            .max_by_key(|begin| begin.len())
            .map_or("", String::as_str)
    }

    /// Whether a schema stands there, and not a value that looks like one.
    fn is_schema(&self, pointer: &str) -> bool {
        let mut here = &self.original;
        let mut is_named = false;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let (next, holds) = match here {
                Value::Object(map) if is_named => (map.get(&step), Holds::Schemas),
                Value::Object(map) => (map.get(&step), holds(&step)),
                Value::Array(items) => {
                    let item = step.parse().ok().and_then(|at: usize| items.get(at));
                    (item, Holds::Schemas)
                }
                _ => return false,
            };
            let Some(next) = next.filter(|_| holds != Holds::Values) else {
                return false;
            };
            (here, is_named) = (next, holds == Holds::Named);
        }
        !is_named && (here.is_object() || here.is_boolean())
    }
}

/// Puts references into the plain form, and takes out what names parts and what only annotates.
struct Rewriter {
    plan: Plan,
    id_keyword: &'static str,
    targets: HashMap<String, String>,
    /// The bytes that written references may still have, together.
    left: usize,
    /// The states of the patterns met so far.
    states: u64,
}

impl Rewriter {
    fn new(plan: Plan, dialect: Draft) -> Self {
        Self {
            plan,
            id_keyword: id_keyword(dialect),
            targets: HashMap::new(),
            left: SCHEMA.bytes * 4,
            states: 0,
        }
    }

    fn rewrite(&mut self, schema: &mut Map<String, Value>, at: &str) -> Result<(), String> {
        self.count_patterns(schema)?;
        let reference = self.reference(schema)?;
        let mut drop = |keyword: &str| {
            // A property of such a name has a schema for its value, never a text.
            if schema.get(keyword).is_some_and(Value::is_string) {
                schema.shift_remove(keyword);
            }
        };
        drop(self.id_keyword);
        for keyword in [
            "$schema",
            "$anchor",
            "$dynamicAnchor",
            "$dynamicRef",
            "$recursiveRef",
            // Notes in the dialects of today, and checks in draft-07 that hardly anybody means.
            "contentEncoding",
            "contentMediaType",
        ] {
            drop(keyword);
        }
        let Some(reference) = reference else {
            return Ok(());
        };
        let pointer = self.plan.resolve(&reference, at).ok_or_else(|| {
            format!(
                "refers to `{}`, which is not in it, and nothing is fetched",
                shown(&reference)
            )
        })?;
        let written = format!("#{}", percent_encoded(&pointer));
        self.left = self
            .left
            .checked_sub(written.len())
            .ok_or("refers to names that are too long")?;
        schema.insert("$ref".to_owned(), Value::from(written.as_str()));
        self.targets.insert(written, pointer);
        Ok(())
    }

    fn count_patterns(&mut self, schema: &Map<String, Value>) -> Result<(), String> {
        let own = schema.get("pattern").and_then(Value::as_str);
        let named = schema.get("patternProperties").and_then(Value::as_object);
        let names = named.into_iter().flat_map(|named| named.keys());
        for pattern in own.into_iter().chain(names.map(String::as_str)) {
            self.states = self.states.saturating_add(states(pattern));
        }
        if self.states > MAX_STATES {
            return Err("has patterns that are too large".to_owned());
        }
        Ok(())
    }

    /// The one reference of a schema, whatever its keyword.
    fn reference(&self, schema: &Map<String, Value>) -> Result<Option<String>, String> {
        let keywords = ["$ref", "$dynamicRef", "$recursiveRef"];
        let found = keywords.map(|keyword| schema.get(keyword).and_then(Value::as_str));
        let mut found = found.into_iter().flatten();
        let first = found.next();
        if found.next().is_some() {
            return Err("has two kinds of reference in one place".to_owned());
        }
        // With one document and no ids inside, the dynamic scope is always this document.
        let inner_ids = self.plan.names.ids.values().any(|at| !at.is_empty());
        if self.plan.names.is_dynamic && inner_ids {
            return Err("has dynamic references beside ids inside it".to_owned());
        }
        Ok(first.map(str::to_owned))
    }
}

/// Writes a JSON pointer as the fragment of a URI.
fn percent_encoded(pointer: &str) -> String {
    let mut fragment = String::with_capacity(pointer.len());
    for byte in pointer.bytes() {
        match byte {
            b'/' | b'~' | b'-' | b'.' | b'_' | b'$' => fragment.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => fragment.push(char::from(byte)),
            _ => fragment.push_str(&format!("%{byte:02X}")),
        }
    }
    fragment
}

/// Reads a URI's fragment; none where it is no text.
fn percent_decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// A server's text as it may be shown.
fn shown(text: &str) -> String {
    Printable(&clip(text, 100)).to_string()
}
