//! The vectors of all tools, and which tools are nearest to a query by them. It must not know how words are weighed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use manyhands_core::{QualifiedName, ServerId, fingerprint};

use super::document::said;
use super::embed::{EmbedError, Embeddings};
use super::part::Part;
use super::query::Query;
use super::recalled::{self, Kept};
use super::score::{Scored, by_score};
use super::view::View;
use super::{Index, Selection};
use crate::shard::ToolEntry;

/// The most tools that have a vector; those beyond are found by words alone.
const MAX_VECTORS: usize = 20_000;
/// Vectors of one text are the same when their product is above this: a model on other hardware, or behind another version
/// of its server, differs in the last digits.
const SAME: f32 = 0.99;
/// The tools nearest to a text that count.
const NEAREST: usize = 50;

/// The vectors of an [`Index`]'s tools: an immutable snapshot, in which a definition that did not change keeps its
/// vector.
#[derive(Debug, Clone, Default)]
pub struct Vectors {
    dimensions: Option<usize>,
    by_text: HashMap<String, Arc<[f32]>>,
    by_tool: HashMap<QualifiedName, Arc<[f32]>>,
    /// How many texts had no vector when it was made.
    missing: usize,
    /// What an earlier start of the program kept.
    kept: Arc<Kept>,
    /// Whether it was found out that the model still gives the same.
    kept_holds: Option<bool>,
}

impl Vectors {
    /// The vectors for `index`. Only texts that have none yet are embedded; what failed is tried again the next time.
    ///
    /// The error tells why some tools have no vector. The vectors that there are do their part all the same.
    pub async fn updated(
        &self,
        index: &Index,
        embeddings: &Embeddings,
    ) -> (Self, Option<EmbedError>) {
        self.grown(index, embeddings, usize::MAX).await
    }

    /// As [`updated`](Self::updated), with so many further texts embedded at the most, so that what there is by then can be
    /// used.
    pub async fn grown(
        &self,
        index: &Index,
        embeddings: &Embeddings,
        at_most: usize,
    ) -> (Self, Option<EmbedError>) {
        let texts = texts(index);
        let kept_holds = match self.checked(&texts, embeddings).await {
            Ok(holds) => holds,
            Err(error) => return (self.clone(), Some(error)),
        };
        let kept = |key| self.kept.get(key).filter(|_| kept_holds == Some(true));
        let mut next = Self {
            dimensions: self.dimensions,
            kept: self.kept.clone(),
            kept_holds,
            ..Self::default()
        };
        let mut missing: BTreeMap<&str, &str> = BTreeMap::new();
        for (_, key, text) in &texts {
            match self.by_text.get(key).or_else(|| kept(key)) {
                Some(vector) => _ = next.by_text.insert(key.clone(), vector.clone()),
                None => _ = missing.insert(key, text),
            }
        }
        next.dimensions = next
            .dimensions
            .or_else(|| next.by_text.values().next().map(|it| it.len()));
        let count = missing.len();
        let missing: Vec<(&str, &str)> = missing.into_iter().take(at_most).collect();
        let known = next.by_text.len();
        let mut error = None;
        for batch in missing.chunks(Embeddings::batch()) {
            if let Err(failed) = next.embed(batch, embeddings).await {
                error = Some(failed);
                break;
            }
        }
        next.missing = count - (next.by_text.len() - known);
        for (name, key, _) in texts {
            let vector = next.by_text.get(&key).cloned();
            next.by_tool.extend(vector.map(|it| (name, it)));
        }
        (next, error)
    }

    /// Takes vectors that an earlier start kept as [`to_bytes`](Self::to_bytes) gave them, for the texts that come. Before
    /// they are used, one of them is asked for again: behind one name there may be another model by now.
    #[must_use]
    pub fn recalled(bytes: &[u8], identity: &str) -> Self {
        Self {
            kept: Arc::new(recalled::read(bytes, identity)),
            ..Self::default()
        }
    }

    /// The vectors to keep for the next start, with those that were kept `before` by whatever program, `max` bytes at the
    /// most; none where nothing is new.
    #[must_use]
    pub fn to_bytes(&self, identity: &str, before: &[u8], max: usize) -> Option<Vec<u8>> {
        let before = recalled::read(before, identity);
        let before = if self.kept_holds == Some(false) {
            Kept::new()
        } else {
            before
        };
        let is_new = |key: &String| !before.contains_key(key);
        self.by_text
            .keys()
            .any(is_new)
            .then(|| recalled::write(&self.by_text, &before, identity, max))
    }

