//! What a tool returns in one line, made from its output schema. Schemas are strangers': names are cleaned, and depth,
//! breadth and work are bounded.

use manyhands_core::{Printable, clip};
use serde_json::{Map, Value};

/// The longest line, in bytes: what is longer is shown less deep.
const MAX_LINE: usize = 200;
/// How many levels, names in an object, bytes in a name, and schemas in all are shown or followed.
const MAX_DEPTH: usize = 3;
const MAX_NAMES: usize = 12;
const MAX_NAME: usize = 48;
const MAX_SCHEMAS: usize = 256;

/// Outlines what fits a schema, such as `{messages: [{ts, text}], next_cursor?}`; none where the schema says nothing.
pub(crate) fn shape(schema: Option<&Map<String, Value>>) -> Option<String> {
    let root = schema?;
    let outlined = |depth| {
        let budget = MAX_SCHEMAS;
        Outline { root, budget }.of_object(root, depth)
    };
    let lines: Vec<String> = (1..=MAX_DEPTH).rev().filter_map(outlined).collect();
    let fitting = lines.iter().find(|line| line.len() <= MAX_LINE);
    let line = fitting.cloned().or_else(|| shortened(lines.last()?))?;
    (line != "{…}" && line != "[…]").then_some(line)
}

/// The names of an outline that have room.
fn shortened(line: &str) -> Option<String> {
    let room = line.get(..line.floor_char_boundary(MAX_LINE))?;
    let (kept, _) = room.rsplit_once(", ")?;
    kept.starts_with('{').then(|| format!("{kept}, …}}"))
}

struct Outline<'s> {
    root: &'s Map<String, Value>,
    budget: usize,
}

impl<'s> Outline<'s> {
    /// None where a value has no parts, or none that are worth a word.
    fn of(&mut self, schema: &'s Value, depth: usize) -> Option<String> {
        self.of_object(schema.as_object()?, depth)
    }

    fn of_object(&mut self, schema: &'s Map<String, Value>, depth: usize) -> Option<String> {
        self.budget = self.budget.checked_sub(1)?;
        let schema = self.followed(schema)?;
        if let Some(properties) = schema.get("properties").and_then(Value::as_object)
            && !properties.is_empty()
        {
            return Some(self.braced(schema, properties, depth));
        }
        if let Some(items) = schema.get("items") {
            let inner = depth.checked_sub(1).and_then(|depth| self.of(items, depth));
            return Some(format!("[{}]", inner.as_deref().unwrap_or("…")));
        }
        let is = |name: &str| schema.get("type").and_then(Value::as_str) == Some(name);
        if is("object") {
            return Some("{…}".to_owned());
        }
        is("array").then(|| "[…]".to_owned())
    }

    fn braced(
        &mut self,
        schema: &'s Map<String, Value>,
        properties: &'s Map<String, Value>,
        depth: usize,
    ) -> String {
        let Some(below) = depth.checked_sub(1) else {
            return "{…}".to_owned();
        };
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|it| it.iter().any(|it| it == name));
        let mut parts = Vec::new();
        for (name, inner) in properties.iter().take(MAX_NAMES) {
            let mark = if is_required(name) { "" } else { "?" };
            let name = Printable(&clip(name, MAX_NAME)).to_string();
            let inner = self.of(inner, below).map(|it| format!(": {it}"));
            parts.push(format!("{name}{mark}{}", inner.unwrap_or_default()));
        }
        if properties.len() > MAX_NAMES {
            parts.push("…".to_owned());
        }
        format!("{{{}}}", parts.join(", "))
    }

    /// The schema that tells of parts: behind a reference, or the only alternative to null.
    fn followed(&mut self, schema: &'s Map<String, Value>) -> Option<&'s Map<String, Value>> {
        let mut schema = schema;
        loop {
            let target = schema.get("$ref").and_then(Value::as_str);
            let next = match target {
                Some("#") => Some(self.root),
                Some(target) => pointed(self.root, target),
                None => only_alternative(schema),
            };
            let Some(next) = next else {
                return Some(schema);
            };
            self.budget = self.budget.checked_sub(1)?;
            schema = next;
        }
    }
}

/// What a local reference points to.
pub(crate) fn pointed<'s>(
    root: &'s Map<String, Value>,
    reference: &str,
) -> Option<&'s Map<String, Value>> {
    let path = reference.strip_prefix("#/")?;
    let (first, rest) = path
        .split_once('/')
        .map_or((path, ""), |(it, rest)| (it, rest));
    let at = root.get(&first.replace("~1", "/").replace("~0", "~"))?;
    let found = if rest.is_empty() {
        Some(at)
    } else {
        at.pointer(&format!("/{rest}"))
    };
    found?.as_object()
}

fn only_alternative(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let mut combined = ["anyOf", "oneOf", "allOf"].iter();
    let all = combined.find_map(|key| schema.get(*key)?.as_array())?;
    let is_null = |it: &&Value| it.get("type").is_some_and(|kind| kind == "null");
    let mut others = all.iter().filter(|it| !is_null(it));
    let only = others.next()?.as_object();
    only.filter(|_| others.next().is_none())
}
