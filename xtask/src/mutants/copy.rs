//! A copy of the checkout in which mutants live, so that the checkout itself is never changed. It must not know mutants.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

/// What it holds beside the files: what it was built into.
const BUILT: &str = "target";

/// Makes the copy equal to the checkout. A file that is equal already is left alone, so that nothing is built again.
pub(super) fn renew(sh: &Shell, to: &Path) -> Result<()> {
    let listing = cmd!(
        sh,
        "git ls-files -z --cached --others --exclude-standard --deduplicate"
    )
    .quiet()
    .read()?;
    let root = sh.current_dir();
    let mut wanted = BTreeSet::new();
    for path in listing.split('\0').filter(|path| !path.is_empty()) {
        let from = root.join(path);
        // Deleted and not yet committed, or a link.
        if !from.symlink_metadata().is_ok_and(|it| it.is_file()) {
            continue;
        }
        copy(&from, &to.join(path))?;
        wanted.insert(to.join(path));
    }
    remove_others(to, &to.join(BUILT), &wanted)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let content =
        std::fs::read(from).with_context(|| format!("`{}` cannot be read", from.display()))?;
    if std::fs::read(to).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(to, content).with_context(|| format!("`{}` cannot be written", to.display()))
}

/// Removes the files that the checkout does not have any more.
fn remove_others(folder: &Path, built: &Path, wanted: &BTreeSet<std::path::PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path == built {
            continue;
        }
        if path.is_dir() {
            remove_others(&path, built, wanted)?;
        } else if !wanted.contains(&path) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}
