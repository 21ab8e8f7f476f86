//! Zed: `settings.json`, with an object `context_servers`.

use serde_json::Value;

use super::Found;
use super::convert::{Growing, note_references};
use super::json::parsed;
use crate::edit::EditError;

pub(super) fn read(label: &str, text: &str) -> Result<Vec<Found>, EditError> {
    let root = parsed(label, text)?;
    let servers = root.get("context_servers").and_then(Value::as_object);
    let servers = servers.into_iter().flatten();
    Ok(servers.map(|(name, entry)| server(name, entry)).collect())
}

fn server(name: &str, entry: &Value) -> Found {
    let Some(members) = entry.as_object() else {
        return Found::refused(name, "its entry is no object");
    };
    if !members.contains_key("command") && !members.contains_key("url") {
        return Found::refused(
            name,
            "it is an extension of Zed, and Zed alone knows how to start it",
        );
    }
    let mut growing = Growing::default();
    note_references(&mut growing, entry);
    for (key, value) in members {
        match (key.as_str(), value) {
            // As it was written until 2025.
            ("command", Value::Object(command)) => {
                growing.put("command", command.get("path").unwrap_or(&Value::Null));
                for key in ["args", "env"] {
                    growing.put(key, command.get(key).unwrap_or(&Value::Null));
                }
            }
            ("command" | "args" | "env" | "url" | "headers", _) => growing.put(key, value),
            ("enabled", _) => growing.enabled(value),
            ("timeout", _) => growing.seconds("timeout", value),
            ("source" | "remote", _) => {}
            (other, _) => growing.lost(other),
        }
    }
    growing.found(name)
}
