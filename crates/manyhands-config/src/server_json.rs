//! A `server.json` of the MCP registry, as an entry of ours.
//!
//! The form is that of the schemas of 2025, with the names in camel case, or with underscores as at first. Nothing is
//! fetched: packages are named to the program that runs them.

mod arguments;
mod package;

use serde_json::{Map, Value};

use crate::document::{Document, shown};
use crate::edit::to_json;
use crate::literal::has_text;

/// A server as its author describes it, made an entry.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Described {
    /// The entry.
    pub entry: Value,
    /// What has to be given yet, each with its description, as the references in the entry name it.
    pub wanted: Vec<(String, String)>,
    /// What was chosen among several, and what was not.
    pub notes: Vec<String>,
}

/// Makes an entry of a `server.json`; `name` is what the server is called here, and secrets are looked for under it.
///
/// A server that runs somewhere already is preferred. `package` takes one of its packages instead: the first of that
/// registry type, or the first of all where it is empty.
///
/// # Errors
/// What is wrong, in words.
pub fn describe(text: &str, name: &str, package: Option<&str>) -> Result<Described, String> {
    let document = Document::parse(text).map_err(|_| "it is no JSON".to_owned())?;
    let root = to_json(&document.root);
    // The registry's API has it inside an object `server`.
    let server = root.get("server").filter(|it| it.is_object());
    let server = server.unwrap_or(&root);
    // A stranger's text must not read our variables or secrets, nor send them anywhere.
    if has_text(server, "${") {
        return Err("it holds `${`, which would be filled in here".to_owned());
    }
    let list = |key: &str| {
        let list = server.get(key).and_then(Value::as_array);
        list.map(Vec::as_slice).unwrap_or_default()
    };
    let (remotes, packages) = (list("remotes"), list("packages"));
    let mut growing = Growing::of(name);
    match (package, remotes, packages) {
        (None, [_, ..], _) => {
            remote(&mut growing, remotes)?;
            if !packages.is_empty() {
                growing.note("it has packages too; `--package` takes one of them");
            }
        }
        (_, _, [_, ..]) => package::take(&mut growing, packages, package.unwrap_or_default())?,
        (Some(_), _, []) => return Err("it has no packages".to_owned()),
        (None, [], []) => return Err("it has neither `packages` nor `remotes`".to_owned()),
    }
    Ok(growing.finish())
}

/// Takes the remote that is best: streamable HTTP before the transport of 2024-11-05.
fn remote(growing: &mut Growing, remotes: &[Value]) -> Result<(), String> {
    let kind = |remote: &Value| text(remote, "type").or_else(|| text(remote, "transportType"));
    let streamable = remotes
        .iter()
        .find(|it| kind(it).as_deref() == Some("streamable-http"));
    let sse = remotes.iter().find(|it| kind(it).as_deref() == Some("sse"));
    let (remote, ours) = match (streamable, sse) {
        (Some(remote), _) => (remote, "http"),
        (None, Some(remote)) => (remote, "sse"),
        (None, None) => return Err("no remote of it is of a type that is known".to_owned()),
    };
    address(growing, remote, ours)
}

/// Writes the address of a transport over HTTP.
fn address(growing: &mut Growing, transport: &Value, kind: &str) -> Result<(), String> {
    let url = text(transport, "url").ok_or("a remote of it has no `url`")?;
    let url = arguments::filled(growing, &url, get(transport, "variables"));
    growing.put("type", kind.into());
    growing.put("url", url.into());
    let headers = get(transport, "headers").and_then(Value::as_array);
    for header in headers.into_iter().flatten() {
        arguments::pair(growing, "headers", header);
    }
    Ok(())
}

/// An entry that grows.
struct Growing {
    server: String,
    entry: Map<String, Value>,
    wanted: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Growing {
    fn of(name: &str) -> Self {
        let ids = manyhands_core::assign_ids([name]);
        Self {
            server: ids.first().map_or_else(String::new, ToString::to_string),
            entry: Map::new(),
            wanted: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn put(&mut self, key: &str, value: Value) {
        self.entry.insert(key.to_owned(), value);
    }

    fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    /// A reference to something that has to be given.
    fn want(&mut self, name: &str, is_secret: bool, description: &str) -> String {
        let fit = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let variable: String = name.trim_start_matches('-').chars().map(fit).collect();
        let reference = if is_secret {
            format!("secret:keyring:{}/{variable}", self.server)
        } else {
            variable.to_ascii_uppercase()
        };
        if self.wanted.iter().all(|(known, _)| *known != reference) {
            self.wanted.push((reference.clone(), shown(description)));
        }
        format!("${{{reference}}}")
    }

    fn finish(mut self) -> Described {
        // As people write it: what it is before what it is given.
        let mut entry = Map::new();
        for key in ["type", "url", "command", "args", "env", "headers"] {
            if let Some(value) = self.entry.remove(key) {
                entry.insert(key.to_owned(), value);
            }
        }
        Described {
            entry: Value::Object(entry),
            wanted: self.wanted,
            notes: self.notes,
        }
    }
}

/// The value of a key in camel case, or as the first schemas had it: `registryType` or `registry_type`.
fn get<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    let underscored: String = key
        .chars()
        .flat_map(|c| {
            let before = c.is_ascii_uppercase().then_some('_');
            before.into_iter().chain([c.to_ascii_lowercase()])
        })
        .collect();
    object.get(key).or_else(|| object.get(&underscored))
}

fn text(object: &Value, key: &str) -> Option<String> {
    get(object, key).and_then(Value::as_str).map(str::to_owned)
}

fn flag(object: &Value, key: &str) -> bool {
    get(object, key) == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests;
