//! How a server guards itself, as plain values.

use std::collections::{BTreeMap, BTreeSet};

use crate::oauth::Failure;

/// How a [`Protected`](super::Protected) server guards itself; by default as the specification has
/// it, without scopes. The fields are the setters, as in [`Behavior`](crate::oauth::Behavior).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Guarding {
    /// Whether challenges name the metadata. On by default.
    pub metadata_in_challenge: bool,
    /// Where the metadata are; at both places by default.
    pub metadata: ResourceMetadata,
    /// What is wrong with the metadata.
    pub metadata_failure: Option<Failure>,
    /// A resource that the metadata name in place of the right one.
    pub resource: Option<String>,
    /// Issuers that the metadata name in place of the one that is trusted.
    pub authorization_servers: Option<Vec<String>>,
    /// Whether a token has to be issued for this resource. On by default.
    pub checks_resource: bool,
    /// The scopes that every request needs; none by default.
    pub scopes: Vec<String>,
    /// The scopes that the metadata list, none by default.
    pub scopes_supported: Vec<String>,
    /// The scopes that calls of a tool need beside these.
    pub tool_scopes: BTreeMap<String, Vec<String>>,
    /// Tools that are forbidden with whatever scope.
    pub forbidden_tools: BTreeSet<String>,
    /// The scopes in challenges; those that the request needs by default.
    pub scope_hint: ScopeHint,
    /// Whether only calls of tools need a token. Off by default.
    pub only_calls: bool,
    /// A challenge in place of all others, as it stands in the header; an empty one leaves it out.
    pub challenge: Option<String>,
}

/// Where the metadata of a resource are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ResourceMetadata {
    /// At the path of the resource and at the root; challenges name the first.
    #[default]
    Both,
    /// Only at `/.well-known/oauth-protected-resource/mcp`.
    AtPath,
    /// Only at `/.well-known/oauth-protected-resource`.
    AtRoot,
    /// Nowhere.
    Nowhere,
}

/// Which scopes a challenge names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ScopeHint {
    /// All that the request needs, where it needs any.
    #[default]
    Needed,
    /// Those that the token lacks.
    Lacking,
    /// These.
    These(String),
    /// None.
    Absent,
}

impl Default for Guarding {
    fn default() -> Self {
        Self {
            metadata_in_challenge: true,
            metadata: ResourceMetadata::default(),
            metadata_failure: None,
            resource: None,
            authorization_servers: None,
            checks_resource: true,
            scopes: Vec::new(),
            scopes_supported: Vec::new(),
            tool_scopes: BTreeMap::new(),
            forbidden_tools: BTreeSet::new(),
            scope_hint: ScopeHint::default(),
            only_calls: false,
            challenge: None,
        }
    }
}

impl Guarding {
    /// Asks for these scopes, separated by spaces, in calls of a tool.
    pub fn require(&mut self, tool: &str, scopes: &str) {
        let scopes = scopes.split_whitespace().map(str::to_owned).collect();
        self.tool_scopes.insert(tool.to_owned(), scopes);
    }

    /// The scopes that a request needs.
    pub(super) fn needed(&self, tool: Option<&str>) -> Vec<String> {
        let more = tool.and_then(|tool| self.tool_scopes.get(tool));
        let mut needed = self.scopes.clone();
        needed.extend(more.into_iter().flatten().cloned());
        needed
    }
}
