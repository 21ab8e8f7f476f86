//! Putting the parts where they belong, each in a folder of its own, once. It must not know who asks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use super::debian;
use super::machine::{missing, node_binary, node_major, symlink};
use super::part::{NODE, Part, Registry};
use super::{FOLDER, UNREACHABLE};

const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(5);
/// What the parts that want a newer Node ask for.
const NODE_MAJOR: u32 = 22;

/// What is there, and why the rest is not.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) folders: BTreeMap<&'static str, PathBuf>,
    pub(crate) skipped: BTreeMap<&'static str, String>,
    /// The newest Node at hand.
    pub(crate) node: PathBuf,
}

/// Installs what is not there yet.
pub(crate) fn all(sh: &Shell, parts: &[&'static Part]) -> Result<Installed> {
    find(sh, parts, true)
}

/// Those that are there already; the others are skipped.
pub(crate) fn present(sh: &Shell, parts: &[&'static Part]) -> Result<Installed> {
    find(sh, parts, false)
}

fn find(sh: &Shell, parts: &[&'static Part], installs: bool) -> Result<Installed> {
    let mut installer = Installer {
        sh,
        folder: sh.current_dir().join(FOLDER),
        installs,
        unreachable: BTreeSet::new(),
    };
    let mut installed = Installed {
        folders: BTreeMap::new(),
        skipped: BTreeMap::new(),
        node: PathBuf::from("node"),
    };
    let too_old = node_major(sh).is_none_or(|major| major < NODE_MAJOR);
    let uses_node = parts.iter().any(|part| part.registry == Registry::Npm);
    let node = if too_old && uses_node {
        installer.node()?
    } else {
        Ok(installed.node.clone())
    };
    for part in parts {
        let outcome = match &node {
            Err(why) if part.newer_node => Err(format!("Node {NODE_MAJOR} or newer: {why}")),
            _ => installer.install(part)?,
        };
        match outcome {
            Ok(folder) => drop(installed.folders.insert(part.name, folder)),
            Err(why) => drop(installed.skipped.insert(part.name, why)),
        }
    }
    installed.node = node.unwrap_or(installed.node);
    skip_the_needy(parts, &mut installed);
    Ok(installed)
}

/// A client whose servers are missing is not tried.
fn skip_the_needy(parts: &[&'static Part], installed: &mut Installed) {
    for part in parts {
        let why = part
            .needs
            .iter()
            .find_map(|need| installed.skipped.get(need))
            .cloned();
        if let Some(why) = why
            && installed.folders.remove(part.name).is_some()
        {
            installed.skipped.insert(part.name, why);
        }
    }
}

struct Installer<'a> {
    sh: &'a Shell,
    folder: PathBuf,
    /// Whether what is missing is installed.
    installs: bool,
    /// Those that were found so in this run; each is waited for once.
    unreachable: BTreeSet<Registry>,
}

impl Installer<'_> {
    /// Installs a part; the inner error says why it is skipped.
    fn install(&mut self, part: &Part) -> Result<Result<PathBuf, String>> {
        let folder = self.folder.join(part.name);
        let stamp = stamp(part, &folder);
        if self
            .sh
            .read_file(folder.join("pin"))
            .is_ok_and(|found| found == stamp)
        {
            return Ok(Ok(folder));
        }
        if !self.installs {
            return Ok(Err("not installed".to_owned()));
        }
        if let Some(missing) = missing(self.sh, part.registry) {
            return Ok(Err(missing.to_owned()));
        }
        if self.unreachable.contains(&part.registry) {
            return Ok(Err(UNREACHABLE.to_owned()));
        }
        for attempt in 1..=TRIES {
            eprintln!("installing {}", part.pin);
            self.sh.remove_path(&folder)?;
            self.sh.create_dir(&folder)?;
            match self.fetch(part, &folder)? {
                Ok(()) => {
                    self.sh.write_file(folder.join("pin"), stamp)?;
                    return Ok(Ok(folder));
                }
                Err(said) if !is_unreachable(&said) => {
                    return Ok(Err(format!("the install failed: {}", reason(&said))));
                }
                Err(_) => eprintln!("try {attempt} of {TRIES}: the registry cannot be reached"),
            }
            if attempt < TRIES {
                std::thread::sleep(PAUSE);
            }
        }
        self.unreachable.insert(part.registry);
        Ok(Err(UNREACHABLE.to_owned()))
    }

    /// One try; the inner error is what the registry's client said.
    fn fetch(&self, part: &Part, folder: &Path) -> Result<Result<(), String>> {
        let sh = self.sh;
        let _there = sh.push_dir(folder);
        let (pin, with) = (part.pin, part.with);
        match part.registry {
            Registry::Npm => attempt(cmd!(
                sh,
                "npm install --ignore-scripts --no-audit --no-fund --fetch-retries=1 --prefix . {pin} {with...}"
            )),
            Registry::PyPi => {
                let made = attempt(cmd!(sh, "python3 -m venv ."))?;
                if made.is_err() {
                    return Ok(made);
                }
                attempt(cmd!(
                    sh,
                    "bin/python -m pip install --quiet --disable-pip-version-check --retries 1 {pin} {with...}"
                ))
            }
            Registry::Debian => debian::fetch(sh, part),
        }
    }

    /// A Node from a package, linked where it is found by one name.
    fn node(&mut self) -> Result<Result<PathBuf, String>> {
        let folder = match self.install(&NODE)? {
            Ok(folder) => folder,
            Err(why) => return Ok(Err(why)),
        };
        let link = folder.join("bin/node");
        if !link.exists() {
            symlink(&node_binary(&folder)?, &link)?;
        }
        Ok(Ok(link))
    }
}

/// What a finished install is known by. Venvs hold absolute paths, so that a moved one has to be made again.
fn stamp(part: &Part, folder: &Path) -> String {
    format!(
        "{} {}\nat {}\n",
        part.pin,
        part.with.join(" "),
        folder.display()
    )
}

/// Runs a command without showing what it says, unless it fails.
pub(super) fn attempt(command: Cmd<'_>) -> Result<Result<(), String>> {
    let output = command.quiet().ignore_status().output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok(if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&said).into_owned())
    })
}

