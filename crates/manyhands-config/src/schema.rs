//! Finds keys that a JSON schema does not name.
//!
//! It knows as much of JSON Schema as schemars writes for settings. Where a
//! schema allows any key, or leaves it unclear, nothing is reported.

use std::collections::BTreeMap;

use serde_json::Value as Schema;

use crate::document::{Node, Value, join, shown};
use crate::error::{EntryErrorKind, Fault, did_you_mean};

/// How many schemas may be followed for one value; a schema can refer to itself.
const MAX_FOLLOWED: usize = 256;

/// Finds the first key in `node` that `schema` does not name.
pub(crate) fn unknown_key(node: &Node, schema: &Schema) -> Option<Fault> {
    check(node, &[schema], schema)
}

/// Checks `node` against alternatives, any of which may name a key.
fn check(node: &Node, schemas: &[&Schema], root: &Schema) -> Option<Fault> {
    let mut known = Known::default();
    let mut budget = MAX_FOLLOWED;
    for schema in schemas {
        known.gather(schema, root, &mut budget);
    }
    match &node.value {
        Value::List(items) => items.iter().enumerate().find_map(|(n, item)| {
            check(item, &known.items, root).map(|fault| fault.under(&format!("[{n}]")))
        }),
        Value::Object(members) if known.is_object && !known.takes_any => {
            members.iter().find_map(|member| {
                let key = member.key.as_str();
                let schemas = match known.keys.get(key) {
                    Some(schemas) => schemas,
                    None if known.rest.is_empty() => {
                        return Some(known.refuse(key).at("", member.line));
                    }
                    None => &known.rest,
                };
                check(&member.node, schemas, root).map(|fault| fault.under(&join("", key)))
            })
        }
        _ => None,
    }
}

/// What some alternative schemas say together about one value.
#[derive(Default)]
struct Known<'s> {
    /// Whether any of them describes an object.
    is_object: bool,
    /// Whether any of them takes whatever keys there are.
    takes_any: bool,
    keys: BTreeMap<&'s str, Vec<&'s Schema>>,
    /// The schemas for keys that are not named.
    rest: Vec<&'s Schema>,
    /// The schemas for the items of a list.
    items: Vec<&'s Schema>,
}

impl<'s> Known<'s> {
    /// Adds what `schema` says, references and alternatives included.
    fn gather(&mut self, schema: &'s Schema, root: &'s Schema, budget: &mut usize) {
        let Some(left) = budget.checked_sub(1) else {
            self.takes_any = true;
            return;
        };
        *budget = left;
        let Some(object) = schema.as_object().filter(|object| !object.is_empty()) else {
            self.takes_any |= schema != &Schema::Bool(false);
            return;
        };
        let target = object.get("$ref").and_then(Schema::as_str);
        if let Some(target) = target.and_then(|target| target.strip_prefix('#')) {
            match root.pointer(target) {
                Some(target) => self.gather(target, root, budget),
                None => self.takes_any = true,
            }
        }
        for combined in ["allOf", "anyOf", "oneOf"] {
            for part in object
                .get(combined)
                .and_then(Schema::as_array)
                .into_iter()
                .flatten()
            {
                self.gather(part, root, budget);
            }
        }
        self.items.extend(object.get("items"));
        self.items.extend(
            object
                .get("prefixItems")
                .and_then(Schema::as_array)
                .into_iter()
                .flatten(),
        );
        self.gather_keys(object);
    }

    /// Adds the keys that one schema names itself.
    fn gather_keys(&mut self, object: &'s serde_json::Map<String, Schema>) {
        let properties = object.get("properties").and_then(Schema::as_object);
        self.is_object |= properties.is_some() || object.get("type").is_some_and(allows_object);
        for (key, schema) in properties.into_iter().flatten() {
            self.keys.entry(key).or_default().push(schema);
        }
        match object.get("additionalProperties") {
            None | Some(Schema::Bool(false)) => {}
            Some(Schema::Bool(true)) => self.takes_any = true,
            Some(schema) => self.rest.push(schema),
        }
        self.takes_any |= object.contains_key("patternProperties");
    }

    fn refuse(&self, key: &str) -> Fault {
        let what = format!("the key `{}` means nothing here", shown(key));
        let fault = Fault::new(EntryErrorKind::UnknownSetting, what);
        let known = || self.keys.keys().copied();
        match did_you_mean(key, known()) {
            Some(mend) => fault.mend(mend),
            None if self.keys.is_empty() => fault.mend("remove it"),
            None => fault.mend(format!(
                "known are: {}",
                known().collect::<Vec<_>>().join(", ")
            )),
        }
    }
}

/// Whether a schema's `type`, a name or a list of names, includes objects.
fn allows_object(types: &Schema) -> bool {
    let names = types
        .as_array()
        .map_or(std::slice::from_ref(types), Vec::as_slice);
    names.iter().any(|name| name == "object")
}
