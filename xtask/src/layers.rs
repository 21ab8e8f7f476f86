//! `cargo xtask layers`: each crate depends only on crates of lower floors.
//!
//! [`LAYERS`] is the one list; the table in `docs/architecture.md` is generated from it. Crates on one floor do not
//! know each other, so a dependency on the same floor is refused as well, also in tests: a test that needs more than
//! the lower floors lives in the package `tests/`.

use anyhow::Result;
use xshell::Shell;

use crate::problem::{Problem, report};
use crate::workspace::{self, Package};

/// A crate's place in the order.
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) floor: u8,
    pub(crate) is_for: &'static str,
    pub(crate) must_not_know: &'static str,
}

pub(crate) const LAYERS: &[Layer] = &[
    Layer {
        name: "manyhands-core",
        floor: 0,
        is_for: "the vocabulary: server ids and qualified names, requests and replies, a call and its context, what a server offers, errors that say whether a call was delivered; `rmcp::model` under the name `model`",
        must_not_know: "any I/O",
    },
    Layer {
        name: "manyhands-auth",
        floor: 1,
        is_for: "secrets by reference, and OAuth 2.1 logins: kept where secrets belong, refreshed ahead of their end, once for all who need them",
        must_not_know: "which server is called, and what for",
    },
    Layer {
        name: "manyhands-jq",
        floor: 1,
        is_for: "jq programs over JSON, bounded in time, memory and depth",
        must_not_know: "what a program is for",
    },
    Layer {
        name: "manyhands-registry",
        floor: 1,
        is_for: "the catalogue of all servers' tools under one namespace: snapshots with generations and differences, names for model APIs and back, search and selection",
        must_not_know: "connections",
    },
    Layer {
        name: "manyhands-resilience",
        floor: 1,
        is_for: "tower layers over any service for calls: deadline, retry with a budget, hedge, circuit breaker, bulkhead, rate limit, coalescing, chaos; how fast and how reliable each key was of late; the rule of what may be sent twice",
        must_not_know: "what the servers' names mean, MCP's methods, connections",
    },
    Layer {
        name: "manyhands-embeddings",
        floor: 2,
        is_for: "vectors for tools and queries from any endpoint that speaks as OpenAI's does",
        must_not_know: "what vectors are used for",
    },
    Layer {
        name: "manyhands-transport",
        floor: 2,
        is_for: "one connection to one server: child process, streamable HTTP or a transport of the user's own; the session and the probe of the protocol version; supervision",
        must_not_know: "that there is more than one server",
    },
    Layer {
        name: "manyhands-discovery",
        floor: 3,
        is_for: "asking a connection what it offers, anew where that may have changed, and remembering the answer on disk",
        must_not_know: "names outside of one server",
    },
    Layer {
        name: "manyhands-testkit",
        floor: 3,
        is_for: "scripted and misbehaving servers, for the tests of the crates above it, of this workspace and of its users",
        must_not_know: "the crates above it",
    },
    Layer {
        name: "manyhands-routing",
        floor: 4,
        is_for: "from a name to its server, and through that server's stack, which is built in one place",
        must_not_know: "how a call was chosen",
    },
    Layer {
        name: "manyhands-toolkit",
        floor: 5,
        is_for: "the layers put together: membership, report, explanation, selection, changes, calls that a model made",
        must_not_know: "file formats, command lines",
    },
    Layer {
        name: "manyhands-config",
        floor: 6,
        is_for: "the `mcp.json` that people have, read into typed sections, with errors that name line and mend",
        must_not_know: "how any layer behaves",
    },
    Layer {
        name: "manyhands",
        floor: 7,
        is_for: "the facade: re-exports, a builder, defaults",
        must_not_know: "anything of its own",
    },
    Layer {
        name: "manyhands-gateway",
        floor: 8,
        is_for: "the whole toolkit as one MCP server",
        must_not_know: "models",
    },
    Layer {
        name: "manyhands-demo",
        floor: 8,
        is_for: "the demo servers of the guide, on rmcp's server",
        must_not_know: "the rest",
    },
    Layer {
        name: "manyhands-cli",
        floor: 9,
        is_for: "the binary `manyhands`",
        must_not_know: "logic that a library could hold",
    },
    Layer {
        name: "manyhands-bench",
        floor: 9,
        is_for: "what a call through the toolkit costs beside the same call through rmcp alone, as `cargo xtask bench`",
        must_not_know: "how any layer works inside",
    },
];

/// Where [`LAYERS`] is written, for the mends.
const HERE: &str = "xtask/src/layers.rs";

pub(crate) fn run(sh: &Shell) -> Result<()> {
    report(check(&workspace::read(sh)?, LAYERS))
}

fn check(packages: &[Package], layers: &[Layer]) -> Vec<Problem> {
    let mut problems = unlisted(packages, layers);
    problems.extend(missing(packages, layers));
    for package in packages.iter().filter(|package| !package.is_test()) {
        problems.extend(climbing(package, packages, layers));
    }
    problems
}

fn unlisted(packages: &[Package], layers: &[Layer]) -> Vec<Problem> {
    let crates = packages.iter().filter(|package| package.is_crate());
    crates
        .filter(|package| floor_of(&package.name, layers).is_none())
        .map(|package| {
            let what = format!("`{}` has no floor", package.name);
            Problem::new(
                &package.manifest,
                1,
                what,
                format!("add it to LAYERS in {HERE}"),
            )
        })
        .collect()
}

