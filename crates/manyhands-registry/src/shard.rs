//! One server's part of the catalogue, shared between snapshots as long as it stays the same.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use manyhands_core::model::{Prompt, Resource, ResourceTemplate, Tool};
use manyhands_core::{
    Capability, CapabilityKind, Inventory, Notice, QualifiedName, ServerId, clip,
};

use crate::diff::Diff;
use crate::uris::qualify_uri;
use crate::wire::wire_name;

/// A tool in the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolEntry {
    name: QualifiedName,
    wire: Arc<str>,
    tool: Arc<Tool>,
}

/// A prompt in the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptEntry {
    name: QualifiedName,
    wire: Arc<str>,
    prompt: Arc<Prompt>,
}

/// A resource in the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceEntry {
    server: ServerId,
    uri: String,
    resource: Arc<Resource>,
}

/// A resource template in the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateEntry {
    server: ServerId,
    uri_template: String,
    template: Arc<ResourceTemplate>,
}

impl ToolEntry {
    /// Its name across all servers.
    #[must_use]
    pub fn name(&self) -> &QualifiedName {
        &self.name
    }

    /// Its name for model APIs.
    #[must_use]
    pub fn wire(&self) -> &str {
        &self.wire
    }

    /// Its definition, as its server gave it.
    #[must_use]
    pub fn tool(&self) -> &Arc<Tool> {
        &self.tool
    }
}

impl PromptEntry {
    /// Its name across all servers.
    #[must_use]
    pub fn name(&self) -> &QualifiedName {
        &self.name
    }

    /// Its name for MCP clients with the rules of model APIs.
    #[must_use]
    pub fn wire(&self) -> &str {
        &self.wire
    }

    /// Its definition, as its server gave it.
    #[must_use]
    pub fn prompt(&self) -> &Arc<Prompt> {
        &self.prompt
    }
}

impl ResourceEntry {
    /// The server that offers it.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// Its URI across all servers.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Its definition, as its server gave it.
    #[must_use]
    pub fn resource(&self) -> &Arc<Resource> {
        &self.resource
    }
}

impl TemplateEntry {
    /// The server that offers it.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// Its URI template across all servers.
    #[must_use]
    pub fn uri_template(&self) -> &str {
        &self.uri_template
    }

    /// Its definition, as its server gave it.
    #[must_use]
    pub fn template(&self) -> &Arc<ResourceTemplate> {
        &self.template
    }
}

/// What one server contributes, with its look-up tables.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) tools: Vec<ToolEntry>,
    pub(crate) prompts: Vec<PromptEntry>,
    pub(crate) resources: Vec<ResourceEntry>,
    pub(crate) templates: Vec<TemplateEntry>,
    pub(crate) notices: Vec<Notice>,
    tool_names: HashMap<Arc<str>, usize>,
    tool_wires: HashMap<Arc<str>, usize>,
    prompt_names: HashMap<Arc<str>, usize>,
    prompt_wires: HashMap<Arc<str>, usize>,
}

