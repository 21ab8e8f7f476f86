//! Values, types and paths in short printable words. All that is quoted here was chosen by strangers.

use jsonschema::error::TypeKind;
use jsonschema::types::JsonType;
use manyhands_core::{Printable, clip, either};
use serde_json::Value;

/// The longest that is quoted of one value, in bytes.
const MAX_QUOTED: usize = 60;
/// The longest that is shown of one name, in bytes.
const MAX_NAME: usize = 40;
/// The longest path, in bytes.
const MAX_PATH: usize = 200;

/// A name between backticks.
pub(super) fn name(text: &str) -> String {
    format!("`{}`", Printable(&clip(text, MAX_NAME)))
}

/// Any text of a stranger, cut short.
pub(super) fn short(text: &str) -> String {
    Printable(&clip(text, MAX_QUOTED)).to_string()
}

/// A value in few words: scalars as JSON, lists and objects by what they are.
pub(super) fn value(value: &Value) -> String {
    match value {
        // Cut before it is quoted, so that a long text costs no more than a short one.
        Value::String(text) => short(&Value::from(&*clip(text, MAX_QUOTED)).to_string()),
        Value::Array(items) => format!("a list of {}", counted(items.len(), "item")),
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().take(3).map(|key| name(key)).collect();
            match map.len() - keys.len() {
                _ if keys.is_empty() => "an empty object".to_owned(),
                0 => format!("an object with {}", all(&keys)),
                more => format!("an object with {} and {more} more", keys.join(", ")),
            }
        }
        scalar => short(&scalar.to_string()),
    }
}

/// What a value is, without a letter of it.
pub(super) fn kind_of(value: &Value) -> &'static str {
    one_type(JsonType::from(value))
}

/// "1 item", "2 items".
pub(super) fn counted(count: impl Into<CountedBy>, noun: &str) -> String {
    let CountedBy(count) = count.into();
    let plural = match (count, noun.strip_suffix('y')) {
        (1, _) => return format!("1 {noun}"),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{noun}s"),
    };
    format!("{count} {plural}")
}

/// A number of things.
pub(super) struct CountedBy(u64);

impl From<usize> for CountedBy {
    fn from(count: usize) -> Self {
        Self(count as u64)
    }
}

impl From<u64> for CountedBy {
    fn from(count: u64) -> Self {
        Self(count)
    }
}

/// "a", "a and b", "a, b and c".
pub(super) fn all(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The most alternatives that are listed.
const MAX_LISTED: usize = 6;

/// The first few of several alternatives.
pub(super) fn any(alternatives: impl ExactSizeIterator<Item = String>) -> String {
    let more = alternatives.len().saturating_sub(MAX_LISTED);
    let mut listed: Vec<String> = alternatives.take(MAX_LISTED).collect();
    if more > 0 {
        listed.push(format!("one of {more} more"));
    }
    either(&listed)
}

/// "an integer", "a text or null".
pub(super) fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one_type(*one).to_owned(),
        TypeKind::Multiple(set) => either(&set.iter().map(one_type).collect::<Vec<_>>()),
    }
}

fn one_type(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a text",
    }
}

/// A JSON pointer into `value` as people write paths: `arguments.items[3].name`.
pub(super) fn path(root: &str, value: &Value, pointer: &str) -> String {
    let mut shown = root.to_owned();
    let mut here = Some(value);
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if here.is_some_and(Value::is_array) {
            shown.push_str(&format!("[{step}]"));
            here = step.parse().ok().and_then(|at: usize| here?.get(at));
        } else {
            push_key(&mut shown, &step);
            here = here.and_then(|here| here.get(&step));
        }
        if shown.len() > MAX_PATH {
            shown.push('…');
            break;
        }
    }
    shown
}

/// Adds a property to a path.
pub(super) fn push_key(path: &mut String, key: &str) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if !key.is_empty() && key.len() <= MAX_NAME && key.chars().all(is_plain) {
        path.push('.');
        path.push_str(key);
    } else {
        path.push_str(&format!("[\"{}\"]", Printable(&clip(key, MAX_NAME))));
    }
}

/// What a schema under `not` keeps out, where that is said in a word.
pub(super) fn excluded(schema: &Value) -> String {
    let types = |kind: &Value| -> Option<Vec<String>> {
        let named: Vec<&Value> = kind
            .as_array()
            .map_or(vec![kind], |all| all.iter().collect());
        let words = named.into_iter().map(|name| {
            let kind = name.as_str()?.parse().ok()?;
            Some(one_type(kind).to_owned())
        });
        words.collect()
    };
    if let Some(constant) = schema.get("const") {
        return value(constant);
    }
    if let Some(Value::Array(options)) = schema.get("enum") {
        return any(options.iter().map(value));
    }
    let alone = schema.as_object().is_some_and(|map| map.len() == 1);
    let kind = schema.get("type").filter(|_| alone).and_then(types);
    kind.map_or_else(
        || "of the form that it excludes".to_owned(),
        |kinds| any(kinds.into_iter()),
    )
}
