//! `cargo xtask tidy`: house rules that no compiler knows.
//!
//! Each check is a pure function from files or packages to problems; all of them run, and all problems are told at
//! once. The rules themselves are explained in `docs/style.md`.

mod documents;
mod links;
mod manifests;
mod sources;
mod text;

use anyhow::Result;
use xshell::Shell;

use crate::files::{self, File};
use crate::problem::{Problem, report};
use crate::workspace::{self, Package};

pub(crate) fn run(sh: &Shell) -> Result<()> {
    let files = files::list(sh)?;
    let mut problems = check_files(&files);
    match workspace::read(sh) {
        Ok(packages) => problems.extend(check_packages(&packages, &files)),
        // The files were worth checking all the same: a workspace that does not load has more than one problem.
        Err(error) => problems.push(Problem::new(
            "Cargo.toml",
            1,
            format!("{error:#}"),
            "its packages were not checked",
        )),
    }
    report(problems)
}

fn check_files(files: &[File]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = files
        .iter()
        .flat_map(|file| [text::check(file), sources::check(file)].concat())
        .collect();
    problems.extend(links::check(files));
    problems.extend(documents::check(files));
    problems
}

fn check_packages(packages: &[Package], files: &[File]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = packages.iter().flat_map(manifests::check).collect();
    let architecture = documents::architecture(files);
    for package in packages.iter().filter(|package| package.is_crate()) {
        problems.extend(documents::check_named(package, architecture));
        problems.extend(sources::check_size(package, files, architecture));
    }
    problems
}
