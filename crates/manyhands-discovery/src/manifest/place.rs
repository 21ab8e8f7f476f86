//! One server's file: read, replaced, removed. What it says, its form knows; who may believe it, the files do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use manyhands_core::ServerId;
use manyhands_transport::Fingerprint;

use super::error::{ManifestError, ManifestErrorKind};
use super::stored::Owner;
use super::{Manifest, bounds, files, key, stored};
use crate::Limits;

/// The largest file that is read or written, in bytes.
pub(super) const MAX_FILE: u64 = 32 << 20;
/// How much later the same must have been learned to be written again: whoever trusts what is young wants to know.
const RENEWED: Duration = Duration::from_secs(3600);
type Loaded = (files::Own, Vec<u8>, Manifest);

/// One server's manifest on disk.
pub(super) struct Place {
    pub(super) file: PathBuf,
    owner: Owner,
}

impl Place {
    pub(super) fn new(
        folder: &Path,
        server: &ServerId,
        key: &key::Key,
        fingerprint: &Fingerprint,
        authorization: &str,
    ) -> Self {
        let mut entry = fingerprint.keyed_digest(key, &[server.as_str(), authorization]);
        entry.truncate(bounds::DIGITS);
        Self {
            file: folder.join(format!("{server}-{entry}.json")),
            owner: Owner {
                server: server.clone(),
                entry,
            },
        }
    }

    pub(super) fn read(&self, limits: &Limits) -> Result<Option<Manifest>, ManifestError> {
        let loaded = self.load(limits)?;
        Ok(loaded.map(|(own, _, manifest)| {
            bounds::note_use(&own.file, &own.about);
            manifest
        }))
    }

    /// The file, its content, and what that says.
    fn load(&self, limits: &Limits) -> Result<Option<Loaded>, ManifestError> {
        const MEND: &str = "remove it, or leave it to be replaced when the server is connected";
        let Some(own) = files::open(&self.file)? else {
            return Ok(None);
        };
        let bytes = files::read(&own, &self.file, MAX_FILE)?;
        let manifest = stored::decode(&self.owner, &bytes, limits).map_err(|why| {
            let kind = ManifestErrorKind::Corrupt;
            ManifestError::new(kind, ("use", &self.file), why, MEND)
        })?;
        Ok(Some((own, bytes, manifest)))
    }

    /// Tells whether anything was written.
    pub(super) fn write(
        &self,
        manifest: &Manifest,
        limits: &Limits,
    ) -> Result<bool, ManifestError> {
        if self.is_known(manifest, limits) {
            return Ok(false);
        }
        let refused = |error| ManifestError::refused("write", &self.file, error);
        let bytes = stored::encode(&self.owner, manifest).map_err(|error| refused(error.into()))?;
        if bytes.len() as u64 > MAX_FILE {
            // What is there would be of the past.
            self.remove()?;
            return Err(self.too_large());
        }
        // Without waiting for the disk: what a power cut leaves is not JSON, and is ignored.
        files::draft(&self.file, &bytes, false)
            .and_then(|draft| draft.replace(&self.file))
            .map_err(refused)?;
        Ok(true)
    }

    /// Whether the file says the same, but for the hour in which it was learned.
    fn is_known(&self, manifest: &Manifest, limits: &Limits) -> bool {
        // A file that cannot be used is replaced, whatever is wrong with it.
        let Ok(Some((own, bytes, last))) = self.load(limits) else {
            return false;
        };
        let as_then = Manifest {
            learned: last.learned,
            ..manifest.clone()
        };
        let is_older = as_then.learned + RENEWED < manifest.learned;
        let is_same =
            !is_older && stored::encode(&self.owner, &as_then).is_ok_and(|it| it == bytes);
        if is_same {
            bounds::note_use(&own.file, &own.about);
        }
        is_same
    }

    pub(super) fn remove(&self) -> Result<(), ManifestError> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ManifestError::refused("remove", &self.file, error))
            }
            _ => Ok(()),
        }
    }

    fn too_large(&self) -> ManifestError {
        ManifestError::new(
            ManifestErrorKind::TooLarge,
            ("write", &self.file),
            "would be over 32 MiB",
            "turn off what the server offers and nobody needs, or leave it to be asked at each start",
        )
    }
}
