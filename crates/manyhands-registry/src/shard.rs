//! One server's part of the catalogue, shared between snapshots as long as it stays the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use manyhands_core::model::{Prompt, Resource, ResourceTemplate, Tool};
use manyhands_core::{
    Capability, CapabilityKind, Inventory, Notice, Printable, QualifiedName, ServerId, clip,
};

use crate::diff::Diff;
use crate::schema::Schemas;
use crate::uris::qualify_uri;
use crate::wire::{ModelApi, wire_name, wire_name_for};

/// A tool in the catalogue.
pub type ToolEntry = Named<Tool>;
/// A prompt in the catalogue.
pub type PromptEntry = Named<Prompt>;
/// A resource in the catalogue.
pub type ResourceEntry = Placed<Resource>;
/// A resource template in the catalogue.
pub type TemplateEntry = Placed<ResourceTemplate>;

/// What is found by a name: a tool or a prompt.
#[derive(Debug, Clone)]
pub struct Named<T> {
    name: QualifiedName,
    wire: Arc<str>,
    /// Its name for model APIs that take longer ones, where that differs.
    long_wire: Option<Arc<str>>,
    definition: Arc<T>,
    /// A tool's schemas, once something was checked; a prompt has none, and its cell stays empty.
    pub(crate) schemas: Arc<Schemas>,
}

impl<T> Named<T> {
    /// Its name across all servers.
    #[must_use]
    pub fn name(&self) -> &QualifiedName {
        &self.name
    }

    /// Its name for model APIs, which all of them take.
    #[must_use]
    pub fn wire(&self) -> &str {
        &self.wire
    }

    /// Its name for one model API, which may be longer.
    #[must_use]
    pub fn wire_for(&self, api: ModelApi) -> &str {
        match (&self.long_wire, api) {
            (Some(long), ModelApi::Anthropic) => long,
            _ => &self.wire,
        }
    }

    /// Its definition, as its server gave it.
    #[must_use]
    pub fn definition(&self) -> &Arc<T> {
        &self.definition
    }
}

impl<T: PartialEq> PartialEq for Named<T> {
    fn eq(&self, other: &Self) -> bool {
        // What was compiled follows from the definition.
        self.name == other.name && self.wire == other.wire && self.definition == other.definition
    }
}

/// What is found by a URI: a resource, or a template for URIs.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    server: ServerId,
    uri: String,
    definition: Arc<T>,
}

impl<T> Placed<T> {
    /// The server that offers it.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// Its URI, or URI template, across all servers.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Its definition, as its server gave it.
    #[must_use]
    pub fn definition(&self) -> &Arc<T> {
        &self.definition
    }
}

/// What one server contributes.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) tools: Table<Tool>,
    pub(crate) prompts: Table<Prompt>,
    pub(crate) resources: Vec<ResourceEntry>,
    pub(crate) templates: Vec<TemplateEntry>,
    pub(crate) notices: Vec<Notice>,
}

impl Shard {
    pub(crate) fn new(server: &ServerId, inventory: &Inventory) -> Self {
        let mut notices = inventory.notices.clone();
        let mut shard = Self::default();
        let mut twice = Vec::new();
        for tool in &inventory.tools {
            if !shard.tools.add(server, &tool.name, tool) {
                twice.push(&*tool.name);
            }
        }
        notices.extend(left_out(CapabilityKind::Tool, &twice));
        twice.clear();
        for prompt in &inventory.prompts {
            if !shard.prompts.add(server, &prompt.name, prompt) {
                twice.push(&prompt.name);
            }
        }
        notices.extend(left_out(CapabilityKind::Prompt, &twice));
        shard.resources = placed(server, &inventory.resources, |it| &it.uri);
        shard.templates = placed(server, &inventory.templates, |it| &it.uri_template);
        shard.notices = notices;
        shard
    }

    /// Takes over what `before` compiled for the tools whose schemas are still the same.
    pub(crate) fn keep_compiled(&mut self, before: &Self) {
        for tool in &mut self.tools.entries {
            let Some(old) = before.tools.by_name(tool.name.name()) else {
                continue;
            };
            let (now, then) = (&tool.definition, &old.definition);
            let same =
                now.input_schema == then.input_schema && now.output_schema == then.output_schema;
            if same {
                tool.schemas = old.schemas.clone();
            }
        }
    }
}

/// Tells of what was left out because its name was there already.
fn left_out(kind: CapabilityKind, twice: &[&str]) -> Option<Notice> {
    let (first, more) = twice.split_first()?;
    let name = Printable(&clip(first, 80)).to_string();
    let kind = kind.as_str();
    Some(Notice::new(match more.len() {
        0 => format!("left out a second {kind} named {name}"),
        more => format!(
            "left out a second {kind} named {name}, and {more} more {kind}s whose names come twice"
        ),
    }))
}

