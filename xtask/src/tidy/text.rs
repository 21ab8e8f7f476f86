//! Rules for the bytes of a file: white space, size, and no traces of somebody's machine.

use crate::files::File;
use crate::problem::Problem;

/// What a repository carries for ever should be text that people read.
const MAX_BYTES: usize = 1024 * 1024;

/// The kinds of file that people edit here, and whose white space is therefore ours.
const EDITED: &[&str] = &["rs", "toml", "md", "json", "yml"];

pub(super) fn check(file: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    if file.bytes > MAX_BYTES {
        let what = format!(
            "the file has {} KiB, and 1 MiB is the most",
            file.bytes / 1024
        );
        problems.push(Problem::new(
            &file.path,
            1,
            what,
            "generate it, fetch it, or make it smaller",
        ));
    }
    let Some(text) = &file.text else {
        return problems;
    };
    problems.extend(machine_paths(&file.path, text));
    if file
        .extension()
        .is_some_and(|extension| EDITED.contains(&extension))
    {
        problems.extend(line_ends(&file.path, text));
        problems.extend(file_end(&file.path, text));
    }
    problems
}

fn line_ends(path: &str, text: &str) -> Vec<Problem> {
    let is_rust = path.ends_with(".rs");
    let mut problems = Vec::new();
    if let Some(index) = text.split('\n').position(|line| line.ends_with('\r')) {
        problems.push(Problem::new(
            path,
            index + 1,
            "lines end in CRLF",
            "end them in LF",
        ));
    }
    for (line, number) in text.lines().zip(1..) {
        if line.trim_end() != line {
            problems.push(Problem::new(
                path,
                number,
                "trailing white space",
                "remove it",
            ));
        }
        if is_rust && line.contains('\t') {
            problems.push(Problem::new(
                path,
                number,
                "a tab",
                "write spaces, or `\\t` within a string",
            ));
        }
    }
    problems
}

fn file_end(path: &str, text: &str) -> Option<Problem> {
    let body = text
        .strip_suffix('\n')
        .map(|body| body.strip_suffix('\r').unwrap_or(body));
    let what = match body {
        _ if text.is_empty() => return None,
        None => "the last line has no newline",
        Some(body) if body.is_empty() || body.ends_with('\n') => "blank lines at the end",
        Some(_) => return None,
    };
    Some(Problem::new(
        path,
        text.lines().count(),
        what,
        "end the file in exactly one newline",
    ))
}

fn machine_paths(path: &str, text: &str) -> Vec<Problem> {
    text.lines()
        .zip(1..)
        .filter_map(|(line, number)| {
            let found = machine_path(line)?;
            let what = format!("`{found}` is a path of one machine");
            Some(Problem::new(
                path,
                number,
                what,
                "write a relative path, or `you` as the person in an example",
            ))
        })
        .collect()
}

/// Folders under which people's files lie. The needles are put together here, so that this file does not hold them.
const PEOPLE: [&str; 2] = [concat!("/", "home", "/"), concat!("/", "Users", "/")];
const SUPERUSER: &str = concat!("/", "root", "/");

/// The first path on the line that begins at a person's folder.
fn machine_path(line: &str) -> Option<String> {
    let of_a_person = PEOPLE.iter().find_map(|folder| {
        absolute(line, folder).find_map(|after| {
            let (person, _) = after.split_once('/')?;
            let is_name = !person.is_empty()
                && person
                    .chars()
                    .all(|c| c.is_alphanumeric() || "._-".contains(c));
            (is_name && person != "you").then(|| format!("{folder}{person}/"))
        })
    });
    of_a_person.or_else(|| {
        absolute(line, SUPERUSER)
            .next()
            .map(|_| SUPERUSER.to_owned())
    })
}

/// What stands behind each occurrence of `folder` at the beginning of a path; in `https://host/home/x` it is not.
fn absolute<'a>(line: &'a str, folder: &'a str) -> impl Iterator<Item = &'a str> {
    let within_a_path = |c: char| c.is_alphanumeric() || "._-~/}>".contains(c);
    line.match_indices(folder).filter_map(move |(index, _)| {
        let (before, rest) = line.split_at_checked(index)?;
        let begins = !before.ends_with(within_a_path) || before.ends_with("file://");
        if begins {
            rest.strip_prefix(folder)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::lines;

    fn found(path: &str, text: &str) -> Vec<String> {
        lines(&check(&File::fixture(path, text)))
    }

    #[test]
    fn clean_files_pass() {
        assert!(found("a.rs", "//! x\n").is_empty());
        assert!(found("a.md", "").is_empty());
        assert!(
            found("a.png", "x \r\n\t\n\n").is_empty(),
            "not a kind that people edit"
        );
        assert!(
            found("a.toml", "a\t= 1\n").is_empty(),
            "tabs are refused in Rust only"
        );
    }

    #[test]
    fn white_space_is_told_by_line() {
        assert_eq!(
            found("a.rs", "ab \n\tc\n"),
            [
                "a.rs:1: trailing white space; remove it",
                "a.rs:2: a tab; write spaces, or `\\t` within a string"
            ]
        );
        assert_eq!(
            found("a.md", "a\r\nb\r\n"),
            ["a.md:1: lines end in CRLF; end them in LF"]
        );
    }

    #[test]
    fn a_file_ends_in_exactly_one_newline() {
        assert_eq!(
            found("a.md", "a\nb"),
            ["a.md:2: the last line has no newline; end the file in exactly one newline"]
        );
        assert_eq!(
            found("a.md", "a\n\n"),
            ["a.md:2: blank lines at the end; end the file in exactly one newline"]
        );
        assert_eq!(found("a.md", "\n").len(), 1);
    }

    #[test]
    fn a_file_is_at_most_one_mebibyte() {
        let file = |bytes| File {
            bytes,
            ..File::fixture("a.bin", "")
        };
        assert!(check(&file(MAX_BYTES)).is_empty());
        assert_eq!(
            lines(&check(&file(MAX_BYTES + 1024)))[0],
            "a.bin:1: the file has 1025 KiB, and 1 MiB is the most; generate it, fetch it, or make it smaller"
        );
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let [home, users] = PEOPLE;
        for line in [
            format!("cd {home}ann/src"),
            format!("\"{users}ann.b/x\""),
            format!("file://{home}ann/x"),
            format!("PATH={SUPERUSER}bin"),
            format!("{home}you/x and {home}ann/x"),
        ] {
            assert_eq!(
                found(".ci/run", &format!("# x\n{line}\n")).len(),
                1,
                "{line}"
            );
        }
        for line in [
            format!("cd {home}you/src"),
            format!("https://example.com{home}ann/x"),
            format!("{home}<name>/x, {home}$USER/x, {home}"),
            format!("docs{SUPERUSER}x"),
        ] {
            assert!(found("a.md", &format!("{line}\n")).is_empty(), "{line}");
        }
    }
}
