//! The person in front of the agent, who agrees to whatever a server asks and keeps what it suggests.

use manyhands::{InputHandler, InputKind, InputRequest, InputResponse};
use serde_json::{Map, Value};

use crate::arguments::value;

/// Says yes.
pub(crate) struct Person;

impl InputHandler for Person {
    fn kinds(&self) -> Vec<InputKind> {
        vec![InputKind::Form]
    }

    async fn answer(&self, request: InputRequest) -> InputResponse {
        let form = request.params().get("requestedSchema");
        InputResponse::accept(form.map(filled_in).unwrap_or_default())
    }
}

/// What a form comes back with: every default that its schema has, and a value wherever one is required.
fn filled_in(requested: &Value) -> Map<String, Value> {
    let required = requested.get("required").and_then(Value::as_array);
    let is_required = |name: &str| {
        let mut names = required.into_iter().flatten();
        names.any(|required| required == name)
    };
    let properties = requested.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter(|(name, property)| property.get("default").is_some() || is_required(name))
        .map(|(name, property)| (name.clone(), value(property)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_filled_in_with_its_defaults_and_what_it_requires() {
        let requested = json!({"type": "object", "required": ["confirmed"], "properties": {
            "name": {"type": "string", "default": "John Doe"}, "age": {"type": "integer"},
            "confirmed": {"type": "boolean"},
        }});
        assert_eq!(
            Value::Object(filled_in(&requested)),
            json!({"name": "John Doe", "confirmed": true})
        );
        assert!(filled_in(&json!({})).is_empty());
    }
}
