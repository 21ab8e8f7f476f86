//! The catalogue itself: an immutable snapshot with a generation.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use manyhands_core::{
    Capability, CapabilityKind, Inventory, Notice, Printable, QualifiedName, ServerId, clip,
    either, nearest,
};

use crate::diff::Diff;
use crate::metadata::Overlays;
use crate::shard::{PromptEntry, ResourceEntry, Said, Shard, TemplateEntry, ToolEntry, compare};
use crate::uris;
use crate::wire::{self, ModelApi};

/// Everything that all servers offer, at one moment.
///
/// Order is deterministic: servers in the order they were registered, then each
/// server's own order.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    generation: u64,
    servers: Vec<(ServerId, Arc<Shard>)>,
    positions: HashMap<ServerId, usize>,
    schemes: HashMap<String, usize>,
    overlays: HashMap<ServerId, Arc<Overlays>>,
    quarantine: HashMap<ServerId, Arc<HashSet<String>>>,
}

impl Catalogue {
    /// An empty catalogue for these servers, in this order. Its generation is 0.
    pub fn new(servers: impl IntoIterator<Item = ServerId>) -> Self {
        let mut catalogue = Self::default();
        for server in servers {
            catalogue.push(server, Arc::default());
        }
        catalogue
    }

    fn push(&mut self, server: ServerId, shard: Arc<Shard>) {
        let position = self.servers.len();
        // Schemes are compared without case, as RFC 3986 has it; ids never differ by case alone.
        let scheme = uris::scheme(&server).to_ascii_lowercase();
        self.schemes.insert(scheme, position);
        self.positions.insert(server.clone(), position);
        self.servers.push((server, shard));
    }

    /// The next snapshot, with one more server at the end, which offers nothing yet. Nothing changes where it is one of
    /// the catalogue's already.
    #[must_use]
    pub fn with_server(&self, server: ServerId) -> Self {
        let mut next = self.clone();
        if !next.positions.contains_key(&server) {
            next.push(server, Arc::default());
        }
        next
    }

    /// The next snapshot, without a server and what it offered, and what that changes.
    #[must_use]
    pub fn without_server(&self, server: &ServerId) -> (Self, Diff) {
        let mut next = Self {
            generation: self.generation,
            overlays: self.overlays.clone(),
            quarantine: self.quarantine.clone(),
            ..Self::default()
        };
        next.overlays.remove(server);
        next.quarantine.remove(server);
        let mut diff = Diff::default();
        for (id, shard) in &self.servers {
            if id == server {
                diff = compare(shard, &Shard::default());
            } else {
                next.push(id.clone(), shard.clone());
            }
        }
        next.generation += u64::from(!diff.is_empty());
        (next, diff)
    }

    /// Has the configuration's word on tools merged with that of their server, from its next inventory on.
    #[must_use]
    pub fn with_overlays(mut self, server: &ServerId, overlays: Overlays) -> Self {
        self.overlays.insert(server.clone(), Arc::new(overlays));
        self
    }

