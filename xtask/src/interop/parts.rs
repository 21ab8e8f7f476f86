//! The one list of servers and clients, each pinned. It must not know how a part is installed or driven.

use crate::outside::{Part, Registry, part};

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
    part(
        "sequential-thinking",
        Registry::Npm,
        "@modelcontextprotocol/server-sequential-thinking@2026.8.31",
    ),
    part("kubernetes", Registry::Npm, "mcp-server-kubernetes@4.1.7"),
    part("calculator", Registry::PyPi, "mcp-server-calculator==0.2.1"),
    part("excel", Registry::PyPi, "excel-mcp-server==2.2.2"),
    client("python-2", Registry::PyPi, "mcp==2.3.0"),
    client("python-1", Registry::PyPi, "mcp==1.30.0"),
    client(
        "typescript",
        Registry::Npm,
        "@modelcontextprotocol/client@2.4.0",
    ),
    Part {
        newer_node: true,
        ..client(
            "inspector",
            Registry::Npm,
            "@modelcontextprotocol/inspector@2.12.0",
        )
    },
    Part {
        // The server that it guards.
        with: &["@modelcontextprotocol/sdk@1.32.2"],
        newer_node: true,
        ..part("oidc-provider", Registry::Npm, "oidc-provider@9.13.3")
    },
    Part {
        with: &["dbus-daemon", "libsecret-tools"],
        needs: &["oidc-provider"],
        ..part("gnome-keyring", Registry::Debian, "gnome-keyring")
    },
];

/// The parts that are wanted: all, or one with what it needs.
pub(crate) fn wanted(only: Option<&Part>) -> Vec<&'static Part> {
    let is_wanted = |part: &&Part| {
        only.is_none_or(|only| only.name == part.name || only.needs.contains(&part.name))
    };
    PARTS.iter().filter(is_wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::version;

    #[test]
    fn every_part_is_pinned_and_needs_parts_that_there_are() {
        for part in PARTS {
            let pins = part.with.iter().chain([&part.pin]);
            for pin in pins.filter(|_| part.registry != Registry::Debian) {
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
