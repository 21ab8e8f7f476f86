//! The exchange with the endpoint: in batches, within one deadline, and again where that helps. It must not know what an
//! answer means.

use std::fmt;
use std::time::{Duration, SystemTime};

use manyhands_core::{Rounded, Secret, clip, is_this_machine};
use manyhands_registry::{EmbedError, Embedder};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout_at};

use crate::answer::{refusal, vectors};
use crate::pause::pause;
use crate::settings::{EmbeddingSettings, shown};

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The largest answer, in bytes: 64 vectors of 8,192 dimensions, written with all digits, take 12 MB.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// How much of the endpoint's URL is shown, in bytes.
const MAX_SHOWN: usize = 120;

/// Asks an OpenAI-compatible endpoint for vectors. Cheap to clone; clones share its connections.
#[derive(Clone)]
pub struct OpenAiEmbedder {
    http: Client,
    endpoint: Url,
    headers: HeaderMap,
    settings: EmbeddingSettings,
}

/// An answer that came.
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl OpenAiEmbedder {
    /// Checks the settings. Nothing is asked yet.
    ///
    /// # Errors
    /// [`EmbedError`] where the URL is none, or would send the texts unencrypted to another machine, and where the key
    /// cannot be sent.
    pub fn new(settings: EmbeddingSettings) -> Result<Self, EmbedError> {
        let endpoint = settings.endpoint()?;
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            // A redirect would carry texts and key to whom nobody named.
            .redirect(Policy::none())
            .user_agent(concat!("manyhands/", env!("CARGO_PKG_VERSION")));
        if endpoint.host_str().is_some_and(is_this_machine) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|_| {
            EmbedError::new(
                "the HTTP client cannot be set up; check the machine's TLS certificates and proxy settings",
            )
        })?;
        Ok(Self {
            http,
            headers: settings.headers()?,
            endpoint,
            settings,
        })
    }

    /// The vectors of one batch.
    async fn batch(
        &self,
        texts: &[String],
        dimensions: Option<usize>,
        deadline: Instant,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut asked = json!({"model": self.settings.model, "input": texts});
        if let (Some(dimensions), Some(asked)) = (self.settings.dimensions, asked.as_object_mut()) {
            asked.insert("dimensions".to_owned(), dimensions.into());
        }
        let answered = self.ask(asked.to_string(), deadline).await?;
        if !answered.status.is_success() {
            let key = self.settings.key.as_ref().map(Secret::expose);
            return Err(self.error(&refusal(answered.status, &answered.body, key)));
        }
        vectors(&answered.body, texts.len(), dimensions).map_err(|it| self.error(&it))
    }

    /// Sends a request, again where the endpoint says that it may do so later, and that is soon enough.
    async fn ask(&self, body: String, deadline: Instant) -> Result<Answered, EmbedError> {
        let mut attempt = 1;
        loop {
            let answer = timeout_at(deadline, self.exchange(body.clone()));
            let answered = answer.await.map_err(|_| self.late())??;
            let wait = pause(
                answered.status,
                &answered.headers,
                attempt,
                SystemTime::now(),
            );
            let Some(wait) = wait else {
                return Ok(answered);
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if wait >= left {
                let (status, wait) = (answered.status.as_u16(), Rounded(wait));
                return Err(self.error(&format!(
                    "wants us to come back in {wait} (HTTP {status}), which is beyond our time limit; try again then"
                )));
            }
            sleep(wait).await;
            attempt += 1;
        }
    }

    async fn exchange(&self, body: String) -> Result<Answered, EmbedError> {
        let request = self.http.post(self.endpoint.clone());
        let request = request
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let mut response = request.send().await.map_err(|it| self.silent(it))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.body(&mut response).await?;
        Ok(Answered {
            status,
            headers,
            body,
        })
    }

    async fn body(&self, response: &mut Response) -> Result<Vec<u8>, EmbedError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|it| self.silent(it))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.error("answers with more than 16 MiB; set a smaller `batch`"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn late(&self) -> EmbedError {
        let limit = Rounded(self.settings.limit());
        self.error(&format!(
            "has not answered within {limit}; set a smaller `batch` or a longer `timeout`"
        ))
    }

    /// Says why no answer came.
    fn silent(&self, error: reqwest::Error) -> EmbedError {
        let error = error.without_url();
        let mut deepest: &dyn std::error::Error = &error;
        while let Some(source) = deepest.source() {
            deepest = source;
        }
        self.error(&format!(
            "cannot be reached: {deepest}; check its URL, and that it is running"
        ))
    }

    /// An error with a clause that follows the endpoint's name.
    fn error(&self, clause: &str) -> EmbedError {
        let endpoint = shown(&self.endpoint);
        EmbedError::new(format!("{} {clause}", clip(&endpoint, MAX_SHOWN)))
    }
}

impl Embedder for OpenAiEmbedder {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let deadline = Instant::now() + self.settings.limit();
        let mut all: Vec<Vec<f32>> = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.settings.texts_per_request()) {
            let dimensions = all.first().map(Vec::len).or(self.settings.dimensions);
            all.extend(self.batch(batch, dimensions, deadline).await?);
        }
        Ok(all)
    }
}

impl fmt::Debug for OpenAiEmbedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenAiEmbedder")
            .field(&self.settings)
            .finish()
    }
}
