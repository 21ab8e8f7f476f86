//! Which configuration files a person has looked at and trusts, pinned by what is in them.
//!
//! A configuration names programs to run, so one that came with a project runs
//! nothing until somebody trusts it. Any change of the file, or of an env file
//! that it names, ends that trust. What is done with an untrusted file, the
//! program decides.
//!
//! ```
//! use manyhands_config::trust::{TrustState, TrustStore};
//! use manyhands_config::{ConfigFile, Environment};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("mcp.json");
//! # std::fs::write(&path, r#"{"mcpServers": {}}"#)?;
//! let store = TrustStore::new(dir.path().join("state"));
//! let file = ConfigFile::read(&path, &Environment)?;
//! assert_eq!(store.state(&file)?, TrustState::Unknown);
//! store.trust(&file)?;
//! assert_eq!(store.state(&file)?, TrustState::Trusted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use manyhands_core::fingerprint;
use serde::{Deserialize, Serialize};

use crate::file::ConfigFile;

/// The form of the store that this version writes.
const VERSION: u32 = 1;

/// The largest store that is read, in bytes: some 40,000 files.
const MAX_STORE: u64 = 8 << 20;

/// The digest of a configuration file, of the files that it includes, and of the env files that they name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pin(String);

impl Pin {
    /// Takes the digest of `file` as it was read.
    #[must_use]
    pub fn of(file: &ConfigFile) -> Self {
        let mut parts: Vec<&[u8]> = vec![b"manyhands-config 1", file.text.as_bytes()];
        for (name, bytes) in file.contents() {
            parts.push(name.as_bytes());
            parts.push(if bytes.is_some() {
                b"there"
            } else {
                b"missing"
            });
            parts.push(bytes.unwrap_or_default());
        }
        Self(format!("sha256:{}", fingerprint(&parts)))
    }

    /// The pin as text: `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Says whether a file is trusted as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrustState {
    /// It is what somebody trusted.
    Trusted,
    /// It was trusted, and it or one of its env files has changed since.
    Changed,
    /// Nobody ever trusted it.
    Unknown,
}

/// Remembers pins in `trust.json` in a directory of its own.
#[derive(Debug, Clone)]
pub struct TrustStore {
    dir: PathBuf,
}

impl TrustStore {
    /// Uses `dir`, which is made when something is first written.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Tells whether `file` is trusted exactly as it was read.
    ///
    /// # Errors
    /// [`TrustError`] when the store is there but cannot be read or understood.
    pub fn state(&self, file: &ConfigFile) -> Result<TrustState, TrustError> {
        Ok(match self.load()?.pins.get(&key(file.identity())) {
            Some(pin) if *pin == Pin::of(file) => TrustState::Trusted,
            Some(_) => TrustState::Changed,
            None => TrustState::Unknown,
        })
    }

    /// Trusts `file` exactly as it was read, and gives its pin.
    ///
    /// # Errors
    /// [`TrustError`] when the store cannot be read, understood or written.
    pub fn trust(&self, file: &ConfigFile) -> Result<Pin, TrustError> {
        let pin = Pin::of(file);
        self.change(|pins| pins.insert(key(file.identity()), pin.clone()))?;
        Ok(pin)
    }

    /// Carries trust in `before` over to `after`, which is the same file with `text` as what a person made of it, and tells
    /// whether there was any to carry over. Nothing else that the pin covers may have changed meanwhile.
    ///
    /// # Errors
    /// [`TrustError`] when the store cannot be read, understood or written.
    pub fn renew(
        &self,
        before: &ConfigFile,
        after: &ConfigFile,
        text: &str,
    ) -> Result<bool, TrustError> {
        let is_meant =
            before.identity() == after.identity() && after.text() == text && before.agrees(after);
        if !is_meant || self.state(before)? != TrustState::Trusted {
            return Ok(false);
        }
        self.trust(after).map(|_| true)
    }

