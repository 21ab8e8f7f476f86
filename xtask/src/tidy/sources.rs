//! Rules for Rust sources: what each begins with, how long it may be, and what it must not say.

use crate::files::File;
use crate::problem::Problem;
use crate::workspace::Package;

const MAX_FILE_LINES: usize = 600;
const MAX_CRATE_LINES: usize = 3_000;

/// The words by which `docs/architecture.md` admits a large crate, on a line that names it.
const ADMITTED: &str = "over 3,000 lines";

// Put together, so that this file passes its own rules.
const ALLOW: [&str; 2] = [concat!("#[", "allow("), concat!("#![", "allow(")];
const REMINDERS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

pub(super) fn check(file: &File) -> Vec<Problem> {
    let Some(text) = file.rust() else {
        return Vec::new();
    };
    let path = &file.path;
    let mut problems = Vec::new();
    let has_module_docs = ["crates", "xtask/src", "tests"]
        .iter()
        .any(|folder| file.is_under(folder));
    if has_module_docs && !text.starts_with("//!") {
        problems.push(Problem::new(
            path,
            1,
            "no module documentation",
            "begin with `//!`: what it is for, what it must not know",
        ));
    }
    let count = lines_without_tests(text);
    if count > MAX_FILE_LINES {
        let what = format!("{count} lines without the tests, and {MAX_FILE_LINES} is the most");
        problems.push(Problem::new(
            path,
            MAX_FILE_LINES + 1,
            what,
            "split the file by what its parts are for",
        ));
    }
    problems.extend(
        text.lines()
            .zip(1..)
            .flat_map(|(line, number)| check_line(path, line, number)),
    );
    problems
}

fn check_line(path: &str, line: &str, number: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    if ALLOW.iter().any(|attribute| line.contains(attribute)) {
        problems.push(Problem::new(
            path,
            number,
            "a lint is allowed",
            "mend it, or write `#[expect(.., reason = \"..\")]`",
        ));
    }
    for word in REMINDERS
        .iter()
        .filter(|word| stands_without_issue(line, word))
    {
        let what = format!("`{word}` without an issue");
        problems.push(Problem::new(
            path,
            number,
            what,
            format!("do it, or write `{word}(#12)` with the issue's number"),
        ));
    }
    problems
}

/// Whether the word stands on the line, as a word, other than as `WORD(#12)`.
fn stands_without_issue(line: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(index, _)| {
        let Some((before, rest)) = line.split_at_checked(index) else {
            return false;
        };
        let after = rest.strip_prefix(word).unwrap_or_default();
        let is_word = !before.ends_with(in_word) && !after.starts_with(in_word);
        is_word && !begins_with_issue(after)
    })
}

fn begins_with_issue(after: &str) -> bool {
    let number = after
        .strip_prefix("(#")
        .and_then(|rest| rest.split_once(')'))
        .map(|(number, _)| number);
    number.is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()))
}

/// The lines up to an inline module of tests. That nothing follows such a module, clippy sees to
/// (`items_after_test_module`).
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let begins_tests = |rest: &[&str]| {
        let mut rest = rest.iter();
        rest.next() == Some(&"#[cfg(test)]")
            && rest
                .find(|line| !line.starts_with("#["))
                .is_some_and(|line| line.starts_with("mod tests {"))
    };
    (0..lines.len())
        .find(|&index| lines.get(index..).is_some_and(begins_tests))
        .unwrap_or(lines.len())
}

