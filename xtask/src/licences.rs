//! `cargo xtask licences`: everything that a build of ours compiles in or runs (normal and build dependencies, on
//! every platform) comes under a license that lets us ship it. What only tests use is left out.
//!
//! It asks `cargo metadata` and nothing else, so that it needs no tool that a contributor might not have.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context as _, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::problem::{Problem, report};
use crate::spdx::{self, License};
use crate::workspace::{list, text};

const HERE: &str = "xtask/src/licences.rs";

/// None of them asks more than that their text is shipped along, or, in the case of MPL-2.0, that changes to its
/// own files are published.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    // MIT without its condition to name the authors.
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Exceptions give permissions beyond the license. Each is listed all the same, for its name says nothing of that.
const EXCEPTIONS: &[&str] = &["LLVM-exception"];

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let metadata = cmd!(sh, "cargo metadata --format-version 1 --locked")
        .quiet()
        .read()
        .context("cargo cannot resolve the dependencies; mend what it says above")?;
    let lock = sh.read_file("Cargo.lock")?;
    let graph = Graph::parse(&metadata)?;
    println!("{} packages", graph.pulls().len());
    report(check(&graph, &lock))
}

fn check(graph: &Graph, lock: &str) -> Vec<Problem> {
    let pulls = graph.pulls();
    let unwelcome = pulls.keys().filter_map(|id| {
        let package = graph.packages.get(*id)?;
        let what = objection(package)?;
        Some(Problem::new(
            "Cargo.lock",
            package.line(lock),
            format!("{what}; it is pulled by {}", graph.path(id, &pulls)),
            format!(
                "do without it, or add its license to ACCEPTED in {HERE} and say why it is welcome"
            ),
        ))
    });
    unwelcome.collect()
}

/// What speaks against the package, if anything.
fn objection(package: &Package) -> Option<String> {
    let name = format!("`{} {}`", package.name, package.version);
    let Some(expression) = &package.license else {
        return Some(format!("{name} does not say its license"));
    };
    match spdx::is_fulfilled(expression, &is_accepted) {
        Ok(true) => None,
        Ok(false) => Some(format!("{name} comes under `{expression}`")),
        Err(error) => Some(format!("the license of {name} cannot be told: {error:#}")),
    }
}

fn is_accepted(license: &License<'_>) -> bool {
    ACCEPTED.contains(&license.id)
        && license
            .exception
            .is_none_or(|exception| EXCEPTIONS.contains(&exception))
}

/// A package as its manifest describes it.
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

impl Package {
    /// Its line in the lock file; 1 if it is not there.
    fn line(&self, lock: &str) -> usize {
        let (name, version) = (
            format!("name = \"{}\"", self.name),
            format!("version = \"{}\"", self.version),
        );
        let lines: Vec<&str> = lock.lines().collect();
        lines
            .windows(2)
            .position(|pair| pair == [name.as_str(), version.as_str()])
            .map_or(1, |index| index + 1)
    }
}

/// Which package needs which, by cargo's ids.
struct Graph {
    members: Vec<String>,
    packages: BTreeMap<String, Package>,
    /// Without dependencies that only tests use.
    needs: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn parse(metadata: &str) -> Result<Self> {
        let metadata: Value =
            serde_json::from_str(metadata).context("cargo's metadata is not JSON")?;
        let packages = list(&metadata, "packages").map(|package| {
            let described = Package {
                name: text(package, "name")?,
                version: text(package, "version")?,
                license: text(package, "license").ok(),
            };
            Ok((text(package, "id")?, described))
        });
        let resolve = metadata.get("resolve").unwrap_or(&Value::Null);
        let needs = list(resolve, "nodes").map(|node| {
            let needs = list(node, "deps").filter(|needed| !is_for_tests(needed));
            let needs: Result<Vec<String>> = needs.map(|needed| text(needed, "pkg")).collect();
            Ok((text(node, "id")?, needs?))
        });
        let members = list(&metadata, "workspace_members").filter_map(Value::as_str);
        Ok(Self {
            members: members.map(str::to_owned).collect(),
            packages: packages.collect::<Result<_>>()?,
            needs: needs.collect::<Result<_>>()?,
        })
    }

