//! What gives vectors to a toolkit, as the file says it: made when it is first asked, where its key is a secret that has to
//! be read. It must not know what vectors are used for.

use std::time::Duration;

use manyhands_config::{EntryError, Part};
use manyhands_embeddings::{EmbeddingSettings, OpenAiEmbedder};
use manyhands_registry::{EmbedError, Embedder, Embeddings};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::access::Access;
use crate::wanted::Wanted;

/// An endpoint that fails this long after its secrets were read may want others by now.
const HOLDS: Duration = Duration::from_secs(60);

/// What gives vectors. A part that cannot be used is told to the log and to whoever asks, and costs nothing else.
pub(crate) fn embeddings(part: Result<Part, EntryError>, access: &Access) -> Embeddings {
    let part = part.map_err(|error| refused(&error));
    match part.and_then(|part| Configured::new(&part, access)) {
        Ok((embedder, settings)) => Embeddings::new(embedder)
            .with_tools_deadline(settings.timeout.0)
            .with_identity(settings.identity()),
        Err(error) => {
            tracing::warn!("tools are found by their words alone: failed to {error}");
            Embeddings::new(Broken(error))
        }
    }
}

/// An endpoint that a file names.
enum Configured {
    Known(OpenAiEmbedder),
    Wanted {
        wanted: Wanted<Part>,
        access: Access,
        /// What asks it, and since when.
        made: Mutex<Option<(Instant, OpenAiEmbedder)>>,
    },
}

impl Configured {
    /// Checks what can be checked before secrets are read; with the settings as far as they are known.
    fn new(part: &Part, access: &Access) -> Result<(Self, EmbeddingSettings), EmbedError> {
        let settings: EmbeddingSettings = part.read().map_err(|error| refused(&error))?;
        let Some(deferred) = &part.deferred else {
            return Ok((
                Self::Known(OpenAiEmbedder::new(settings.clone())?),
                settings,
            ));
        };
        if !settings.url.contains("${secret:") {
            OpenAiEmbedder::new(settings.clone())?;
        }
        let wanted = Wanted::new(deferred.clone(), access).map_err(|error| refused(&error))?;
        let embedder = Self::Wanted {
            wanted,
            access: access.clone(),
            made: Mutex::default(),
        };
        Ok((embedder, settings))
    }
}

impl Embedder for Configured {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let (wanted, access, made) = match self {
            Self::Known(embedder) => return embedder.embed(texts).await,
            Self::Wanted {
                wanted,
                access,
                made,
            } => (wanted, access, made),
        };
        let (since, embedder) = {
            // Whoever else asks meanwhile waits for the same secrets.
            let mut made = made.lock().await;
            match &*made {
                Some(made) => made.clone(),
                None => made.insert(read(wanted, access).await?).clone(),
            }
        };
        let answer = embedder.embed(texts).await;
        if answer.is_err() && since.elapsed() > HOLDS {
            *made.lock().await = None;
        }
        answer
    }
}

async fn read(
    wanted: &Wanted<Part>,
    access: &Access,
) -> Result<(Instant, OpenAiEmbedder), EmbedError> {
    let part = wanted.read(access).await.map_err(|unread| {
        let (cause, mend, _) = unread.told();
        told(&cause, mend.as_deref())
    })?;
    let settings = part.read().map_err(|error| refused(&error))?;
    Ok((Instant::now(), OpenAiEmbedder::new(settings)?))
}

/// A part that cannot be used, and why.
struct Broken(EmbedError);

impl Embedder for Broken {
    async fn embed(&self, _: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        Err(self.0.clone())
    }
}

fn refused(error: &EntryError) -> EmbedError {
    told(error.cause(), error.mend())
}

fn told(cause: &str, mend: Option<&str>) -> EmbedError {
    let mend = mend.map(|mend| format!("; {mend}"));
    EmbedError::new(format!("{cause}{}", mend.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use manyhands_auth::secrets::{SecretError, SecretSource, Secrets};
    use manyhands_config::{Config, Environment, Source};
    use manyhands_core::Secret;
    use manyhands_testkit::VectorServer;
    use manyhands_toolkit::Settings;

    use super::*;
    use crate::section::ServerSection;

    /// Gives another secret at each read.
    #[derive(Default)]
    struct Rotating(AtomicUsize);

    impl SecretSource for Rotating {
        async fn read(&self, _: &str) -> Result<Secret, SecretError> {
            let reads = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Secret::new(format!("key-{reads}")))
        }
    }

    fn configured(url: &str) -> Embeddings {
        let part = serde_json::json!({"url": url, "model": "m", "apiKey": "${secret:own:a}"});
        let file = serde_json::json!({"mcpServers": {}, "manyhands": {"embeddings": part}});
        let source = Source::new("mcp.json", ".");
        let config =
            Config::<ServerSection, Settings>::from_json(&file.to_string(), &source, &Environment);
        let secrets = Secrets::default().with_source("own", Rotating::default());
        embeddings(
            config.unwrap().embeddings.unwrap(),
            &Access::default().with_secrets(secrets),
        )
    }

    #[tokio::test]
    async fn a_key_is_read_once_and_again_when_it_may_be_another() {
        let endpoint = VectorServer::start([vec!["a"]]).await.unwrap();
        let embeddings = configured(&endpoint.url());
        endpoint.require_key("key-0");
        for _ in 0..2 {
            assert_eq!(embeddings.check().await, Ok(2));
        }
        endpoint.require_key("key-1");
        embeddings.check().await.unwrap_err();
        embeddings.check().await.unwrap_err();
        tokio::time::pause();
        tokio::time::advance(HOLDS * 2).await;
        tokio::time::resume();
        embeddings.check().await.unwrap_err();
        assert_eq!(embeddings.check().await, Ok(2));
    }

    #[test]
    fn vectors_are_told_apart_by_where_they_are_from_and_by_nothing_secret() {
        let identity = configured("https://a.example/v1?key=planted")
            .identity()
            .map(str::to_owned);
        assert_eq!(identity.unwrap(), "https://a.example/v1/embeddings m 0");
    }
}
