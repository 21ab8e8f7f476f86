//! One tool as it was approved: a hash of what models and callers rely on, and the definition itself, to show what changed.
//!
//! It knows no file.

use std::sync::Arc;

use manyhands_core::model::Tool;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::canonical::canonical;
use crate::metadata::read_of_meta;

/// The longest definition that is kept, as canonical JSON in bytes, and how deep it may be. The longest of 1,167 real ones
/// has under 14,000.
const MAX_DEFINITION: usize = 64 * 1024;
const MAX_DEPTH: usize = 64;

/// What a tool was when it was approved.
#[derive(Debug, Clone, Serialize)]
pub struct Pin {
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Arc<Value>>,
    /// How long the definition that is kept is as text.
    #[serde(skip)]
    size: usize,
}

impl Pin {
    /// Pins a tool as it is: its name, title, description, schemas and annotations, and of its `_meta` what reaches models,
    /// which are tags and examples.
    ///
    /// The rest of `_meta` is left out, since servers put versions and times there, and icons are, since they are for people's
    /// eyes and often at an address that changes: a pin that changes by itself is soon approved unread.
    #[must_use]
    pub fn new(tool: &Tool) -> Self {
        let definition = relied_on(tool);
        let text = canonical(&definition);
        let kept = text.len() <= MAX_DEFINITION && is_shallow(&definition, MAX_DEPTH);
        Self {
            sha256: sha256(&text),
            size: if kept { text.len() } else { 0 },
            definition: kept.then(|| Arc::new(definition)),
        }
    }

    /// The SHA-256 of the canonical form, in lowercase hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How much it takes as text, in bytes: the definition and the hash.
    pub(super) fn size(&self) -> usize {
        self.size + self.sha256.len()
    }

    /// What was pinned; none where it is too long to be kept.
    #[must_use]
    pub fn definition(&self) -> Option<&Value> {
        self.definition.as_deref()
    }
}

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        // The hash is that of the definition, in which 1 and 1.0 are the same.
        self.sha256 == other.sha256 && self.definition.is_some() == other.definition.is_some()
    }
}

impl Eq for Pin {}

fn relied_on(tool: &Tool) -> Value {
    let mut fields = Map::new();
    // What cannot be written as JSON cannot have come in either.
    let Ok(Value::Object(mut all)) = serde_json::to_value(tool) else {
        return Value::Null;
    };
    for key in [
        "name",
        "title",
        "description",
        "inputSchema",
        "outputSchema",
        "annotations",
    ] {
        // Nothing and null are the same to whoever reads a definition.
        if let Some(value) = all.remove(key).filter(|it| !it.is_null()) {
            fields.insert(key.to_owned(), value);
        }
    }
    let meta = read_of_meta(tool);
    if !meta.is_empty() {
        fields.insert("_meta".to_owned(), Value::Object(meta));
    }
    Value::Object(fields)
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_shallow(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Array(items) => items.iter().all(|it| is_shallow(it, left)),
        Value::Object(fields) => fields.values().all(|it| is_shallow(it, left)),
        _ => true,
    }
}

/// A pin as it is written. That the hash is that of the definition is checked, for else a change would be shown that is none.
#[derive(Deserialize)]
struct Written {
    sha256: String,
    definition: Option<Value>,
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written {
            sha256: hash,
            definition,
        } = Written::deserialize(deserializer)?;
        let is_hash = hash.len() == 64
            && hash
                .bytes()
                .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hash {
            return Err(serde::de::Error::custom(
                "`sha256` is not 64 lowercase hexadecimal digits",
            ));
        }
        let text = definition.as_ref().map(canonical);
        if text.as_ref().is_some_and(|it| sha256(it) != hash) {
            return Err(serde::de::Error::custom(
                "`sha256` is not that of `definition`",
            ));
        }
        Ok(Self {
            sha256: hash,
            size: text.map_or(0, |it| it.len()),
            definition: definition.map(Arc::new),
        })
    }
}
