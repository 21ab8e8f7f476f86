//! Relative links in markdown lead to files of this checkout. Links to the outside are not followed: a check that
//! needs a network fails for reasons that nobody here can mend.

use std::collections::BTreeSet;

use crate::files::File;
use crate::problem::Problem;

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    let known = files_and_folders(files);
    let documents = files.iter().filter(|file| file.extension() == Some("md"));
    documents
        .filter_map(|file| Some((file, file.text.as_deref()?)))
        .flat_map(|(file, text)| broken(&file.path, text, &known))
        .collect()
}

/// Every path that a link may lead to, the root being the empty one.
fn files_and_folders(files: &[File]) -> BTreeSet<&str> {
    let mut known = BTreeSet::from([""]);
    for file in files {
        let mut path = file.path.as_str();
        known.insert(path);
        while let Some((folder, _)) = path.rsplit_once('/') {
            known.insert(folder);
            path = folder;
        }
    }
    known
}

fn broken(path: &str, text: &str, known: &BTreeSet<&str>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, number) in prose(text) {
        for target in targets(&line) {
            if is_relative(&target)
                && !resolve(path, &target).is_some_and(|resolved| known.contains(resolved.as_str()))
            {
                let what = format!("the link `{target}` leads to no file of this checkout");
                problems.push(Problem::new(
                    path,
                    number,
                    what,
                    "correct it, or add the file",
                ));
            }
        }
    }
    problems
}

/// The lines outside of code blocks, without their inline code, with their numbers.
fn prose(text: &str) -> Vec<(String, usize)> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let start = line.trim_start();
        match fence {
            Some(mark) if start.starts_with(mark) => fence = None,
            Some(_) => {}
            None => match ["```", "~~~"]
                .into_iter()
                .find(|mark| start.starts_with(mark))
            {
                Some(mark) => fence = Some(mark),
                None => lines.push((without_code(line), number)),
            },
        }
    }
    lines
}

/// The line without what stands in backticks. An odd piece lies between a pair of them.
fn without_code(line: &str) -> String {
    let pieces: Vec<&str> = line.split('`').collect();
    let unpaired = pieces.len().is_multiple_of(2);
    let is_prose =
        |index: usize| index.is_multiple_of(2) || (unpaired && index + 1 == pieces.len());
    pieces
        .iter()
        .enumerate()
        .filter(|(index, _)| is_prose(*index))
        .map(|(_, piece)| *piece)
        .collect()
}

/// The targets of `[text](target "title")`, and of `[label]: target` at the line's beginning.
fn targets(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).map(|rest| {
        let mut depth = 0_i32;
        let closes = |c: char| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth < 0
        };
        rest.split(closes).next().unwrap_or_default()
    });
    let label = line
        .trim_start()
        .strip_prefix('[')
        .filter(|rest| !rest.starts_with('^'));
    let definition = label
        .and_then(|rest| rest.split_once("]: "))
        .filter(|(label, _)| !label.contains(['[', ']']));
    inline
        .chain(definition.map(|(_, target)| target))
        .map(without_title)
        .filter(|target| !target.is_empty())
        .collect()
}

fn without_title(target: &str) -> String {
    let target = target.trim();
    match target
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
    {
        Some((bracketed, _)) => bracketed.to_owned(),
        None => target
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// Whether it leads to another file here: no scheme, and not just a heading of the same page.
fn is_relative(target: &str) -> bool {
    let scheme = target.split_once(':').map(|(scheme, _)| scheme);
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme
            .chars()
            .all(|c| c.is_alphanumeric() || "+-.".contains(c))
    });
    !has_scheme && !target.starts_with(['#', '?']) && !target.starts_with("//")
}

/// The target's path from the root; `None` if it leads out of the checkout.
fn resolve(document: &str, target: &str) -> Option<String> {
    let path = target
        .split(['#', '?'])
        .next()
        .unwrap_or_default()
        .replace("%20", " ");
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let from = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    fn found(text: &str) -> Vec<String> {
        let others = [
            "README.md",
            "docs/style.md",
            "crates/a/src/lib.rs",
            "docs/two words.md",
            "docs/f(x).md",
        ];
        let mut files: Vec<File> = others.iter().map(|path| File::fixture(path, "")).collect();
        files.push(File::fixture("docs/page.md", text));
        lines(&check(&files))
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for text in [
            "[a](style.md) and [b](./style.md#size \"title\")",
            "[a](../README.md), [b](../crates/a/), [c](/README.md), [d](..)",
            "[a](<two words.md>) ![b](two%20words.md) [c](f(x).md)",
            "[a](https://example.com/x) [b](mailto:a@b.c) [c](#here)",
            "[a]: style.md\n[^1]: a note",
            "`[a](none.md)`\n```\n[a](none.md)\n```",
        ] {
            assert_eq!(found(text), [] as [&str; 0], "{text}");
        }
    }

    #[test]
    fn broken_links_are_told_by_line() {
        assert_eq!(
            found("# x\n[a](style.md), [b](none.md#x)"),
            [
                "docs/page.md:2: the link `none.md#x` leads to no file of this checkout; correct it, or add the file"
            ]
        );
        for text in [
            "[a](../../README.md)",
            "[a]: none.md",
            "```\ncode\n```\n[a](none.md)",
            "a ` b [a](none.md)",
            "`x` [a](README.md)",
        ] {
            assert_eq!(found(text).len(), 1, "{text}");
        }
    }
}
