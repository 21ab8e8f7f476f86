//! What one server offers, in its own names and order.

use std::sync::Arc;

use crate::call::CapabilityKind;
use crate::model;

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
pub struct Notice(String);

impl Notice {
    /// Keeps a sentence for people; texts from servers inside it must have gone through [`Printable`](crate::Printable).
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The sentence.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
    /// Reads a server's introduction from the protocol's own types.
    #[must_use]
    pub fn new(
        protocol: String,
        implementation: Option<&model::Implementation>,
        capabilities: &model::ServerCapabilities,
        instructions: Option<String>,
    ) -> Self {
        Self {
            protocol,
            name: implementation.map(|i| i.name.clone()).unwrap_or_default(),
            version: implementation
                .map(|i| i.version.clone())
                .unwrap_or_default(),
            instructions,
            offers: [
                (CapabilityKind::Tool, capabilities.tools.is_some()),
                (CapabilityKind::Prompt, capabilities.prompts.is_some()),
                (CapabilityKind::Resource, capabilities.resources.is_some()),
            ]
            .into_iter()
            .filter_map(|(kind, offered)| offered.then_some(kind))
            .collect(),
        }
    }
}
