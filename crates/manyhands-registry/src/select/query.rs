//! What is asked of a selection. It must not know how it is answered.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use manyhands_core::{QualifiedName, ServerId};

use super::selection::Selection;
use crate::groups::Ranking;
use crate::shard::ToolEntry;
use crate::wire::ModelApi;

/// The most texts of one query; more are left out.
const MAX_TEXTS: usize = 16;
/// How many tools are chosen where neither their number nor their tokens are limited.
const DEFAULT_LIMIT: usize = 20;

/// What tools are wanted for, and how many fit.
///
/// Several texts are several errands: each has its share of the places. Without any text, all tools that the other
/// conditions leave are taken in the catalogue's order. A text, or a list of texts, makes a query as it stands.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub(super) texts: Vec<String>,
    pub(super) tags: BTreeSet<String>,
    pub(super) servers: BTreeSet<ServerId>,
    pub(super) always_on: Vec<QualifiedName>,
    pub(super) kept: Vec<QualifiedName>,
    pub(super) within_tokens: Option<usize>,
    limit: Option<usize>,
    pub(super) api: ModelApi,
    pub(super) permits: Vec<Permit>,
    pub(super) groups: Arc<Ranking>,
}

impl Query {
    /// Asks for what `text` needs.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self::default().with_text(text)
    }

    /// Adds an errand, such as a step of a plan; 16 count.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        if self.texts.len() < MAX_TEXTS {
            self.texts.push(text.into());
        }
        self
    }

    /// Takes only tools that have one of the tags, without regard to case; none is no condition.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = String>) -> Self {
        self.tags
            .extend(tags.into_iter().map(|it| it.to_lowercase()));
        self
    }

    /// Takes only tools of these servers; none is no condition.
    #[must_use]
    pub fn with_servers(mut self, servers: impl IntoIterator<Item = ServerId>) -> Self {
        self.servers.extend(servers);
        self
    }

    /// Takes only tools that `permit` lets pass, always-on ones included. Of several, all have to.
    #[must_use]
    pub fn with_permit(
        mut self,
        permit: impl Fn(&ToolEntry) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.permits.push(Permit(Arc::new(permit)));
        self
    }

    /// Takes these tools first, whatever is asked.
    #[must_use]
    pub fn with_always_on(mut self, tools: impl IntoIterator<Item = QualifiedName>) -> Self {
        self.always_on.extend(tools);
        self
    }

    /// Only appends to what was chosen before, which stays in its order, so that a model's prompt cache stays good.
    #[must_use]
    pub fn with_earlier(mut self, earlier: &Selection) -> Self {
        self.kept = earlier
            .chosen
            .iter()
            .map(|it| it.tool.name().clone())
            .collect();
        self
    }

    /// Takes no more tools than fit into so many tokens. What is always on, and what is kept, counts and stays.
    #[must_use]
    pub fn with_tokens(mut self, tokens: usize) -> Self {
        self.within_tokens = Some(tokens);
        self
    }

    /// Takes no more tools than these; 20 where tokens are not limited either. What is always on, and what is kept,
    /// counts and stays.
    #[must_use]
    pub fn with_limit(mut self, tools: usize) -> Self {
        self.limit = Some(tools);
        self
    }

    /// Takes all that fit, and in the order in which they do, whatever was chosen before or is always on.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        self.kept.clear();
        self.always_on.clear();
        (self.within_tokens, self.limit) = (None, Some(usize::MAX));
        self
    }

    /// Counts the tokens of the definitions under this API's names.
    #[must_use]
    pub fn with_api(mut self, api: ModelApi) -> Self {
        self.api = api;
        self
    }

    /// The same for one of its texts.
    pub(super) fn about(&self, text: &str) -> Self {
        let mut alone = self.clone();
        alone.texts = vec![text.to_owned()];
        alone
    }

    /// Puts forward only one tool of each group: the first one that can be called and that the conditions leave, in the
    /// place of whichever of them fits best. What is always on, and what is kept, stays, and stands for its group.
    #[must_use]
    pub fn with_groups(mut self, groups: impl Into<Arc<Ranking>>) -> Self {
        self.groups = groups.into();
        self
    }

    /// The most tools to choose.
    pub(super) fn limit(&self) -> usize {
        let default = if self.within_tokens.is_some() {
            usize::MAX
        } else {
            DEFAULT_LIMIT
        };
        self.limit.unwrap_or(default)
    }

    /// The texts that ask for anything.
    pub(super) fn errands(&self) -> impl Iterator<Item = &str> {
        let texts = self.texts.iter().map(|text| text.trim());
        texts.filter(|text| !text.is_empty())
    }

    /// Whether the conditions leave this tool, which has these tags, in lower case.
    pub(super) fn allows(&self, tool: &ToolEntry, tags: &[String]) -> bool {
        let is_tagged = self.tags.is_empty() || tags.iter().any(|tag| self.tags.contains(tag));
        is_tagged && self.permits(tool)
    }

    /// Whether there is any condition on single tools.
    pub(super) fn is_choosy(&self) -> bool {
        !self.permits.is_empty() || !self.tags.is_empty()
    }

    pub(super) fn permits(&self, tool: &ToolEntry) -> bool {
        self.permits.iter().all(|permit| (permit.0)(tool))
    }
}

impl From<&str> for Query {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Query {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl<T: Into<String>> From<Vec<T>> for Query {
    fn from(texts: Vec<T>) -> Self {
        texts.into_iter().fold(Self::default(), Self::with_text)
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for Query {
    fn from(texts: [T; N]) -> Self {
        texts.into_iter().fold(Self::default(), Self::with_text)
    }
}

/// A condition of the caller's own.
#[derive(Clone)]
pub(super) struct Permit(Arc<dyn Fn(&ToolEntry) -> bool + Send + Sync>);

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}