/// Whether what an install said means that it did not get through, rather than that it was refused.
fn is_unreachable(said: &str) -> bool {
    const SIGNS: &[&str] = &[
        // npm's codes
        "ECONNREFUSED",
        "ECONNRESET",
        "ENETUNREACH",
        "ENOTFOUND",
        "ETIMEDOUT",
        "EAI_AGAIN",
        "ERR_SOCKET_TIMEOUT",
        "E502",
        "E503",
        "E504",
        // pip's words
        "NewConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "Max retries exceeded",
        "Temporary failure in name resolution",
        "connection broken by",
        // apt's words
        "Temporary failure resolving",
        "Could not resolve",
        "Could not connect",
        "Unable to connect to",
    ];
    SIGNS.iter().any(|sign| said.contains(sign))
}

/// The line that says most: the last one that is marked as an error, else the last one.
fn reason(said: &str) -> &str {
    let mut lines = said.lines().rev().filter(|line| !line.trim().is_empty());
    let marked = lines.clone().find(|line| {
        line.starts_with("ERROR:")
            || line.starts_with("E: ")
            || (line.starts_with("npm error ") && !line.contains("complete log"))
    });
    marked
        .or_else(|| lines.next())
        .unwrap_or("it said nothing")
        .trim()
}

#[cfg(test)]
mod tests {
    use super::super::part::part;
    use super::*;

    #[test]
    fn a_registry_out_of_reach_is_told_from_a_package_that_is_not_there() {
        for said in [
            "npm error code ECONNREFUSED",
            "npm error code EAI_AGAIN",
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(..)'\nERROR: No matching distribution found for x==1",
            "W: Failed to fetch x  Temporary failure resolving 'a.example'\nE: Unable to locate package x",
        ] {
            assert!(is_unreachable(said), "{said}");
        }
        for said in [
            "npm error code E404",
            "npm error code EACCES",
            "ERROR: No matching distribution found for x==1",
            "E: Unable to locate package x",
            "",
        ] {
            assert!(!is_unreachable(said), "{said}");
        }
    }

    #[test]
    fn the_reason_is_the_last_marked_line() {
        assert_eq!(
            reason("npm error code E404\nnpm error 404 no x\nnpm error A complete log of"),
            "npm error 404 no x"
        );
        assert_eq!(reason("ERROR: no x\n[notice] new pip\n"), "ERROR: no x");
        assert_eq!(reason("E: no x\nHit:1 a\n"), "E: no x");
        assert_eq!(reason("a\nb\n\n"), "b");
        assert_eq!(reason(""), "it said nothing");
    }

    #[test]
    fn a_part_without_what_it_needs_is_skipped_for_that_reason() {
        const SERVER: Part = part("server", Registry::PyPi, "server==1");
        const OTHER: Part = part("other", Registry::PyPi, "other==1");
        const CLIENT: Part = Part {
            needs: &["server"],
            ..part("client", Registry::Npm, "client@1")
        };
        let mut installed = Installed {
            folders: ["other", "client"]
                .map(|name| (name, PathBuf::new()))
                .into(),
            skipped: BTreeMap::from([("server", UNREACHABLE.to_owned())]),
            node: PathBuf::new(),
        };
        skip_the_needy(&[&SERVER, &OTHER, &CLIENT], &mut installed);
        let skipped: Vec<&str> = installed.skipped.keys().copied().collect();
        assert_eq!(skipped, ["client", "server"]);
        assert!(installed.folders.contains_key("other"));
    }
}
