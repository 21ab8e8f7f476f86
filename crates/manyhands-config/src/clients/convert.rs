//! What all conversions share: entries put together key by key, and a word on whatever gets lost.

use serde_json::{Map, Value, json};

use super::Found;
use crate::document::shown;
use crate::keys::{COMMON, HTTP, STDIO};
use crate::literal::has_text;

/// An entry of ours that grows while another client's is read.
#[derive(Default)]
pub(super) struct Growing {
    entry: Map<String, Value>,
    ours: Map<String, Value>,
    oauth: Map<String, Value>,
    pub(super) notes: Vec<String>,
    pub(super) wanted: Vec<String>,
}

impl Growing {
    /// Writes a key of the entry, unless the value says nothing.
    pub(super) fn put(&mut self, key: &str, value: &Value) {
        put(&mut self.entry, key, value);
    }

    /// Writes a key of the `manyhands` object.
    pub(super) fn ours(&mut self, key: &str, value: &Value) {
        put(&mut self.ours, key, value);
    }

    /// Writes a key of the `oauth` object.
    pub(super) fn oauth(&mut self, key: &str, value: &Value) {
        put(&mut self.oauth, key, value);
    }

    /// Writes a text of one of the objects, such as `env`.
    pub(super) fn text(&mut self, object: &str, name: &str, value: &Value) {
        let texts = self.entry.entry(object).or_insert_with(|| json!({}));
        if let Some(texts) = texts.as_object_mut() {
            texts.insert(name.to_owned(), value.clone());
        }
    }

    /// Writes a text that a variable of ours has to give.
    pub(super) fn variable(&mut self, object: &str, name: &str, before: &str, variable: &str) {
        self.text(object, name, &format!("{before}${{{variable}}}").into());
        // What is no variable's name stays a stranger's reference, and is looked at as one.
        if variable
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            self.wanted.push(variable.to_owned());
        }
    }

    /// A number of seconds as one of our durations.
    pub(super) fn seconds(&mut self, key: &str, value: &Value) {
        let millis = value.as_f64().map(|seconds| seconds * 1_000.0);
        let Some(millis) = millis.filter(|it| it.is_finite() && *it >= 1.0 && *it < 1e12) else {
            return;
        };
        let text = if millis % 1_000.0 == 0.0 {
            format!("{:.0}s", millis / 1_000.0)
        } else {
            format!("{millis:.0}ms")
        };
        self.ours(key, &text.into());
    }

    /// Switches the server off where `enabled` is false.
    pub(super) fn enabled(&mut self, value: &Value) {
        if value == &Value::Bool(false) {
            self.put("disabled", &true.into());
        }
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    /// Says that a key means nothing here.
    pub(super) fn lost(&mut self, key: &str) {
        let effect = match key {
            "enabled_tools" | "disabled_tools" | "available_tools" | "disabledTools"
            | "enabledTools" | "allowedTools" | "includeTools" | "excludeTools" | "tools" => {
                ": it hides no tool here"
            }
            "autoApprove" | "alwaysAllow" | "default_tools_approval_mode" | "trust" => {
                ": it permits nothing here"
            }
            _ => "",
        };
        self.note(format!("`{}` is not taken over{effect}", shown(key)));
    }

    /// The server, once everything is known.
    pub(super) fn found(mut self, name: &str) -> Found {
        if !self.oauth.is_empty() {
            self.ours.insert("oauth".to_owned(), self.oauth.into());
        }
        if !self.ours.is_empty() {
            self.entry.insert("manyhands".to_owned(), self.ours.into());
        }
        self.wanted.sort();
        self.wanted.dedup();
        Found {
            name: name.to_owned(),
            entry: Ok(Value::Object(self.entry)),
            notes: self.notes,
            wanted: self.wanted,
        }
    }
}

fn put(object: &mut Map<String, Value>, key: &str, value: &Value) {
    let says_nothing = match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if !says_nothing {
        object.insert(key.to_owned(), value.clone());
    }
}

/// Whether a key of an entry means the same here.
pub(super) fn is_shared(key: &str) -> bool {
    COMMON.contains(&key) || STDIO.contains(&key) || HTTP.contains(&key)
}

/// A note where a text has what is a reference here, and was none for a client that fills nothing in.
pub(super) fn note_references(growing: &mut Growing, entry: &Value) {
    if has_text(entry, "${") {
        growing.note("it has `${..}`, which is filled in here and was not there");
    }
}

/// Changes every text inside a value.
pub(super) fn each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| each_text(member, change)),
        _ => {}
    }
}