impl Shard {
    pub(crate) fn new(server: &ServerId, inventory: &Inventory) -> Self {
        let mut shard = Self {
            notices: inventory.notices.clone(),
            ..Self::default()
        };
        shard.add_tools(server, inventory);
        shard.add_prompts(server, inventory);
        let mut seen = HashSet::new();
        for resource in inventory
            .resources
            .iter()
            .filter(|it| seen.insert(it.uri.clone()))
        {
            let uri = qualify_uri(server, &resource.uri);
            shard.resources.push(ResourceEntry {
                server: server.clone(),
                uri,
                resource: resource.clone(),
            });
        }
        let mut seen = HashSet::new();
        for template in inventory
            .templates
            .iter()
            .filter(|it| seen.insert(it.uri_template.clone()))
        {
            let uri_template = qualify_uri(server, &template.uri_template);
            let server = server.clone();
            shard.templates.push(TemplateEntry {
                server,
                uri_template,
                template: template.clone(),
            });
        }
        shard
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&ToolEntry> {
        self.tools.get(*self.tool_names.get(name)?)
    }

    pub(crate) fn tool_by_wire(&self, wire: &str) -> Option<&ToolEntry> {
        self.tools.get(*self.tool_wires.get(wire)?)
    }

    pub(crate) fn prompt(&self, name: &str) -> Option<&PromptEntry> {
        self.prompts.get(*self.prompt_names.get(name)?)
    }

    pub(crate) fn prompt_by_wire(&self, wire: &str) -> Option<&PromptEntry> {
        self.prompts.get(*self.prompt_wires.get(wire)?)
    }

    fn add_tools(&mut self, server: &ServerId, inventory: &Inventory) {
        for tool in &inventory.tools {
            let (name, wire) = names(server, &tool.name);
            if self.tool_names.contains_key(name.name()) || self.tool_wires.contains_key(&wire) {
                self.notice_duplicate("tool", name.name());
                continue;
            }
            self.tool_names.insert(name.name().into(), self.tools.len());
            self.tool_wires.insert(wire.clone(), self.tools.len());
            self.tools.push(ToolEntry {
                name,
                wire,
                tool: tool.clone(),
            });
        }
    }

    fn add_prompts(&mut self, server: &ServerId, inventory: &Inventory) {
        for prompt in &inventory.prompts {
            let (name, wire) = names(server, &prompt.name);
            if self.prompt_names.contains_key(name.name()) || self.prompt_wires.contains_key(&wire)
            {
                self.notice_duplicate("prompt", name.name());
                continue;
            }
            self.prompt_names
                .insert(name.name().into(), self.prompts.len());
            self.prompt_wires.insert(wire.clone(), self.prompts.len());
            self.prompts.push(PromptEntry {
                name,
                wire,
                prompt: prompt.clone(),
            });
        }
    }

    fn notice_duplicate(&mut self, kind: &str, name: &str) {
        let name = clip(name, 80);
        self.notices.push(Notice::new(format!(
            "left out a second {kind} named {name:?}"
        )));
    }
}

fn names(server: &ServerId, name: &str) -> (QualifiedName, Arc<str>) {
    (
        QualifiedName::new(server.clone(), name),
        wire_name(server, name).into(),
    )
}

/// What changed from one state of a server's part to the next.
pub(crate) fn compare(before: &Shard, after: &Shard) -> Diff {
    let mut diff = Diff::default();
    let tool = |it: &ToolEntry| (it.name.to_string(), it.tool.clone());
    compare_lists(
        &mut diff,
        CapabilityKind::Tool,
        &before.tools,
        &after.tools,
        tool,
    );
    let prompt = |it: &PromptEntry| (it.name.to_string(), it.prompt.clone());
    compare_lists(
        &mut diff,
        CapabilityKind::Prompt,
        &before.prompts,
        &after.prompts,
        prompt,
    );
    let resource = |it: &ResourceEntry| (it.uri.clone(), it.resource.clone());
    compare_lists(
        &mut diff,
        CapabilityKind::Resource,
        &before.resources,
        &after.resources,
        resource,
    );
    let template = |it: &TemplateEntry| (it.uri_template.clone(), it.template.clone());
    compare_lists(
        &mut diff,
        CapabilityKind::Resource,
        &before.templates,
        &after.templates,
        template,
    );
    diff
}

fn compare_lists<T, K: Eq + Hash + Clone + Into<String>, D: PartialEq>(
    diff: &mut Diff,
    kind: CapabilityKind,
    before: &[T],
    after: &[T],
    key: impl Fn(&T) -> (K, D),
) {
    let mut old: HashMap<K, D> = before.iter().map(&key).collect();
    let named = |name: K| Capability::new(kind, name);
    for (name, definition) in after.iter().map(&key) {
        match old.remove(&name) {
            None => diff.added.push(named(name)),
            Some(was) if was != definition => diff.changed.push(named(name)),
            Some(_) => {}
        }
    }
    // In the old order, so that the same change always gives the same diff.
    let gone = before
        .iter()
        .map(|it| key(it).0)
        .filter(|name| old.contains_key(name));
    diff.removed
        .extend(gone.map(|name| Capability::new(kind, name)));
}
