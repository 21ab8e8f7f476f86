//! What of a request is repeated in HTTP headers, since 2026-07-28, and how: standard headers, and those that a tool's
//! schema asks for by `x-mcp-header`.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use manyhands_core::model::Tool;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

/// How deep a schema is searched for annotations.
const MAX_DEPTH: usize = 32;
/// How many parameters of one tool may be repeated.
const MAX_PARAMS: usize = 64;

/// A parameter of a tool that goes into a header as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderParam {
    path: Vec<String>,
    header: HeaderName,
}

/// A value as a header can carry it: as it is, or in Base64 behind a mark.
pub(crate) fn encode(value: &str) -> Option<HeaderValue> {
    let plain = value.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        && value.trim() == value
        && !(value.starts_with("=?base64?") && value.ends_with("?="));
    if plain {
        return HeaderValue::from_str(value).ok();
    }
    HeaderValue::try_from(format!("=?base64?{}?=", STANDARD.encode(value))).ok()
}

/// The headers that a call's arguments ask for.
pub(crate) fn of_arguments(params: &[HeaderParam], arguments: &Map<String, Value>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for HeaderParam { path, header } in params {
        let mut place = path.iter();
        let first = place.next().and_then(|name| arguments.get(name));
        let value = place.fold(first, |at, name| at?.get(name));
        let text = match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(it)) => it.to_string(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        if let Some(value) = encode(&text) {
            headers.insert(header.clone(), value);
        }
    }
    headers
}

/// Why a tool may not be called over HTTP: its `x-mcp-header` annotations are against the rules of 2026-07-28.
///
/// # Errors
/// The rule that is broken, as a lowercase fragment.
pub fn check_header_annotations(tool: &Tool) -> Result<(), String> {
    read(&Value::Object(Map::clone(&tool.input_schema))).map(drop)
}

/// The annotated parameters of each tool of a list's page. Tools with illegal annotations are left out.
pub(crate) fn of_page(result: &str) -> HashMap<String, Vec<HeaderParam>> {
    // A search is far cheaper than a parse, and hardly any server uses them.
    if memchr::memmem::find(result.as_bytes(), b"\"x-mcp-header\"").is_none() {
        return HashMap::new();
    }
    let page: Value = serde_json::from_str(result).unwrap_or_default();
    let tools = page.get("tools").and_then(Value::as_array);
    let tools = tools.into_iter().flatten().filter_map(|tool| {
        let name = tool.get("name")?.as_str()?.to_owned();
        let params = read(tool.get("inputSchema")?).ok()?;
        (!params.is_empty()).then_some((name, params))
    });
    tools.collect()
}

/// The annotated parameters of a schema.
fn read(schema: &Value) -> Result<Vec<HeaderParam>, String> {
    let mut reader = Reader::default();
    reader.object(schema, &mut Vec::new())?;
    if count(schema, 0) > reader.found.len() {
        return Err("its x-mcp-header stands where no parameter can be read from".to_owned());
    }
    Ok(reader.found)
}

#[derive(Default)]
struct Reader {
    found: Vec<HeaderParam>,
}

impl Reader {
    fn object(&mut self, schema: &Value, path: &mut Vec<String>) -> Result<(), String> {
        if path.len() > MAX_DEPTH || self.found.len() > MAX_PARAMS {
            return Err("it has too many x-mcp-header annotations, or too deep ones".to_owned());
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            path.push(name.clone());
            if let Some(annotation) = property.get("x-mcp-header") {
                self.take(annotation, property, path)?;
            }
            self.object(property, path)?;
            path.pop();
        }
        Ok(())
    }

    fn take(
        &mut self,
        annotation: &Value,
        property: &Value,
        path: &[String],
    ) -> Result<(), String> {
        let shown = manyhands_core::Printable(&manyhands_core::clip(&annotation.to_string(), 60))
            .to_string();
        let token = annotation.as_str().filter(|text| is_token(text));
        let Some(header) = token.and_then(|text| format!("mcp-param-{text}").parse().ok()) else {
            return Err(format!("its x-mcp-header {shown} is no header name"));
        };
        let kind = property.get("type").and_then(Value::as_str);
        if !matches!(kind, Some("string" | "integer" | "boolean")) {
            return Err(format!(
                "its x-mcp-header {shown} is not on a text, a whole number or a boolean"
            ));
        }
        if self.found.iter().any(|known| known.header == header) {
            return Err(format!("its x-mcp-header {shown} is there twice"));
        }
        self.found.push(HeaderParam {
            path: path.to_vec(),
            header,
        });
        Ok(())
    }
}

/// How often the annotation stands anywhere in a schema, but for names of properties.
fn count(schema: &Value, depth: usize) -> usize {
    if depth > 2 * MAX_DEPTH {
        return 0;
    }
    match schema {
        Value::Array(items) => items.iter().map(|item| count(item, depth + 1)).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match (key.as_str(), value) {
                ("x-mcp-header", _) => 1,
                ("properties", Value::Object(named)) => {
                    named.values().map(|it| count(it, depth + 2)).sum()
                }
                // Examples hold values, not schemas.
                ("default" | "examples" | "enum" | "const", _) => 0,
                _ => count(value, depth + 1),
            })
            .sum(),
        _ => 0,
    }
}

/// A `token` of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_encoded_as_the_specification_shows() {
        for (value, header) in [
            ("us-west1", "us-west1"),
            ("us west 1", "us west 1"),
            ("", ""),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(encode(value).unwrap(), header, "{value:?}");
        }
    }

    #[test]
    fn arguments_are_repeated_where_the_schema_asks() {
        let schema = json!({"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "off": {"type": "string", "x-mcp-header": "Off"},
            "query": {"type": "string"},
        }});
        let arguments =
            json!({"region": "ü", "deep": {"n": 42}, "dry": false, "off": null, "query": "x"});
        let headers = of_arguments(&read(&schema).unwrap(), arguments.as_object().unwrap());
        let found: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let expected = [
            ("mcp-param-region", "=?base64?w7w=?="),
            ("mcp-param-n", "42"),
            ("mcp-param-dry", "false"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn illegal_annotations_are_named() {
        let with = |name: Value, kind: &str| json!({"properties": {"a": {"type": kind, "x-mcp-header": name}}});
        for schema in [
            with(json!(""), "string"),
            with(json!("My Region"), "string"),
            with(json!("Région"), "string"),
            with(json!("A:B"), "string"),
            with(json!(5), "string"),
            with(json!("A"), "number"),
            with(json!("A"), "object"),
            json!({"properties": {"a": {"type": "string", "x-mcp-header": "X"}, "b": {"type": "string", "x-mcp-header": "x"}}}),
            json!({"properties": {"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "X"}}}}),
            json!({"oneOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "X"}}}]}),
        ] {
            assert!(read(&schema).is_err(), "{schema}");
        }
        // A parameter may well have that name.
        let named = json!({"properties": {"x-mcp-header": {"type": "string"}}});
        assert_eq!(read(&named), Ok(Vec::new()));
    }
}
