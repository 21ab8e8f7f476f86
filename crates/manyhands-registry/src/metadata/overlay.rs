//! What the configuration says of tools, in place of their servers or beside them. It must not know where it is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the configuration says of one tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ToolOverlay {
    /// What people see as its name. Default: what the server says.
    pub title: Option<String>,
    /// What it does, as models read it. Default: what the server says.
    pub description: Option<String>,
    /// When a model should choose it, as a sentence. Default: none.
    pub when_to_use: Option<String>,
    /// What it is about; the server's tags are kept beside these. Default: none.
    pub tags: Vec<String>,
    /// Objects of arguments that make sense. Default: what the server says.
    pub examples: Vec<Map<String, Value>>,
    /// What it returns, as it follows "Returns". Default: the outline of its output schema.
    pub returns: Option<String>,
    /// Whether it is neither listed nor called. Default: false.
    pub hidden: bool,
    /// What a call costs. Default: unknown.
    pub cost: Option<Cost>,
}

/// What a call costs, in money or otherwise, beside other tools.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cost {
    /// Less than others.
    Low,
    /// As others.
    Medium,
    /// More than others: a model is told so.
    High,
}

/// What the configuration says of the tools of one server, by their names on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlays {
    tags: Vec<String>,
    tools: BTreeMap<String, Arc<ToolOverlay>>,
    /// What holds for tools that are not named.
    others: Option<Arc<ToolOverlay>>,
}

impl Overlays {
    /// Adds tags to every tool of the server.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = String>) -> Self {
        self.tags = tags.into_iter().collect();
        for overlay in self.tools.values_mut() {
            Arc::make_mut(overlay).tags.extend_from_slice(&self.tags);
        }
        let others = ToolOverlay {
            tags: self.tags.clone(),
            ..ToolOverlay::default()
        };
        self.others = (!self.tags.is_empty()).then(|| Arc::new(others));
        self
    }

    /// Says something of one tool.
    #[must_use]
    pub fn with_tool(mut self, name: impl Into<String>, mut overlay: ToolOverlay) -> Self {
        overlay.tags.extend_from_slice(&self.tags);
        self.tools.insert(name.into(), Arc::new(overlay));
        self
    }

    /// What is said of a tool.
    pub(crate) fn of(&self, tool: &str) -> Option<&Arc<ToolOverlay>> {
        self.tools.get(tool).or(self.others.as_ref())
    }

    /// The tools that are named.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }
}
