//! The sources by their names, and reading through them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use manyhands_core::{Secret, nearest};

use super::command::CommandSource;
use super::env::EnvSource;
use super::error::{SecretError, SecretErrorKind};
use super::file::FileSource;
use super::reference::SecretReference;
use super::source::{DynSource, SecretSource};
use super::vault::VaultSource;

/// How long one read may take, whatever the source: 40 s. The built-in sources end sooner, and say more.
const LIMIT: Duration = Duration::from_secs(40);

/// The largest secret, in bytes: 64 KiB. A chain of certificates with its key takes about 10.
pub(super) const MAX_SECRET: usize = 64 << 10;

/// How many secrets are read at once by one call.
const AT_ONCE: usize = 8;

/// The sources of secrets, by name. Cheap to clone.
///
/// The default has `env`, `file`, `command`, `keyring`, `vault` and `aws`; of a source that stands behind a feature that
/// is off, it says so.
#[derive(Clone)]
pub struct Secrets {
    sources: Arc<BTreeMap<String, Arc<dyn DynSource>>>,
}

impl Secrets {
    /// Knows no source at all.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            sources: Arc::default(),
        }
    }

    /// Adds a source, or replaces the one of this name.
    ///
    /// A name is made of small letters, digits and dashes: no reference can name another.
    #[must_use]
    pub fn with_source(mut self, name: impl Into<String>, source: impl SecretSource) -> Self {
        Arc::make_mut(&mut self.sources).insert(name.into(), Arc::new(source));
        self
    }

    /// The names of the sources, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// Checks that `reference` names a source that is known here, without reading anything.
    ///
    /// # Errors
    /// [`SecretErrorKind::Misconfigured`] when it does not, with the nearest name that is known.
    pub fn check(&self, reference: &SecretReference) -> Result<(), SecretError> {
        self.source(reference).map(drop)
    }

    /// Reads one secret.
    ///
    /// # Errors
    /// [`SecretError`] when there is none, or none that can be used.
    ///
    /// # Cancel safety
    /// Dropping the future ends what it started.
    pub async fn read(&self, reference: &SecretReference) -> Result<Secret, SecretError> {
        let source = self.source(reference)?;
        let read = tokio::time::timeout(LIMIT, source.read(reference.key()));
        let answer = read.await.unwrap_or_else(|_| {
            let kind = SecretErrorKind::Unavailable;
            Err(SecretError::new(
                kind,
                "its source did not answer within 40 s",
            ))
        });
        answer.and_then(usable).map_err(|error| error.of(reference))
    }

    /// Reads several secrets at the same time, each of them once however often it is named.
    ///
    /// # Errors
    /// The [`SecretError`] of the first, in their order, that cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future ends what it started.
    pub async fn read_all(
        &self,
        references: impl IntoIterator<Item = SecretReference>,
    ) -> Result<BTreeMap<SecretReference, Secret>, SecretError> {
        let distinct: BTreeSet<_> = references.into_iter().collect();
        stream::iter(distinct)
            .map(async |reference| {
                let secret = self.read(&reference).await?;
                Ok((reference, secret))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    fn source(&self, reference: &SecretReference) -> Result<&dyn DynSource, SecretError> {
        let name = reference.source();
        self.sources
            .get(name)
            .map(|source| &**source)
            .ok_or_else(|| self.unknown(name).of(reference))
    }

    fn unknown(&self, name: &str) -> SecretError {
        let cause = format!("no source of secrets is called `{name}` here");
        let mend = match nearest(name, self.names()).first() {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are: {}", self.names().collect::<Vec<_>>().join(", ")),
        };
        SecretError::new(SecretErrorKind::Misconfigured, cause).with_mend(mend)
    }
}

impl Default for Secrets {
    fn default() -> Self {
        let secrets = Self::empty()
            .with_source("env", EnvSource)
            .with_source("file", FileSource::default())
            .with_source("command", CommandSource)
            .with_source("vault", VaultSource::default());
        super::missing::with_optional(secrets)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Refuses what nobody would want as a secret.
fn usable(secret: Secret) -> Result<Secret, SecretError> {
    match secret.expose().len() {
        0 => Err(SecretError::new(SecretErrorKind::NotFound, "it is empty")),
        MAX_SECRET.. if secret.expose().len() > MAX_SECRET => Err(too_large()),
        _ => Ok(secret),
    }
}

pub(super) fn too_large() -> SecretError {
    SecretError::new(SecretErrorKind::TooLarge, "it is larger than 64 KiB")
}

/// Makes a secret of bytes that some source gave.
pub(super) fn text(bytes: Vec<u8>) -> Result<Secret, SecretError> {
    // The error of `from_utf8` holds the bytes, so it goes no further.
    let text = String::from_utf8(bytes)
        .map_err(|_| SecretError::new(SecretErrorKind::NotText, "it is not text in UTF-8"))?;
    Ok(Secret::new(text))
}

/// The text without the one line break that editors and programs put at its end.
pub(super) fn line(mut bytes: Vec<u8>) -> Result<Secret, SecretError> {
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    text(bytes)
}
