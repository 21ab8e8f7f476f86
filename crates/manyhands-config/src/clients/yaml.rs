//! YAML as a JSON value, within bounds.
//!
//! The parser is saphyr's; of it, only the events are used. Aliases are refused: nobody writes them into such a file, and
//! with them a small file can be as large as it likes.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};

/// How deeply mappings and lists may be nested.
const MAX_DEPTH: usize = 64;

/// How many values a file may have.
const MAX_VALUES: usize = 100_000;

/// What is wrong, and on which line.
type Fault = (usize, &'static str);

/// A mapping or a list that is not complete yet; a mapping with the key whose value comes next.
enum Open {
    Mapping(Map<String, Value>, Option<String>),
    List(Vec<Value>),
}

/// Parses the first document of `text`.
pub(super) fn parse(text: &str) -> Result<Value, Fault> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut values = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| (error.marker().line(), "this is no YAML"))?;
        let line = line(&span);
        let complete = match event {
            Event::Alias(_) => return Err((line, "aliases are not read here")),
            Event::Scalar(text, style, ..) => Some(scalar(&text, style)),
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Map::new(), None));
                None
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop().map(closed),
            _ => None,
        };
        values += 1;
        if open.len() > MAX_DEPTH || values > MAX_VALUES {
            return Err((line, "the file is too deep or too long"));
        }
        let Some(value) = complete else { continue };
        match open.last_mut() {
            None => return Ok(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Mapping(members, key)) => match key.take() {
                Some(key) => drop(members.insert(key, value)),
                None => *key = Some(as_key(&value).ok_or((line, "a key is no text"))?),
            },
        }
    }
    Ok(Value::Null)
}

fn line(span: &Span) -> usize {
    span.start.line()
}

fn closed(open: Open) -> Value {
    match open {
        Open::Mapping(members, _) => Value::Object(members),
        Open::List(items) => Value::Array(items),
    }
}

fn as_key(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The value of a scalar by the rules of YAML 1.2, as far as settings need them.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => {
            let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            let number = is_number.then(|| serde_json::from_str::<serde_json::Number>(text));
            number
                .and_then(Result::ok)
                .map_or_else(|| text.into(), Value::Number)
        }
    }
}
