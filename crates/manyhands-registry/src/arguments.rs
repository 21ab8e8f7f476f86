//! Arguments as people type them, `key=value`, turned into what a tool's schema wants.

use manyhands_core::{Printable, clip, either, nearest};
use serde_json::{Map, Value};

/// Why arguments could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the arguments: {0}")]
pub struct ArgumentError(String);

impl ArgumentError {
    /// What was wrong, and what was expected, without saying of what.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0
    }
}

/// Turns `key=value` pairs into a JSON object, each value typed by the tool's input schema.
///
/// A value for a text stays as it is typed. A value for a number, boolean,
/// object or list is read as JSON; a list also takes `a,b,c`. A key that the
/// schema does not know is an error with the nearest known key, unless the
/// schema leaves further keys open by naming none. Giving a list's key twice
/// adds to it.
///
/// # Errors
/// [`ArgumentError`] naming the pair, and what was expected.
///
/// ```
/// let schema = serde_json::json!({"properties": {"q": {"type": "string"}, "limit": {"type": "integer"}}});
/// let arguments = manyhands_registry::from_pairs(schema.as_object().unwrap(), ["q=10", "limit=10"])?;
/// assert_eq!(serde_json::Value::from(arguments), serde_json::json!({"q": "10", "limit": 10}));
/// # Ok::<(), manyhands_registry::ArgumentError>(())
/// ```
pub fn from_pairs<'a>(
    schema: &Map<String, Value>,
    pairs: impl IntoIterator<Item = &'a str>,
) -> Result<Map<String, Value>, ArgumentError> {
    let empty = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let mut arguments = Map::new();
    for pair in pairs {
        let (key, text) = pair
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| not_a_pair(pair))?;
        let property = properties.get(key);
        if property.is_none() && !properties.is_empty() {
            return Err(unknown_key(key, properties));
        }
        let value = typed(key, text, property, schema)?;
        match (arguments.get_mut(key), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (Some(_), _) => {
                return Err(ArgumentError(format!("`{}` is given twice", shown(key))));
            }
            (None, value) => {
                arguments.insert(key.to_owned(), value);
            }
        }
    }
    match missing(schema, &arguments).as_slice() {
        [] => Ok(arguments),
        names => {
            let names: Vec<String> = names
                .iter()
                .map(|name| format!("`{}`", shown(name)))
                .collect();
            Err(ArgumentError(format!(
                "the tool also needs {}",
                names.join(" and ")
            )))
        }
    }
}

/// The arguments that the schema requires and that are not there.
fn missing<'a>(schema: &'a Map<String, Value>, arguments: &Map<String, Value>) -> Vec<&'a str> {
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    required
        .filter_map(Value::as_str)
        .filter(|name| !arguments.contains_key(*name))
        .take(10)
        .collect()
}

fn not_a_pair(pair: &str) -> ArgumentError {
    let shown = clip(pair, 60);
    ArgumentError(format!(
        "expected `key=value` or one JSON object, found {shown:?}"
    ))
}

fn unknown_key(key: &str, properties: &Map<String, Value>) -> ArgumentError {
    let near = nearest(key, properties.keys().map(String::as_str));
    let help = match near.first() {
        Some(near) => format!("did you mean `{}`?", shown(near)),
        None => {
            let known: Vec<String> = properties.keys().take(20).map(|key| shown(key)).collect();
            format!("it takes {}", known.join(", "))
        }
    };
    ArgumentError(format!("the tool takes no `{}`; {help}", shown(key)))
}

/// A key as it may be shown: a server chose it, whoever typed it.
fn shown(key: &str) -> String {
    Printable(&clip(key, 60)).to_string()
}

