//! The JSON Schema of a whole `mcp.json`, for editors and for people's own checks.
//!
//! It names the keys that are read here and describes their values; what the
//! `manyhands` sections hold, their types say. Keys of other clients stay
//! allowed, as they are when a file is read.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::config::Settings;

/// Describes a file whose servers have settings `S` each, and which has settings `T` of its own, and `E` of what gives
/// vectors.
///
/// It is stricter than reading is in one point: a server's `type` is given in its usual spellings.
///
/// ```
/// let schema = manyhands_config::json_schema::<serde_json::Value, serde_json::Value, serde_json::Value>();
/// assert!(schema.pointer("/properties/mcpServers").is_some());
/// ```
#[must_use]
pub fn json_schema<S: Settings, T: Settings, E: JsonSchema>() -> Value {
    let mut generator = SchemaGenerator::default();
    let of_server = generator.subschema_for::<S>().to_value();
    let of_file = generator.subschema_for::<T>().to_value();
    let of_embeddings = embeddings(&generator.subschema_for::<E>().to_value());
    let mut definitions = generator.take_definitions(true);
    definitions.values_mut().for_each(close);
    let apart = [("include", include()), ("embeddings", of_embeddings)];
    let of_file = including(of_file, apart, &mut definitions);
    let mut all = Map::from_iter([
        ("servers".to_owned(), servers()),
        ("server".to_owned(), server(&of_server)),
        ("texts".to_owned(), texts()),
        ("input".to_owned(), input()),
    ]);
    all.extend(definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "MCP servers for Manyhands",
        "description": "The mcp.json that MCP clients share. Texts may hold references: ${VAR}, ${env:VAR}, ${VAR:-default}, ${input:id}, ${userHome}, ${workspaceFolder}; and to secrets, as in ${secret:keyring:slack/token}.",
        "type": "object",
        "anyOf": [
            { "required": ["mcpServers"] },
            { "required": ["servers"] },
            { "required": ["manyhands"], "properties": { "manyhands": { "required": ["include"] } } },
        ],
        "properties": {
            "$schema": { "type": "string", "description": "The address of this schema, for editors." },
            "mcpServers": { "$ref": "#/$defs/servers" },
            "servers": { "$ref": "#/$defs/servers", "description": "The name that VS Code has for `mcpServers`." },
            "inputs": {
                "description": "VS Code's inputs. Nobody is asked: the value comes from MANYHANDS_INPUT_<ID>, or is the default.",
                "type": "array",
                "items": { "$ref": "#/$defs/input" },
            },
            "manyhands": of_file,
        },
        "$defs": all,
    })
}

/// The settings of a file with those among them that are read apart.
fn including(
    mut of_file: Value,
    apart: [(&str, Value); 2],
    definitions: &mut Map<String, Value>,
) -> Value {
    let name = of_file.get("$ref").and_then(Value::as_str);
    let name = name
        .and_then(|it| it.strip_prefix("#/$defs/"))
        .map(str::to_owned);
    let settings = match name {
        Some(name) => definitions.get_mut(&name),
        None => Some(&mut of_file),
    };
    let properties = settings.and_then(|it| it.get_mut("properties")?.as_object_mut());
    if let Some(properties) = properties {
        properties.extend(apart.map(|(key, schema)| (key.to_owned(), schema)));
    }
    of_file
}

fn embeddings(settings: &Value) -> Value {
    json!({
        "description": "The endpoint by which tools are found by their meaning too. It is sent names and descriptions of tools, and the texts that tools are searched by. Default: none, so that tools are found by their words.",
        "anyOf": [settings],
    })
}

fn include() -> Value {
    let path = json!({ "type": "string", "description": "A file, a folder of .json and .jsonc files, or a pattern such as team/*.json." });
    let item = json!({
        "anyOf": [
            path,
            {
                "type": "object",
                "required": ["path"],
                "properties": {
                    "path": path,
                    "owner": { "type": "string", "description": "Whose file it is, to be shown." },
                },
            },
        ],
    });
    json!({
        "description": "Other files whose servers count as well. Of servers with the same name, the one in this file counts, then the first. Default: none.",
        "anyOf": [item, { "type": "array", "items": item }],
    })
}

fn servers() -> Value {
    json!({
        "description": "The servers, each under its name. A name that fits [A-Za-z][A-Za-z0-9_-]{0,31} without `__` is used as it stands.",
        "type": "object",
        "additionalProperties": { "$ref": "#/$defs/server" },
    })
}

fn server(settings: &Value) -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let flag = |description: &str| json!({ "type": "boolean", "description": description });
    let texts = |description: &str| json!({ "$ref": "#/$defs/texts", "description": description });
    let kind = |description: &str| {
        let known = ["stdio", "http", "streamable-http", "streamableHttp", "sse"];
        json!({ "enum": known, "description": description })
    };
    json!({
        "description": "One server: a program to start, or an address to call.",
        "type": "object",
        "anyOf": [
            { "required": ["command"] },
            { "required": ["url"] },
            { "required": ["serverUrl"] },
            { "required": ["httpUrl"] },
        ],
        "properties": {
            "type": kind("Which kind of server it is. Default: what `command` or `url` says."),
            "transport": kind("Another name for `type`."),
            "disabled": flag("Whether the server is switched off. Default: false."),
            "enabled": flag("The opposite of `disabled`. Default: true."),
            "command": text("The program to start; its arguments stand in `args`."),
            "args": {
                "description": "The program's arguments. Default: none.",
                "type": "array",
                "items": { "type": "string" },
            },
            "env": texts("Variables for the program. null takes away what `envFile` gives."),
            "envFile": text("A file of NAME=value lines, read before `env`, which wins."),
            "cwd": text("The folder that the program starts in."),
            "url": text("The address of a server that speaks HTTP, in full; or of a Unix socket, as in unix:///run/mcp.sock."),
            "serverUrl": text("Another name for `url`."),
            "httpUrl": text("Another name for `url`, which goes before it."),
            "headers": texts("HTTP headers to send along."),
            "manyhands": settings,
        },
    })
}

fn texts() -> Value {
    json!({
        "type": "object",
        "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
    })
}

fn input() -> Value {
    json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": { "type": "string" },
            "description": { "type": "string" },
            "default": { "type": "string" },
        },
    })
}

/// Says of a settings object that other keys are errors, as they are when a file is read.
///
/// An object that is put together from several schemas is left open: each of them would refuse the others' keys.
fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let is_combined = ["$ref", "allOf", "anyOf", "oneOf"]
        .iter()
        .any(|key| object.contains_key(*key));
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(close);
        if !is_combined {
            object.entry("additionalProperties").or_insert(json!(false));
        }
    }
}

#[cfg(test)]
mod tests;
