//! `cargo xtask owners`: each heavy dependency is named only by the crates that own it, so that replacing one, or
//! reading what it does to us, means reading few crates. Packages under `tests/` are exempt: tests look at the
//! outside from the outside.

mod model;

use anyhow::Result;
use xshell::Shell;

use crate::files;
use crate::problem::{Problem, report};
use crate::workspace::{self, Dependency, Package};

/// The crates that may depend on a package directly, in whatever kind.
struct Owner {
    dependency: &'static str,
    crates: &'static [&'static str],
    reason: &'static str,
}

const OWNERS: &[Owner] = &[
    Owner {
        dependency: "rmcp",
        crates: &[
            "manyhands-auth",
            "manyhands-core",
            "manyhands-gateway",
            "manyhands-demo",
            "manyhands-bench",
        ],
        reason: "core re-exports its model, auth owns its OAuth, gateway and demo its server, and bench compares with its client",
    },
    Owner {
        dependency: "reqwest",
        crates: &[
            "manyhands-auth",
            "manyhands-embeddings",
            "manyhands-transport",
            "manyhands-bench",
        ],
        reason: "one pooled client, one redirect policy, what speaks to authorization servers, what asks for vectors, and the raw side of bench",
    },
    Owner {
        dependency: "oauth2",
        crates: &["manyhands-auth"],
        reason: "rmcp's OAuth takes secrets in its types, and nothing else of it is used",
    },
    Owner {
        dependency: "process-wrap",
        crates: &["manyhands-transport"],
        reason: "children are supervised in one place",
    },
    Owner {
        dependency: "axum",
        crates: &[
            "manyhands-demo",
            "manyhands-gateway",
            "manyhands-testkit",
            "manyhands-bench",
        ],
        reason: "only what serves HTTP needs an HTTP server",
    },
    Owner {
        dependency: "clap",
        crates: &["manyhands-cli"],
        reason: "libraries do not know command lines",
    },
    Owner {
        dependency: "jsonc-parser",
        crates: &["manyhands-config"],
        reason: "one reader of people's files",
    },
    Owner {
        dependency: "toml_edit",
        crates: &["manyhands-config"],
        reason: "one reader of people's files",
    },
    Owner {
        dependency: "saphyr-parser",
        crates: &["manyhands-config"],
        reason: "one reader of people's files",
    },
    Owner {
        dependency: "jaq-core",
        crates: &["manyhands-jq"],
        reason: "what a program may cost is bounded in one place",
    },
    Owner {
        dependency: "jsonschema",
        crates: &["manyhands-registry"],
        reason: "what strangers' schemas may cost us is bounded in one place",
    },
    Owner {
        dependency: "tracing-subscriber",
        crates: &["manyhands-cli"],
        reason: "where spans go is the program's choice",
    },
    Owner {
        dependency: "nix",
        crates: &[
            "manyhands-transport",
            "manyhands-cli",
            "manyhands-testkit",
            "manyhands-discovery",
        ],
        reason: "signals are sent to children and received by the program; a scripted server closes its own output; a manifest is read only if it is our own",
    },
];

/// Features of rmcp that a crate must not turn on. A pattern that ends with `*` stands for all names that begin so.
struct FeatureRule {
    package: &'static str,
    forbids: &'static [&'static str],
    /// Whether the crate's tests may turn them on all the same.
    tests_may: bool,
    reason: &'static str,
}

const RMCP_FEATURES: &[FeatureRule] = &[
    FeatureRule {
        package: "manyhands-core",
        forbids: &["*"],
        tests_may: false,
        reason: "core takes the model only, and does no I/O",
    },
    FeatureRule {
        package: "manyhands-gateway",
        forbids: CLIENT,
        tests_may: false,
        reason: "gateway owns the server's side",
    },
    FeatureRule {
        package: "manyhands-demo",
        forbids: CLIENT,
        // A server is tested by a client that it did not bring itself.
        tests_may: true,
        reason: "demo owns the server's side",
    },
];

const CLIENT: &[&str] = &["client*", "transport-streamable-http-client*"];

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let packages = workspace::read(sh)?;
    let mut problems: Vec<Problem> = packages.iter().flat_map(check_package).collect();
    problems.extend(files::list(sh)?.iter().flat_map(model::check));
    report(problems)
}

fn check_package(package: &Package) -> Vec<Problem> {
    if package.is_test() {
        return Vec::new();
    }
    let mut problems: Vec<Problem> = package
        .dependencies
        .iter()
        .filter_map(|dependency| foreign(package, dependency))
        .collect();
    let rules = RMCP_FEATURES
        .iter()
        .filter(|rule| rule.package == package.name);
    problems.extend(rules.flat_map(|rule| forbidden_features(package, rule)));
    problems
}

