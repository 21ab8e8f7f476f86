//! A named set of servers, tools and tags, as it is written down. It must not know who enables it.

use manyhands_core::{QualifiedName, ServerId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A named set of what belongs to one kind of task: all tools of `servers`, and `tools`, and all tools that have one of
/// `tags`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Profile {
    /// What it is for, for people. Default: none.
    pub description: Option<String>,
    /// Servers with all that they offer. Default: none.
    #[schemars(with = "Vec<String>")]
    pub servers: Vec<ServerId>,
    /// Single tools, such as `slack.post_message`. Default: none.
    #[schemars(with = "Vec<String>")]
    pub tools: Vec<QualifiedName>,
    /// Tags whose tools belong to it, whatever server offers them. Default: none.
    pub tags: Vec<String>,
    /// Tools that a model is shown first, whatever is asked; they belong to it. Default: none.
    #[schemars(with = "Vec<String>")]
    pub always_on: Vec<QualifiedName>,
}

impl Profile {
    /// Says what it is for.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds servers with all that they offer.
    #[must_use]
    pub fn with_servers(mut self, servers: impl IntoIterator<Item = ServerId>) -> Self {
        self.servers.extend(servers);
        self
    }

    /// Adds single tools.
    #[must_use]
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = QualifiedName>) -> Self {
        self.tools.extend(tools);
        self
    }

    /// Adds all tools that have one of these tags.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Adds tools that a model is shown first, whatever is asked.
    #[must_use]
    pub fn with_always_on(mut self, tools: impl IntoIterator<Item = QualifiedName>) -> Self {
        self.always_on.extend(tools);
        self
    }
}
