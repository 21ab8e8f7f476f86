//! Logins in a folder: one file each, which only its owner can read, replaced as a whole. Where there is a keyring, the
//! file holds what is no secret, and the keyring the rest.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use manyhands_core::AuthError;
#[cfg(feature = "keyring")]
use manyhands_core::Secret;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::record::{Key, Login, LoginSummary, Place};
use super::unusable;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;
/// How many logins are listed.
const MAX_LISTED: usize = 10_000;
/// How long another process may hold the lock: longer than a refresh takes.
const LOCK_LIMIT: Duration = Duration::from_secs(40);
/// How soon a held lock is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Under which name logins stand in a keyring.
#[cfg(feature = "keyring")]
const SERVICE: &str = "manyhands";

pub(super) struct Files {
    folder: PathBuf,
    #[cfg(feature = "keyring")]
    keyring: Option<crate::secrets::Keyring>,
}

/// A lock on one login's file. The file stays, since others may be waiting for it.
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// A login's file.
#[derive(Serialize, Deserialize)]
struct Envelope {
    #[serde(flatten)]
    summary: LoginSummary,
    /// The login with its secrets, where they are kept here.
    login: Option<Login>,
}

impl Files {
    #[cfg_attr(
        not(feature = "keyring"),
        expect(unused_variables, reason = "there is none to use")
    )]
    pub(super) fn new(folder: PathBuf, keyring: bool) -> Self {
        Self {
            folder,
            #[cfg(feature = "keyring")]
            keyring: keyring.then(crate::secrets::Keyring::default),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) async fn summaries(&self) -> Result<Vec<LoginSummary>, AuthError> {
        let folder = self.folder.clone();
        let mut found = blocking(move || summaries(&folder)).await?;
        found.sort_by(|a, b| (&a.resource, &a.account).cmp(&(&b.resource, &b.account)));
        Ok(found)
    }

    pub(super) async fn summary(&self, key: &Key) -> Result<Option<LoginSummary>, AuthError> {
        Ok(self.envelope(key).await?.map(|it| it.summary))
    }

    pub(super) async fn load(&self, key: &Key) -> Result<Option<Login>, AuthError> {
        let Some(envelope) = self.envelope(key).await? else {
            return Ok(None);
        };
        match envelope.summary.place {
            Place::Keyring => self.in_keyring(key).await,
            _ => Ok(envelope.login),
        }
    }

    async fn envelope(&self, key: &Key) -> Result<Option<Envelope>, AuthError> {
        let (path, key) = (self.path(key), key.clone());
        let found: Option<Envelope> = blocking(move || read(&path)).await?;
        Ok(found.filter(|it| it.summary.is_of(&key)))
    }

    pub(super) async fn swap(
        &self,
        key: &Key,
        seen: Option<&Login>,
        next: Option<&Login>,
    ) -> Result<bool, AuthError> {
        if self.load(key).await?.as_ref() != seen {
            return Ok(false);
        }
        self.replace(key, next).await?;
        Ok(true)
    }

    pub(super) async fn replace(&self, key: &Key, next: Option<&Login>) -> Result<(), AuthError> {
        let path = self.path(key);
        let Some(login) = next else {
            self.forget(key).await;
            return blocking(move || remove(&path)).await;
        };
        let place = self.keep(key, login).await?;
        if place == Place::File {
            self.forget(key).await;
        }
        let envelope = Envelope {
            summary: login.summary(key, place),
            login: (place == Place::File).then(|| login.clone()),
        };
        blocking(move || write(&path, &envelope)).await
    }

    /// Waits for the lock on one login.
    pub(super) async fn lock(&self, key: &Key) -> Result<Lock, AuthError> {
        let path = self.path(key).with_extension("lock");
        let file = blocking(move || {
            make_folder(&path)?;
            private()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
        })
        .await?;
        let end = Instant::now() + LOCK_LIMIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < end => sleep(LOCK_PAUSE).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(unusable(format!(
                        "another process has held it for {LOCK_LIMIT:?}"
                    )));
                }
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.json", key.digest()))
    }

    /// Puts the secret part where it belongs, and says where that is.
    #[cfg(feature = "keyring")]
    async fn keep(&self, key: &Key, login: &Login) -> Result<Place, AuthError> {
        let Some(keyring) = &self.keyring else {
            return Ok(Place::File);
        };
        let text = Secret::new(serde_json::to_string(login).map_err(unusable)?);
        match keyring.set(SERVICE, &key.digest(), &text).await {
            Ok(()) => Ok(Place::Keyring),
            Err(error) => {
                tracing::info!(%error, "there is no usable keyring, so the login is kept in a file");
                Ok(Place::File)
            }
        }
    }

    #[cfg(not(feature = "keyring"))]
    async fn keep(&self, _key: &Key, _login: &Login) -> Result<Place, AuthError> {
        Ok(Place::File)
    }

    #[cfg(feature = "keyring")]
    async fn in_keyring(&self, key: &Key) -> Result<Option<Login>, AuthError> {
        let keyring = self.keyring.clone().unwrap_or_default();
        let found: Option<Secret> = keyring
            .get(SERVICE, &key.digest())
            .await
            .map_err(|error| unusable(error.cause()))?;
        let parse = |text: Secret| {
            // The error of the parser would quote the text.
            serde_json::from_str(text.expose())
                .map_err(|_| unusable("its entry in the keyring is not ours"))
        };
        found.map(parse).transpose()
    }

    #[cfg(not(feature = "keyring"))]
    async fn in_keyring(&self, _key: &Key) -> Result<Option<Login>, AuthError> {
        Err(unusable(
            "it is in the keyring, which this program was built without",
        ))
    }

    /// Removes the secret part from the keyring, if it is there and can be.
    #[cfg(feature = "keyring")]
    async fn forget(&self, key: &Key) {
        let kept = self.envelope(key).await.ok().flatten();
        if kept.is_some_and(|it| it.summary.place == Place::Keyring) {
            let keyring = self.keyring.clone().unwrap_or_default();
            if let Err(error) = keyring.delete(SERVICE, &key.digest()).await {
                tracing::warn!(%error, "what the keyring holds of a login stays there");
            }
        }
    }

    #[cfg(not(feature = "keyring"))]
    async fn forget(&self, _key: &Key) {}
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, AuthError> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(unusable),
        Err(ended) => Err(unusable(ended)),
    }
}

