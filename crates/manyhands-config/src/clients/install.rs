//! One entry of ours in another client's file.

use serde_json::{Value, json};
use toml_edit::{Array, Item, Table, value};

use super::{Client, codex};
use crate::edit::{Draft, EditError};

/// The name of our entry.
const NAME: &str = "manyhands";

/// The text of a client's file with an entry that starts `command` with `args`; everything else stays as it is. None where
/// the client cannot be served.
///
/// # Errors
/// [`EditError`] when the text cannot be changed safely.
pub fn installed(
    client: Client,
    label: &str,
    text: &str,
    command: &str,
    args: &[String],
) -> Result<Option<String>, EditError> {
    let lists: &'static [&'static str] = match client {
        Client::ClaudeDesktop | Client::ClaudeCode | Client::Cursor => &["mcpServers"],
        Client::VsCode => &["servers"],
        Client::Codex => return in_toml(label, text, command, args).map(Some),
        Client::Goose | Client::Zed => return Ok(None),
    };
    let mut entry = json!({"command": command, "args": args});
    if let (Client::VsCode | Client::ClaudeCode, Some(entry)) = (client, entry.as_object_mut()) {
        entry.insert("type".to_owned(), "stdio".into());
    }
    let mut draft = Draft::parse(label, text, lists)?;
    if draft.entry(NAME).as_ref() == Some(&entry) {
        return Ok(Some(text.to_owned()));
    }
    draft.set(NAME, &entry)?;
    Ok(Some(draft.text()))
}

fn in_toml(label: &str, text: &str, command: &str, args: &[String]) -> Result<String, EditError> {
    let unsuitable = |what: &str| EditError::unsuitable(label, what, "make it by hand");
    let mut document = codex::parsed(label, text)?;
    let before = codex::to_json(document.as_item());
    let entry = json!({"command": command, "args": args});
    if before.pointer("/mcp_servers/manyhands") == Some(&entry) {
        return Ok(text.to_owned());
    }
    let servers = document.entry("mcp_servers").or_insert_with(|| {
        let mut table = Table::new();
        // Only its tables are written, and no line for itself.
        table.set_implicit(true);
        Item::Table(table)
    });
    let servers = servers
        .as_table_like_mut()
        .ok_or_else(|| unsuitable("`mcp_servers` is no table"))?;
    let mut ours = Table::new();
    ours.insert("command", value(command));
    ours.insert("args", value(args.iter().collect::<Array>()));
    servers.insert(NAME, Item::Table(ours));
    let text = document.to_string();
    let after = codex::to_json(codex::parsed(label, &text)?.as_item());
    if is_only_change(&before, &after, &entry) {
        Ok(text)
    } else {
        Err(unsuitable("the change would alter more than this entry"))
    }
}

/// Whether `after` is `before` with our entry in it.
fn is_only_change(before: &Value, after: &Value, entry: &Value) -> bool {
    let without = |value: &Value| {
        let mut value = value.clone();
        let servers = value.get_mut("mcp_servers").and_then(Value::as_object_mut);
        if let Some(servers) = servers {
            servers.shift_remove(NAME);
            if servers.is_empty()
                && let Some(top) = value.as_object_mut()
            {
                top.shift_remove("mcp_servers");
            }
        }
        value
    };
    after.pointer("/mcp_servers/manyhands") == Some(entry) && without(before) == without(after)
}
