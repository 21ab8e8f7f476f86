//! All tools as one document of `OpenAPI` 3.1, for whatever imports such documents.
//!
//! It describes calls, and does not know where they would be served.

use serde_json::{Map, Value, json};

use super::json_schema::{arguments, repaired};
use crate::describe::render;
use crate::metadata::Metadata;
use crate::shard::ToolEntry;
use crate::tokens::TokenEstimator;

/// Describes tools as an `OpenAPI` 3.1 document with one `POST` path per tool, named as for `OpenAI`'s models.
///
/// Each schema stands in `components`, so that its references to itself stay what they are. Descriptions have `cap` tokens
/// at most. A tool without an output schema answers with anything.
#[must_use]
pub fn openapi<'t>(
    tools: impl IntoIterator<Item = &'t ToolEntry>,
    cap: usize,
    tokens: &dyn TokenEstimator,
) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    let mut servers: Vec<&str> = Vec::new();
    for tool in tools {
        let server = tool.name().server().as_str();
        if !servers.contains(&server) {
            servers.push(server);
        }
        let metadata = tool.metadata();
        let text = render(&metadata, &|text| tokens.tokens(text) <= cap);
        let operation = operation(tool, &metadata, text, &mut schemas);
        paths.insert(format!("/{}", tool.wire()), json!({"post": operation}));
    }
    let tags: Vec<Value> = servers.iter().map(|it| json!({"name": it})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Tools", "version": env!("CARGO_PKG_VERSION")},
        "tags": tags,
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn operation(
    tool: &ToolEntry,
    metadata: &Metadata,
    text: String,
    schemas: &mut Map<String, Value>,
) -> Value {
    let definition = tool.definition();
    let mut add = |part: &str, schema: Map<String, Value>| {
        let name = format!("{}.{part}", tool.wire());
        let place = format!("#/components/schemas/{name}");
        let mut schema = Value::from(schema);
        move_references(&mut schema, &place);
        schemas.insert(name, schema);
        json!({"$ref": place})
    };
    let input = add("arguments", arguments(&definition.input_schema));
    let output = definition.output_schema.as_ref();
    let output = output.map(|it| add("result", repaired(it)));
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), tool.wire().into());
    if let Some(title) = &metadata.title {
        operation.insert("summary".to_owned(), title.value.clone().into());
    }
    if !text.is_empty() {
        operation.insert("description".to_owned(), text.into());
    }
    let mut tags = vec![tool.name().server().to_string()];
    tags.extend(metadata.tags.iter().map(|it| it.value.clone()));
    operation.insert("tags".to_owned(), tags.into());
    let required = definition.input_schema.get("required");
    let required = required
        .and_then(Value::as_array)
        .is_some_and(|it| !it.is_empty());
    let body = json!({"required": required, "content": {"application/json": {"schema": input}}});
    operation.insert("requestBody".to_owned(), body);
    let content = json!({"application/json": {"schema": output.unwrap_or_else(|| json!({}))}});
    let answer = metadata.returns.as_ref().map_or_else(
        || "The result.".to_owned(),
        |it| crate::describe::returned(&it.value),
    );
    let answers = json!({"200": {"description": answer, "content": content}});
    operation.insert("responses".to_owned(), answers);
    operation.into()
}

/// Has references from a schema into itself point to it where it stands now. Schemas are not deep, and values in them that
/// only look like references do no harm: `default`, `const`, `enum` and `examples` are left alone.
fn move_references(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("default" | "const" | "enum" | "examples", _) => {}
                    ("$ref", Value::String(target)) => {
                        if let Some(path) = target.strip_prefix('#') {
                            *target = format!("{place}{path}");
                        }
                    }
                    (_, value) => move_references(value, place),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|it| move_references(it, place)),
        _ => {}
    }
}
