//! `cargo xtask each-feature`: every package compiles with none of its features and with each alone. A build of the
//! whole workspace turns on all that any member asks for, and so hides what one of them forgot to ask for itself.

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::workspace::{self, Package};

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let packages = workspace::read(sh)?;
    let builds = builds(&packages);
    let failed: Vec<String> = builds
        .iter()
        .filter(|build| !check(sh, build))
        .map(Build::command)
        .collect();
    println!(
        "{} of {} builds compile",
        builds.len() - failed.len(),
        builds.len()
    );
    match failed.as_slice() {
        [] => Ok(()),
        failed => bail!("these do not compile:\n  {}", failed.join("\n  ")),
    }
}

/// One package with one feature, or with none.
#[derive(Debug, PartialEq, Eq)]
struct Build<'a> {
    package: &'a str,
    feature: Option<&'a str>,
}

impl Build<'_> {
    fn arguments(&self) -> Vec<&str> {
        let mut arguments = vec!["check", "-p", self.package, "--no-default-features"];
        if let Some(feature) = self.feature {
            arguments.extend(["--features", feature]);
        }
        arguments
    }

    /// What a person types to see the errors again.
    fn command(&self) -> String {
        format!("cargo {}", self.arguments().join(" "))
    }
}

fn builds(packages: &[Package]) -> Vec<Build<'_>> {
    packages.iter().flat_map(builds_of).collect()
}

fn builds_of(package: &Package) -> impl Iterator<Item = Build<'_>> {
    let alone = package
        .features
        .iter()
        .map(|feature| Some(feature.as_str()));
    std::iter::once(None).chain(alone).map(|feature| Build {
        package: &package.name,
        feature,
    })
}

/// Whether it compiles; cargo says itself what does not.
fn check(sh: &Shell, build: &Build<'_>) -> bool {
    let arguments = build.arguments();
    cmd!(sh, "cargo {arguments...} --locked --quiet")
        .run()
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_is_built_with_none_and_with_each_of_its_features() {
        let mut facade = Package::fixture("crates/manyhands", &[]);
        facade.features = ["config", "default"].map(str::to_owned).into();
        let packages = [facade, Package::fixture("crates/manyhands-core", &[])];
        let commands: Vec<String> = builds(&packages).iter().map(Build::command).collect();
        assert_eq!(
            commands,
            [
                "cargo check -p manyhands --no-default-features",
                "cargo check -p manyhands --no-default-features --features config",
                "cargo check -p manyhands --no-default-features --features default",
                "cargo check -p manyhands-core --no-default-features",
            ]
        );
        assert_eq!(builds(&[]), []);
    }
}
