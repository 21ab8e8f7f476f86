//! A file that is read, changed and put back at once, or not at all.
//!
//! It knows nothing of what the file holds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::error::EditError;

/// The largest file that is changed, in bytes. Claude Code's, the largest by far, can have some MiB.
const MAX_FILE: u64 = 32 << 20;

/// How many names are tried for the draft of a file.
const MAX_DRAFTS: u32 = 100;

/// A file as it was read, to be replaced if it is still that.
#[derive(Debug)]
pub struct Original {
    label: String,
    /// Where the content lies, behind all symbolic links.
    target: PathBuf,
    bytes: Option<Vec<u8>>,
}

impl Original {
    /// Reads the file at `path`, which need not be there.
    ///
    /// # Errors
    /// [`EditError`] when it cannot be read, is no regular file, or is larger than 32 MiB.
    pub fn read(path: &Path) -> Result<Self, EditError> {
        let label = path.display().to_string();
        let failed = |error| EditError::inaccessible("read", &label, error);
        let target = behind_links(path).map_err(failed)?;
        let bytes = read(&target).map_err(failed)?;
        Ok(Self {
            label,
            target,
            bytes,
        })
    }

    /// Whether there is such a file.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.bytes.is_some()
    }

    /// The content; empty where there is no file.
    ///
    /// # Errors
    /// [`EditError`] when it is not UTF-8.
    pub fn text(&self) -> Result<&str, EditError> {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| {
            let mend = "save it with the encoding UTF-8";
            EditError::unsuitable(&self.label, "the text is not UTF-8", mend)
        })
    }

    /// Puts a copy of the content beside the file, under its name with this ending, and tells where.
    ///
    /// # Errors
    /// [`EditError`] when the copy cannot be written.
    pub fn back_up(&self, ending: &str) -> Result<Option<PathBuf>, EditError> {
        let Some(bytes) = &self.bytes else {
            return Ok(None);
        };
        let backup = with_ending(&self.target, ending);
        let label = backup.display().to_string();
        let written = self.draft(&backup, bytes).and_then(|draft| {
            let named = fs::rename(&draft, &backup);
            forget_unless(named, &draft)
        });
        written.map_err(|error| EditError::inaccessible("write", &label, error))?;
        Ok(Some(backup))
    }

    /// Puts `text` in the place of the content, at once, with the file's permissions. A new file is its owner's alone.
    ///
    /// # Errors
    /// [`EditError`] when the file is no longer what was read, or cannot be written. It then is as it was.
    pub fn replace(&self, text: &str) -> Result<(), EditError> {
        let failed = |error| EditError::inaccessible("write", &self.label, error);
        if let Some(folder) = self.target.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // Two of us wait for each other; whoever comes second finds another content.
        let lock = self.bytes.as_ref().map(|_| lock(&self.target));
        let draft = self.draft(&self.target, text.as_bytes()).map_err(failed)?;
        let is_unchanged = read(&self.target).is_ok_and(|now| now == self.bytes);
        let put = match (is_unchanged, &self.bytes) {
            (false, _) => Err(io::Error::from(io::ErrorKind::AlreadyExists)),
            (true, Some(_)) => fs::rename(&draft, &self.target),
            (true, None) => link(&draft, &self.target),
        };
        drop(lock);
        forget_unless(put, &draft).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => EditError::changed(&self.label),
            _ => failed(error),
        })
    }

    /// Writes a file beside `target`, with the permissions that the original has.
    fn draft(&self, target: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        let (draft, mut file) = create_beside(target)?;
        let written = (|| {
            file.write_all(bytes)?;
            if self.bytes.is_some() {
                file.set_permissions(fs::metadata(&self.target)?.permissions())?;
            }
            file.sync_all()
        })();
        forget_unless(written, &draft)?;
        Ok(draft)
    }
}

/// The file that `path` leads to in the end, whether or not it is there.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const MAX_LINKS: usize = 40;
    let mut path = std::path::absolute(path)?;
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("/")).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("there are too many symbolic links"))
}

/// The content of a regular file, if there is one.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() => {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other("it is larger than 32 MiB"));
    }
    Ok(Some(bytes))
}

/// Locks the file where the system can; where it cannot, the comparison of contents has to do.
fn lock(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// Makes a new file that only its owner may read.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for n in 0..MAX_DRAFTS {
        let draft = with_ending(target, &format!(".{}-{n}.new", std::process::id()));
        match options.clone().write(true).create_new(true).open(&draft) {
            Ok(file) => return Ok((draft, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Gives the draft its name, unless a file of that name has come up meanwhile.
fn link(draft: &Path, target: &Path) -> io::Result<()> {
    match fs::hard_link(draft, target) {
        Ok(()) => fs::remove_file(draft),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has links.
        Err(_) => fs::rename(draft, target),
    }
}

/// Removes the draft of what failed.
fn forget_unless<T>(result: io::Result<T>, draft: &Path) -> io::Result<T> {
    if result.is_err() {
        let _ = fs::remove_file(draft);
    }
    result
}
