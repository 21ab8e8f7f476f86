//! The files of the checkout as git sees them: tracked, or new and not ignored. What a build left behind is not ours
//! to check. It must not know any rule about them.

use std::path::Path;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

/// A file, read once for all checks.
pub(crate) struct File {
    /// Relative to the root, with `/` on every platform.
    pub(crate) path: String,
    pub(crate) bytes: usize,
    pub(crate) executable: bool,
    /// `None` for what is not UTF-8.
    pub(crate) text: Option<String>,
}

impl File {
    pub(crate) fn extension(&self) -> Option<&str> {
        self.path.rsplit_once('.').map(|(_, extension)| extension)
    }

    pub(crate) fn is_under(&self, folder: &str) -> bool {
        self.path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The text, for a Rust source.
    pub(crate) fn rust(&self) -> Option<&str> {
        if self.extension() == Some("rs") {
            self.text.as_deref()
        } else {
            None
        }
    }
}

/// Lists and reads them all, in git's order.
pub(crate) fn list(sh: &Shell) -> Result<Vec<File>> {
    let listing = cmd!(
        sh,
        "git ls-files -z --cached --others --exclude-standard --deduplicate"
    )
    .quiet()
    .read()
    .context("git cannot list the files of this checkout")?;
    let root = sh.current_dir();
    let paths = listing.split('\0').filter(|path| !path.is_empty());
    paths
        .filter_map(|path| read(&root, path).transpose())
        .collect()
}

/// `None` for what is listed but is no file now: deleted and not yet committed, a link, a submodule.
fn read(root: &Path, path: &str) -> Result<Option<File>> {
    let full = root.join(path);
    let Ok(metadata) = full.symlink_metadata() else {
        return Ok(None);
    };
    if !metadata.is_file() {
        return Ok(None);
    }
    let content = std::fs::read(&full).with_context(|| format!("`{path}` cannot be read"))?;
    Ok(Some(File {
        path: path.to_owned(),
        bytes: content.len(),
        executable: is_executable(&metadata),
        text: String::from_utf8(content).ok(),
    }))
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

/// Windows keeps no such bit in the work tree; CI on Unix checks it.
#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
impl File {
    pub(crate) fn fixture(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            bytes: text.len(),
            executable: false,
            text: Some(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_matched_by_whole_components() {
        let file = File::fixture("crates/manyhands-core/src/lib.rs", "");
        assert!(file.is_under("crates"));
        assert!(file.is_under("crates/manyhands-core"));
        assert!(!file.is_under("crates/manyhands"));
        assert_eq!(file.rust(), Some(""));
        assert_eq!(File::fixture("README.md", "").rust(), None);
    }
}
