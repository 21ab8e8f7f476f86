//! `mcp.lock.json` on disk, which many processes read and change at once: within bounds, in one step, and so that no pin is
//! lost to another.
//!
//! It must not know when a tool is pinned or kept back.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use manyhands_core::{Printable, clip};

use super::lock::{Lock, MAX_LOCK};

/// How often a change is tried that another process came before.
const TRIES: u32 = 100;
/// How long another process may take for its change.
const PATIENCE: Duration = Duration::from_secs(2);
const MEND: &str = "check who owns it and who may write in its folder";

/// The file that a [`Lock`] lies in. It need not be there yet, and is made by the first change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockFile {
    path: PathBuf,
}

impl LockFile {
    /// The file at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; none where there is no file. It blocks for as long as the disk takes.
    ///
    /// # Errors
    /// [`LockFileError`] where it is there and cannot be used.
    pub fn read(&self) -> Result<Option<Lock>, LockFileError> {
        let text = text(&self.path).map_err(|error| self.refused("read", &error))?;
        text.map(|text| self.parse(&text)).transpose()
    }

    /// Changes what is in it now, and gives that with what `change` gave. It blocks for as long as the disk takes.
    ///
    /// `change` is called again where another process came first. A file that cannot be read is not written to.
    ///
    /// # Errors
    /// [`LockFileError`] where it cannot be read, understood or written. It then is as it was.
    pub fn change<R>(
        &self,
        mut change: impl FnMut(&mut Lock) -> R,
    ) -> Result<(Lock, R), LockFileError> {
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let _turn = turn(&target);
        for _ in 0..TRIES {
            let before = text(&target).map_err(|error| self.refused("read", &error))?;
            let mut lock = match &before {
                Some(text) => self.parse(text)?,
                None => Lock::default(),
            };
            let done = change(&mut lock);
            let after = lock.to_string();
            if after.len() > MAX_LOCK {
                let cause = format!("it would have more than {MAX_LOCK} bytes");
                return Err(self.error("write", &cause, "forget pins that nobody needs"));
            }
            let is_as_it_was = match &before {
                Some(before) => *before == after,
                None => lock.is_empty(),
            };
            if is_as_it_was
                || replace(&target, before.as_deref(), &after)
                    .map_err(|error| self.refused("write", &error))?
            {
                return Ok((lock, done));
            }
        }
        Err(self.error("write", "another program changes it all the time", MEND))
    }

    /// What tells whether it was written since; none where it is not there.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        fs::metadata(&self.path).ok().map(|about| Stamp::of(&about))
    }

    /// The error that it is there no more, for whoever has read it before: a file that is made anew would forget what was in it.
    #[must_use]
    pub fn is_gone(&self) -> LockFileError {
        let mend = "take it back from version control, or restart to begin without pins";
        self.error("read", "it is gone", mend)
    }

    fn parse(&self, text: &str) -> Result<Lock, LockFileError> {
        Lock::read(text).map_err(|error| LockFileError {
            line: error.line(),
            text: self.told("read", error.cause()),
        })
    }

    fn refused(&self, verb: &'static str, error: &io::Error) -> LockFileError {
        self.error(verb, &error.to_string(), MEND)
    }

    fn error(&self, verb: &'static str, cause: &str, mend: &str) -> LockFileError {
        LockFileError {
            line: None,
            text: self.told(verb, &format!("{cause}; {mend}")),
        }
    }

    fn told(&self, verb: &'static str, cause: &str) -> String {
        let path = self.path.display().to_string();
        format!(
            "{verb} the pinned tools in {}: {cause}",
            Printable(&clip(&path, 1000))
        )
    }
}

/// What a file was when it was looked at: another one says that it was written since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// The file itself, and when anything about it changed last, in seconds and nanoseconds.
    #[cfg(unix)]
    inode: (u64, i64, i64),
}

impl Stamp {
    fn of(about: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;

        Self {
            modified: about.modified().ok(),
            length: about.len(),
            #[cfg(unix)]
            inode: (about.ino(), about.ctime(), about.ctime_nsec()),
        }
    }
}

/// Why the file of pinned tools cannot be used: a fragment that names it, says why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct LockFileError {
    text: String,
    line: Option<usize>,
}

impl LockFileError {
    /// The line at fault, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

/// The text of a regular file, if there is one. What is too long is cut, so that reading it tells of that.
fn text(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(about) if !about.is_file() => return Err(io::Error::other("it is no regular file")),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_LOCK as u64 + 1)
        .read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes);
    text.map(Some)
        .map_err(|_| io::Error::other("it is not UTF-8"))
}

/// Waits until no other process changes a file in the folder, where the system can lock one, and not for long. Where it
/// cannot, the comparison before the replacement has to do.
fn turn(target: &Path) -> Option<File> {
    let folder = target.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new("."))).ok()?;
    let end = Instant::now() + PATIENCE;
    loop {
        match folder.try_lock() {
            Ok(()) => return Some(folder),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < end => {
                sleep(Duration::from_millis(5));
            }
            Err(_) => return None,
        }
    }
}

/// Puts `after` in the place of `before`, in one step; says whether the file still was that.
fn replace(target: &Path, before: Option<&str>, after: &str) -> io::Result<bool> {
    let draft = draft(target, after)?;
    let put = || {
        if text(target)?.as_deref() != before {
            return Ok(false);
        }
        if before.is_some() {
            return fs::rename(&draft, target).map(|()| true);
        }
        match fs::hard_link(&draft, target) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            // Not every file system has links.
            Err(_) => fs::rename(&draft, target).map(|()| true),
        }
    };
    let put = put();
    // It is there no more where it was renamed.
    let _ = fs::remove_file(&draft);
    put
}

/// A file beside the target with this text, and with the permissions that the target has.
fn draft(target: &Path, text: &str) -> io::Result<PathBuf> {
    let process = std::process::id();
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for n in 0..TRIES {
        let draft = target.with_added_extension(format!("{process}-{n}.new"));
        match OpenOptions::new().write(true).create_new(true).open(&draft) {
            Ok(file) => {
                let written = write(&file, target, text);
                if written.is_err() {
                    let _ = fs::remove_file(&draft);
                }
                return written.map(|()| draft);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn write(mut file: &File, target: &Path, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    if let Ok(about) = fs::metadata(target) {
        file.set_permissions(about.permissions())?;
    }
    // Half a file after a power cut would keep every tool back.
    file.sync_all()
}

#[cfg(test)]
mod tests;
