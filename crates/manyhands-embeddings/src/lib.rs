//! Meaning for the selection of tools: vectors from any endpoint that speaks as OpenAI's `/embeddings` does.
//!
//! Most providers have one, and so do the servers that run models on one's own machine. An [`OpenAiEmbedder`] is an
//! [`Embedder`](manyhands_registry::Embedder), and keeps nothing: what was embedded is remembered by
//! [`Vectors`](manyhands_registry::Vectors). The endpoint reads what is embedded: names and descriptions of tools, and the
//! texts of queries. This crate must not know what vectors are used for.
//!
//! ```no_run
//! use manyhands_embeddings::{EmbeddingSettings, OpenAiEmbedder};
//! use manyhands_registry::{Catalogue, Embeddings, Index, IndexOptions, Query, Vectors};
//!
//! # async fn example(catalogue: Catalogue) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = EmbeddingSettings::new("http://localhost:11434/v1", "nomic-embed-text");
//! let embeddings = Embeddings::new(OpenAiEmbedder::new(settings)?);
//!
//! let index = Index::new(&catalogue, &IndexOptions::default());
//! let (vectors, error) = Vectors::default().updated(&index, &embeddings).await;
//! let query = Query::new("what did the team decide?");
//! let selection = index.select_by_meaning(&query, &vectors, &embeddings).await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod embedder;
mod pause;
mod settings;

pub use embedder::OpenAiEmbedder;
pub use settings::EmbeddingSettings;

#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;
