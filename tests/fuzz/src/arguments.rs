//! `key=value` pairs against a stranger's schema: what comes out holds what the schema requires, and what is told of
//! the rest can be shown.
//!
//! The input is cut at each `0xff`: first the schema, then the pairs.

use manyhands_registry::from_pairs;
use serde_json::{Map, Value};

use crate::{Taken, assert_printable, parts};

pub(crate) fn run(data: &[u8]) -> Taken {
    let mut parts = parts(data);
    let schema = parts.next().unwrap_or_default();
    let Ok(schema) = serde_json::from_str::<Map<String, Value>>(&schema) else {
        return Taken::Refused;
    };
    let pairs: Vec<_> = parts.collect();
    let first = from_pairs(&schema, pairs.iter().map(AsRef::as_ref));
    match &first {
        Ok(arguments) => {
            let required = schema.get("required").and_then(Value::as_array);
            let required = required.into_iter().flatten().filter_map(Value::as_str);
            for name in required {
                assert!(
                    arguments.contains_key(name),
                    "the required {name:?} is missing"
                );
            }
        }
        Err(error) => {
            assert_printable(error.reason());
            assert!(
                error.reason().len() <= 16 * 1024,
                "{} bytes are told",
                error.reason().len()
            );
        }
    }
    let second = from_pairs(&schema, pairs.iter().map(AsRef::as_ref));
    assert_eq!(first, second, "the same input gives the same");
    Taken::Read
}
