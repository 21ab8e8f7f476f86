//! Claude Desktop, Claude Code, Cursor and VS Code, whose entries are like ours, and differ in what stands around them.

use std::path::Path;

use manyhands_core::assign_ids;
use serde_json::{Map, Value};

use super::convert::{Growing, each_text, is_shared, note_references};
use super::{Client, Found};
use crate::document::{Document, shown};
use crate::edit::{EditError, to_json};
use crate::error::ConfigError;

/// Reads all lists of servers that the file has.
pub(super) fn read(
    client: Client,
    label: &str,
    text: &str,
    folder: &Path,
) -> Result<Vec<Found>, EditError> {
    let root = parsed(label, text)?;
    let inputs = root.get("inputs").and_then(Value::as_array);
    let inputs = inputs.map(Vec::as_slice).unwrap_or_default();
    let mut found = Vec::new();
    let mut take = |list: Option<&Value>, folder: &Path, note: Option<String>| {
        for (name, entry) in list.and_then(Value::as_object).into_iter().flatten() {
            let mut server = server(client, name, entry, inputs, folder);
            server.notes.extend(note.clone());
            found.push(server);
        }
    };
    // Of Claude Code's, those of this project come first: there too they win over the user's.
    let projects = root.get("projects").and_then(Value::as_object);
    let this = projects.and_then(|it| it.get(folder.to_str()?));
    take(this.and_then(|it| it.get("mcpServers")), folder, None);
    for list in ["mcpServers", "servers"] {
        take(root.get(list), folder, None);
    }
    for (path, project) in projects.into_iter().flatten() {
        if Path::new(path) != folder {
            let note = format!("it was for the project {} alone", shown(path));
            take(project.get("mcpServers"), Path::new(path), Some(note));
        }
    }
    Ok(found)
}

/// Parses JSON with comments.
pub(super) fn parsed(label: &str, text: &str) -> Result<Value, EditError> {
    let document = Document::parse(text).map_err(|fault| ConfigError::new(label, fault))?;
    Ok(to_json(&document.root))
}

fn server(client: Client, name: &str, entry: &Value, inputs: &[Value], folder: &Path) -> Found {
    let Some(members) = entry.as_object() else {
        return Found::refused(name, "its entry is no object");
    };
    let mut growing = Growing::default();
    for (key, value) in members {
        match key.as_str() {
            "oauth" | "auth" if value.is_object() => oauth(&mut growing, value),
            "manyhands" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    growing.ours(key, value);
                }
            }
            key if is_shared(key) => growing.put(key, &placed(value, folder)),
            key => growing.lost(key),
        }
    }
    match client {
        Client::ClaudeDesktop => note_references(&mut growing, entry),
        Client::VsCode => {
            let mut found = growing.found(name);
            ask_for_inputs(&mut found, inputs);
            return found;
        }
        _ => {}
    }
    growing.found(name)
}

/// What means a place in the project, as a place anywhere.
fn placed(value: &Value, folder: &Path) -> Value {
    let mut value = value.clone();
    if let Some(folder) = folder.to_str() {
        each_text(&mut value, &mut |text| {
            *text = text.replace("${workspaceFolder}", folder);
        });
    }
    value
}

/// Reads what Claude Code, Cursor, VS Code and Gemini say of a login.
fn oauth(growing: &mut Growing, hints: &Value) {
    for (key, value) in hints.as_object().into_iter().flatten() {
        match key.as_str() {
            "clientId" | "CLIENT_ID" | "client_id" => growing.oauth("clientId", value),
            "clientSecret" | "CLIENT_SECRET" | "client_secret" => {
                growing.oauth("clientSecret", value);
            }
            "scopes" | "scope" => {
                // Claude Code has one text with spaces in it.
                let words = value.as_str().map(|text| text.split_whitespace().collect());
                growing.oauth("scopes", &words.unwrap_or_else(|| value.clone()));
            }
            "redirectUri" => growing.oauth("redirectUri", value),
            "callbackPort" => {
                if let Some(port) = value.as_u64() {
                    let uri = format!("http://localhost:{port}/callback");
                    growing.oauth("redirectUri", &uri.into());
                }
            }
            "enabled" => {}
            other => growing.lost(&format!("oauth.{other}")),
        }
    }
}

/// Puts variables and secrets in the place of what VS Code would ask a person for.
fn ask_for_inputs(found: &mut Found, inputs: &[Value]) {
    let ids = assign_ids([found.name.as_str()]);
    let Some(server) = ids.first() else { return };
    let Ok(entry) = &mut found.entry else { return };
    let by_id = |id: &str| {
        let mut inputs = inputs.iter().filter_map(Value::as_object);
        inputs.find(|input| input.get("id").and_then(Value::as_str) == Some(id))
    };
    let mut wanted = Vec::new();
    each_text(entry, &mut |text| {
        let mut filled = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${input:") {
            let Some((id, after)) = after.split_once('}') else {
                break;
            };
            filled.push_str(before);
            let reference = reference(server.as_str(), id, by_id(id));
            filled.push_str(&format!("${{{reference}}}"));
            if !reference.contains(":-") {
                wanted.push(reference);
            }
            rest = after;
        }
        filled.push_str(rest);
        *text = filled;
    });
    wanted.sort();
    wanted.dedup();
    found.wanted.extend(wanted);
}

fn reference(server: &str, id: &str, input: Option<&Map<String, Value>>) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let variable: String = id.chars().map(fit).collect();
    let text = |key: &str| input.and_then(|it| it.get(key)).and_then(Value::as_str);
    let is_secret = input.is_some_and(|it| it.get("password") == Some(&Value::Bool(true)));
    match text("default") {
        _ if is_secret => format!("secret:keyring:{server}/{variable}"),
        Some(default) if !default.contains(['}', '$']) => {
            format!("{}:-{default}", variable.to_ascii_uppercase())
        }
        _ => variable.to_ascii_uppercase(),
    }
}