fn summaries(folder: &Path) -> io::Result<Vec<LoginSummary>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries.take(MAX_LISTED) {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "json") {
            found.extend(read(&path)?.map(|it| it.summary));
        }
    }
    Ok(found)
}

/// Reads a login's file; none where there is none, or where it is not one of ours.
fn read(path: &Path) -> io::Result<Option<Envelope>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    close_to_others(&file, path)?;
    let mut text = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut text)?;
    let found = serde_json::from_slice(&text);
    if found.is_err() {
        // What the parser says would quote the file.
        tracing::warn!(path = %path.display(), "a login's file cannot be understood, and counts as none");
    }
    Ok(found.ok())
}

/// Replaces a login's file in one step, so that no reader ever sees half of it.
fn write(path: &Path, envelope: &Envelope) -> io::Result<()> {
    make_folder(path)?;
    let text = serde_json::to_vec_pretty(envelope)?;
    let temporary = path.with_extension(format!("{:08x}.tmp", fastrand::u32(..)));
    let written = private()
        .create_new(true)
        .write(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options for a file that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Takes away what others may do with a file that somebody has opened to them.
#[cfg(unix)]
fn close_to_others(file: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "a login's file could be read by others; now it cannot");
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn close_to_others(_file: &File, _path: &Path) -> io::Result<()> {
    Ok(())
}
