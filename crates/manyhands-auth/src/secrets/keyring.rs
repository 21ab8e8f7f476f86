//! `keyring:SERVICE/ACCOUNT`: the keyring of the operating system.
//!
//! It is the Secret Service on Linux and the BSDs, the login keychain on macOS, and the Credential Manager on Windows.
//! The store is opened anew for every access: a session bus that comes late, or back, is found.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use manyhands_core::{Printable, Secret, clip};

use super::apart::Apart;
use super::error::{SecretError, SecretErrorKind};
use super::source::SecretSource;

/// How long the keyring may take, which may be waiting for a person to unlock it: 10 s.
const LIMIT: Duration = Duration::from_secs(10);

/// How many accesses there are at once; those that hang count as well.
const THREADS: usize = 4;

/// How much of the system's words on a failure is shown, in bytes.
const MAX_SHOWN: usize = 200;

type Open = Arc<dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync>;

/// The keyring of the operating system. Cheap to clone.
///
/// As a source of secrets its keys are `SERVICE/ACCOUNT`, cut at the last slash. On Linux, that finds what
/// `secret-tool store --label=.. service SERVICE username ACCOUNT` keeps. Windows keeps 2,560 bytes in one entry and
/// stores text as UTF-16, so half as many characters; Linux and macOS have no limit that a token would meet.
#[derive(Clone)]
pub struct Keyring {
    open: Open,
    apart: Apart,
}

impl Default for Keyring {
    fn default() -> Self {
        Self::over(system_store)
    }
}

impl Keyring {
    /// Uses the store that `open` gives.
    fn over(
        open: impl Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            open: Arc::new(open),
            apart: Apart::new(THREADS, LIMIT),
        }
    }

    /// The value that is kept for `account` of `service`; none where there is no entry.
    ///
    /// # Errors
    /// [`SecretError`] when the keyring cannot be used within 10 s.
    pub async fn get(&self, service: &str, account: &str) -> Result<Option<Secret>, SecretError> {
        let text = self.with_entry(service, account, Entry::get_password);
        Ok(text.await?.map(Secret::new))
    }

    /// Keeps `value` for `account` of `service`, in place of what was kept there.
    ///
    /// # Errors
    /// As [`Self::get`]; [`SecretErrorKind::TooLarge`] where the system keeps no value of this size.
    pub async fn set(
        &self,
        service: &str,
        account: &str,
        value: &Secret,
    ) -> Result<(), SecretError> {
        let value = value.clone();
        let set = self.with_entry(service, account, move |entry| {
            entry.set_password(value.expose())
        });
        set.await.map(|_| ())
    }

    /// Removes what is kept for `account` of `service`, and tells whether there was anything.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn delete(&self, service: &str, account: &str) -> Result<bool, SecretError> {
        let deleted = self.with_entry(service, account, Entry::delete_credential);
        Ok(deleted.await?.is_some())
    }

    /// Does `work` with the entry on a thread of its own; none where there is no entry.
    async fn with_entry<T: Send + 'static>(
        &self,
        service: &str,
        account: &str,
        work: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>, SecretError> {
        let open = self.open.clone();
        let (service, account) = (service.to_owned(), account.to_owned());
        let done = self.apart.run(move || {
            let store = open().map_err(|error| no_keyring(&error))?;
            let done = store
                .build(&service, &account, None::<&HashMap<&str, &str>>)
                .and_then(|entry| work(&entry));
            match done {
                Ok(value) => Ok(Some(value)),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(explained(&error)),
            }
        });
        done.await?.unwrap_or_else(|| Err(too_slow()))
    }
}

impl SecretSource for Keyring {
    async fn read(&self, key: &str) -> Result<Secret, SecretError> {
        let parts = key.rsplit_once('/');
        let parts = parts.filter(|(service, account)| !service.is_empty() && !account.is_empty());
        let Some((service, account)) = parts else {
            let cause = "the key does not name a service and an account";
            return Err(SecretError::new(SecretErrorKind::Misconfigured, cause)
                .with_mend("write it as SERVICE/ACCOUNT, as in keyring:slack/token"));
        };
        self.get(service, account).await?.ok_or_else(|| {
            SecretError::new(SecretErrorKind::NotFound, "the keyring has no such entry")
                .with_mend(how_to_store(service, account))
        })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

#[cfg(target_os = "macos")]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(all(unix, not(target_os = "macos")))]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

/// The command by which a person puts the secret there.
fn how_to_store(service: &str, account: &str) -> String {
    let (service, account) = (shown(service), shown(account));
    if cfg!(target_os = "macos") {
        format!("store it: security add-generic-password -s {service} -a {account} -w")
    } else if cfg!(windows) {
        format!(
            "store it in the Credential Manager, with the user `{account}` and the address `{account}.{service}`"
        )
    } else {
        format!(
            "store it: secret-tool store --label={service} service {service} username {account}"
        )
    }
}

fn shown(text: &str) -> String {
    Printable(&clip(text, MAX_SHOWN)).to_string()
}

fn no_keyring(error: &Error) -> SecretError {
    let cause = format!("there is no keyring that we can use{}", words(error));
    SecretError::new(SecretErrorKind::Misconfigured, cause).with_mend(
        "start a keyring in this session, such as GNOME Keyring or KWallet, or use another source",
    )
}

fn too_slow() -> SecretError {
    let cause = "the keyring did not answer within 10 s";
    SecretError::new(SecretErrorKind::Unavailable, cause)
        .with_mend("unlock it, if it asks for a password")
}

/// The system's words on a failure. Errors that hold what was read are not asked for theirs.
fn words(error: &Error) -> String {
    match error {
        Error::PlatformFailure(_) | Error::NoStorageAccess(_) => error
            .source()
            .map(|source| format!(": {}", shown(&source.to_string())))
            .unwrap_or_default(),
        _ => String::new(),
    }
}

fn explained(error: &Error) -> SecretError {
    use SecretErrorKind as Kind;
    let (kind, cause, mend) = match error {
        Error::NoStorageAccess(_) => (
            Kind::Denied,
            format!("the keyring is locked, or refuses us{}", words(error)),
            "unlock it, and allow the access",
        ),
        Error::TooLong(what, most) => (
            Kind::TooLarge,
            format!("the system keeps no {what} of more than {most} bytes in one entry"),
            "",
        ),
        Error::Invalid(what, _) => (
            Kind::Misconfigured,
            format!("the keyring does not take this {what}"),
            "",
        ),
        Error::Ambiguous(entries) => (
            Kind::Misconfigured,
            format!("the keyring has {} entries that fit", entries.len()),
            "remove all but one",
        ),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => (
            Kind::NotText,
            "what the keyring has there cannot be understood".to_owned(),
            "store it anew",
        ),
        _ => (
            Kind::Unavailable,
            format!("the keyring failed{}", words(error)),
            "",
        ),
    };
    let error = SecretError::new(kind, cause);
    if mend.is_empty() {
        error
    } else {
        error.with_mend(mend)
    }
}

#[cfg(test)]
mod tests;