/// A crate is at most so many lines, tests and all, unless the architecture says why.
pub(super) fn check_size(package: &Package, files: &[File], architecture: &str) -> Option<Problem> {
    let src = format!("{}/src", package.folder());
    let sources = files
        .iter()
        .filter(|file| file.is_under(&src))
        .filter_map(File::rust);
    let count: usize = sources.map(|text| text.lines().count()).sum();
    let admitted = || {
        architecture
            .lines()
            .any(|line| line.contains(ADMITTED) && super::documents::names(line, &package.name))
    };
    if count <= MAX_CRATE_LINES || admitted() {
        return None;
    }
    let what = format!(
        "`{}` has {count} lines in src/, and {MAX_CRATE_LINES} is the most",
        package.name
    );
    let mend = format!(
        "split it, or say in {} on one line why it is {ADMITTED}",
        super::documents::ARCHITECTURE
    );
    Some(Problem::new(&package.manifest, 1, what, mend))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    fn found(path: &str, text: &str) -> Vec<String> {
        lines(&check(&File::fixture(path, text)))
    }

    #[test]
    fn every_module_says_what_it_is_for() {
        for path in [
            "crates/a/build.rs",
            "tests/it/basic/helpers.rs",
            "xtask/src/x.rs",
        ] {
            assert_eq!(
                found(path, "fn x() {}\n"),
                [format!(
                    "{path}:1: no module documentation; begin with `//!`: what it is for, what it must not know"
                )]
            );
            assert!(found(path, "//! x\n").is_empty());
        }
        assert!(found("examples/x.rs", "fn x() {}\n").is_empty());
        assert!(found("crates/a/x.toml", "x").is_empty());
    }

    #[test]
    fn a_file_is_measured_without_its_inline_tests() {
        let body = "//! x\n".repeat(MAX_FILE_LINES);
        let tests = "#[cfg(test)]\n#[expect(x)]\nmod tests {\n    // x\n}\n";
        assert!(found("crates/a/src/x.rs", &format!("{body}{tests}")).is_empty());
        assert_eq!(
            found("crates/a/src/x.rs", &format!("//! x\n{body}{tests}")),
            [
                "crates/a/src/x.rs:601: 601 lines without the tests, and 600 is the most; split the file by what its parts are for"
            ]
        );
        assert_eq!(
            lines_without_tests("//! x\n#[cfg(test)]\nmod tests;\nfn x() {}\n"),
            4
        );
    }

    #[test]
    fn allowed_lints_are_found() {
        for attribute in ALLOW {
            let text = format!("//! x\n{attribute}dead_code)]\n");
            assert_eq!(
                found("crates/a/src/x.rs", &text),
                [
                    "crates/a/src/x.rs:2: a lint is allowed; mend it, or write `#[expect(.., reason = \"..\")]`"
                ]
            );
        }
        assert!(
            found(
                "crates/a/src/x.rs",
                "//! x\n#[expect(dead_code, reason = \"x\")]\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn reminders_need_an_issue() {
        let [first, second] = REMINDERS;
        for line in [
            format!("// {first}: x"),
            format!("// {second}"),
            format!("// {first}(ann): x"),
            format!("// {first}(#): x"),
        ] {
            assert_eq!(
                found("crates/a/src/x.rs", &format!("//! x\n{line}\n")).len(),
                1,
                "{line}"
            );
        }
        for line in [
            format!("// {first}(#12): x"),
            format!("const {first}_LIST: u8 = 1;"),
            format!("MAS{first}"),
        ] {
            assert!(
                found("crates/a/src/x.rs", &format!("//! x\n{line}\n")).is_empty(),
                "{line}"
            );
        }
    }

    #[test]
    fn a_large_crate_is_admitted_by_the_architecture() {
        let package = Package::fixture("crates/manyhands", &[]);
        let half = "//! x\n".repeat(MAX_CRATE_LINES / 2 + 1);
        let mut files = vec![
            File::fixture("crates/manyhands/src/a.rs", &half),
            File::fixture("crates/manyhands/tests/b.rs", &half),
        ];
        assert_eq!(
            check_size(&package, &files, ""),
            None,
            "half of it is outside of src/"
        );
        files.push(File::fixture("crates/manyhands/src/b.rs", &half));
        assert_eq!(
            check_size(&package, &files, "`manyhands` is over 3,000 lines, for x"),
            None
        );
        let other = "manyhands-core is over 3,000 lines";
        assert_eq!(
            check_size(&package, &files, other).unwrap().to_string(),
            "crates/manyhands/Cargo.toml:1: `manyhands` has 3002 lines in src/, and 3000 is the most; \
             split it, or say in docs/architecture.md on one line why it is over 3,000 lines"
        );
    }
}