    /// Everything that is built, each with who pulled it first; a member is pulled by nobody.
    fn pulls(&self) -> BTreeMap<&str, Option<&str>> {
        let members = self.members.iter().map(String::as_str);
        let mut pulls: BTreeMap<&str, Option<&str>> =
            members.clone().map(|member| (member, None)).collect();
        let mut next: VecDeque<&str> = members.collect();
        while let Some(id) = next.pop_front() {
            for needed in self.needs.get(id).into_iter().flatten() {
                if !pulls.contains_key(needed.as_str()) {
                    pulls.insert(needed, Some(id));
                    next.push_back(needed);
                }
            }
        }
        pulls
    }

    /// The shortest way from a member to the package, such as `xtask > xshell`; the package itself is left out.
    fn path(&self, id: &str, pulls: &BTreeMap<&str, Option<&str>>) -> String {
        let mut names = Vec::new();
        let mut next = pulls.get(id).copied().flatten();
        while let Some(id) = next {
            let package = self.packages.get(id);
            names.push(package.map_or(id, |package| package.name.as_str()));
            next = pulls.get(id).copied().flatten();
        }
        names.reverse();
        if names.is_empty() {
            "the workspace itself".to_owned()
        } else {
            names.join(" > ")
        }
    }
}

/// Whether the dependency is one of tests only. One that cargo gives no kinds for is taken to be shipped.
fn is_for_tests(needed: &Value) -> bool {
    let mut kinds = list(needed, "dep_kinds").peekable();
    kinds.peek().is_some()
        && kinds.all(|kind| kind.get("kind").and_then(Value::as_str) == Some("dev"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    /// `a` needs `b` to run, `b` needs `c` to build, `a` needs `t` to test. `LICENSE` is the one of `c`.
    fn metadata(license: &str) -> String {
        r#"{"workspace_members": ["a#1"],
            "packages": [
                {"id": "a#1", "name": "a", "version": "1.0.0", "license": "MIT OR Apache-2.0"},
                {"id": "b#2", "name": "b", "version": "2.0.0", "license": "Apache-2.0 WITH LLVM-exception"},
                {"id": "c#3", "name": "c", "version": "3.0.0", "license": LICENSE},
                {"id": "t#4", "name": "t", "version": "4.0.0", "license": "GPL-3.0"}],
            "resolve": {"nodes": [
                {"id": "a#1", "deps": [
                    {"pkg": "b#2", "dep_kinds": [{"kind": "dev"}, {"kind": null}]},
                    {"pkg": "t#4", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "b#2", "deps": [{"pkg": "c#3", "dep_kinds": [{"kind": "build"}]}]},
                {"id": "c#3", "deps": [{"pkg": "b#2", "dep_kinds": [{"kind": null}]}]},
                {"id": "t#4", "deps": []}]}}"#
            .replace("LICENSE", license)
    }

    const LOCK: &str = "[[package]]\nname = \"c\"\nversion = \"2.9.0\"\n\n[[package]]\nname = \"c\"\nversion = \"3.0.0\"\n";

    fn found(license: &str) -> Vec<String> {
        lines(&check(&Graph::parse(&metadata(license)).unwrap(), LOCK))
    }

    #[test]
    fn accepted_licences_pass_and_what_tests_use_is_left_out() {
        for license in [
            r#""Zlib""#,
            r#""GPL-3.0 OR ISC""#,
            r#""MIT AND Unicode-3.0""#,
        ] {
            assert_eq!(found(license), [] as [&str; 0], "{license}");
        }
    }

    #[test]
    fn others_are_told_with_who_pulls_them() {
        let mend = "do without it, or add its license to ACCEPTED in xtask/src/licences.rs and say why it is welcome";
        for (license, what) in [
            (r#""AGPL-3.0""#, "`c 3.0.0` comes under `AGPL-3.0`"),
            (
                r#""MIT WITH odd-exception""#,
                "`c 3.0.0` comes under `MIT WITH odd-exception`",
            ),
            ("null", "`c 3.0.0` does not say its license"),
            (
                r#""MIT OR""#,
                "the license of `c 3.0.0` cannot be told: `MIT OR` is not understood: it ends where a license should stand",
            ),
        ] {
            assert_eq!(
                found(license),
                [format!(
                    "Cargo.lock:6: {what}; it is pulled by a > b; {mend}"
                )]
            );
        }
    }

    #[test]
    fn metadata_without_an_id_is_an_error() {
        let error = Graph::parse(r#"{"packages": [{"name": "a", "version": "1.0.0"}]}"#);
        assert_eq!(
            error.err().unwrap().to_string(),
            "cargo's metadata has no text `id`"
        );
    }
}
