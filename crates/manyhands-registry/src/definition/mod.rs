//! A tool as one model API wants it. The catalogue's own definition is left as its server gave it.
//!
//! Model APIs take parts of JSON Schema, and refuse a whole request for one tool that strays. What an API does not take is
//! rewritten where its meaning can be kept, and left out where not: the server, and the toolkit's own check, still know the
//! schema as it is. This module sends nothing.

mod gemini;
mod json_schema;
mod openapi;

use serde_json::{Map, Value, json};

pub use self::openapi::openapi;

use self::json_schema::arguments;
pub(crate) use self::json_schema::is_parameter_name;
use crate::describe::render;
use crate::schema::Verdict;
use crate::shard::ToolEntry;
use crate::tokens::TokenEstimator;
use crate::wire::ModelApi;

/// The longest description that `OpenAI`'s API took until 2025, and that some who speak it still take, in characters.
const MAX_OPENAI_DESCRIPTION: usize = 1_024;

/// Defines a tool for one model API, with a description of `cap` tokens at most.
///
/// - `OpenAi`: `{type: "function", function: {name, description, parameters}}`, as an item of `tools`. Chat models of
///   `LangChain` take it too.
/// - `Anthropic`: `{name, description, input_schema}`, and `input_examples` where there are examples that fit the schema.
/// - `Gemini`: `{name, description, parameters}`, as an item of `functionDeclarations`. Its `parameters` keep to the subset
///   of `OpenAPI`'s schemas that every version of the API takes.
///
/// # Examples
/// ```
/// # use std::sync::Arc;
/// # use manyhands_core::{Inventory, ServerId, model::Tool};
/// use manyhands_registry::{Catalogue, DESCRIPTION_TOKENS, ModelApi, definition, estimate};
/// # let id = ServerId::parse("slack")?;
/// # let mut inventory = Inventory::default();
/// let tool = serde_json::json!({"name": "search", "inputSchema": {"properties": {"query": {"type": ["string", "null"]}}}});
/// # inventory.tools.push(Arc::new(serde_json::from_value::<Tool>(tool)?));
/// # let (catalogue, _) = Catalogue::new([id.clone()]).with_inventory(&id, &inventory);
/// let tool = catalogue.tool("slack.search")?;
/// let gemini = definition(tool, ModelApi::Gemini, DESCRIPTION_TOKENS, &estimate);
/// assert_eq!(gemini["parameters"]["properties"]["query"], serde_json::json!({"type": "STRING", "nullable": true}));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn definition(
    entry: &ToolEntry,
    api: ModelApi,
    cap: usize,
    tokens: &dyn TokenEstimator,
) -> Value {
    let fits = |text: &str| tokens.tokens(text) <= cap;
    let schema = arguments(&entry.definition().input_schema);
    let description = match api {
        ModelApi::OpenAi => {
            let fits = |text: &str| fits(text) && text.chars().count() <= MAX_OPENAI_DESCRIPTION;
            render(&entry.metadata(), &fits)
        }
        ModelApi::Anthropic => return anthropic(entry, schema, &fits),
        ModelApi::Gemini => render(&entry.metadata(), &fits),
    };
    defined(api, entry.wire_for(api), description, schema)
}

/// Defines a tool of the program's own for one model API; see [`definition`]. Name, description and schema stand as they
/// are, but for what the API does not take of a schema.
#[must_use]
pub fn define(
    api: ModelApi,
    name: &str,
    description: &str,
    input_schema: &Map<String, Value>,
) -> Value {
    defined(api, name, description.to_owned(), arguments(input_schema))
}

fn defined(api: ModelApi, name: &str, description: String, schema: Map<String, Value>) -> Value {
    match api {
        ModelApi::OpenAi => {
            let mut function = described(name, description);
            function.insert("parameters".to_owned(), schema.into());
            json!({"type": "function", "function": function})
        }
        ModelApi::Anthropic => {
            let mut tool = described(name, description);
            tool.insert("input_schema".to_owned(), schema.into());
            tool.into()
        }
        ModelApi::Gemini => {
            // Here the description is required.
            let description = match &*description {
                "" => name.to_owned(),
                _ => description,
            };
            let mut function = described(name, description);
            function.insert("parameters".to_owned(), gemini::parameters(&schema));
            function.into()
        }
    }
}

fn anthropic(
    entry: &ToolEntry,
    mut schema: Map<String, Value>,
    fits: &dyn Fn(&str) -> bool,
) -> Value {
    json_schema::retain_properties(&mut schema, is_parameter_name);
    let mut metadata = entry.metadata();
    // An example that does not fit is an error of the whole request, and one that is sent need not be in the description.
    let is_valid =
        |it: &Map<String, Value>| entry.check_arguments(&it.clone().into()) == Ok(Verdict::Fits);
    let examples = metadata.examples.iter().map(|it| &it.value);
    let examples: Vec<Value> = examples
        .filter(|it| is_valid(it) && it.keys().all(|name| is_parameter_name(name)))
        .map(|it| it.clone().into())
        .collect();
    if !examples.is_empty() {
        metadata.examples.clear();
    }
    let api = ModelApi::Anthropic;
    let mut tool = defined(api, entry.wire_for(api), render(&metadata, fits), schema);
    if let Some(tool) = tool.as_object_mut().filter(|_| !examples.is_empty()) {
        tool.insert("input_examples".to_owned(), examples.into());
    }
    tool
}

fn described(name: &str, description: String) -> Map<String, Value> {
    let mut tool = Map::new();
    tool.insert("name".to_owned(), name.into());
    if !description.is_empty() {
        tool.insert("description".to_owned(), description.into());
    }
    tool
}

#[cfg(test)]
mod tests;