    /// Keeps these tools of a server back, and no others, from its next inventory on: they are not in
    /// [`tools`](Self::tools), and whoever asks for one is told why.
    #[must_use]
    pub fn with_quarantine<'n>(
        mut self,
        server: &ServerId,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let names: HashSet<String> = names.into_iter().map(str::to_owned).collect();
        self.quarantine.insert(server.clone(), Arc::new(names));
        self
    }

    /// The next snapshot, in which `server` offers `inventory`, and what that changes.
    ///
    /// Nothing changes where the server is not one of the catalogue's.
    #[must_use]
    pub fn with_inventory(&self, server: &ServerId, inventory: &Inventory) -> (Self, Diff) {
        let mut next = self.clone();
        let position = self.positions.get(server);
        let Some((_, shard)) = position.and_then(|at| next.servers.get_mut(*at)) else {
            return (next, Diff::default());
        };
        let said = Said {
            overlays: self.overlays.get(server).map(|it| &**it),
            quarantine: self.quarantine.get(server).map(|it| &**it),
        };
        let fresh = Shard::new(server, inventory, said, shard);
        let diff = compare(shard, &fresh);
        *shard = Arc::new(fresh);
        if !diff.is_empty() {
            next.generation += 1;
        }
        (next, diff)
    }

    /// Counts the changes since the start.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The servers, in their order.
    pub fn servers(&self) -> impl Iterator<Item = &ServerId> {
        self.servers.iter().map(|(server, _)| server)
    }

    /// What each server contributes, the servers in their order.
    pub(crate) fn shards(&self) -> impl Iterator<Item = (&ServerId, &Arc<Shard>)> {
        self.servers.iter().map(|(server, shard)| (server, shard))
    }

    /// All tools.
    pub fn tools(&self) -> impl Iterator<Item = &ToolEntry> {
        self.servers
            .iter()
            .flat_map(|(_, shard)| shard.tools.entries())
    }

    /// All tools, with those that are hidden or in quarantine.
    pub(crate) fn offered(&self) -> impl Iterator<Item = &ToolEntry> {
        self.servers.iter().flat_map(|(_, shard)| {
            let withheld = shard.withheld.entries().iter();
            shard.tools.entries().iter().chain(withheld)
        })
    }

    /// All prompts.
    pub fn prompts(&self) -> impl Iterator<Item = &PromptEntry> {
        self.servers
            .iter()
            .flat_map(|(_, shard)| shard.prompts.entries())
    }

    /// All resources.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceEntry> {
        self.servers.iter().flat_map(|(_, shard)| &shard.resources)
    }

    /// All resource templates.
    pub fn templates(&self) -> impl Iterator<Item = &TemplateEntry> {
        self.servers.iter().flat_map(|(_, shard)| &shard.templates)
    }

    /// How many capabilities of a kind one server offers; its resources and its templates are one kind.
    #[must_use]
    pub fn count(&self, server: &ServerId, kind: CapabilityKind) -> usize {
        self.shard(server.as_str()).map_or(0, |shard| match kind {
            CapabilityKind::Tool => shard.tools.entries().len(),
            CapabilityKind::Prompt => shard.prompts.entries().len(),
            _ => shard.resources.len() + shard.templates.len(),
        })
    }

    /// What is odd about one server's lists, such as a tool that was left out.
    #[must_use]
    pub fn notices(&self, server: &ServerId) -> &[Notice] {
        self.shard(server.as_str())
            .map_or(&[], |shard| &shard.notices)
    }

    /// Finds a tool by its name across all servers.
    ///
    /// # Errors
    /// [`Unknown`] with the nearest names.
    pub fn tool(&self, name: &str) -> Result<&ToolEntry, Unknown> {
        let found = name
            .split_once('.')
            .and_then(|(server, name)| self.shard(server)?.tools.by_name(name));
        found.ok_or_else(|| {
            let names = self.tools().map(|it| it.name().to_string());
            let withheld = name
                .split_once('.')
                .and_then(|(server, name)| self.shard(server)?.withheld.by_name(name));
            unknown(CapabilityKind::Tool, name, names).with_withheld(withheld)
        })
    }

    /// Finds a tool by its name for model APIs.
    ///
    /// # Errors
    /// [`Unknown`] with the nearest names.
    pub fn tool_by_wire(&self, wire: &str) -> Result<&ToolEntry, Unknown> {
        self.tool_by_wire_for(ModelApi::default(), wire)
    }

    /// Finds a tool by its name for one model API.
    ///
    /// # Errors
    /// [`Unknown`] with the nearest names.
    pub fn tool_by_wire_for(&self, api: ModelApi, wire: &str) -> Result<&ToolEntry, Unknown> {
        let found = self
            .shards_of(wire)
            .find_map(|shard| shard.tools.by_wire(api, wire));
        found.ok_or_else(|| {
            let names = self.tools().map(|it| it.wire_for(api).to_owned());
            let withheld = self
                .shards_of(wire)
                .find_map(|shard| shard.withheld.by_wire(api, wire));
            unknown(CapabilityKind::Tool, wire, names).with_withheld(withheld)
        })
    }

    /// Finds a prompt by its name across all servers.
    ///
    /// # Errors
    /// [`Unknown`] with the nearest names.
    pub fn prompt(&self, name: &str) -> Result<&PromptEntry, Unknown> {
        let found = name
            .split_once('.')
            .and_then(|(server, name)| self.shard(server)?.prompts.by_name(name));
        found.ok_or_else(|| {
            let names = self.prompts().map(|it| it.name().to_string());
            unknown(CapabilityKind::Prompt, name, names)
        })
    }

    /// Finds a prompt by its name for model APIs.
    ///
    /// # Errors
    /// [`Unknown`] with the nearest names.
    pub fn prompt_by_wire(&self, wire: &str) -> Result<&PromptEntry, Unknown> {
        let api = ModelApi::default();
        let found = self
            .shards_of(wire)
            .find_map(|shard| shard.prompts.by_wire(api, wire));
        found.ok_or_else(|| {
            let names = self.prompts().map(|it| it.wire().to_owned());
            unknown(CapabilityKind::Prompt, wire, names)
        })
    }

    /// The offers of the servers that a name for models may be of.
    fn shards_of<'s>(&'s self, wire: &str) -> impl Iterator<Item = &'s Shard> + use<'s> {
        let shards = wire::servers_in(wire).map(|server| self.shard(server));
        shards.into_iter().flatten()
    }

    /// Finds the server of a resource, listed or made from a template, and the server's own URI of it.
    ///
    /// # Errors
    /// [`Unknown`] with the nearest listed URIs, when no server has this prefix.
    pub fn resource<'a>(&self, uri: &'a str) -> Result<(&ServerId, &'a str), Unknown> {
        let found = uris::split(uri).and_then(|(scheme, own)| {
            let position = self.schemes.get(&scheme.to_ascii_lowercase())?;
            Some((&self.servers.get(*position)?.0, own))
        });
        found.ok_or_else(|| {
            let uris = self.resources().map(|it| it.uri().to_owned());
            unknown(CapabilityKind::Resource, uri, uris)
        })
    }

    /// The plain tool names that more than one server offers, with the servers, in order of name.
    #[must_use]
    pub fn collisions(&self) -> BTreeMap<&str, Vec<&ServerId>> {
        let mut names: BTreeMap<&str, Vec<&ServerId>> = BTreeMap::new();
        for tool in self.tools() {
            names
                .entry(tool.name().name())
                .or_default()
                .push(tool.name().server());
        }
        names.retain(|_, servers| servers.len() > 1);
        names
    }

    fn shard(&self, server: &str) -> Option<&Shard> {
        self.servers
            .get(*self.positions.get(server)?)
            .map(|(_, shard)| &**shard)
    }
}

