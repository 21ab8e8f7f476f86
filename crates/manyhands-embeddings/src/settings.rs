//! Which endpoint gives vectors, and within which bounds. It must not know how it is asked.

use std::fmt;
use std::time::Duration;

use manyhands_core::{HumanDuration, Secret, is_this_machine};
use manyhands_registry::EmbedError;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

/// The most texts of one request. [`Embeddings`](manyhands_registry::Embeddings) hands over no more at once.
const MAX_BATCH: usize = 64;
/// The longest time for one set of texts.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// An endpoint that gives vectors, and how it is asked.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Embeddings")]
#[non_exhaustive]
pub struct EmbeddingSettings {
    /// The URL under which `/embeddings` is, such as `https://api.openai.com/v1`.
    pub url: String,
    /// The model, by the endpoint's name for it.
    pub model: String,
    /// The key that the endpoint asks for. Default: none, as for servers on this machine.
    #[serde(default, rename = "apiKey")]
    pub key: Option<Secret>,
    /// The length of the vectors, for models that can give several. Default: the model's own.
    #[serde(default)]
    pub dimensions: Option<usize>,
    /// The most texts of one request, 64 at most. Default: 64.
    #[serde(default = "max_batch")]
    pub batch: usize,
    /// How long one set of texts may take, with all that is sent again; an hour at most. Default: 30s.
    #[serde(default = "default_timeout")]
    pub timeout: HumanDuration,
    /// Whether texts and key may travel unencrypted to another machine. Default: false.
    #[serde(default)]
    pub allow_plain_http: bool,
}

fn max_batch() -> usize {
    MAX_BATCH
}

fn default_timeout() -> HumanDuration {
    HumanDuration(Duration::from_secs(30))
}

impl EmbeddingSettings {
    /// Asks `model` under `url`, such as `https://api.openai.com/v1`.
    pub fn new(url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            model: model.into(),
            key: None,
            dimensions: None,
            batch: max_batch(),
            timeout: default_timeout(),
            allow_plain_http: false,
        }
    }

    /// Sends this key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Secret>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Asks for vectors of this length, and takes no others.
    #[must_use]
    pub fn with_dimensions(mut self, dimensions: usize) -> Self {
        self.dimensions = Some(dimensions);
        self
    }

    /// Sends so many texts in one request, 64 at most.
    #[must_use]
    pub fn with_batch(mut self, texts: usize) -> Self {
        self.batch = texts;
        self
    }

    /// Gives up on a set of texts after this time. An [`Embeddings`](manyhands_registry::Embeddings) has a limit too,
    /// and the shorter one counts.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = HumanDuration(timeout);
        self
    }

    /// Lets texts and key travel unencrypted to another machine.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    /// Which model it is, in a text without secrets: vectors of one identity can be compared.
    #[must_use]
    pub fn identity(&self) -> String {
        let url = self.endpoint().map(|url| shown(&url)).unwrap_or_default();
        format!(
            "{url} {} {}",
            self.model,
            self.dimensions.unwrap_or_default()
        )
    }

    pub(crate) fn limit(&self) -> Duration {
        self.timeout.0.min(MAX_TIMEOUT)
    }

    pub(crate) fn texts_per_request(&self) -> usize {
        self.batch.clamp(1, MAX_BATCH)
    }

    /// Where to ask.
    pub(crate) fn endpoint(&self) -> Result<Url, EmbedError> {
        let url = Url::parse(self.url.trim()).ok();
        let url = url.filter(|it| matches!(it.scheme(), "http" | "https") && it.has_host());
        let Some(mut url) = url else {
            return Err(EmbedError::new(
                "the URL of the endpoint is not an absolute http or https URL; write it as `https://host/v1`",
            ));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EmbedError::new(
                "the URL of the endpoint has a user in it; give the key in `apiKey`",
            ));
        }
        let host = url.host_str().unwrap_or_default();
        if url.scheme() == "http" && !is_this_machine(host) && !self.allow_plain_http {
            return Err(EmbedError::new(format!(
                "the URL of the endpoint would send texts and key to {host} unencrypted; write it with https, or set \
                 `allowPlainHttp` if you trust the whole way there"
            )));
        }
        url.set_fragment(None);
        // An http URL always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("embeddings");
        }
        Ok(url)
    }

    pub(crate) fn headers(&self) -> Result<HeaderMap, EmbedError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.key {
            let value = HeaderValue::try_from(format!("Bearer {}", key.expose()));
            let mut value = value.map_err(|_| {
                EmbedError::new(
                    "the key for the endpoint holds characters that no header may hold; remove line breaks from it",
                )
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

impl fmt::Debug for EmbeddingSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL that is refused may be anything, a key pasted into the wrong place too.
        let url = self.endpoint().map(|url| shown(&url));
        f.debug_struct("EmbeddingSettings")
            .field("url", &url.ok())
            .field("model", &self.model)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A URL without what may be secret in it.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
