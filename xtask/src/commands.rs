//! The one list of commands, from which the help, the lookup and the advice for a mistyped name are made.
//! It must not know what a command does.

use std::fmt::Write as _;

use anyhow::Result;
use xshell::Shell;

use crate::{
    advisories, cargo_steps, ci, codegen, each_feature, features, layers, licences, owners, tidy,
};

/// A command as a person types it.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// How its arguments read in the help; empty for a command that takes none.
    pub(crate) arguments: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Shell, &[String]) -> Result<()>,
}

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "ci",
        arguments: "[--tier fast|full|nightly]",
        about: "the steps of a tier, by default the fast one; CI runs `--tier full`, and nothing else",
        run: ci::run,
    },
    plain(
        "fmt",
        "the sources are formatted as rustfmt formats them",
        |sh, _| cargo_steps::fmt(sh),
    ),
    plain(
        "tidy",
        "house rules on files, manifests and documents",
        |sh, _| tidy::run(sh),
    ),
    plain(
        "layers",
        "each crate depends only on lower floors",
        |sh, _| layers::run(sh),
    ),
    plain(
        "owners",
        "each heavy dependency is named only by its owners",
        |sh, _| owners::run(sh),
    ),
    Command {
        name: "codegen",
        arguments: "[--check] [NAME]",
        about: "the generated parts of committed files are fresh with --check, and are written without",
        run: codegen::run,
    },
    plain("clippy", "no warning in any target", |sh, _| {
        cargo_steps::clippy(sh)
    }),
    plain(
        "docs",
        "the API documentation builds without a warning",
        |sh, _| cargo_steps::docs(sh),
    ),
    plain(
        "test",
        "all tests but the documentation's examples",
        |sh, _| cargo_steps::test(sh),
    ),
    plain("doctest", "the documentation's examples", |sh, _| {
        cargo_steps::doctest(sh)
    }),
    plain(
        "features",
        "small crates built alone do not pull heavy dependencies",
        |sh, _| features::run(sh),
    ),
    Command {
        name: "bench",
        arguments: "call|catalogue|start|resilience|selection|select [--json] [--quick] [--read] [--toolset FILE] [--config FILE] [--data FILE] [--among FILE] [--write]",
        about: "no step: what a call costs beside rmcp alone, the catalogue beside a plain map, the start of many servers, each layer of resilience; how good the choice of tools is, and how fast, beside plain BM25",
        run: crate::bench::run,
    },
    Command {
        name: "interop",
        arguments: "[--json] [--only NAME] [--required] [--write]",
        about: "real servers and real clients, which nobody here wrote; installs them once",
        run: crate::interop::run,
    },
    Command {
        name: "conformance",
        arguments: "client [--json] [--only SCENARIO] [--required] [--write]",
        about: "the official MCP conformance suite against a client on the facade; installs it once",
        run: crate::conformance::run,
    },
    Command {
        name: "storm",
        arguments: "[--seed N] [--write]",
        about: "ten thousand calls to real processes, two of them in a storm: all accounted for, no write done twice",
        run: crate::storm::run,
    },
    plain(
        "each-feature",
        "every package compiles with each of its features alone, and with none",
        |sh, _| each_feature::run(sh),
    ),
    plain(
        "licences",
        "everything that is shipped may be shipped",
        |sh, _| licences::run(sh),
    ),
    plain(
        "advisories",
        "no dependency has a known vulnerability",
        |sh, _| advisories::run(sh),
    ),
    Command {
        name: "fuzz",
        arguments: "[--seconds N] [--only NAME] [--replay FILE]",
        about: "hostile input to every reader, 90 s each: no panic, no hang, no promise broken",
        run: crate::fuzz::run,
    },
    Command {
        name: "soak",
        arguments: "[--minutes N] [--seed N]",
        about: "10 minutes under load, with servers that die: nothing grows, and every call ends",
        run: crate::soak::run,
    },
    Command {
        name: "mutants",
        arguments: "[--crate NAME] [--shard K/N] [--minutes N]",
        about: "a changed line fails a test: 60 minutes of the libraries' mutants, then on from there",
        run: crate::mutants::run,
    },
    Command {
        name: "peers",
        arguments: "[--json] [--write]",
        about: "the same work by comparable programs, in one run; installs them once",
        run: crate::peers::run,
    },
];

const fn plain(
    name: &'static str,
    about: &'static str,
    run: fn(&Shell, &[String]) -> Result<()>,
) -> Command {
    Command {
        name,
        arguments: "",
        about,
        run,
    }
}

/// A command line that makes no sense; answered with the help and exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The command of this name, or an error that names the nearest one.
pub(crate) fn find(name: &str) -> Result<&'static Command, Usage> {
    COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| {
            let nearest =
                nearest(name, COMMANDS.iter().map(|command| command.name)).unwrap_or_default();
            Usage(format!("no command `{name}`; the nearest is `{nearest}`"))
        })
}

/// The help: one line for each command.
pub(crate) fn help() -> String {
    let mut text =
        String::from("The checks and generators of this workspace.\n\nUsage: cargo xtask NAME\n\n");
    let call = |command: &Command| format!("{} {}", command.name, command.arguments);
    let widest = COMMANDS.iter().map(|command| call(command).len()).max();
    let width = widest.unwrap_or_default();
    for command in COMMANDS {
        let (call, about) = (call(command), command.about);
        let _infallible = writeln!(text, "  {call:<width$}  {about}");
    }
    text
}

/// The candidate with the fewest edits from `wanted`; the first of several.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates.min_by_key(|candidate| edits(wanted, candidate))
}

/// The Levenshtein distance, one row of its table at a time.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (pair, b) in row.windows(2).zip(to.chars()) {
            let &[diagonal, above] = pair else { continue };
            left = (diagonal + usize::from(a != b))
                .min(above + 1)
                .min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_command_is_answered_with_the_nearest() {
        for (typed, meant) in [
            ("feature", "features"),
            ("tydi", "tidy"),
            ("doc-test", "doctest"),
            ("frmt", "fmt"),
        ] {
            let error = find(typed).err().unwrap().to_string();
            assert_eq!(
                error,
                format!("no command `{typed}`; the nearest is `{meant}`")
            );
        }
        assert_eq!(find("layers").unwrap().name, "layers");
    }

    #[test]
    fn edits_count_insertions_deletions_and_replacements() {
        for (a, b, expected) in [
            ("", "", 0),
            ("ci", "", 2),
            ("", "ci", 2),
            ("kitten", "sitting", 3),
            ("fmt", "fmt", 0),
        ] {
            assert_eq!(edits(a, b), expected, "{a} -> {b}");
        }
    }

    #[test]
    fn the_help_gives_each_command_one_line() {
        for command in COMMANDS {
            let lines = help()
                .lines()
                .filter(|line| line.split_whitespace().next() == Some(command.name))
                .count();
            assert_eq!(lines, 1, "{}", command.name);
        }
    }
}
