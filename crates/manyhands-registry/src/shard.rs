//! One server's part of the catalogue, shared between snapshots as long as it stays the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use manyhands_core::model::{Prompt, Resource, ResourceTemplate, Tool};
use manyhands_core::{
    Capability, CapabilityKind, Inventory, Notice, Printable, QualifiedName, ServerId, clip,
    nearest,
};

use crate::diff::Diff;
use crate::metadata::{Overlays, ToolOverlay};
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
#[derive(Debug)]
pub struct Named<T> {
    name: QualifiedName,
    wire: Arc<str>,
    /// Its name for model APIs that take longer ones, where that differs.
    long_wire: Option<Arc<str>>,
    definition: Arc<T>,
    /// A tool's schemas, once something was checked; a prompt has none, and its cell stays empty.
    pub(crate) schemas: Arc<Schemas>,
    /// What the configuration says of a tool; nothing of a prompt.
    pub(crate) overlay: Option<Arc<ToolOverlay>>,
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

impl Named<Tool> {
    /// Whether the configuration hides it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.overlay.as_ref().is_some_and(|it| it.hidden)
    }
}

impl<T: PartialEq> Named<T> {
    fn new(
        server: &ServerId,
        name: &str,
        definition: &Arc<T>,
        overlay: Option<&Arc<ToolOverlay>>,
    ) -> Self {
        let wire: Arc<str> = wire_name(server, name).into();
        let long: Arc<str> = wire_name_for(ModelApi::Anthropic, server, name).into();
        Self {
            name: QualifiedName::new(server.clone(), name),
            long_wire: (long != wire).then_some(long),
            wire,
            definition: definition.clone(),
            schemas: Arc::default(),
            overlay: overlay.cloned(),
        }
    }

    /// The same name with a definition that came anew: names are made once, and what is equal is kept once.
    fn renewed(&self, definition: &Arc<T>, overlay: Option<&Arc<ToolOverlay>>) -> Self {
        let mut entry = self.clone();
        entry.overlay = overlay.cloned();
        if self.definition != *definition {
            entry.definition = definition.clone();
            entry.schemas = Arc::default();
        }
        entry
    }
}

// Derived, it would want `T` to be cloned too.
impl<T> Clone for Named<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            wire: self.wire.clone(),
            long_wire: self.long_wire.clone(),
            definition: self.definition.clone(),
            schemas: self.schemas.clone(),
            overlay: self.overlay.clone(),
        }
    }
}

impl<T: PartialEq> PartialEq for Named<T> {
    fn eq(&self, other: &Self) -> bool {
        // What was compiled follows from the definition.
        self.name == other.name
            && self.wire == other.wire
            && self.definition == other.definition
            && self.overlay == other.overlay
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
    /// Tools that the configuration hides, and those in quarantine.
    pub(crate) withheld: Table<Tool>,
    pub(crate) prompts: Table<Prompt>,
    pub(crate) resources: Vec<ResourceEntry>,
    pub(crate) templates: Vec<TemplateEntry>,
    pub(crate) notices: Vec<Notice>,
}

/// What is said of one server's tools by others than the server.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Said<'s> {
    pub(crate) overlays: Option<&'s Overlays>,
    /// The names of those that are kept back.
    pub(crate) quarantine: Option<&'s HashSet<String>>,
}

impl Shard {
    /// What `inventory` contributes, with what is said of its tools. What is as it was `before` is shared
    /// with that.
    pub(crate) fn new(
        server: &ServerId,
        inventory: &Inventory,
        Said {
            overlays,
            quarantine,
        }: Said<'_>,
        before: &Self,
    ) -> Self {
        let mut notices = inventory.notices.clone();
        let mut shard = Self {
            tools: Table::sized(inventory.tools.len()),
            ..Self::default()
        };
        let tools = inventory.tools.iter().map(|it| {
            let overlay = overlays.and_then(|overlays| overlays.of(&it.name));
            (&*it.name, it, overlay)
        });
        let (withheld, shown): (Vec<_>, Vec<_>) = tools.partition(|(name, _, overlay)| {
            overlay.is_some_and(|it| it.hidden) || quarantine.is_some_and(|it| it.contains(*name))
        });
        let kind = CapabilityKind::Tool;
        notices.extend(shard.tools.fill(server, kind, shown, &before.tools));
        notices.extend(
            shard
                .withheld
                .fill(server, kind, withheld, &before.withheld),
        );
        notices.extend(overlays.into_iter().flat_map(|it| misnamed(it, inventory)));
        shard.keep_compiled(before);
        let prompts = inventory.prompts.iter().map(|it| (&*it.name, it, None));
        let kind = CapabilityKind::Prompt;
        notices.extend(shard.prompts.fill(server, kind, prompts, &before.prompts));
        shard.resources = placed(server, &inventory.resources, |it| &it.uri);
        shard.templates = placed(server, &inventory.templates, |it| &it.uri_template);
        shard.notices = notices;
        shard
    }

