//! What one server offers, in its own names and order.

use std::sync::Arc;

use serde_json::Value;

use crate::call::{CapabilityKind, ListKind};
use crate::model;
use crate::text::clip;

/// The longest name and version that are kept of a server, in bytes.
const MAX_NAME: usize = 256;
/// The longest instructions that are kept, in bytes.
const MAX_INSTRUCTIONS: usize = 64 * 1024;

/// Everything that one server said it offers, at one moment.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Inventory {
    /// Its tools.
    pub tools: Vec<Arc<model::Tool>>,
    /// Its prompts.
    pub prompts: Vec<Arc<model::Prompt>>,
    /// Its resources.
    pub resources: Vec<Arc<model::Resource>>,
    /// Its resource templates.
    pub templates: Vec<Arc<model::ResourceTemplate>>,
    /// What was left out, and why; what else is odd.
    pub notices: Vec<Notice>,
}

/// Something worth saying about a server that works all the same, e.g. a tool that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    text: String,
    about: Option<ListKind>,
    left_out: Option<String>,
}

impl Notice {
    /// Keeps a sentence for people; texts from servers inside it must have gone through [`Printable`](crate::Printable).
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            text,
            about: None,
            left_out: None,
        }
    }

    /// Says which list it is about.
    #[must_use]
    pub fn with_list(mut self, list: ListKind) -> Self {
        self.about = Some(list);
        self
    }

    /// Says that it tells why what the server calls `name` was left out.
    #[must_use]
    pub fn with_left_out(mut self, name: impl Into<String>) -> Self {
        self.left_out = Some(name.into());
        self
    }

    /// What was left out, by the server's own name for it.
    #[must_use]
    pub fn left_out(&self) -> Option<&str> {
        self.left_out.as_deref()
    }

    /// Which list it is about; none where that is the server as a whole.
    #[must_use]
    pub fn list(&self) -> Option<ListKind> {
        self.about
    }

    /// The sentence.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// How a server introduced itself. All of it is the server's own word.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The protocol version agreed on, such as `2025-11-25`.
    pub protocol: String,
    /// The implementation's name; may be empty.
    pub name: String,
    /// The implementation's version; may be empty.
    pub version: String,
    /// What it tells a model about its use.
    pub instructions: Option<String>,
    /// The kinds of capability it says it has.
    pub offers: Vec<CapabilityKind>,
}

impl ServerInfo {
    /// Reads what a server answered to `initialize` or `server/discover`, however odd it is.
    #[must_use]
    pub fn read(protocol: &str, result: &Value) -> Self {
        // Since 2026-07-28 a server's name goes with the metadata of any result.
        let about = result.get("serverInfo").or_else(|| {
            result
                .get("_meta")?
                .get("io.modelcontextprotocol/serverInfo")
        });
        let about = |field| {
            let text = about
                .and_then(|about| about.get(field))
                .and_then(Value::as_str);
            clip(text.unwrap_or_default(), MAX_NAME).into_owned()
        };
        let instructions = result.get("instructions").and_then(Value::as_str);
        let offers = |name| {
            let capability = result.get("capabilities").and_then(|all| all.get(name));
            !matches!(capability, None | Some(Value::Null | Value::Bool(false)))
        };
        Self {
            protocol: protocol.to_owned(),
            name: about("name"),
            version: about("version"),
            instructions: instructions.map(|text| clip(text, MAX_INSTRUCTIONS).into_owned()),
            offers: [
                (CapabilityKind::Tool, offers("tools")),
                (CapabilityKind::Prompt, offers("prompts")),
                (CapabilityKind::Resource, offers("resources")),
            ]
            .into_iter()
            .filter_map(|(kind, offered)| offered.then_some(kind))
            .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_odd_introduction_is_read_as_far_as_it_goes() {
        let odd = json!({
            "capabilities": {"tools": true, "prompts": {}, "resources": null},
            "serverInfo": {"name": 5, "version": ""},
            "instructions": "x".repeat(MAX_INSTRUCTIONS * 2),
        });
        let info = ServerInfo::read("2025-11-25", &odd);
        assert_eq!(info.offers, [CapabilityKind::Tool, CapabilityKind::Prompt]);
        assert_eq!((info.name.as_str(), info.version.as_str()), ("", ""));
        assert!(info.instructions.unwrap().len() <= MAX_INSTRUCTIONS);
        let named =
            json!({"_meta": {"io.modelcontextprotocol/serverInfo": {"name": "n", "version": "2"}}});
        assert_eq!(ServerInfo::read("2026-07-28", &named).name, "n");
        assert_eq!(ServerInfo::read("x", &json!([])).offers, []);
    }
}
