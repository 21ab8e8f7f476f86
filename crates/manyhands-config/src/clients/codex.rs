//! Codex: `config.toml`, with a table `mcp_servers`.

use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::Found;
use super::convert::{Growing, note_references};
use crate::edit::EditError;

pub(super) fn read(label: &str, text: &str) -> Result<Vec<Found>, EditError> {
    let document = parsed(label, text)?;
    let servers = document.get("mcp_servers").and_then(Item::as_table_like);
    let servers = servers.into_iter().flat_map(TableLike::iter);
    Ok(servers
        .map(|(name, item)| server(name, &to_json(item)))
        .collect())
}

/// Parses TOML. The parser's own words on an error would show the line, which may have a secret in it.
pub(super) fn parsed(label: &str, text: &str) -> Result<DocumentMut, EditError> {
    text.parse::<DocumentMut>().map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        EditError::broken(label, line, "this is no TOML")
    })
}

/// The value of an item; a date is a text.
pub(super) fn to_json(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => value_to_json(value),
        Item::Table(table) => table_to_json(table),
        Item::ArrayOfTables(tables) => tables.iter().map(table_to_json).collect(),
    }
}

fn table_to_json(table: &Table) -> Value {
    let pairs = table.iter();
    Value::Object(
        pairs
            .map(|(key, item)| (key.to_owned(), to_json(item)))
            .collect(),
    )
}

fn value_to_json(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => text.value().as_str().into(),
        toml_edit::Value::Integer(number) => (*number.value()).into(),
        toml_edit::Value::Float(number) => (*number.value()).into(),
        toml_edit::Value::Boolean(flag) => (*flag.value()).into(),
        toml_edit::Value::Datetime(time) => time.value().to_string().into(),
        toml_edit::Value::Array(items) => items.iter().map(value_to_json).collect(),
        toml_edit::Value::InlineTable(table) => {
            let pairs = table.iter();
            Value::Object(
                pairs
                    .map(|(key, value)| (key.to_owned(), value_to_json(value)))
                    .collect(),
            )
        }
    }
}

fn server(name: &str, entry: &Value) -> Found {
    let Some(members) = entry.as_object() else {
        return Found::refused(name, "its entry is no table");
    };
    let mut growing = Growing::default();
    note_references(&mut growing, entry);
    for (key, value) in members {
        match key.as_str() {
            "command" | "args" | "env" | "cwd" | "url" => growing.put(key, value),
            "http_headers" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    growing.text("headers", name, value);
                }
            }
            "enabled" => growing.enabled(value),
            "required" => growing.ours("required", value),
            "startup_timeout_sec" => growing.seconds("startTimeout", value),
            "startup_timeout_ms" => {
                let seconds = value.as_f64().map(|millis| millis / 1_000.0);
                growing.seconds("startTimeout", &json!(seconds));
            }
            "tool_timeout_sec" => growing.seconds("timeout", value),
            "scopes" => growing.oauth("scopes", value),
            "oauth" => growing.oauth("clientId", value.get("client_id").unwrap_or(&Value::Null)),
            "env_vars" => inherit(&mut growing, value),
            "bearer_token_env_var" | "env_http_headers" | "name" => {}
            other => growing.lost(other),
        }
    }
    from_environment(&mut growing, entry);
    growing.found(name)
}

/// Variables that the child gets as we have them.
fn inherit(growing: &mut Growing, names: &Value) {
    let names = names.as_array().into_iter().flatten();
    let names = names.filter_map(|it| it.as_str().or_else(|| it.get("name")?.as_str()));
    let names: Vec<&str> = names.collect();
    growing.ours("inheritEnv", &json!(names));
}

/// Headers whose values are variables of ours.
fn from_environment(growing: &mut Growing, entry: &Value) {
    let headers = entry.get("env_http_headers").and_then(Value::as_object);
    for (header, variable) in headers.into_iter().flatten() {
        if let Some(variable) = variable.as_str() {
            growing.variable("headers", header, "", variable);
        }
    }
    if let Some(variable) = entry.get("bearer_token_env_var").and_then(Value::as_str) {
        growing.variable("headers", "Authorization", "Bearer ", variable);
    }
}