    /// Trusts the file at `path` no longer, and tells whether it was trusted; it need not exist any more.
    ///
    /// # Errors
    /// [`TrustError`] when the store cannot be read, understood or written.
    pub fn revoke(&self, path: &Path) -> Result<bool, TrustError> {
        let identity =
            crate::file::identity_of(path).map_err(|error| self.failed("read", error))?;
        Ok(self.change(|pins| pins.remove(&key(&identity)))?.is_some())
    }

    fn path(&self) -> PathBuf {
        self.dir.join("trust.json")
    }

    fn load(&self) -> Result<Stored, TrustError> {
        let mut text = String::new();
        match File::open(self.path())
            .and_then(|file| file.take(MAX_STORE).read_to_string(&mut text))
        {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::default()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(self.corrupt()),
            Err(error) => return Err(self.failed("read", error)),
            Ok(_) => {}
        }
        let stored: Stored = serde_json::from_str(&text).map_err(|_| self.corrupt())?;
        if stored.version == VERSION {
            Ok(stored)
        } else {
            Err(self.corrupt())
        }
    }

    /// Changes the store while no other process does.
    fn change<R>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Pin>) -> R,
    ) -> Result<R, TrustError> {
        let lock = self.lock().map_err(|error| self.failed("write", error))?;
        let mut stored = self.load()?;
        let result = change(&mut stored.pins);
        self.write(&stored)
            .map_err(|error| self.failed("write", error))?;
        drop(lock);
        Ok(result)
    }

    /// Waits for the lock, which processes hold only while they read and write one small file.
    fn lock(&self) -> io::Result<File> {
        fs::create_dir_all(&self.dir)?;
        let lock = private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.dir.join("trust.lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// Replaces the store at once, so that a reader or a crash never meets half of it.
    fn write(&self, stored: &Stored) -> io::Result<()> {
        let text = serde_json::to_string_pretty(stored)?;
        let draft = self.dir.join("trust.json.new");
        // Left over by a process that died. The lock says that nobody is writing it now.
        if let Err(error) = fs::remove_file(&draft)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = private().write(true).create_new(true).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&draft, self.path())
    }

    fn failed(&self, verb: &'static str, source: io::Error) -> TrustError {
        TrustError {
            kind: TrustErrorKind::Inaccessible,
            text: format!("{verb} the trust store {}", self.path().display()),
            mend: "check who owns this directory and may write there".to_owned(),
            source: Some(source),
        }
    }

    fn corrupt(&self) -> TrustError {
        let path = self.path();
        TrustError {
            kind: TrustErrorKind::Corrupt,
            text: format!("understand the trust store {}", path.display()),
            mend: format!(
                "remove {}, then trust your configurations anew",
                path.display()
            ),
            source: None,
        }
    }
}

/// What the store's file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    pins: BTreeMap<String, Pin>,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            version: VERSION,
            pins: BTreeMap::new(),
        }
    }
}

/// Writes a path as a key. Where it is not UTF-8, its digest keeps it apart from others that look like it.
fn key(path: &Path) -> String {
    path.to_str().map_or_else(
        || {
            format!(
                "{}#{}",
                path.display(),
                fingerprint(&[path.as_os_str().as_encoded_bytes()])
            )
        },
        str::to_owned,
    )
}

/// Options for files that only their owner may read.
fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Says what is wrong with the trust store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrustErrorKind {
    /// The system refused to read or write it.
    Inaccessible,
    /// It is not in a form that this version understands.
    Corrupt,
}

/// Reports that the trust store cannot be used. Nothing is trusted then.
///
/// It reads as a fragment that fits "failed to {error}".
#[derive(Debug)]
pub struct TrustError {
    kind: TrustErrorKind,
    text: String,
    mend: String,
    source: Option<io::Error>,
}

impl TrustError {
    /// What is wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> TrustErrorKind {
        self.kind
    }

    /// What a person can do about it. The displayed text ends with it.
    #[must_use]
    pub fn mend(&self) -> &str {
        &self.mend
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.text, self.mend)
    }
}

impl Error for TrustError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests;
