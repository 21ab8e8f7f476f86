//! The few tools that a task needs, out of all that there are.
//!
//! An [`Index`] is an immutable snapshot beside a [`Catalogue`], built server by server: a change of one server builds
//! that server's part anew and shares the others. It ranks by words alone, the same way every time; an [`Embedder`]
//! adds meaning where there is one. It must not know how a model is asked, nor who asks.

mod concept;
mod document;
mod embed;
mod gather;
mod meaning;
mod merge;
mod part;
mod pick;
mod query;
mod recalled;
mod related;
mod request;
mod score;
mod selection;
mod servers;
mod synonyms;
mod view;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use manyhands_core::ServerId;

use self::merge::merge;
use self::part::Part;
use self::pick::Pick;
use self::score::{Fitting, Scored, fitting};
use self::view::View;
use crate::catalogue::Catalogue;
use crate::tokens::{TokenEstimator, estimate};

pub(crate) use self::synonyms::of as synonyms_of;
pub(crate) use self::words::terms;

pub use self::document::Field;
pub use self::embed::{EmbedError, Embedder, Embeddings};
pub use self::meaning::Vectors;
pub use self::query::Query;
pub use self::related::Related;
pub use self::selection::{Chosen, Fit, LeftOut, LeftOutCause, Match, Reason, Selection};
pub use self::servers::ServerFit;

/// The longest text about a server that is kept, in bytes.
const MAX_ABOUT: usize = 16 * 1024;

/// What an index is built with, beside the catalogue.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct IndexOptions {
    about: BTreeMap<ServerId, Arc<str>>,
    estimator: Option<Arc<dyn TokenEstimator>>,
}

impl IndexOptions {
    /// Says what a server is for: its description, its instructions, or both.
    #[must_use]
    pub fn with_about(mut self, server: ServerId, text: &str) -> Self {
        let text = manyhands_core::clip(text, MAX_ABOUT);
        self.about.insert(server, text.into());
        self
    }

    /// Counts tokens with `estimator`; [`estimate`] by default. Another one builds all of an index anew.
    #[must_use]
    pub fn with_estimator(mut self, estimator: impl TokenEstimator) -> Self {
        self.estimator = Some(Arc::new(estimator));
        self
    }
}

impl IndexOptions {
    /// What counts tokens.
    #[must_use]
    pub fn estimator(&self) -> &dyn TokenEstimator {
        self.estimator
            .as_deref()
            .unwrap_or(&(estimate as fn(&str) -> usize))
    }
}

impl fmt::Debug for IndexOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexOptions")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

/// Finds the tools of one [`Catalogue`] that fit a [`Query`].
///
/// ```
/// use std::sync::Arc;
/// use manyhands_core::{Inventory, ServerId, model::Tool};
/// use manyhands_registry::{Catalogue, Index, IndexOptions, Query};
///
/// let mut inventory = Inventory::default();
/// for (name, description) in [("list_channels", "Lists channels"), ("post_message", "Sends a message")] {
///     let tool = serde_json::json!({"name": name, "description": description, "inputSchema": {}});
///     inventory.tools.push(Arc::new(serde_json::from_value::<Tool>(tool)?));
/// }
/// let slack = ServerId::parse("slack")?;
/// let (catalogue, _) = Catalogue::new([slack.clone()]).with_inventory(&slack, &inventory);
///
/// let index = Index::new(&catalogue, &IndexOptions::default());
/// let selection = index.select(&Query::new("send messages to the team").with_tokens(4_000));
/// assert_eq!(selection.chosen[0].tool.name().to_string(), "slack.post_message");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Index {
    parts: Vec<Arc<Part>>,
    options: IndexOptions,
}

impl Index {
    /// An index of all tools of `catalogue`.
    #[must_use]
    pub fn new(catalogue: &Catalogue, options: &IndexOptions) -> Self {
        Self::default().updated(catalogue, options)
    }

    /// The index of the next snapshot. Servers that offer what they did before are shared with this one; of those that
    /// do not, only tools that are new, or known otherwise, are read.
    #[must_use]
    pub fn updated(&self, catalogue: &Catalogue, options: &IndexOptions) -> Self {
        let counts_alike = match (&self.options.estimator, &options.estimator) {
            (None, None) => true,
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            _ => false,
        };
        let before: BTreeMap<&ServerId, &Arc<Part>> = self
            .parts
            .iter()
            .filter(|_| counts_alike)
            .map(|part| (&part.server, part))
            .collect();
        let parts = catalogue.shards().map(|(server, shard)| {
            let about = options.about.get(server);
            let same = before
                .get(server)
                .filter(|part| part.about.as_ref() == about);
            match same {
                Some(part) if Arc::ptr_eq(&part.shard, shard) => Arc::clone(part),
                before => Arc::new(Part::new(server, shard, about, before.map(|it| &***it))),
            }
        });
        Self {
            parts: parts.collect(),
            options: options.clone(),
        }
    }

    /// Chooses the tools that fit `query`, by words alone.
    #[must_use]
    pub fn select(&self, query: &Query) -> Selection {
        self.choose(query, |_, _| Vec::new())
    }

    /// Chooses, with what `nearest` finds for each text nearest in meaning, best first, if anything.
    fn choose(
        &self,
        query: &Query,
        nearest: impl Fn(&View<'_>, usize) -> Vec<Scored>,
    ) -> Selection {
        let parts = || self.parts.iter().map(|part| &**part);
        let is_asked =
            |part: &&Part| query.servers.is_empty() || query.servers.contains(&part.server);
        let view = View::new(parts().filter(is_asked));
        let mut pick = Pick::new(query, self.options.estimator());
        pick.take_named(&View::new(parts()));
        let errands = query.errands();
        let fittings: Vec<Fitting> = errands.map(|text| fitting(&view, query, text)).collect();
        if fittings.is_empty() {
            pick.take_all(&view);
            return pick.finish(0);
        }
        let nearest: Vec<Vec<Scored>> = (0..fittings.len())
            .map(|text| nearest(&view, text))
            .collect();
        let merged = merge(&fittings, &nearest);
        pick.take_best(&view, &merged, &fittings);
        let by_words = fittings.iter().map(|it| it.considered).max();
        let is_by_words = nearest.iter().all(Vec::is_empty);
        let by_meaning = if is_by_words { 0 } else { merged.len() };
        pick.finish(by_words.unwrap_or_default().max(by_meaning))
    }
}

#[cfg(test)]
mod tests;
