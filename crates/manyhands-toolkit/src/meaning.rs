//! The vectors of all tools, made in the background or waited for, and the choice by them. It must not know where vectors
//! come from, nor how tools are ranked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use manyhands_discovery::ManifestFolder;
use manyhands_registry::{EmbedError, Embeddings, Index, Query, Selection, Vectors};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::toolkit::Toolkit;

/// How many texts are embedded before what there is by then is used.
const STEP: usize = 64;
/// For how long an embedder that failed is not asked for tools again by itself.
const REST: Duration = Duration::from_secs(5);
/// After how long vectors are kept while there are more to make: who waits for them may give up.
const PAUSE: Duration = Duration::from_secs(5);

impl Toolkit {
    /// How many of the tools that are known now have no vector yet; none where nothing embeds them.
    #[must_use]
    pub fn tools_to_embed(&self) -> usize {
        let shared = self.shared();
        let meaning = shared.meaning.as_ref();
        meaning.map_or(0, |it| it.lacks(&shared.index()))
    }

    /// Has the tools that are known now embedded, and waits for that: a program that asks once and ends would never choose
    /// by meaning otherwise. Without an [embedder](crate::Builder::embed_by) it does nothing.
    ///
    /// # Errors
    /// [`EmbedError`] when some tools have no vector; what was made until then is used.
    ///
    /// # Cancel safety
    /// Dropping the future keeps what was made until then, but for the last 64 texts.
    pub async fn embed_tools(&self) -> Result<(), EmbedError> {
        let shared = self.shared();
        match &shared.meaning {
            Some(meaning) => meaning.learn(shared.index()).await,
            None => Ok(()),
        }
    }

    /// Asks the embedder for one vector, and gives its dimensions; none where there is no embedder.
    pub async fn check_embedder(&self) -> Option<Result<usize, EmbedError>> {
        let shared = self.shared();
        match &shared.meaning {
            Some(meaning) => Some(meaning.embeddings.check().await),
            None => None,
        }
    }
}

/// What knows the meaning of tools, and what it has said so far.
pub(crate) struct Meaning {
    embeddings: Embeddings,
    known: Arc<Mutex<Known>>,
    /// Where vectors are kept for the next start of the program.
    folder: Option<ManifestFolder>,
}

#[derive(Default)]
struct Known {
    vectors: Arc<Vectors>,
    /// The index that they are for.
    of: Option<Arc<Index>>,
    /// Why some are missing, and since when.
    error: Option<(EmbedError, Instant)>,
    /// What makes the next ones; it ends when nobody can ask for them any more.
    learning: Option<AbortOnDropHandle<()>>,
    /// Held by whoever makes them.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Known {
    fn is_for(&self, index: &Arc<Index>) -> bool {
        self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, index))
    }
}

impl Meaning {
    /// With the vectors that an earlier start kept, where it said of which model they are.
    pub(crate) fn new(embeddings: Embeddings, folder: Option<ManifestFolder>) -> Self {
        let folder = folder.filter(|_| embeddings.identity().is_some());
        let bytes = folder.as_ref().and_then(ManifestFolder::read_vectors);
        let vectors = match (bytes, embeddings.identity()) {
            (Some(bytes), Some(identity)) => Vectors::recalled(&bytes, identity),
            _ => Vectors::default(),
        };
        let known = Known {
            vectors: Arc::new(vectors),
            ..Known::default()
        };
        Self {
            embeddings,
            known: Arc::new(Mutex::new(known)),
            folder,
        }
    }

    /// Chooses by words and by meaning; by words alone, and saying so, where there is no vector.
    pub(crate) async fn select(&self, index: &Arc<Index>, query: &Query) -> Selection {
        let vectors = self.vectors(index);
        let selection = index.select_by_meaning(query, &vectors, &self.embeddings);
        let mut selection = selection.await;
        if vectors.is_empty() {
            let known = lock(&self.known);
            let error = known.error.as_ref().map(|(error, _)| error.to_string());
            selection.without_embedder = selection.without_embedder.or(error);
        }
        selection
    }

    /// How many tools have no vector yet.
    fn lacks(&self, index: &Index) -> usize {
        lock(&self.known).vectors.lacked_by(index)
    }

    /// The vectors that there are. Those that `index` lacks are made in the background, by one task at a time.
    fn vectors(&self, index: &Arc<Index>) -> Arc<Vectors> {
        let mut known = lock(&self.known);
        let is_learning = known.learning.as_ref().is_some_and(|it| !it.is_finished());
        let has_just_failed = known
            .error
            .as_ref()
            .is_some_and(|(_, since)| since.elapsed() < REST);
        if !known.is_for(index) && !is_learning && !has_just_failed {
            let task = self.task(index.clone());
            known.learning = Some(AbortOnDropHandle::new(tokio::spawn(async move {
                if let Err(error) = task.await {
                    tracing::warn!("some tools are found by their words alone: failed to {error}");
                }
            })));
        }
        known.vectors.clone()
    }

    /// Makes the vectors that `index` lacks, once nobody else does.
    async fn learn(&self, index: Arc<Index>) -> Result<(), EmbedError> {
        self.task(index).await
    }

    fn task(&self, index: Arc<Index>) -> impl Future<Output = Result<(), EmbedError>> + use<> {
        learn(
            Arc::downgrade(&self.known),
            index,
            self.embeddings.clone(),
            self.folder.clone(),
        )
    }
}

async fn learn(
    known: Weak<Mutex<Known>>,
    index: Arc<Index>,
    embeddings: Embeddings,
    folder: Option<ManifestFolder>,
) -> Result<(), EmbedError> {
    let Some(turn) = known.upgrade().map(|it| lock(&it).turn.clone()) else {
        return Ok(());
    };
    let _turn = turn.lock().await;
    let mut kept = Instant::now();
    loop {
        let before = match known.upgrade() {
            Some(known) if !lock(&known).is_for(&index) => lock(&known).vectors.clone(),
            _ => return Ok(()),
        };
        let (vectors, error) = before.grown(&index, &embeddings, STEP).await;
        let is_whole = error.is_none() && vectors.is_whole();
        let vectors = Arc::new(vectors);
        if let Some(known) = known.upgrade() {
            let mut known = lock(&known);
            known.of = is_whole.then(|| index.clone());
            known.vectors = vectors.clone();
            known.error = error.clone().map(|error| (error, Instant::now()));
        }
        let is_last = is_whole || error.is_some();
        if let Some(folder) = folder
            .as_ref()
            .filter(|_| is_last || kept.elapsed() > PAUSE)
        {
            keep(vectors, &embeddings, folder).await;
            kept = Instant::now();
        }
        if let Some(error) = error {
            // What failed is tried again by a later question.
            return Err(error);
        }
    }
}

/// Keeps vectors for the next start. Whoever ends the program when they are there ends it when they are kept.
async fn keep(vectors: Arc<Vectors>, embeddings: &Embeddings, folder: &ManifestFolder) {
    let Some(identity) = embeddings.identity().map(str::to_owned) else {
        return;
    };
    let folder = folder.clone();
    let writing = spawn_blocking(move || {
        // Other programs may have put vectors of other tools there meanwhile.
        let before = folder.read_vectors().unwrap_or_default();
        let bytes = vectors.to_bytes(&identity, &before, ManifestFolder::MAX_VECTORS);
        bytes.map_or(Ok(()), |bytes| folder.write_vectors(&bytes))
    });
    if let Ok(Err(error)) = writing.await {
        tracing::warn!("the vectors of tools are not kept: failed to {error}");
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    // What is kept is exchanged in single steps, so a panic elsewhere does no harm.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
