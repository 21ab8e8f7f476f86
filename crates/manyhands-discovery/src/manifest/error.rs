//! Why a manifest cannot be used or kept, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Says what is wrong with a manifest or its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ManifestErrorKind {
    /// The system refused to read or write it.
    Inaccessible,
    /// Somebody else could have written it.
    Foreign,
    /// It is not what this version writes under this name.
    Corrupt,
    /// It is larger than what is kept.
    TooLarge,
}

/// Reports that a manifest cannot be kept. Nothing depends on it but the next start's speed.
///
/// It reads as a fragment that fits "failed to {error}".
#[derive(Debug)]
pub struct ManifestError {
    kind: ManifestErrorKind,
    file: PathBuf,
    text: String,
    mend: &'static str,
    source: Option<io::Error>,
}

impl ManifestError {
    /// Says in `text` what cannot be done, which ends where the file's name follows; `why` may be empty.
    pub(super) fn new(
        kind: ManifestErrorKind,
        (verb, file): (&str, &Path),
        why: &str,
        mend: &'static str,
    ) -> Self {
        let because = if why.is_empty() { "" } else { ", which " };
        Self {
            kind,
            text: format!("{verb} {}{because}{why}", file.display()),
            file: file.to_owned(),
            mend,
            source: None,
        }
    }

    pub(super) fn foreign(file: &Path, why: &str, mend: &'static str) -> Self {
        Self::new(ManifestErrorKind::Foreign, ("use", file), why, mend)
    }

    pub(super) fn refused(verb: &str, file: &Path, source: io::Error) -> Self {
        let mend = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
            io::ErrorKind::ReadOnlyFilesystem => "name a folder where this user may write",
            _ => "check who owns it and its folder, and who may write there",
        };
        let error = Self::new(ManifestErrorKind::Inaccessible, (verb, file), "", mend);
        Self {
            source: Some(source),
            ..error
        }
    }

    /// What is wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> ManifestErrorKind {
        self.kind
    }

    /// The file or folder that it is about.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What a person can do about it. The displayed text ends with it.
    #[must_use]
    pub fn mend(&self) -> &str {
        self.mend
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.text, self.mend)
    }
}

impl Error for ManifestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
