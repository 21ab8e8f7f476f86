//! `file:PATH`: a file, such as those that containers get their secrets in.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use manyhands_core::Secret;

use super::apart::Apart;
use super::error::{SecretError, SecretErrorKind};
use super::registry::{MAX_SECRET, line, too_large};
use super::source::SecretSource;

/// How long a file may take, which may lie on a network that is gone: 10 s.
const LIMIT: Duration = Duration::from_secs(10);

/// How many files are read at once.
const THREADS: usize = 4;

/// Where containers mount secrets, with modes that nobody chose.
const MOUNTED: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

/// Reads files: an absolute path, or one that begins with `~/`. One line break at the end is left out.
#[derive(Clone)]
pub struct FileSource {
    apart: Apart,
    /// The files that a warning was given about.
    warned: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Default for FileSource {
    fn default() -> Self {
        Self {
            apart: Apart::new(THREADS, LIMIT),
            warned: Arc::default(),
        }
    }
}

impl SecretSource for FileSource {
    async fn read(&self, key: &str) -> Result<Secret, SecretError> {
        let path = whole(key)?;
        let read = self.apart.run({
            let path = path.clone();
            move || read(&path)
        });
        let (metadata, bytes) = read.await?.unwrap_or_else(|| {
            let cause = "the file could not be read within 10 s";
            Err(SecretError::new(SecretErrorKind::Unavailable, cause))
        })?;
        if is_open(&path, &metadata) && self.is_news(&path) {
            tracing::warn!(path = %path.display(), "this file holds a secret and others than its owner may read it; run `chmod 600` on it");
        }
        line(bytes)
    }
}

impl FileSource {
    fn is_news(&self, path: &Path) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.insert(path.to_owned())
    }
}

/// The path that a key names.
fn whole(key: &str) -> Result<PathBuf, SecretError> {
    let refuse = |cause: &str, mend: &str| {
        Err(SecretError::new(SecretErrorKind::Misconfigured, cause).with_mend(mend))
    };
    let rest = key.strip_prefix("~/").or_else(|| key.strip_prefix(r"~\"));
    if let Some(rest) = rest {
        let home = std::env::home_dir().filter(|home| home.is_absolute());
        return match home {
            Some(home) => Ok(home.join(rest)),
            None => refuse("`~` stands for no folder", "set HOME in the environment"),
        };
    }
    let path = PathBuf::from(key);
    if path.is_absolute() {
        Ok(path)
    } else {
        refuse(
            "the path is not absolute",
            "begin it with `/`, or with `~/` for your own folder",
        )
    }
}

/// Reads a regular file only: opening a pipe would wait for somebody to write.
fn read(path: &Path) -> Result<(Metadata, Vec<u8>), SecretError> {
    let metadata = path.metadata().map_err(|error| failed(&error))?;
    if !metadata.is_file() {
        let cause = "this is no regular file";
        return Err(SecretError::new(SecretErrorKind::Misconfigured, cause)
            .with_mend("name a file that holds nothing but the secret"));
    }
    let mut bytes = Vec::new();
    // A line break may follow the largest secret.
    let limit = MAX_SECRET as u64 + 3;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| failed(&error))?;
    if bytes.len() as u64 == limit {
        return Err(too_large());
    }
    Ok((metadata, bytes))
}

fn failed(error: &io::Error) -> SecretError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            SecretError::new(SecretErrorKind::NotFound, "there is no such file")
                .with_mend("create it, or correct the path")
        }
        io::ErrorKind::PermissionDenied => {
            SecretError::new(SecretErrorKind::Denied, "we may not read this file")
                .with_mend("check who may read it")
        }
        _ => {
            let cause = format!("the file cannot be read: {error}");
            SecretError::new(SecretErrorKind::Unavailable, cause)
        }
    }
}

/// Whether others than the file's owner may read it, and somebody chose that.
#[cfg(unix)]
fn is_open(path: &Path, metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let mounted = MOUNTED.iter().any(|folder| path.starts_with(folder));
    !mounted && metadata.permissions().mode() & 0o044 != 0
}

#[cfg(not(unix))]
fn is_open(_path: &Path, _metadata: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests;