fn missing(packages: &[Package], layers: &[Layer]) -> Vec<Problem> {
    let exists = |layer: &Layer| {
        packages
            .iter()
            .any(|package| package.is_crate() && package.name == layer.name)
    };
    layers
        .iter()
        .filter(|layer| !exists(layer))
        .map(|layer| {
            let what = format!("LAYERS names `{}`, which is not under crates/", layer.name);
            Problem::new(HERE, 1, what, "take it out, or create the crate")
        })
        .collect()
}

/// The dependencies of one package that do not lead downwards.
fn climbing(package: &Package, packages: &[Package], layers: &[Layer]) -> Vec<Problem> {
    let is_ours = |name: &str| packages.iter().any(|other| other.name == name);
    package
        .dependencies
        .iter()
        .filter(|dependency| is_ours(&dependency.name))
        .filter_map(|dependency| {
            let (what, mend) = refusal(package, &dependency.name, layers)?;
            let what = if dependency.kind.is_empty() {
                what
            } else {
                format!("{what} ({}-dependency)", dependency.kind)
            };
            Some(Problem::new(
                &package.manifest,
                package.line_of(dependency),
                what,
                mend,
            ))
        })
        .collect()
}

/// Why `package` may not depend on `other`, and what to do instead; `None` if it may.
fn refusal(package: &Package, other: &str, layers: &[Layer]) -> Option<(String, String)> {
    let name = &package.name;
    if !package.is_crate() {
        let what = format!("`{name}`, which stands outside of the floors, depends on `{other}`");
        return Some((
            what,
            "it runs while the crates do not compile, so do without, or move the need to tests/"
                .to_owned(),
        ));
    }
    // That it has no floor is told already.
    let upper = floor_of(name, layers)?;
    let Some(lower) = floor_of(other, layers) else {
        let what = format!("`{name}` (floor {upper}) depends on `{other}`, which has no floor");
        return Some((what, format!("depend on crates of {HERE} only")));
    };
    let what = format!("`{name}` (floor {upper}) depends on `{other}` (floor {lower})");
    let mend = format!(
        "depend on floors below {upper} only: move what is shared down, or the test that needs it to tests/"
    );
    (lower >= upper).then_some((what, mend))
}

fn floor_of(name: &str, layers: &[Layer]) -> Option<u8> {
    layers
        .iter()
        .find(|layer| layer.name == name)
        .map(|layer| layer.floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    const LAYERS_OF_THREE: &[Layer] = &[layer("core", 0), layer("left", 1), layer("right", 1)];

    const fn layer(name: &'static str, floor: u8) -> Layer {
        Layer {
            name,
            floor,
            is_for: "",
            must_not_know: "",
        }
    }

    fn three(right_knows: &[&str]) -> Vec<Package> {
        vec![
            Package::fixture("crates/core", &["serde"]),
            Package::fixture("crates/left", &["core"]),
            Package::fixture("crates/right", right_knows),
        ]
    }

    #[test]
    fn a_downward_dependency_passes_and_tests_may_know_anything() {
        let mut packages = three(&["core"]);
        packages.push(Package::fixture("tests/features/alone", &["left", "right"]));
        packages.push(Package::fixture("tests", &["right"]));
        packages.push(Package::fixture("xtask", &["anyhow"]));
        assert_eq!(lines(&check(&packages, LAYERS_OF_THREE)), [] as [&str; 0]);
    }

    #[test]
    fn siblings_do_not_know_each_other_even_in_tests() {
        let mut packages = three(&["core", "left"]);
        packages[2].dependencies[1].kind = "dev".into();
        assert_eq!(
            lines(&check(&packages, LAYERS_OF_THREE)),
            [
                "crates/right/Cargo.toml:2: `right` (floor 1) depends on `left` (floor 1) (dev-dependency); \
              depend on floors below 1 only: move what is shared down, or the test that needs it to tests/"
            ]
        );
    }

    #[test]
    fn an_upward_dependency_and_one_of_xtask_are_refused() {
        let mut packages = three(&["core"]);
        packages[0] = Package::fixture("crates/core", &["left"]);
        packages.push(Package::fixture("xtask", &["core"]));
        let found = lines(&check(&packages, LAYERS_OF_THREE));
        assert_eq!(found.len(), 2);
        assert!(
            found[0].contains("`core` (floor 0) depends on `left` (floor 1)"),
            "{found:?}"
        );
        assert!(
            found[1].contains("`xtask`, which stands outside of the floors, depends on `core`"),
            "{found:?}"
        );
    }

    #[test]
    fn the_list_and_the_folders_agree_both_ways() {
        let mut packages = three(&["core"]);
        packages[2] = Package::fixture("crates/other", &["core"]);
        assert_eq!(
            lines(&check(&packages, LAYERS_OF_THREE)),
            [
                "crates/other/Cargo.toml:1: `other` has no floor; add it to LAYERS in xtask/src/layers.rs",
                "xtask/src/layers.rs:1: LAYERS names `right`, which is not under crates/; take it out, or create the crate",
            ]
        );
    }

    #[test]
    fn the_real_workspace_keeps_its_layers() {
        let packages = workspace::read(&crate::shell().unwrap()).unwrap();
        assert_eq!(lines(&check(&packages, LAYERS)), [] as [&str; 0]);
    }
}
