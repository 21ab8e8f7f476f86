//! goose: `config.yaml`, with a mapping `extensions`.

use serde_json::Value;

use super::convert::{Growing, note_references};
use super::{Found, yaml};
use crate::document::shown;
use crate::edit::EditError;

pub(super) fn read(label: &str, text: &str) -> Result<Vec<Found>, EditError> {
    let root = parsed(label, text)?;
    let extensions = root.get("extensions").and_then(Value::as_object);
    let extensions = extensions.into_iter().flatten();
    Ok(extensions
        .map(|(name, entry)| server(name, entry))
        .collect())
}

/// Parses YAML.
pub(super) fn parsed(label: &str, text: &str) -> Result<Value, EditError> {
    yaml::parse(text).map_err(|(line, what)| EditError::broken(label, line, what))
}

fn server(name: &str, entry: &Value) -> Found {
    let Some(outer) = entry.as_object() else {
        return Found::refused(name, "its entry is no mapping");
    };
    // Some versions have the settings one level deeper, beside `enabled`.
    let inner = outer
        .get("config")
        .and_then(Value::as_object)
        .unwrap_or(outer);
    let kind = inner
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match kind {
        "stdio" | "sse" | "streamable_http" => {}
        "builtin" | "platform" | "frontend" | "inline_python" => {
            return Found::refused(
                name,
                format!("it is part of goose ({kind}), and goose alone can start it"),
            );
        }
        other => return Found::refused(name, format!("its type `{}` is not known", shown(other))),
    }
    let mut growing = Growing::default();
    note_references(&mut growing, entry);
    growing.enabled(outer.get("enabled").unwrap_or(&Value::Null));
    if kind == "sse" {
        growing.put("type", &"sse".into());
    }
    for (key, value) in inner {
        match key.as_str() {
            "cmd" => growing.put("command", value),
            "args" | "headers" => growing.put(key, value),
            "uri" => growing.put("url", value),
            "envs" => {
                for (name, value) in value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|_| kind == "stdio")
                {
                    growing.text("env", name, value);
                }
            }
            "env_keys" if kind == "stdio" => {
                // goose keeps them in its own part of the keyring.
                for name in value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                {
                    growing.variable("env", name, "", name);
                }
            }
            "timeout" => growing.seconds("timeout", value),
            "type" | "name" | "enabled" | "description" | "bundled" | "display_name"
            | "env_keys" | "config" => {}
            _ if value.is_null() || value.as_array().is_some_and(Vec::is_empty) => {}
            other => growing.lost(other),
        }
    }
    growing.found(name)
}
