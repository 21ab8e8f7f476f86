//! How servers did of late, in one file beside the manifests. It must not know what the file says.

use std::path::Path;

use super::error::{ManifestError, ManifestErrorKind};
use super::files;

const FILE: &str = "statistics.json";
/// The largest file that is read or written, in bytes.
const MAX_FILE: u64 = 4 << 20;

pub(super) fn read(folder: &Path) -> Result<Option<Vec<u8>>, ManifestError> {
    if !files::is_usable(folder)? {
        return Ok(None);
    }
    let path = folder.join(FILE);
    let Some(own) = files::open(&path)? else {
        return Ok(None);
    };
    files::read(&own, &path, MAX_FILE).map(Some)
}

pub(super) fn write(folder: &Path, bytes: &[u8]) -> Result<(), ManifestError> {
    let path = folder.join(FILE);
    if bytes.len() as u64 > MAX_FILE {
        return Err(ManifestError::new(
            ManifestErrorKind::TooLarge,
            ("write", &path),
            "would be over 4 MiB",
            "remove it, and it is made anew",
        ));
    }
    files::make(folder)?;
    // Without waiting for the disk: what a power cut leaves is not used, which costs nothing but figures.
    files::draft(&path, bytes, false)
        .and_then(|draft| draft.replace(&path))
        .map_err(|error| ManifestError::refused("write", &path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        assert_eq!(read(&folder).unwrap(), None);
        for bytes in [b"first", b"again"] {
            write(&folder, bytes).unwrap();
            assert_eq!(read(&folder).unwrap().unwrap(), bytes);
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
            write(dir.path(), &large).map_err(kind),
            Err(ManifestErrorKind::TooLarge)
        );
        std::fs::write(dir.path().join(FILE), &large).unwrap();
        assert_eq!(
            read(dir.path()).map_err(kind),
            Err(ManifestErrorKind::TooLarge)
        );
    }
}
