//! What else is kept in a folder of manifests, in one file for each kind. It must not know what the files say.

use std::path::Path;

use super::error::{ManifestError, ManifestErrorKind};
use super::files;

/// How servers did of late.
pub(super) const STATISTICS: Beside = Beside {
    name: "statistics.json",
    max: 4 << 20,
};
/// The vectors of what servers offer.
pub(super) const VECTORS: Beside = Beside {
    name: "vectors.bin",
    max: super::ManifestFolder::MAX_VECTORS as u64,
};

/// One file beside the manifests.
pub(super) struct Beside {
    name: &'static str,
    /// The most bytes that are read or written.
    max: u64,
}

impl Beside {
    pub(super) fn read(&self, folder: &Path) -> Result<Option<Vec<u8>>, ManifestError> {
        if !files::is_usable(folder)? {
            return Ok(None);
        }
        let path = folder.join(self.name);
        let Some(own) = files::open(&path)? else {
            return Ok(None);
        };
        files::read(&own, &path, self.max).map(Some)
    }

    pub(super) fn write(&self, folder: &Path, bytes: &[u8]) -> Result<(), ManifestError> {
        let path = folder.join(self.name);
        if bytes.len() as u64 > self.max {
            return Err(ManifestError::new(
                ManifestErrorKind::TooLarge,
                ("write", &path),
                &format!("would be over {} MiB", self.max >> 20),
                "remove it, and it is made anew",
            ));
        }
        files::make(folder)?;
        // Without waiting for the disk: what a power cut leaves is not used, and can be had anew.
        files::draft(&path, bytes, false)
            .and_then(|draft| draft.replace(&path))
            .map_err(|error| ManifestError::refused("write", &path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        assert_eq!(STATISTICS.read(&folder).unwrap(), None);
        for bytes in [b"first", b"again"] {
            STATISTICS.write(&folder, bytes).unwrap();
            assert_eq!(STATISTICS.read(&folder).unwrap().unwrap(), bytes);
        }
        let names = std::fs::read_dir(&folder).unwrap();
        assert_eq!(names.count(), 1, "no draft is left");
    }

    #[test]
    fn what_is_too_large_is_neither_written_nor_read() {
        let dir = tempfile::tempdir().unwrap();
        let large = vec![b' '; 4 << 20 | 1];
        let kind = |error: ManifestError| error.kind();
        assert_eq!(
            STATISTICS.write(dir.path(), &large).map_err(kind),
            Err(ManifestErrorKind::TooLarge)
        );
        std::fs::write(dir.path().join(STATISTICS.name), &large).unwrap();
        assert_eq!(
            STATISTICS.read(dir.path()).map_err(kind),
            Err(ManifestErrorKind::TooLarge)
        );
    }
}