/// Reads one value by what the schema says about it.
fn typed(
    key: &str,
    text: &str,
    property: Option<&Value>,
    root: &Map<String, Value>,
) -> Result<Value, ArgumentError> {
    let wanted = property
        .map(|property| types(property, root))
        .unwrap_or_default();
    let takes = |name: &str| wanted.iter().any(|it| it == name);
    let json: Option<Value> = serde_json::from_str(text).ok();
    let fits = json
        .as_ref()
        .is_some_and(|value| takes(type_name(value)) || (value.is_number() && takes("number")));
    match json {
        // Without a type in the schema, JSON is taken as JSON and the rest as text.
        Some(value) if wanted.is_empty() => Ok(value),
        None if wanted.is_empty() => Ok(Value::from(text)),
        // A text that looks like JSON is still a text where texts are wanted.
        _ if takes("string") && !(fits && text == "null") => Ok(Value::from(text)),
        Some(value) if fits => Ok(value),
        _ if takes("array") => Ok(list(text, property)),
        _ if takes("boolean") && matches!(text, "yes" | "on" | "no" | "off") => {
            Ok(Value::Bool(matches!(text, "yes" | "on")))
        }
        _ => {
            let (key, found) = (shown(key), clip(text, 60));
            Err(ArgumentError(format!(
                "`{key}` takes {}, found {found:?}",
                either(&with_articles(&wanted))
            )))
        }
    }
}

/// "an integer", "a boolean".
fn with_articles(types: &[String]) -> Vec<String> {
    let article = |word: &str| {
        if word.starts_with(['a', 'i', 'o']) {
            "an"
        } else {
            "a"
        }
    };
    types
        .iter()
        .take(10)
        .map(|word| match word.as_str() {
            "null" => "null".to_owned(),
            "string" => "a text".to_owned(),
            "array" => "a list".to_owned(),
            word => format!("{} {}", article(word), Printable(&clip(word, 40))),
        })
        .collect()
}

/// Reads `a,b,c` as a list whose items have the type that the schema gives them.
fn list(text: &str, property: Option<&Value>) -> Value {
    let item_is_text = property
        .and_then(|it| it.get("items")?.get("type")?.as_str())
        .is_none_or(|kind| kind == "string");
    let item = |part: &str| match serde_json::from_str(part) {
        Ok(value) if !item_is_text => value,
        _ => Value::from(part),
    };
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(item)
        .collect()
}