    /// Takes over what `before` compiled for the tools whose schemas are still the same.
    fn keep_compiled(&mut self, before: &Self) {
        for tool in &mut self.tools.entries {
            let Some(old) = before.tools.by_name(tool.name.name()) else {
                continue;
            };
            let (now, then) = (&tool.definition, &old.definition);
            let same = Arc::ptr_eq(now, then)
                || now.input_schema == then.input_schema && now.output_schema == then.output_schema;
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

/// Tells of what was left out because models would see it under another one's name.
fn looks_alike(kind: CapabilityKind, alike: &[&str]) -> Option<Notice> {
    let name = Printable(&clip(alike.first()?, 80)).to_string();
    let (kind, number) = (kind.as_str(), alike.len());
    Some(Notice::new(format!(
        "left out {number} of its {kind}s whose names for models another one has, first {name}"
    )))
}

/// Tells of tools that the configuration names and the server does not offer; nothing where it offers none at all, which
/// has another reason.
fn misnamed(overlays: &Overlays, inventory: &Inventory) -> Vec<Notice> {
    let offered = || inventory.tools.iter().map(|it| &*it.name);
    let is_offered: HashSet<&str> = offered().collect();
    let strange = overlays.names().filter(|it| !is_offered.contains(it));
    let strange = strange.filter(|_| !is_offered.is_empty());
    let told = strange.map(|name| {
        let near = nearest(name, offered());
        let mend = match near.first() {
            Some(near) => format!("; did you mean {}?", Printable(&clip(near, 80))),
            None => String::new(),
        };
        let name = clip(name, 80);
        let name = Printable(&name);
        Notice::new(format!(
            "the configuration has settings for a tool {name}, which the server does not offer{mend}"
        ))
    });
    told.collect()
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

impl<T: PartialEq> Table<T> {
    fn sized(size: usize) -> Self {
        Self {
            entries: Vec::with_capacity(size),
            by_name: HashMap::with_capacity(size),
            by_wire: HashMap::with_capacity(size),
            by_long_wire: HashMap::new(),
        }
    }

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

    /// Adds all of these, and tells of those that cannot be added.
    fn fill<'a>(
        &mut self,
        server: &ServerId,
        kind: CapabilityKind,
        named: impl IntoIterator<Item = (&'a str, &'a Arc<T>, Option<&'a Arc<ToolOverlay>>)>,
        before: &Self,
    ) -> Vec<Notice>
    where
        T: 'a,
    {
        let (mut twice, mut alike) = (Vec::new(), Vec::new());
        for (name, definition, overlay) in named {
            if self.by_name.contains_key(name) {
                twice.push(name);
                continue;
            }
            let entry = match before.by_name(name) {
                Some(old) => old.renewed(definition, overlay),
                None => Named::new(server, name, definition, overlay),
            };
            if !self.add(entry) {
                alike.push(name);
            }
        }
        let notices = [left_out(kind, &twice), looks_alike(kind, &alike)];
        notices.into_iter().flatten().collect()
    }

    /// Adds an entry under all of its names, unless another name has the same hash, which only happens where somebody
    /// looks for it; says whether it did.
    fn add(&mut self, entry: Named<T>) -> bool {
        let taken =
            |name: &str| self.by_wire.contains_key(name) || self.by_long_wire.contains_key(name);
        if taken(&entry.wire) || entry.long_wire.as_deref().is_some_and(taken) {
            return false;
        }
        let at = self.entries.len();
        self.by_name.insert(entry.name.name().into(), at);
        self.by_wire.insert(entry.wire.clone(), at);
        let long = entry.long_wire.clone();
        self.by_long_wire.extend(long.map(|it| (it, at)));
        self.entries.push(entry);
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
    let named = |it: &Named<T>| Capability::new(kind, it.name.to_string());
    for entry in &after.entries {
        match before.by_name(entry.name.name()) {
            None => diff.added.push(named(entry)),
            // What is equal is shared, so that one look at the definitions is enough.
            Some(old)
                if !Arc::ptr_eq(&old.definition, &entry.definition)
                    || old.overlay != entry.overlay =>
            {
                diff.changed.push(named(entry));
            }
            Some(_) => {}
        }
    }
    let gone = before.entries.iter();
    let gone = gone.filter(|it| !after.by_name.contains_key(it.name.name()));
    diff.removed.extend(gone.map(named));
}

fn compare_placed<T: PartialEq>(diff: &mut Diff, before: &[Placed<T>], after: &[Placed<T>]) {
    let named = |it: &Placed<T>| Capability::new(CapabilityKind::Resource, it.uri.clone());
    let mut old: HashMap<&str, &Placed<T>> = before.iter().map(|it| (it.uri(), it)).collect();
    for entry in after {
        match old.remove(entry.uri()) {
            None => diff.added.push(named(entry)),
            Some(was) if was.definition != entry.definition => diff.changed.push(named(entry)),
            Some(_) => {}
        }
    }
    // In the old order, so that the same change always gives the same diff.
    let gone = before.iter().filter(|it| old.contains_key(it.uri()));
    diff.removed.extend(gone.map(named));
}