    /// Whether what was kept is what the model gives still; none where nothing kept is of use.
    async fn checked(
        &self,
        texts: &[(QualifiedName, String, String)],
        embeddings: &Embeddings,
    ) -> Result<Option<bool>, EmbedError> {
        let kept = texts
            .iter()
            .find_map(|(_, key, text)| Some((self.kept.get(key)?, text)));
        let Some((kept, text)) = kept.filter(|_| self.kept_holds.is_none()) else {
            return Ok(self.kept_holds);
        };
        let now = embeddings
            .of_tools(std::slice::from_ref(text), None)
            .await?;
        let is_same = |now: &Arc<[f32]>| now.len() == kept.len() && product(now, kept) > SAME;
        Ok(Some(now.first().is_some_and(is_same)))
    }

    async fn embed(
        &mut self,
        batch: &[(&str, &str)],
        embeddings: &Embeddings,
    ) -> Result<(), EmbedError> {
        let texts: Vec<String> = batch.iter().map(|(_, text)| (*text).to_owned()).collect();
        let vectors = embeddings.of_tools(&texts, self.dimensions).await?;
        self.dimensions = vectors.first().map(|it| it.len());
        let keys = batch.iter().map(|(key, _)| (*key).to_owned());
        self.by_text.extend(keys.zip(vectors));
        Ok(())
    }

    /// Whether every text of the index that it was made for has a vector.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.missing == 0
    }

    /// How many tools of `index` have no vector yet, neither here nor among what was kept.
    #[must_use]
    pub fn lacked_by(&self, index: &Index) -> usize {
        let is_kept = |key| self.kept_holds != Some(false) && self.kept.contains_key(key);
        let texts = texts(index);
        let lacking = texts
            .iter()
            .filter(|(_, key, _)| !self.by_text.contains_key(key) && !is_kept(key));
        lacking.count()
    }

    /// How many tools have a vector.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_tool.len()
    }

    /// Whether no tool has a vector.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_tool.is_empty()
    }

    /// The tools nearest to `wanted`, best first.
    fn nearest(&self, view: &View<'_>, query: &Query, wanted: &[f32]) -> Vec<Scored> {
        let mut near = Vec::new();
        let mut place = 0;
        for (part, of_server) in (0..).zip(view.parts()) {
            for (at, tool) in of_server.tools().iter().enumerate() {
                let vector = self.by_tool.get(tool.name());
                let vector = vector.filter(|_| query.allows(tool, of_server.tags(at)));
                near.extend(vector.map(|vector| Scored {
                    tool: place,
                    part,
                    score: product(vector, wanted),
                    server: 0.0,
                }));
                place += 1;
            }
        }
        near.retain(|it| it.score > 0.0);
        if near.len() > NEAREST {
            near.select_nth_unstable_by(NEAREST, by_score);
            near.truncate(NEAREST);
        }
        near.sort_unstable_by(by_score);
        near
    }
}

impl Index {
    /// Chooses by words and by meaning. Where the query cannot be embedded in time, the selection rests on words alone
    /// and says so.
    pub async fn select_by_meaning(
        &self,
        query: &Query,
        vectors: &Vectors,
        embeddings: &Embeddings,
    ) -> Selection {
        let texts: Vec<String> = query.errands().map(str::to_owned).collect();
        if texts.is_empty() || vectors.is_empty() {
            return self.select(query);
        }
        match embeddings.of_query(&texts, vectors.dimensions).await {
            Ok(wanted) => self.choose(query, |view, text| {
                let wanted = wanted.get(text);
                wanted.map_or_else(Vec::new, |it| vectors.nearest(view, query, it))
            }),
            Err(error) => Selection {
                without_embedder: Some(error.to_string()),
                ..self.select(query)
            },
        }
    }
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Each tool's text, with the key that it is remembered by.
fn texts(index: &Index) -> Vec<(QualifiedName, String, String)> {
    let tools = index.parts.iter().flat_map(|part| {
        let tools = part.tools().iter();
        tools.map(move |tool| (part, tool))
    });
    let texts = tools.take(MAX_VECTORS).map(|(part, tool)| {
        let text = text(part, tool);
        (tool.name().clone(), fingerprint(&[text.as_bytes()]), text)
    });
    texts.collect()
}

/// What is embedded of a tool: its names, and what it says it does.
fn text(part: &Part, tool: &ToolEntry) -> String {
    let metadata = tool.metadata();
    let server: &ServerId = tool.name().server();
    let about = part.about.as_deref().unwrap_or_default();
    format!(
        "{server} {} {}\n{}\n{}\n{about}",
        tool.name().name(),
        said(&metadata.title),
        said(&metadata.purpose),
        said(&metadata.when_to_use),
    )
}
