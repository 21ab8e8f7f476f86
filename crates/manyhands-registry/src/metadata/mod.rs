//! What is known of a tool beside its schemas: the configuration's word merged with the server's, each marked by origin.
//!
//! This module knows neither how the configuration is read nor what is made of what it gathers. What a server says is its
//! word only, and is bounded and cleaned here.

mod overlay;
mod said;

use manyhands_core::model::{Tool, ToolAnnotations};
use serde::Serialize;
use serde_json::{Map, Value};

pub use self::overlay::{Cost, Overlays, ToolOverlay};
pub(crate) use self::said::read_of_meta;

use crate::describe::shape;
use crate::shard::Named;

/// Who says something of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// The configuration: whoever runs this.
    Config,
    /// The server, which may say anything.
    Server,
}

/// Something that is said of a tool, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sourced<T> {
    /// What is said.
    pub value: T,
    /// Who says it.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    fn by_config(value: T) -> Self {
        let origin = Origin::Config;
        Self { value, origin }
    }

    fn by_server(value: T) -> Self {
        let origin = Origin::Server;
        Self { value, origin }
    }
}

/// What is known of a tool beside its schemas. The configuration wins over the server, except that tags of both are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Metadata {
    /// What people see as its name.
    pub title: Option<Sourced<String>>,
    /// What it does.
    pub purpose: Option<Sourced<String>>,
    /// When a model should choose it.
    pub when_to_use: Option<Sourced<String>>,
    /// What it is about, in words of its own; each once, without regard to case, the configuration's first.
    pub tags: Vec<Sourced<String>>,
    /// Arguments that make sense.
    pub examples: Vec<Sourced<Map<String, Value>>>,
    /// What it returns, as it follows "Returns".
    pub returns: Option<Sourced<String>>,
    /// What a call costs.
    pub cost: Option<Sourced<Cost>>,
    /// Whether it changes nothing.
    pub read_only: Option<Sourced<bool>>,
    /// Whether it may destroy something.
    pub destructive: Option<Sourced<bool>>,
    /// Whether the same call twice does no more than once.
    pub idempotent: Option<Sourced<bool>>,
    /// Whether it reaches beyond its server.
    pub open_world: Option<Sourced<bool>>,
}

impl Named<Tool> {
    /// Gathers what the configuration and the server say of this tool. Texts of servers are cut and cleaned.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use manyhands_core::{Inventory, ServerId, model::Tool};
    /// use manyhands_registry::{Catalogue, Origin, Overlays, ToolOverlay};
    /// # let id = ServerId::parse("slack")?;
    /// # let mut inventory = Inventory::default();
    /// let tool = serde_json::json!({"name": "search", "description": "Finds messages.", "inputSchema": {}});
    /// # inventory.tools.push(Arc::new(serde_json::from_value::<Tool>(tool)?));
    /// let mut overlay = ToolOverlay::default();
    /// overlay.title = Some("Search".to_owned());
    /// let overlays = Overlays::default().with_tool("search", overlay);
    /// let catalogue = Catalogue::new([id.clone()]).with_overlays(&id, overlays);
    /// let (catalogue, _) = catalogue.with_inventory(&id, &inventory);
    ///
    /// let metadata = catalogue.tool("slack.search")?.metadata();
    /// assert_eq!(metadata.title.unwrap().origin, Origin::Config);
    /// assert_eq!(metadata.purpose.unwrap().origin, Origin::Server);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let tool = &**self.definition();
        let none = ToolOverlay::default();
        let overlay = self.overlay.as_deref().unwrap_or(&none);
        let text = |ours: &Option<String>, theirs: Option<String>| {
            let ours = ours.clone().map(Sourced::by_config);
            ours.or_else(|| theirs.map(Sourced::by_server))
        };
        let hint = |of: fn(&ToolAnnotations) -> Option<bool>| {
            let said = tool.annotations.as_ref().and_then(of);
            said.map(Sourced::by_server)
        };
        Metadata {
            title: text(&overlay.title, said::title(tool)),
            purpose: text(&overlay.description, said::purpose(tool)),
            when_to_use: text(&overlay.when_to_use, None),
            tags: tags(&overlay.tags, said::tags(tool)),
            examples: examples(&overlay.examples, || said::examples(tool)),
            returns: text(&overlay.returns, shape(tool.output_schema.as_deref())),
            cost: overlay.cost.map(Sourced::by_config),
            read_only: hint(|it| it.read_only_hint),
            destructive: hint(|it| it.destructive_hint),
            idempotent: hint(|it| it.idempotent_hint),
            open_world: hint(|it| it.open_world_hint),
        }
    }
}

fn tags(ours: &[String], theirs: Vec<String>) -> Vec<Sourced<String>> {
    let ours = ours.iter().cloned().map(Sourced::by_config);
    let mut seen = std::collections::HashSet::new();
    ours.chain(theirs.into_iter().map(Sourced::by_server))
        .filter(|tag| seen.insert(tag.value.to_lowercase()))
        .collect()
}

fn examples(
    ours: &[Map<String, Value>],
    theirs: impl FnOnce() -> Vec<Map<String, Value>>,
) -> Vec<Sourced<Map<String, Value>>> {
    if ours.is_empty() {
        return theirs().into_iter().map(Sourced::by_server).collect();
    }
    ours.iter().cloned().map(Sourced::by_config).collect()
}

#[cfg(test)]
mod tests;