/// A dependency that others own.
fn foreign(package: &Package, dependency: &Dependency) -> Option<Problem> {
    let owner = OWNERS
        .iter()
        .find(|owner| owner.dependency == dependency.name)?;
    if owner.crates.contains(&package.name.as_str()) {
        return None;
    }
    let kind = if dependency.kind.is_empty() {
        String::new()
    } else {
        format!(" ({}-dependency)", dependency.kind)
    };
    let what = format!(
        "`{}` depends on `{}`{kind}, which belongs to others",
        package.name, dependency.name
    );
    let mend = format!(
        "use it through {}, for {}",
        owner.crates.join(", "),
        owner.reason
    );
    Some(Problem::new(
        &package.manifest,
        package.line_of(dependency),
        what,
        mend,
    ))
}

/// The features of rmcp that the package turns on against the rule, by a dependency of whatever kind or by a feature
/// of its own.
fn forbidden_features(package: &Package, rule: &FeatureRule) -> Vec<Problem> {
    let rmcp = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.name == "rmcp")
        .filter(|dependency| !(rule.tests_may && dependency.kind == "dev"));
    let direct = rmcp.flat_map(|dependency| {
        let line = package.line_of(dependency);
        dependency
            .features
            .iter()
            .map(move |feature| (feature.as_str(), line))
    });
    let forwarded = package.feature_targets.iter().filter_map(|target| {
        let (dependency, feature) = target.split_once('/')?;
        (dependency.trim_end_matches('?') == "rmcp").then_some((feature, 1))
    });
    direct
        .chain(forwarded)
        .filter(|(feature, _)| rule.forbids.iter().any(|pattern| matches(pattern, feature)))
        .map(|(feature, line)| {
            let what = format!("`{}` turns on rmcp's feature `{feature}`", package.name);
            Problem::new(
                &package.manifest,
                line,
                what,
                format!("do without it, for {}", rule.reason),
            )
        })
        .collect()
}

fn matches(pattern: &str, feature: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == feature, |prefix| feature.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    #[test]
    fn owners_may_and_others_may_not() {
        assert!(
            check_package(&Package::fixture(
                "crates/manyhands-cli",
                &["clap", "serde"]
            ))
            .is_empty()
        );
        assert!(
            check_package(&Package::fixture(
                "tests/interop",
                &["clap", "rmcp", "reqwest"]
            ))
            .is_empty()
        );
        let mut package = Package::fixture("crates/manyhands-config", &["jsonc-parser", "clap"]);
        package.dependencies[1].kind = "dev".into();
        assert_eq!(
            lines(&check_package(&package)),
            [
                "crates/manyhands-config/Cargo.toml:2: `manyhands-config` depends on `clap` (dev-dependency), \
              which belongs to others; use it through manyhands-cli, for libraries do not know command lines"
            ]
        );
    }

    #[test]
    fn each_owner_is_a_layer() {
        let known = |name: &&str| {
            crate::layers::LAYERS
                .iter()
                .any(|layer| layer.name == *name)
        };
        assert!(OWNERS.iter().flat_map(|owner| owner.crates).all(known));
        assert!(RMCP_FEATURES.iter().all(|rule| known(&rule.package)));
    }

    fn features_of(package: &str, features: &[&str], forwarded: &[&str]) -> Vec<String> {
        let mut package = Package::fixture(&format!("crates/{package}"), &["rmcp"]);
        package.dependencies[0].features = features.iter().map(ToString::to_string).collect();
        package.feature_targets = forwarded.iter().map(ToString::to_string).collect();
        lines(&check_package(&package))
    }

    #[test]
    fn rmcp_features_are_split_between_client_and_server() {
        let none: [&str; 0] = [];
        assert_eq!(features_of("manyhands-core", &[], &[]), none);
        assert_eq!(
            features_of(
                "manyhands-gateway",
                &["server", "macros"],
                &["dep:x", "axum/http2"]
            ),
            none
        );
        assert_eq!(
            features_of("manyhands-demo", &["server", "macros"], &[]),
            none
        );
        assert_eq!(
            features_of("manyhands-core", &["auth"], &[]),
            [
                "crates/manyhands-core/Cargo.toml:1: `manyhands-core` turns on rmcp's feature `auth`; \
              do without it, for core takes the model only, and does no I/O"
            ]
        );
        assert_eq!(
            features_of(
                "manyhands-demo",
                &["client-side-sse"],
                &["rmcp?/transport-streamable-http-client-reqwest"]
            )
            .len(),
            2
        );
    }
}
