//! Where logins are kept: in memory, in files that only their owner can read, or in the keyring of the operating
//! system. It keeps what it is given, and does not know how a login comes about.

mod file;
mod record;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use manyhands_core::{AuthError, AuthErrorKind};
use tokio::sync::OwnedMutexGuard;

use file::{Files, Lock};
pub(crate) use record::{Key, Login, Registration, Tokens, now};
pub use record::{LoginSummary, Place};

/// Keeps logins. Clones share one place. By default they live as long as the process.
#[derive(Clone, Default)]
pub struct LoginStore(Arc<Kept>);

enum Kept {
    Memory(Memory),
    Files(Files),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Memory(Memory::default())
    }
}

#[derive(Default)]
struct Memory {
    logins: Mutex<HashMap<Key, Login>>,
    locks: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
}

/// Keeps everybody else who heeds it from changing one login.
pub(crate) enum Turn {
    Memory(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>),
    File(#[expect(dead_code, reason = "held, not read")] Lock),
}

impl LoginStore {
    /// Keeps logins as long as the process lives.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// Keeps logins in `folder`, one file each, which only its owner can read.
    ///
    /// Processes that use the same folder share its logins, and take turns at refreshing them.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Kept::Files(Files::new(folder.into(), false))))
    }

    /// Keeps the secret parts of logins in the keyring of the operating system, where there is one, and in files where
    /// there is none; what is no secret is in `folder` in any case.
    #[cfg(feature = "keyring")]
    pub fn in_keyring(folder: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Kept::Files(Files::new(folder.into(), true))))
    }

    /// What is kept, without the secrets.
    ///
    /// # Errors
    /// [`AuthError`] when the place cannot be read.
    pub async fn summaries(&self) -> Result<Vec<LoginSummary>, AuthError> {
        match &*self.0 {
            Kept::Memory(memory) => {
                let logins = lock(&memory.logins);
                Ok(logins
                    .iter()
                    .map(|(key, login)| login.summary(key, Place::Memory))
                    .collect())
            }
            Kept::Files(files) => files.summaries().await,
        }
    }

    /// What is kept for one key, without the secrets.
    pub(crate) async fn summary(&self, key: &Key) -> Result<Option<LoginSummary>, AuthError> {
        match &*self.0 {
            Kept::Memory(memory) => {
                let logins = lock(&memory.logins);
                Ok(logins
                    .get(key)
                    .map(|login| login.summary(key, Place::Memory)))
            }
            Kept::Files(files) => files.summary(key).await,
        }
    }

    pub(crate) async fn load(&self, key: &Key) -> Result<Option<Login>, AuthError> {
        match &*self.0 {
            Kept::Memory(memory) => Ok(lock(&memory.logins).get(key).cloned()),
            Kept::Files(files) => files.load(key).await,
        }
    }

    /// Replaces what is kept, if it is still what `seen` was; says whether it was.
    pub(crate) async fn swap(
        &self,
        key: &Key,
        seen: Option<&Login>,
        next: Option<&Login>,
    ) -> Result<bool, AuthError> {
        match &*self.0 {
            Kept::Memory(memory) => {
                let mut logins = lock(&memory.logins);
                if logins.get(key) != seen {
                    return Ok(false);
                }
                match next {
                    Some(login) => drop(logins.insert(key.clone(), login.clone())),
                    None => drop(logins.remove(key)),
                }
                Ok(true)
            }
            Kept::Files(files) => files.swap(key, seen, next).await,
        }
    }

    /// Replaces what is kept, whatever it is.
    pub(crate) async fn replace(&self, key: &Key, next: Option<&Login>) -> Result<(), AuthError> {
        match &*self.0 {
            Kept::Memory(memory) => {
                let mut logins = lock(&memory.logins);
                match next {
                    Some(login) => drop(logins.insert(key.clone(), login.clone())),
                    None => drop(logins.remove(key)),
                }
                Ok(())
            }
            Kept::Files(files) => files.replace(key, next).await,
        }
    }

    /// Waits for the turn to change one login.
    pub(crate) async fn turn(&self, key: &Key) -> Result<Turn, AuthError> {
        match &*self.0 {
            Kept::Memory(memory) => {
                let turn = lock(&memory.locks).entry(key.clone()).or_default().clone();
                Ok(Turn::Memory(turn.lock_owned().await))
            }
            Kept::Files(files) => files.lock(key).await.map(Turn::File),
        }
    }

    /// Whether other processes, and later ones, find the logins that are kept here.
    #[must_use]
    pub fn outlives_process(&self) -> bool {
        matches!(&*self.0, Kept::Files(_))
    }
}

impl fmt::Debug for LoginStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kept::Memory(_) => f.write_str("LoginStore(in memory)"),
            Kept::Files(files) => write!(f, "LoginStore({})", files.folder().display()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Each change is a single insertion or removal, so a panic elsewhere leaves the map whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that the place where logins are kept cannot be used.
fn unusable(what: impl fmt::Display) -> AuthError {
    AuthError::new(
        AuthErrorKind::Unavailable,
        format!("where its login is kept cannot be used: {what}"),
    )
    .with_mend("check that the folder can be written and that the keyring is unlocked")
}

#[cfg(test)]
mod tests;
