//! What has to be read before an entry, or a part of the file's section, is whole: the secrets that it names. It must not
//! know what they are for.

use std::collections::BTreeMap;

use manyhands_auth::secrets::{SecretError, SecretErrorKind, SecretReference};
use manyhands_config::{Deferred, EntryError};
use manyhands_core::{AuthError, AuthErrorKind};
use manyhands_transport::{ConnectErrorKind, OpenError};

use crate::access::Access;

/// The secrets that an entry names, and how it is read with them.
pub(crate) struct Wanted<D> {
    deferred: Deferred<D>,
    references: BTreeMap<String, SecretReference>,
}

impl<D> Wanted<D> {
    /// The references that an entry holds, by how the entry has them. A source that does not exist is told at once.
    pub(crate) fn new(deferred: Deferred<D>, access: &Access) -> Result<Self, EntryError> {
        let uses = deferred.uses().iter();
        let references = uses.map(|it| {
            let reference = SecretReference::parse(&it.reference)
                .and_then(|reference| access.secrets.check(&reference).map(|()| reference));
            reference
                .map(|reference| (it.reference.clone(), reference))
                .map_err(|error| deferred.refused(it, error.cause(), error.mend()))
        });
        let references = references.collect::<Result<_, _>>()?;
        Ok(Self {
            deferred,
            references,
        })
    }

    pub(crate) async fn read(&self, access: &Access) -> Result<D, Unread> {
        let read = access
            .secrets
            .read_all(self.references.values().cloned())
            .await;
        let read = read.map_err(Unread::Secret)?;
        let secrets = self.references.iter();
        let secrets = secrets.filter_map(|(written, reference)| {
            Some((written.clone(), read.get(reference)?.clone()))
        });
        self.deferred
            .complete(&secrets.collect())
            .map_err(Unread::Entry)
    }
}

/// Why an entry is not whole.
pub(crate) enum Unread {
    Secret(SecretError),
    Entry(EntryError),
    Replica(String),
}

impl Unread {
    /// What happened, what to do about it, and whether it may pass: only a source that does not answer now is worth
    /// another attempt.
    pub(crate) fn told(self) -> (String, Option<String>, bool) {
        match self {
            Self::Replica(what) => (what, None, false),
            Self::Entry(error) => (
                error.cause().to_owned(),
                error.mend().map(str::to_owned),
                false,
            ),
            Self::Secret(error) => {
                let cause = match error.reference() {
                    None => error.cause().to_owned(),
                    Some(reference) => {
                        format!("its secret `{reference}` cannot be read: {}", error.cause())
                    }
                };
                let passes = error.kind() == SecretErrorKind::Unavailable;
                (cause, error.mend().map(str::to_owned), passes)
            }
        }
    }

    pub(crate) fn open_error(self) -> OpenError {
        let (cause, mend, passes) = self.told();
        let kind = match passes {
            true => ConnectErrorKind::Unreachable,
            false => ConnectErrorKind::Settings,
        };
        let error = OpenError::new(kind, cause);
        match mend {
            Some(mend) => error.with_mend(mend),
            None => error,
        }
    }

    pub(crate) fn auth_error(self) -> AuthError {
        let (cause, mend, passes) = self.told();
        let kind = match passes {
            true => AuthErrorKind::Unavailable,
            false => AuthErrorKind::Misconfigured,
        };
        let error = AuthError::new(kind, cause);
        match mend {
            Some(mend) => error.with_mend(mend),
            None => error,
        }
    }
}
