//! `cargo xtask features`: the small crates under `tests/features` each use a part of the workspace alone, and prove
//! by their dependency tree that the part does not pull what it promises to do without.

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

/// A package that must not pull certain others.
struct Alone {
    package: &'static str,
    without: &'static [&'static str],
    why: &'static str,
}

const ALONE: &[Alone] = &[
    Alone {
        package: "feature-registry-alone",
        without: &[
            "reqwest",
            "hyper",
            "process-wrap",
            "axum",
            "clap",
            "jsonc-parser",
            "manyhands-transport",
            "manyhands-toolkit",
        ],
        why: "the catalogue is of use to who has connections of their own",
    },
    Alone {
        package: "feature-custom-transport",
        without: &[
            "manyhands-registry",
            "manyhands-toolkit",
            "manyhands-config",
            "axum",
            "clap",
            "jsonc-parser",
        ],
        why: "a custom transport is written against the contract alone",
    },
];

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let lock = sh
        .read_file("Cargo.lock")
        .context("`Cargo.lock` cannot be read; commit it")?;
    let mut failures = unknown(ALONE, &lock);
    for alone in ALONE {
        match pulled(sh, alone) {
            Ok(found) => failures.extend(found),
            Err(error) => failures.push(format!("{}: {error:#}", alone.package)),
        }
    }
    for failure in &failures {
        println!("{failure}");
    }
    match failures.len() {
        0 => Ok(()),
        count => bail!("broken promises about dependencies: {count}"),
    }
}

/// The names that no package in the lock file bears: a mistyped one would be found absent for ever.
fn unknown(all: &[Alone], lock: &str) -> Vec<String> {
    let names = all.iter().flat_map(|alone| alone.without);
    let is_locked = |name: &str| lock.contains(&format!("\nname = \"{name}\"\n"));
    names
        .filter(|name| !is_locked(name))
        .map(|name| format!("xtask/src/features.rs: no package `{name}` is locked at all; correct the name, or take it out"))
        .collect()
}

/// What the package pulls against its promise, each with cargo's tree of who pulled it.
///
/// The tree is listed once and searched here. Asking cargo for each name (`cargo tree -i NAME`) would mean telling
/// "not in this tree" from other failures by the text of its messages.
fn pulled(sh: &Shell, alone: &Alone) -> Result<Vec<String>> {
    let Alone {
        package,
        without,
        why,
    } = alone;
    let format = "{p}";
    let tree = cmd!(
        sh,
        "cargo tree --locked -p {package} -e normal --prefix none --format {format}"
    )
    .quiet()
    .read()?;
    let found = offenders(&tree, without)?;
    found
        .iter()
        .map(|(name, version)| {
            let specification = format!("{name}@{version}");
            let proof = cmd!(sh, "cargo tree --locked -p {package} -e normal -i {specification}").quiet().read()?;
            Ok(format!("`{package}` pulls `{name}`, but {why}; cut the edge that this tree shows:\n{proof}\n"))
        })
        .collect()
}

/// The name and version of each package of the listing that is among `without`.
fn offenders<'a>(tree: &'a str, without: &[&str]) -> Result<Vec<(&'a str, &'a str)>> {
    let mut found = Vec::new();
    for line in tree.lines() {
        let mut words = line.split(' ');
        let (Some(name), Some(version)) = (
            words.next(),
            words.next().and_then(|word| word.strip_prefix('v')),
        ) else {
            bail!("cargo's tree has the line `{line}`, which names no package and version");
        };
        if without.contains(&name) && !found.contains(&(name, version)) {
            found.push((name, version));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "alone v0.1.0 (/w/tests/features/alone)\nserde v1.0.1\nhyper v1.2.3\nhyper-util v0.1.0\nhyper v0.14.0\nhyper v1.2.3 (*)";

    #[test]
    fn each_version_of_what_was_promised_away_is_found_once() {
        assert_eq!(
            offenders(TREE, &["hyper", "axum"]).unwrap(),
            [("hyper", "1.2.3"), ("hyper", "0.14.0")]
        );
        assert_eq!(offenders(TREE, &["axum", "util"]).unwrap(), []);
    }

    #[test]
    fn a_listing_that_is_not_understood_is_an_error() {
        assert!(offenders("warning: nothing to print", &["hyper"]).is_err());
    }

    #[test]
    fn a_name_that_nothing_bears_is_told() {
        let all = [Alone {
            package: "alone",
            without: &["hyper", "hiper"],
            why: "",
        }];
        let found = unknown(&all, "[[package]]\nname = \"hyper\"\nversion = \"1.2.3\"\n");
        assert_eq!(
            found,
            [
                "xtask/src/features.rs: no package `hiper` is locked at all; correct the name, or take it out"
            ]
        );
    }
}
