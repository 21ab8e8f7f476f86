//! Keeps the folder small: the manifests that nobody has used for longest go, and what killed processes left.
//!
//! What has another name is not ours, and stays.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use manyhands_core::ServerId;

use super::files::DRAFT;

/// How many manifests are kept: some fifty servers of ten people.
pub(super) const MAX_FILES: usize = 500;
/// How many bytes they may take together.
pub(super) const MAX_BYTES: u64 = 256 << 20;
/// How many names in a folder are looked at.
const MAX_SEEN: usize = 10_000;
/// For how long a draft may be in the making.
const DRAFT_AGE: Duration = Duration::from_secs(60 * 60);
/// How exactly the time of the last use is kept; more often would only tire the disk.
const USE_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// How many digits of a digest are part of a file's name.
pub(super) const DIGITS: usize = 32;

/// Notes in a file's time that it is in use.
pub(super) fn note_use(file: &File, about: &Metadata) {
    if is_older(about, USE_AGE) {
        // A file whose time cannot be set goes sooner, which costs one question to a server.
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Removes what is too much. What cannot be removed stays: it is tried again at the next writing.
pub(super) fn enforce(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut kept: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in entries.take(MAX_SEEN).flatten() {
        let name = entry.file_name();
        let draft = is_draft(&name);
        if !draft && !is_manifest(&name) {
            continue;
        }
        // It does not follow links.
        let Some(about) = entry.metadata().ok().filter(Metadata::is_file) else {
            continue;
        };
        match (draft, about.modified()) {
            (true, _) if is_older(&about, DRAFT_AGE) => remove(&entry.path()),
            (false, Ok(time)) => kept.push((time, about.len(), entry.path())),
            _ => {}
        }
    }
    kept.sort_unstable_by(|a, b| b.cmp(a));
    let mut total = 0;
    for (place, (_, bytes, path)) in kept.iter().enumerate() {
        total += bytes;
        // The newest is the one that was written just now.
        if place >= MAX_FILES || (place > 0 && total > MAX_BYTES) {
            remove(path);
        }
    }
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

fn is_older(about: &Metadata, age: Duration) -> bool {
    let since = about.modified().ok().and_then(|time| time.elapsed().ok());
    since.is_some_and(|since| since > age)
}

fn is_manifest(name: &OsStr) -> bool {
    let parts = name
        .to_str()
        .and_then(|name| name.strip_suffix(".json")?.rsplit_once('-'));
    parts.is_some_and(|(server, digits)| ServerId::parse(server).is_ok() && is_hex(digits, DIGITS))
}

/// Whether it is a draft of a manifest or of the key.
fn is_draft(name: &OsStr) -> bool {
    let path = Path::new(name);
    let random = path.file_stem().map(Path::new).and_then(Path::extension);
    path.extension().is_some_and(|it| it == DRAFT)
        && random
            .and_then(OsStr::to_str)
            .is_some_and(|it| is_hex(it, 16))
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|it| it.is_ascii_hexdigit())
}
