//! What servers offered, kept on disk, so that a program knows it again before any server is up.
//!
//! A manifest is a hint that a live server overrules: losing one costs a question to a server, so whatever is wrong
//! with a file, it counts as none. This module does not know when a manifest is taken for the truth.

mod beside;
mod bounds;
mod error;
mod files;
mod key;
mod place;
mod stored;

use std::collections::HashSet;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use manyhands_core::{Inventory, ServerId, ServerInfo};
use manyhands_transport::Fingerprint;

use crate::Limits;
use beside::Beside;
pub use error::{ManifestError, ManifestErrorKind};
use place::Place;

/// How many files are remembered as told of.
const MAX_TOLD: usize = 1000;

/// What is remembered of one server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Manifest {
    /// How it introduced itself, the protocol version among it.
    pub info: ServerInfo,
    /// What it offered.
    pub inventory: Inventory,
    /// When that was learned last, to the hour.
    pub learned: SystemTime,
}

impl Manifest {
    /// Takes what was learned now.
    #[must_use]
    pub fn new(info: ServerInfo, inventory: Inventory) -> Self {
        Self {
            info,
            inventory,
            learned: SystemTime::now(),
        }
    }
}

/// A folder with a file for each server, and for each authorization that it was asked under. Cheap to clone.
///
/// Many processes may use one folder at once. A server is found again by its id, its [`Fingerprint`], and a text that
/// says under whose authorization it was asked; nothing of these is written but the id, and a digest that tells
/// nothing without a key that the folder keeps. What servers said is written as they said it.
///
/// ```
/// use manyhands_core::{Inventory, ServerId, ServerInfo};
/// use manyhands_discovery::{Manifest, ManifestFolder};
/// use manyhands_transport::{Connector, StdioSettings};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("manifests");
/// let folder = ManifestFolder::new(path);
/// let git = ServerId::parse("git")?;
/// let connector = Connector::stdio(StdioSettings::new("mcp-server-git"));
/// let fingerprint = connector.fingerprint().ok_or("it is known")?;
/// assert!(folder.read(&git, &fingerprint, "shared").is_none());
///
/// let learned = Manifest::new(ServerInfo::default(), Inventory::default());
/// folder.write(&git, &fingerprint, "shared", &learned)?;
/// assert!(folder.read(&git, &fingerprint, "shared").is_some());
/// assert!(folder.read(&git, &fingerprint, "somebody else").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ManifestFolder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    limits: Limits,
    /// The files and folders that a warning was given of.
    told: Mutex<HashSet<PathBuf>>,
}

impl ManifestFolder {
    /// Keeps manifests in the folder at `path`, which is made at the first writing.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_limits(path, Limits::default())
    }

    /// Keeps manifests in the folder at `path`, and reads as much of each list as `limits` allow.
    #[must_use]
    pub fn with_limits(path: impl Into<PathBuf>, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            path: path.into(),
            limits,
            told: Mutex::default(),
        }))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What is remembered of a server. Whatever cannot be used counts as nothing, and is told in one warning.
    ///
    /// It reads one file, which blocks for a fraction of a millisecond.
    #[must_use]
    pub fn read(
        &self,
        server: &ServerId,
        fingerprint: &Fingerprint,
        authorization: &str,
    ) -> Option<Manifest> {
        let read = self
            .place(server, fingerprint, authorization)
            .and_then(|place| place.map_or(Ok(None), |it| it.read(&self.0.limits)));
        read.unwrap_or_else(|error| {
            self.tell(&error);
            None
        })
    }

    /// Remembers a server, in place of what was remembered. Nothing is written where that says the same.
    ///
    /// It blocks for as long as the disk takes.
    ///
    /// # Errors
    /// [`ManifestError`] where the folder or the file cannot be written, or is not ours alone.
    pub fn write(
        &self,
        server: &ServerId,
        fingerprint: &Fingerprint,
        authorization: &str,
        manifest: &Manifest,
    ) -> Result<(), ManifestError> {
        files::make(&self.0.path)?;
        let key = key::obtain(&self.0.path)?;
        let place = Place::new(&self.0.path, server, &key, fingerprint, authorization);
        if place.write(manifest, &self.0.limits)? {
            bounds::enforce(&self.0.path);
        }
        Ok(())
    }

    /// Forgets a server, as after a logout.
    ///
    /// # Errors
    /// [`ManifestError`] where it cannot be forgotten.
    pub fn forget(
        &self,
        server: &ServerId,
        fingerprint: &Fingerprint,
        authorization: &str,
    ) -> Result<(), ManifestError> {
        let place = self.place(server, fingerprint, authorization)?;
        place.map_or(Ok(()), |it| it.remove())
    }

    /// What was kept of how servers did, as it was given. Whatever cannot be used counts as nothing, and is told in one
    /// warning.
    ///
    /// It reads one file, which blocks for a fraction of a millisecond.
    #[must_use]
    pub fn read_statistics(&self) -> Option<Vec<u8>> {
        self.read_beside(&beside::STATISTICS)
    }

    /// Keeps how servers did, in place of what was kept: 4 MiB at most. Of two processes the later one wins.
    ///
    /// It blocks for as long as the disk takes.
    ///
    /// # Errors
    /// [`ManifestError`] where it is too much, or where the folder or the file cannot be written, or is not ours alone.
    pub fn write_statistics(&self, bytes: &[u8]) -> Result<(), ManifestError> {
        beside::STATISTICS.write(&self.0.path, bytes)
    }

    /// The most bytes of vectors that are kept.
    pub const MAX_VECTORS: usize = 64 << 20;

    /// What was kept of the vectors of what servers offer, as it was given. Whatever cannot be used counts as nothing, and
    /// is told in one warning.
    ///
    /// It reads one file, which blocks for as long as the disk takes.
    #[must_use]
    pub fn read_vectors(&self) -> Option<Vec<u8>> {
        self.read_beside(&beside::VECTORS)
    }

    /// Keeps vectors of what servers offer, in place of what was kept: 64 MiB at most. Of two processes the later one
    /// wins.
    ///
    /// It blocks for as long as the disk takes.
    ///
    /// # Errors
    /// As [`write_statistics`](Self::write_statistics).
    pub fn write_vectors(&self, bytes: &[u8]) -> Result<(), ManifestError> {
        beside::VECTORS.write(&self.0.path, bytes)
    }

    fn read_beside(&self, beside: &Beside) -> Option<Vec<u8>> {
        beside.read(&self.0.path).unwrap_or_else(|error| {
            self.tell(&error);
            None
        })
    }

    /// Where a server's manifest would be; none where there can be none.
    fn place(
        &self,
        server: &ServerId,
        fingerprint: &Fingerprint,
        authorization: &str,
    ) -> Result<Option<Place>, ManifestError> {
        let folder = &self.0.path;
        if !files::is_usable(folder)? {
            return Ok(None);
        }
        let key = key::read(folder)?;
        Ok(key.map(|key| Place::new(folder, server, &key, fingerprint, authorization)))
    }

    /// Warns of a file, unless that was done before.
    fn tell(&self, error: &ManifestError) {
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MAX_TOLD && told.insert(error.file().to_owned()) {
            let cause = error.source().map(tracing::field::display);
            tracing::warn!(
                cause,
                "what an earlier start learned is not used: failed to {error}"
            );
        }
    }
}

#[cfg(test)]
mod tests;
