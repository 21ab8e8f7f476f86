//! Why a secret could not be read. Nothing here can hold one.

use super::reference::SecretReference;

/// Says what kept a secret from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretErrorKind {
    /// Nothing is kept under this key, or what is kept there is empty.
    NotFound,
    /// The source does not let us read it.
    Denied,
    /// The source does not answer now; another attempt may do.
    Unavailable,
    /// The reference, or the settings of the source, cannot work.
    Misconfigured,
    /// What is kept there is larger than a secret may be.
    TooLarge,
    /// What is kept there is not text.
    NotText,
}

/// Reports that a secret could not be read or kept. It names the reference, and never holds a secret.
///
/// It reads as a fragment that fits "failed to {error}".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use {}: {cause}", self.subject())]
pub struct SecretError {
    kind: SecretErrorKind,
    reference: Option<Box<SecretReference>>,
    cause: String,
    mend: Option<String>,
}

impl SecretError {
    /// Says what happened, as a lowercase clause such as "the keyring is locked". It must not hold a secret.
    pub fn new(kind: SecretErrorKind, cause: impl Into<String>) -> Self {
        Self {
            kind,
            reference: None,
            cause: cause.into(),
            mend: None,
        }
    }

    /// Adds what to do about it, as a lowercase clause.
    #[must_use]
    pub fn with_mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// Adds which secret it was, unless that is known already.
    #[must_use]
    pub(super) fn of(mut self, reference: &SecretReference) -> Self {
        self.reference
            .get_or_insert_with(|| Box::new(reference.clone()));
        self
    }

    /// What kept it from being read.
    #[must_use]
    pub fn kind(&self) -> SecretErrorKind {
        self.kind
    }

    /// Which secret it was, where a reference had been understood.
    #[must_use]
    pub fn reference(&self) -> Option<&SecretReference> {
        self.reference.as_deref()
    }

    /// What happened, as a lowercase clause without the reference.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// What to do about it, as a lowercase clause.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.mend.as_deref()
    }

    fn subject(&self) -> String {
        self.reference.as_ref().map_or_else(
            || "a secret".to_owned(),
            |reference| format!("the secret `{reference}`"),
        )
    }
}
