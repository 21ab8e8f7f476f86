//! Files and folders that are ours alone: read only if nobody else could have written them, replaced as a whole.
//!
//! It does not know what is in them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::error::{ManifestError, ManifestErrorKind};

/// A file that may be believed, opened.
pub(super) struct Own {
    pub(super) file: File,
    pub(super) about: Metadata,
}

/// Opens a file that is ours alone; none where there is none. It never waits, and follows no link.
pub(super) fn open(path: &Path) -> Result<Option<Own>, ManifestError> {
    const MEND: &str = "remove it, and it is made anew";
    let foreign = |why| ManifestError::foreign(path, why, MEND);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Ok(about) if about.is_symlink() => return Err(foreign("is a link to another place")),
        Ok(about) if about.is_dir() => return Err(foreign("is a folder where a file should be")),
        // Opening a device can do more than open it.
        Ok(about) if !about.is_file() => return Err(foreign("is no ordinary file")),
        Ok(_) => {}
        Err(error) => return Err(ManifestError::refused("read", path, error)),
    }
    let opened = without_surprise().open(path);
    let own = opened.and_then(|file| file.metadata().map(|about| Own { file, about }));
    let own = match own {
        // Another process has removed it meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        own => own.map_err(|error| ManifestError::refused("read", path, error))?,
    };
    if !own.about.is_file() {
        return Err(foreign("is no ordinary file"));
    }
    is_ours(&own.about).map_err(foreign)?;
    Ok(Some(own))
}

/// Reads it up to `max` bytes; more is an error.
pub(super) fn read(own: &Own, path: &Path, max: u64) -> Result<Vec<u8>, ManifestError> {
    // The size is only a first guess: somebody may be writing.
    let size = usize::try_from(own.about.len().min(max)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(size + 1);
    (&own.file)
        .take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ManifestError::refused("read", path, error))?;
    if bytes.len() as u64 <= max {
        return Ok(bytes);
    }
    let why = format!("is over {max} bytes");
    Err(ManifestError::new(
        ManifestErrorKind::TooLarge,
        ("use", path),
        &why,
        "remove it, and it is made anew",
    ))
}

/// Whether a folder is there; an error where somebody else could write in it.
pub(super) fn is_usable(folder: &Path) -> Result<bool, ManifestError> {
    const MEND: &str =
        "make it yours alone (`chmod go-w`), or name a folder that does not exist yet";
    match fs::metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ManifestError::refused("read the folder", folder, error)),
        Ok(about) if !about.is_dir() => {
            Err(ManifestError::foreign(folder, "is not a folder", MEND))
        }
        Ok(about) => is_ours(&about)
            .map(|()| true)
            .map_err(|why| ManifestError::foreign(folder, why, MEND)),
    }
}

/// Makes the folder where there is none, for nobody else to look into.
pub(super) fn make(folder: &Path) -> Result<(), ManifestError> {
    if !is_usable(folder)? {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(folder)
            .map_err(|error| ManifestError::refused("make the folder", folder, error))?;
    }
    Ok(())
}

/// A file beside `path` that only we can read, with these bytes, under a name that nobody else uses.
///
/// Without `lasting`, a power cut may leave an empty or broken file behind under the final name.
pub(super) fn draft(path: &Path, bytes: &[u8], lasting: bool) -> io::Result<Draft> {
    let random = getrandom::u64().map_err(io::Error::from)?;
    let draft = Draft(path.with_added_extension(format!("{random:016x}.{DRAFT}")));
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.write(true).create_new(true).open(&draft.0)?;
    file.write_all(bytes)?;
    if lasting {
        file.sync_all()?;
    }
    Ok(draft)
}

/// What the names of drafts end with.
pub(super) const DRAFT: &str = "tmp";

/// A file that is gone again unless it was put in place.
pub(super) struct Draft(PathBuf);

impl Draft {
    /// Puts it in the place of whatever is there, in one step.
    pub(super) fn replace(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.0, path)
    }

    /// Puts it in place unless something is there already; then nothing changes.
    pub(super) fn place_first(self, path: &Path) -> io::Result<()> {
        match fs::hard_link(&self.0, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Not every file system has links. Of two who come at once the later one then wins.
            Err(_) if !path.exists() => self.replace(path),
            linked => linked,
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(unix)]
fn is_ours(about: &Metadata) -> Result<(), &'static str> {
    use std::os::unix::fs::MetadataExt as _;

    if about.uid() != nix::unistd::geteuid().as_raw() {
        Err("belongs to somebody else")
    } else if about.mode() & 0o022 != 0 {
        Err("others may write")
    } else {
        Ok(())
    }
}

#[cfg(not(unix))]
fn is_ours(_: &Metadata) -> Result<(), &'static str> {
    Ok(())
}

/// Options for a file that may have been exchanged since it was looked at.
fn without_surprise() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK,
    );
    options
}
