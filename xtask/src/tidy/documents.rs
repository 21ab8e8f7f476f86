//! Rules for the documents: which exist, what the README shows, and which crates the architecture names.

use crate::files::File;
use crate::problem::Problem;
use crate::workspace::Package;

pub(super) const ARCHITECTURE: &str = "docs/architecture.md";

const NEEDED: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "Cargo.lock",
    ARCHITECTURE,
    "docs/style.md",
    "docs/testing.md",
    "docs/contributing.md",
    CI,
];

const CI: &str = ".ci/run";
const DECISIONS: &str = "docs/decisions";

/// What a newcomer types first, and what a contributor types last.
const COMMANDS: &[&str] = &["cargo run -- demo", "cargo xtask ci"];

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let missing = NEEDED.iter().filter(|path| find(path).is_none());
    let mut problems: Vec<Problem> = missing
        .map(|path| Problem::new(path, 1, "the file is missing", "write it"))
        .collect();
    if !files.iter().any(|file| file.is_under(DECISIONS)) {
        problems.push(Problem::new(
            DECISIONS,
            1,
            "no decision is recorded",
            "write NNNN-title.md for each costly one",
        ));
    }
    if find(CI).is_some_and(|file| !file.executable) {
        problems.push(Problem::new(
            CI,
            1,
            "the file is not executable",
            format!("run `chmod +x {CI}`"),
        ));
    }
    if let Some(readme) = find("README.md").and_then(|file| file.text.as_deref()) {
        let absent = COMMANDS.iter().filter(|command| !readme.contains(*command));
        problems.extend(absent.map(|command| {
            Problem::new(
                "README.md",
                1,
                format!("`{command}` is not shown"),
                "show how to run it",
            )
        }));
    }
    problems
}

/// The architecture's text; empty where it is missing, which [`check`] tells.
pub(super) fn architecture(files: &[File]) -> &str {
    let file = files.iter().find(|file| file.path == ARCHITECTURE);
    file.and_then(|file| file.text.as_deref())
        .unwrap_or_default()
}

/// Every crate has its place in the architecture.
pub(super) fn check_named(package: &Package, architecture: &str) -> Option<Problem> {
    let what = format!("{ARCHITECTURE} does not name `{}`", package.name);
    let mend = "add it to LAYERS and run `cargo xtask codegen layers`, then say what it is for";
    (!names(architecture, &package.name)).then(|| Problem::new(&package.manifest, 1, what, mend))
}

/// Whether the text names the crate, as a whole word: `manyhands` begins the name of every other one.
pub(super) fn names(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    fn complete() -> Vec<File> {
        let mut files: Vec<File> = NEEDED.iter().map(|path| File::fixture(path, "")).collect();
        files.push(File::fixture("docs/decisions/0001-x.md", ""));
        for file in &mut files {
            file.executable = file.path == CI;
            file.text = Some(COMMANDS.join("\n"));
        }
        files
    }

    #[test]
    fn a_complete_set_passes() {
        assert_eq!(lines(&check(&complete())), [] as [&str; 0]);
    }

    #[test]
    fn missing_documents_are_told() {
        let files: Vec<File> = complete()
            .into_iter()
            .filter(|file| file.path != "LICENSE-MIT" && !file.is_under(DECISIONS))
            .collect();
        assert_eq!(
            lines(&check(&files)),
            [
                "LICENSE-MIT:1: the file is missing; write it",
                "docs/decisions:1: no decision is recorded; write NNNN-title.md for each costly one",
            ]
        );
    }

    #[test]
    fn the_readme_shows_both_commands_and_ci_is_executable() {
        let mut files = complete();
        for file in &mut files {
            file.executable = false;
            file.text = Some("cargo run -- demo".to_owned());
        }
        assert_eq!(
            lines(&check(&files)),
            [
                ".ci/run:1: the file is not executable; run `chmod +x .ci/run`",
                "README.md:1: `cargo xtask ci` is not shown; show how to run it",
            ]
        );
    }

    #[test]
    fn a_crate_is_named_by_its_whole_name() {
        let package = Package::fixture("crates/manyhands", &[]);
        assert_eq!(check_named(&package, "| 7 | `manyhands` | x |"), None);
        assert_eq!(
            check_named(&package, "| 0 | `manyhands-core` | x |")
                .unwrap()
                .to_string(),
            "crates/manyhands/Cargo.toml:1: docs/architecture.md does not name `manyhands`; \
             add it to LAYERS and run `cargo xtask codegen layers`, then say what it is for"
        );
    }
}
