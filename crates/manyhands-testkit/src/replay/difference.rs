//! Where two JSON values differ, in words.

use manyhands_core::clip;
use serde_json::Value;

/// How much of a value is shown, in bytes.
const SHOWN: usize = 60;

pub(super) struct Difference {
    /// At how many places the values differ.
    pub(super) count: usize,
    /// The first of them, and how.
    pub(super) first: String,
}

/// Compares what was recorded with what is asked.
pub(super) fn between(recorded: &Value, asked: &Value) -> Difference {
    let mut difference = Difference {
        count: 0,
        first: String::new(),
    };
    walk("params", Some(recorded), Some(asked), &mut difference);
    difference
}

fn walk(path: &str, recorded: Option<&Value>, asked: Option<&Value>, found: &mut Difference) {
    match (recorded, asked) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                walk(&format!("{path}.{key}"), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for index in 0..old.len().max(new.len()) {
                let path = format!("{path}[{index}]");
                walk(&path, old.get(index), new.get(index), found);
            }
        }
        (old, new) if old == new => {}
        (old, new) => {
            if found.count == 0 {
                let (path, old, new) = (clip(path, 200), shown(old), shown(new));
                found.first = format!("{path} is {old} there and {new} here");
            }
            found.count += 1;
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(
        || "missing".to_owned(),
        |value| clip(&value.to_string(), SHOWN).into_owned(),
    )
}