/// The first of each URI: the same resource listed twice is one resource.
fn placed<T>(
    server: &ServerId,
    definitions: &[Arc<T>],
    uri: impl Fn(&T) -> &String,
) -> Vec<Placed<T>> {
    let mut seen = HashSet::new();
    let fresh = definitions.iter().filter(|it| seen.insert(uri(it)));
    fresh
        .map(|it| Placed {
            server: server.clone(),
            uri: qualify_uri(server, uri(it)),
            definition: it.clone(),
        })
        .collect()
}

/// One server's tools or prompts in its order, found by its own name or by the wire name.
#[derive(Debug)]
pub(crate) struct Table<T> {
    entries: Vec<Named<T>>,
    by_name: HashMap<Arc<str>, usize>,
    by_wire: HashMap<Arc<str>, usize>,
    by_long_wire: HashMap<Arc<str>, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            by_name: HashMap::new(),
            by_wire: HashMap::new(),
            by_long_wire: HashMap::new(),
        }
    }
}

impl<T> Table<T> {
    pub(crate) fn entries(&self) -> &[Named<T>] {
        &self.entries
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&Named<T>> {
        self.entries.get(*self.by_name.get(name)?)
    }

    pub(crate) fn by_wire(&self, api: ModelApi, wire: &str) -> Option<&Named<T>> {
        let long = self.by_long_wire.get(wire);
        let entry = self
            .entries
            .get(*long.or_else(|| self.by_wire.get(wire))?)?;
        (entry.wire_for(api) == wire).then_some(entry)
    }

    /// Adds an entry, unless its name is there already; says whether it did.
    fn add(&mut self, server: &ServerId, name: &str, definition: &Arc<T>) -> bool {
        let wire: Arc<str> = wire_name(server, name).into();
        let long: Arc<str> = wire_name_for(ModelApi::Anthropic, server, name).into();
        let long_wire = (long != wire).then_some(long);
        let taken =
            |name: &str| self.by_wire.contains_key(name) || self.by_long_wire.contains_key(name);
        if self.by_name.contains_key(name)
            || taken(&wire)
            || long_wire.as_deref().is_some_and(taken)
        {
            return false;
        }
        self.by_name.insert(name.into(), self.entries.len());
        self.by_wire.insert(wire.clone(), self.entries.len());
        let long = long_wire.iter().cloned();
        self.by_long_wire
            .extend(long.map(|it| (it, self.entries.len())));
        let name = QualifiedName::new(server.clone(), name);
        self.entries.push(Named {
            name,
            wire,
            long_wire,
            definition: definition.clone(),
            schemas: Arc::default(),
        });
        true
    }
}

/// What changed from one state of a server's part to the next.
pub(crate) fn compare(before: &Shard, after: &Shard) -> Diff {
    let mut diff = Diff::default();
    compare_named(&mut diff, CapabilityKind::Tool, &before.tools, &after.tools);
    compare_named(
        &mut diff,
        CapabilityKind::Prompt,
        &before.prompts,
        &after.prompts,
    );
    compare_placed(&mut diff, &before.resources, &after.resources);
    compare_placed(&mut diff, &before.templates, &after.templates);
    diff
}

fn compare_named<T: PartialEq>(
    diff: &mut Diff,
    kind: CapabilityKind,
    before: &Table<T>,
    after: &Table<T>,
) {
    let keyed = |it: &Named<T>| (it.name.to_string(), it.definition.clone());
    compare_lists(
        diff,
        kind,
        before.entries.iter().map(keyed),
        after.entries.iter().map(keyed),
    );
}

fn compare_placed<T: PartialEq>(diff: &mut Diff, before: &[Placed<T>], after: &[Placed<T>]) {
    let keyed = |it: &Placed<T>| (it.uri.clone(), it.definition.clone());
    let (before, after) = (before.iter().map(keyed), after.iter().map(keyed));
    compare_lists(diff, CapabilityKind::Resource, before, after);
}

fn compare_lists<D: PartialEq>(
    diff: &mut Diff,
    kind: CapabilityKind,
    before: impl Iterator<Item = (String, D)> + Clone,
    after: impl Iterator<Item = (String, D)>,
) {
    let mut old: HashMap<String, D> = before.clone().collect();
    for (name, definition) in after {
        let is = Capability::new(kind, name.clone());
        match old.remove(&name) {
            None => diff.added.push(is),
            Some(was) if was != definition => diff.changed.push(is),
            Some(_) => {}
        }
    }
    // In the old order, so that the same change always gives the same diff.
    let gone = before
        .map(|(name, _)| name)
        .filter(|name| old.contains_key(name));
    diff.removed
        .extend(gone.map(|name| Capability::new(kind, name)));
}
