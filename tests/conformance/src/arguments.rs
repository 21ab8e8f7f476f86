//! Arguments that a schema allows, made up as a model would make them up.

use serde_json::{Map, Value, json};

/// A value for each required property, by its type.
pub(crate) fn example(schema: &Value) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    let filled = names.map(|name| {
        let property = properties.and_then(|all| all.get(name));
        (name.to_owned(), property.map_or(Value::Null, value))
    });
    Value::Object(filled.collect::<Map<_, _>>())
}

/// The property's own default or first choice, else the plainest value of its type.
pub(crate) fn value(property: &Value) -> Value {
    let first = |key: &str| property.get(key).and_then(Value::as_array)?.first();
    let said = property.get("default").or_else(|| first("enum"));
    if let Some(said) = said {
        return said.clone();
    }
    match property.get("type").and_then(Value::as_str) {
        Some("string") => json!("text"),
        Some("integer") => json!(1),
        Some("number") => json!(1.5),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => example(property),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_required_property_gets_a_value_of_its_type() {
        let schema = json!({
            "properties": {
                "a": {"type": "number"}, "b": {"type": "integer"}, "c": {"type": "string", "default": "x"},
                "d": {"enum": ["one", "two"]}, "e": {"type": "object", "required": ["f"], "properties": {"f": {"type": "boolean"}}},
                "unasked": {"type": "string"},
            },
            "required": ["a", "b", "c", "d", "e", "undescribed"],
        });
        let expected =
            json!({"a": 1.5, "b": 1, "c": "x", "d": "one", "e": {"f": true}, "undescribed": null});
        assert_eq!(example(&schema), expected);
        assert_eq!(example(&json!({})), json!({}));
    }
}
