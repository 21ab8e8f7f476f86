//! The vectors of all tools, and which tools are nearest to a query by them. It must not know how words are weighed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use manyhands_core::{QualifiedName, ServerId, fingerprint};

use super::document::said;
use super::embed::{EmbedError, Embeddings};
use super::part::Part;
use super::query::Query;
use super::score::{Scored, by_score};
use super::view::View;
use super::{Index, Selection};
use crate::shard::ToolEntry;

/// The most tools that have a vector; those beyond are found by words alone.
const MAX_VECTORS: usize = 20_000;
/// The tools nearest to a text that count.
const NEAREST: usize = 50;

/// The vectors of an [`Index`]'s tools: an immutable snapshot, in which a definition that did not change keeps its
/// vector.
#[derive(Debug, Clone, Default)]
pub struct Vectors {
    dimensions: Option<usize>,
    by_text: HashMap<String, Arc<[f32]>>,
    by_tool: HashMap<QualifiedName, Arc<[f32]>>,
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
        let texts = texts(index);
        let mut next = Self {
            dimensions: self.dimensions,
            ..Self::default()
        };
        let mut missing: BTreeMap<&str, &str> = BTreeMap::new();
        for (_, key, text) in &texts {
            match self.by_text.get(key) {
                Some(vector) => _ = next.by_text.insert(key.clone(), vector.clone()),
                None => _ = missing.insert(key, text),
            }
        }
        let missing: Vec<(&str, &str)> = missing.into_iter().collect();
        let mut error = None;
        for batch in missing.chunks(Embeddings::batch()) {
            if let Err(failed) = next.embed(batch, embeddings).await {
                error = Some(failed);
                break;
            }
        }
        for (name, key, _) in texts {
            let vector = next.by_text.get(&key).cloned();
            next.by_tool.extend(vector.map(|it| (name, it)));
        }
        (next, error)
    }

    async fn embed(
        &mut self,
        batch: &[(&str, &str)],
        embeddings: &Embeddings,
    ) -> Result<(), EmbedError> {
        let texts: Vec<String> = batch.iter().map(|(_, text)| (*text).to_owned()).collect();
        let vectors = embeddings.vectors(&texts, self.dimensions).await?;
        self.dimensions = vectors.first().map(|it| it.len());
        let keys = batch.iter().map(|(key, _)| (*key).to_owned());
        self.by_text.extend(keys.zip(vectors));
        Ok(())
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
                    score: vector.iter().zip(wanted).map(|(a, b)| a * b).sum(),
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
        match embeddings.vectors(&texts, vectors.dimensions).await {
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