/// The JSON types that a property takes; empty when the schema does not say.
fn types(property: &Value, root: &Map<String, Value>) -> Vec<String> {
    let property = resolve(property, root);
    let mut found = Vec::new();
    match property.get("type") {
        Some(Value::String(one)) => found.push(one.clone()),
        Some(Value::Array(many)) => {
            found.extend(many.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        _ => {}
    }
    for choice in ["anyOf", "oneOf"] {
        for option in property
            .get(choice)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .take(32)
        {
            let option = resolve(option, root);
            found.extend(
                option
                    .get("type")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            found.extend(enum_types(option));
        }
    }
    if found.is_empty() {
        found.extend(enum_types(property));
    }
    found
}

fn enum_types(schema: &Value) -> impl Iterator<Item = String> {
    let values = schema
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let constant = schema.get("const");
    let mut types: Vec<String> = values
        .chain(constant)
        .map(|value| type_name(value).to_owned())
        .collect();
    types.dedup();
    types.into_iter()
}

/// Follows one reference within the same schema, `#/$defs/Name`; others are left as they are.
fn resolve<'a>(schema: &'a Value, root: &'a Map<String, Value>) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let found = reference.and_then(|text| {
        let mut path = text.strip_prefix("#/")?.split('/');
        let first = root.get(path.next()?)?;
        path.take(4).try_fold(first, |at, key| at.get(key))
    });
    found.unwrap_or(schema)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(pairs: &[&str]) -> Result<Value, String> {
        let schema = json!({
            "properties": {
                "text": {"type": "string"}, "count": {"type": "integer"}, "ratio": {"type": "number"},
                "flag": {"type": "boolean"}, "names": {"type": "array", "items": {"type": "string"}},
                "ids": {"type": "array", "items": {"type": "integer"}}, "any": {},
                "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "either": {"type": ["string", "null"]}, "level": {"enum": ["low", "high"]},
                "choice": {"enum": [true, false]},
                "linked": {"$ref": "#/$defs/Deep"}, "object": {"type": "object"},
            },
            "$defs": {"Deep": {"type": "integer"}},
        });
        from_pairs(schema.as_object().unwrap(), pairs.iter().copied())
            .map(Value::from)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_take_the_type_that_the_schema_wants() {
        for (pair, expected) in [
            ("text=5", json!({"text": "5"})),
            ("text=a=b", json!({"text": "a=b"})),
            ("text=", json!({"text": ""})),
            ("count=5", json!({"count": 5})),
            ("ratio=5", json!({"ratio": 5})),
            ("ratio=0.5", json!({"ratio": 0.5})),
            ("flag=true", json!({"flag": true})),
            ("flag=no", json!({"flag": false})),
            ("names=a, b", json!({"names": ["a", "b"]})),
            ("names=[\"a,b\"]", json!({"names": ["a,b"]})),
            ("names=1", json!({"names": ["1"]})),
            ("ids=1,2", json!({"ids": [1, 2]})),
            ("any=[1]", json!({"any": [1]})),
            ("any=plain", json!({"any": "plain"})),
            ("maybe=null", json!({"maybe": null})),
            ("either=null", json!({"either": null})),
            ("either=5", json!({"either": "5"})),
            ("text=null", json!({"text": "null"})),
            ("level=low", json!({"level": "low"})),
            ("linked=7", json!({"linked": 7})),
            ("object={\"a\":1}", json!({"object": {"a": 1}})),
        ] {
            assert_eq!(read(&[pair]), Ok(expected), "{pair}");
        }
        assert_eq!(
            read(&["names=a", "names=b"]),
            Ok(json!({"names": ["a", "b"]}))
        );
    }

    #[test]
    fn what_is_required_is_asked_for() {
        let schema = json!({"properties": {"a": {}, "b": {}}, "required": ["a", "b"]});
        let read = |pairs: &[&str]| from_pairs(schema.as_object().unwrap(), pairs.iter().copied());
        assert!(read(&["a=1", "b=2"]).is_ok());
        assert_eq!(
            read(&["b=2"]).unwrap_err().reason(),
            "the tool also needs `a`"
        );
        assert_eq!(
            read(&[]).unwrap_err().reason(),
            "the tool also needs `a` and `b`"
        );
    }

    #[test]
    fn what_a_server_named_is_shown_escaped_and_short() {
        let long = "x".repeat(100_000);
        let schema = json!({"properties": {"a\u{1b}[2J": {"type": "integer"}, (long.as_str()): {}, "many": {
            "type": vec![long.as_str(); 9],
        }}});
        let read = |pairs: &[&str]| from_pairs(schema.as_object().unwrap(), pairs.iter().copied());
        for pairs in [
            vec!["a\u{1b}[2J=1", "a\u{1b}[2J=2"],
            vec!["a\u{1b}[2J=many"],
            vec!["b=1"],
            vec!["many=1"],
        ] {
            let error = read(&pairs).unwrap_err();
            assert!(!error.reason().contains('\u{1b}'), "{error}");
            assert!(
                error.reason().len() < 2_000,
                "{} bytes",
                error.reason().len()
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_said_plainly() {
        for (pairs, expected) in [
            (
                vec!["count=many"],
                "read the arguments: `count` takes an integer, found \"many\"",
            ),
            (
                vec!["count=0.5"],
                "read the arguments: `count` takes an integer, found \"0.5\"",
            ),
            (
                vec!["flag=5"],
                "read the arguments: `flag` takes a boolean, found \"5\"",
            ),
            (
                vec!["choice=2"],
                "read the arguments: `choice` takes a boolean, found \"2\"",
            ),
            (
                vec!["cuont=1"],
                "read the arguments: the tool takes no `cuont`; did you mean `count`?",
            ),
            (
                vec!["word"],
                "read the arguments: expected `key=value` or one JSON object, found \"word\"",
            ),
            (
                vec!["text=a", "text=b"],
                "read the arguments: `text` is given twice",
            ),
        ] {
            assert_eq!(read(&pairs), Err(expected.to_owned()));
        }
    }
}
