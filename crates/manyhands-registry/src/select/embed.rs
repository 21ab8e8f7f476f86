//! The seam for what knows the meaning of texts: a trait, and a handle that bounds how long and how much. It must not
//! know where vectors come from, nor what they are used for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{Printable, clip};

/// The most texts that are handed over at once.
const BATCH: usize = 64;
/// The most bytes of one text that are handed over.
const MAX_TEXT: usize = 8 * 1024;
/// The most dimensions of a vector.
pub(super) const MAX_DIMENSIONS: usize = 8_192;
/// The time for one batch, unless it is set.
const DEADLINE: Duration = Duration::from_secs(5);

/// Turns texts into vectors, such that texts of like meaning have vectors of like direction.
pub trait Embedder: Send + Sync + 'static {
    /// One vector for each of `texts`, in their order, all of one dimension. The future may be dropped at any time.
    ///
    /// # Errors
    /// [`EmbedError`] when there are none.
    fn embed(
        &self,
        texts: Vec<String>,
    ) -> impl Future<Output = Result<Vec<Vec<f32>>, EmbedError>> + Send;
}

/// Why there are no vectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("embed texts: {cause}")]
pub struct EmbedError {
    cause: String,
}

impl EmbedError {
    /// An error with its cause, a lowercase clause, which may hold a stranger's text and must hold no secret.
    pub fn new(cause: impl AsRef<str>) -> Self {
        Self {
            cause: Printable(&clip(cause.as_ref(), 400)).to_string(),
        }
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>, EmbedError>> + Send + 'a>>;

/// The object-safe twin of [`Embedder`].
trait DynEmbedder: Send + Sync {
    fn embed(&self, texts: Vec<String>) -> Answer<'_>;
}

impl<T: Embedder> DynEmbedder for T {
    fn embed(&self, texts: Vec<String>) -> Answer<'_> {
        Box::pin(Embedder::embed(self, texts))
    }
}

/// A handle over an [`Embedder`]. Cheap to clone.
#[derive(Clone)]
pub struct Embeddings {
    embedder: Arc<dyn DynEmbedder>,
    deadline: Duration,
    tools_deadline: Option<Duration>,
    identity: Option<String>,
}

impl Embeddings {
    /// Has `embedder` give the vectors.
    pub fn new(embedder: impl Embedder) -> Self {
        Self {
            embedder: Arc::new(embedder),
            deadline: DEADLINE,
            tools_deadline: None,
            identity: None,
        }
    }

    /// Waits no longer than this for 64 texts, or for those of a query; 5 s by default.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Waits no longer than this for 64 texts of tools, for which nobody has to wait; by default as long as for a query.
    #[must_use]
    pub fn with_tools_deadline(mut self, deadline: Duration) -> Self {
        self.tools_deadline = Some(deadline);
        self
    }

    /// Says which model gives the vectors, by a text that is the same at the next start of the program and holds no secret,
    /// so that vectors may be kept until then. Without it they are not.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// Which model gives the vectors, where that is known.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// Asks for one vector, to find out whether there is an answer, and gives its dimensions.
    ///
    /// # Errors
    /// [`EmbedError`] when there is none.
    pub async fn check(&self) -> Result<usize, EmbedError> {
        let vectors = self.of_query(&["search messages".to_owned()], None).await?;
        Ok(vectors.first().map_or(0, |it| it.len()))
    }

    /// The most texts for [`of_tools`](Self::of_tools).
    pub(super) const fn batch() -> usize {
        BATCH
    }

    /// A vector of length 1 for each text of a query; of `dimensions`, where that is known.
    pub(super) async fn of_query(
        &self,
        texts: &[String],
        dimensions: Option<usize>,
    ) -> Result<Vec<Arc<[f32]>>, EmbedError> {
        self.vectors(texts, dimensions, self.deadline).await
    }

    /// A vector of length 1 for each text of a tool; of `dimensions`, where that is known.
    pub(super) async fn of_tools(
        &self,
        texts: &[String],
        dimensions: Option<usize>,
    ) -> Result<Vec<Arc<[f32]>>, EmbedError> {
        let deadline = self.tools_deadline.unwrap_or(self.deadline);
        self.vectors(texts, dimensions, deadline).await
    }

    async fn vectors(
        &self,
        texts: &[String],
        dimensions: Option<usize>,
        deadline: Duration,
    ) -> Result<Vec<Arc<[f32]>>, EmbedError> {
        let texts: Vec<String> = texts
            .iter()
            .map(|it| clip(it, MAX_TEXT).into_owned())
            .collect();
        let count = texts.len();
        let answer = tokio::time::timeout(deadline, self.embedder.embed(texts));
        let vectors = answer
            .await
            .map_err(|_| EmbedError::new(format!("there was no answer within {deadline:?}")))??;
        if vectors.len() != count {
            let got = vectors.len();
            return Err(EmbedError::new(format!("{count} texts got {got} vectors")));
        }
        let mut dimensions = dimensions;
        let checked = vectors.into_iter().map(|vector| {
            let expected = *dimensions.get_or_insert(vector.len());
            normalised(vector, expected)
        });
        checked.collect()
    }
}

impl fmt::Debug for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embeddings")
    }
}

fn normalised(mut vector: Vec<f32>, dimensions: usize) -> Result<Arc<[f32]>, EmbedError> {
    let got = vector.len();
    if got == 0 || got > MAX_DIMENSIONS || got != dimensions {
        return Err(EmbedError::new(format!(
            "a vector has {got} dimensions, where {dimensions} of {MAX_DIMENSIONS} at most are expected"
        )));
    }
    // In double precision the squares of finite numbers cannot overflow.
    let length = vector
        .iter()
        .map(|it| f64::from(*it).powi(2))
        .sum::<f64>()
        .sqrt();
    if !length.is_finite() {
        return Err(EmbedError::new(
            "a vector holds a number that is not finite",
        ));
    }
    if length > 0.0 {
        for number in &mut vector {
            *number = (f64::from(*number) / length) as f32;
        }
    }
    Ok(vector.into())
}
