//! The folder's key, without which a file's name tells nothing of the server's settings: secrets are part of them, and a
//! guess at one could be checked against a bare digest.

use std::path::Path;

use super::error::{ManifestError, ManifestErrorKind};
use super::files;

const FILE: &str = "manifest.key";
const LENGTH: usize = 32;

pub(super) type Key = [u8; LENGTH];

/// The key, if there is one.
pub(super) fn read(folder: &Path) -> Result<Option<Key>, ManifestError> {
    let path = folder.join(FILE);
    let Some(own) = files::open(&path)? else {
        return Ok(None);
    };
    let bytes = files::read(&own, &path, LENGTH as u64)?;
    let key = Key::try_from(bytes).map_err(|_| {
        ManifestError::new(
            ManifestErrorKind::Corrupt,
            ("use", &path),
            "is no key",
            "remove it, and it is made anew",
        )
    })?;
    Ok(Some(key))
}

/// The key, made if there is none. All processes get the same one, whoever comes first.
pub(super) fn obtain(folder: &Path) -> Result<Key, ManifestError> {
    if let Some(key) = read(folder)? {
        return Ok(key);
    }
    let path = folder.join(FILE);
    let mut fresh = Key::default();
    // All manifests are lost with the key, so it lasts.
    getrandom::fill(&mut fresh)
        .map_err(Into::into)
        .and_then(|()| files::draft(&path, &fresh, true))
        .and_then(|draft| draft.place_first(&path))
        .map_err(|error| ManifestError::refused("write", &path, error))?;
    // Another process may have been first.
    Ok(read(folder)?.unwrap_or(fresh))
}
