//! What one conversation is about, as a condition on tools and servers. It must not know who asks.

use std::collections::BTreeSet;

use manyhands_core::{QualifiedName, ServerId};
use manyhands_registry::ToolEntry;

use super::profile::Profile;
use crate::shared::Shared;

/// What profiles and servers that are enabled come to; everything where none is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// The profiles that it is made of.
    profiles: Vec<String>,
    servers: BTreeSet<ServerId>,
    tools: BTreeSet<QualifiedName>,
    /// In lower case.
    tags: BTreeSet<String>,
    always_on: Vec<QualifiedName>,
}

impl Scope {
    pub(super) fn new<'p>(
        profiles: impl Iterator<Item = (&'p str, &'p Profile)>,
        servers: &BTreeSet<ServerId>,
    ) -> Self {
        let mut scope = Self {
            servers: servers.clone(),
            ..Self::default()
        };
        for (name, profile) in profiles {
            scope.profiles.push(name.to_owned());
            scope.servers.extend(profile.servers.iter().cloned());
            let tools = profile.tools.iter().chain(&profile.always_on);
            scope.tools.extend(tools.cloned());
            scope
                .tags
                .extend(profile.tags.iter().map(|it| it.to_lowercase()));
            scope.always_on.extend(profile.always_on.iter().cloned());
        }
        scope
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.profiles.is_empty() && self.servers.is_empty()
    }

    /// The profiles that are enabled.
    pub(crate) fn profiles(&self) -> &[String] {
        &self.profiles
    }

    pub(super) fn always_on(&self) -> impl Iterator<Item = &QualifiedName> {
        self.always_on.iter()
    }

    /// Whether it is about this tool.
    pub(crate) fn allows(&self, tool: &ToolEntry) -> bool {
        let name = tool.name();
        self.is_everything()
            || self.servers.contains(name.server())
            || self.tools.contains(name)
            // Last, since a tool's tags have to be put together.
            || (!self.tags.is_empty() && self.is_tagged(tool))
    }

    /// Whether it is about all that this server offers, its prompts and resources too.
    pub(crate) fn allows_server(&self, server: &ServerId) -> bool {
        self.is_everything() || self.servers.contains(server)
    }

    fn is_tagged(&self, tool: &ToolEntry) -> bool {
        let tags = tool.metadata().tags;
        tags.iter()
            .any(|tag| self.tags.contains(&tag.value.to_lowercase()))
    }

    /// The servers that its tools need, as far as they are known.
    pub(super) fn servers(&self, shared: &Shared) -> BTreeSet<ServerId> {
        let mut servers = self.servers.clone();
        servers.extend(self.tools.iter().map(|it| it.server().clone()));
        if self.is_everything() || !self.tags.is_empty() {
            for slot in shared.slots().iter() {
                let has_tag = |tag: &String| self.tags.contains(&tag.to_lowercase());
                if self.is_everything() || slot.settings.tags.iter().any(has_tag) {
                    servers.insert(slot.id.clone());
                }
            }
            let catalogue = shared.catalogue.load();
            for tool in catalogue.tools() {
                if !servers.contains(tool.name().server()) && self.is_tagged(tool) {
                    servers.insert(tool.name().server().clone());
                }
            }
        }
        servers
    }
}
