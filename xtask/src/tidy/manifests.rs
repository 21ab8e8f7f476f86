//! Rules for the members' manifests: what the workspace says once, no member says again.
//!
//! Cargo's metadata has these values already filled in, so the manifest's own text is read, line by line; that reads
//! less than all of TOML, and more than what manifests here are written in.

use crate::problem::Problem;
use crate::workspace::Package;

/// The keys of `[package]` that every member inherits.
const INHERITED: &[&str] = &[
    "version",
    "edition",
    "rust-version",
    "license",
    "repository",
];

pub(super) fn check(package: &Package) -> Vec<Problem> {
    let entries = entries(&package.text);
    let problem =
        |line, what: String, mend: &str| Problem::new(&package.manifest, line, what, mend);
    let mut problems = Vec::new();
    if !inherits(&entries, "", "lints") && !has(&entries, "lints", "workspace", "true") {
        problems.push(problem(
            1,
            "the workspace's lints are not inherited".into(),
            "add `[lints] workspace = true`",
        ));
    }
    for key in INHERITED
        .iter()
        .filter(|key| !inherits(&entries, "package", key))
    {
        let line = entries
            .iter()
            .find(|entry| entry.table == "package" && entry.key == *key)
            .map_or(1, |entry| entry.line);
        problems.push(problem(
            line,
            format!("`{key}` is not inherited"),
            &format!("write `{key}.workspace = true`"),
        ));
    }
    let is_published = !has(&entries, "package", "publish", "false");
    if is_published
        && !entries
            .iter()
            .any(|entry| entry.table == "package" && entry.key.starts_with("description"))
    {
        problems.push(problem(
            1,
            "a published crate has no description".into(),
            "add `description = \"..\"` to [package]",
        ));
    }
    if package.is_crate() && package.folder().rsplit('/').next() != Some(package.name.as_str()) {
        let what = format!("the package is named `{}`", package.name);
        problems.push(problem(1, what, "name the package and its folder alike"));
    }
    problems
}

struct Entry<'a> {
    table: &'a str,
    key: &'a str,
    value: &'a str,
    line: usize,
}

/// The manifest's `key = value` lines, each with its table.
fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut table = "";
    let mut entries = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            table = name.trim();
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.split('#').next().unwrap_or_default();
            entries.push(Entry {
                table,
                key: key.trim(),
                value: value.trim(),
                line: number,
            });
        }
    }
    entries
}

fn has(entries: &[Entry<'_>], table: &str, key: &str, value: &str) -> bool {
    entries
        .iter()
        .any(|entry| (entry.table, entry.key, entry.value) == (table, key, value))
}

/// Whether the key is written `key.workspace = true` or `key = { workspace = true }`.
fn inherits(entries: &[Entry<'_>], table: &str, key: &str) -> bool {
    let dotted = format!("{key}.workspace");
    has(entries, table, &dotted, "true") || has(entries, table, key, "{ workspace = true }")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    const GOOD: &str = "[package]\nname = \"a\"\ndescription = \"x\"\nversion.workspace = true\nedition.workspace = true # x\n\
        rust-version = { workspace = true }\nlicense.workspace = true\nrepository.workspace = true\n\n[lints]\nworkspace = true\n";

    fn found(text: &str) -> Vec<String> {
        let package = Package {
            text: text.to_owned(),
            ..Package::fixture("crates/a", &[])
        };
        lines(&check(&package))
    }

    #[test]
    fn a_manifest_that_inherits_passes() {
        assert_eq!(found(GOOD), [] as [&str; 0]);
        assert!(found(&GOOD.replace("description = \"x\"", "publish = false")).is_empty());
        assert!(
            found(&format!(
                "lints.workspace = true\n{}",
                GOOD.replace("[lints]\nworkspace = true\n", "")
            ))
            .is_empty()
        );
    }

    #[test]
    fn what_is_not_inherited_is_told() {
        assert_eq!(
            found(&GOOD.replace("edition.workspace = true", "edition = \"2024\"")),
            ["crates/a/Cargo.toml:5: `edition` is not inherited; write `edition.workspace = true`"]
        );
        assert_eq!(
            found(&GOOD.replace("repository.workspace = true\n", "")).len(),
            1
        );
        assert_eq!(
            found(&GOOD.replace(
                "[lints]\nworkspace = true",
                "[lints.clippy]\npanic = \"warn\""
            )),
            [
                "crates/a/Cargo.toml:1: the workspace's lints are not inherited; add `[lints] workspace = true`"
            ]
        );
    }

    #[test]
    fn a_published_crate_is_described() {
        assert_eq!(
            found(&GOOD.replace("description = \"x\"\n", "")),
            [
                "crates/a/Cargo.toml:1: a published crate has no description; add `description = \"..\"` to [package]"
            ]
        );
    }

    #[test]
    fn the_folder_is_named_as_the_package() {
        let package = Package {
            name: "b".into(),
            text: GOOD.to_owned(),
            ..Package::fixture("crates/a", &[])
        };
        assert_eq!(
            lines(&check(&package)),
            [
                "crates/a/Cargo.toml:1: the package is named `b`; name the package and its folder alike"
            ]
        );
    }
}