/// Says that nothing has this name, and which names come near.
pub(crate) fn unknown(
    kind: CapabilityKind,
    wanted: &str,
    known: impl Iterator<Item = String>,
) -> Unknown {
    let known: Vec<String> = known.collect();
    let near = nearest(wanted, known.iter().map(String::as_str));
    Unknown {
        wanted: Capability::new(kind, wanted),
        nearest: near.into_iter().map(str::to_owned).collect(),
        withheld: None,
    }
}

/// A name that nothing in the catalogue has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "find the {} {}{}",
    wanted.kind().as_str(),
    Printable(&clip(wanted.name(), 200)),
    suggestion(nearest, withheld.as_ref().map(|(_, why)| *why))
)]
pub struct Unknown {
    wanted: Capability,
    nearest: Vec<String>,
    withheld: Option<(QualifiedName, Withheld)>,
}

/// Why a tool is not offered although its server offers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Withheld {
    Hidden,
    Quarantined,
}

impl Unknown {
    /// What was asked for.
    #[must_use]
    pub fn wanted(&self) -> &Capability {
        &self.wanted
    }

    /// The names that come nearest, best first; three at most.
    #[must_use]
    pub fn nearest(&self) -> &[String] {
        &self.nearest
    }

    /// The tool that has the name, where its server offers it and the configuration hides it.
    #[must_use]
    pub fn hidden(&self) -> Option<&QualifiedName> {
        self.withheld_for(Withheld::Hidden)
    }

    /// The tool that has the name, where its server offers it and its definition has changed since it was approved.
    #[must_use]
    pub fn quarantined(&self) -> Option<&QualifiedName> {
        self.withheld_for(Withheld::Quarantined)
    }

    fn withheld_for(&self, reason: Withheld) -> Option<&QualifiedName> {
        let withheld = self.withheld.as_ref().filter(|(_, why)| *why == reason);
        withheld.map(|(name, _)| name)
    }

    fn with_withheld(mut self, tool: Option<&ToolEntry>) -> Self {
        // What is both stays hidden once its change is approved.
        let why = |it: &ToolEntry| {
            if it.is_hidden() {
                Withheld::Hidden
            } else {
                Withheld::Quarantined
            }
        };
        self.withheld = tool.map(|it| (it.name().clone(), why(it)));
        self
    }
}

fn suggestion(nearest: &[String], withheld: Option<Withheld>) -> String {
    match (withheld, nearest) {
        (Some(Withheld::Hidden), _) => "; it is hidden in the configuration".to_owned(),
        (Some(Withheld::Quarantined), _) => {
            let why = "quarantined: its definition has changed since it was approved";
            format!("; it is {why}; run `manyhands pins`")
        }
        (None, []) => String::new(),
        (None, near) => format!("; did you mean {}?", Printable(&either(near))),
    }
}

#[cfg(test)]
mod tests;
