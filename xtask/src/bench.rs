//! `cargo xtask bench call [--json] [--quick] [--read] [--write]`: what a call through the toolkit
//! costs beside the same call through rmcp alone. `cargo xtask bench catalogue [--json] [--quick] [--toolset FILE]
//! [--write]`: what the catalogue of 10,000 tools costs beside one map of them. `cargo xtask bench start [--json] [--quick]
//! [--config FILE] [--write]`: how long many servers take to start, the installed real ones among them. `cargo xtask bench
//! resilience [--quick] [--write]`: what the layers of resilience cost. `cargo xtask bench selection [--data FILE]
//! [--among FILE]`: how good the choice of tools is. `cargo xtask bench select [--write]`: how long it takes.
//!
//! `manyhands-bench` measures and shows; this builds it with optimizations, and keeps its table in
//! `docs/performance.md`. It is no step of `cargo xtask ci`: a machine that does other things has no figures worth
//! keeping. It must not know what is measured.

use std::ffi::OsString;
use std::fs::File;

use crate::splice::splice;
use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::commands::{Usage, nearest};
use crate::{interop, outside};

const PAGE: &str = "docs/performance.md";

/// What can be measured.
struct Suite {
    name: &'static str,
    /// What is passed on as it is.
    flags: &'static [&'static str],
    /// Flags that are passed on, each with the word behind it.
    with_value: &'static [&'static str],
    /// Whether the page has one table of it, which is kept by `--write`.
    keeps_table: bool,
}

const SUITES: [Suite; 6] = [
    Suite {
        name: "call",
        flags: &["--json", "--quick", "--read"],
        with_value: &[],
        keeps_table: true,
    },
    Suite {
        name: "catalogue",
        flags: &["--json", "--quick"],
        with_value: &["--toolset"],
        keeps_table: true,
    },
    Suite {
        name: "start",
        flags: &["--json", "--quick"],
        with_value: &["--config"],
        keeps_table: true,
    },
    Suite {
        name: "resilience",
        flags: &["--quick"],
        with_value: &[],
        keeps_table: true,
    },
    Suite {
        name: "selection",
        flags: &[],
        with_value: &["--data", "--among"],
        keeps_table: false,
    },
    Suite {
        name: "select",
        flags: &[],
        with_value: &[],
        keeps_table: true,
    },
];
const WRITE: &str = "--write";

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let (suite, flags, write) = options(arguments)?;
    let name = suite.name;
    let (_alone, servers) = real_servers(sh, suite, &flags)?;
    let output = cmd!(
        sh,
        "cargo run --quiet --release --package manyhands-bench -- {name} {flags...} {servers...}"
    )
    .quiet()
    .read()
    .context("the benchmark failed; it says why above")?
        + "\n";
    print!("{output}");
    if write {
        let page = sh.read_file(PAGE)?;
        sh.write_file(PAGE, splice(&page, &suite.command(), &output)?)?;
        println!("{PAGE}: written");
    }
    Ok(())
}

/// Names the real servers that are installed to a suite that wants some and was given none, and keeps others from
/// changing them meanwhile.
fn real_servers(
    sh: &Shell,
    suite: &Suite,
    flags: &[&str],
) -> Result<(Option<File>, Vec<OsString>)> {
    const CONFIG: &str = "--config";
    if !suite.with_value.contains(&CONFIG)
        || flags.iter().any(|it| [CONFIG, "--quick"].contains(it))
    {
        return Ok((None, Vec::new()));
    }
    let alone = outside::alone(sh)?;
    let config = interop::config(sh)?;
    let words = config.map(|path| [CONFIG.into(), path.into()]);
    Ok((Some(alone), words.into_iter().flatten().collect()))
}

impl Suite {
    /// What keeps its table.
    fn command(&self) -> String {
        format!("bench {} {WRITE}", self.name)
    }

    fn known(&self) -> impl Iterator<Item = &'static str> {
        let flags = self.flags.iter().chain(self.with_value).copied();
        flags.chain(self.keeps_table.then_some(WRITE))
    }
}

/// What is measured, the flags for it, and whether its table is kept.
fn options(arguments: &[String]) -> Result<(&'static Suite, Vec<&str>, bool), Usage> {
    let mut words = arguments.iter().map(String::as_str);
    let first = words.next();
    let Some(suite) = SUITES.iter().find(|it| Some(it.name) == first) else {
        let known = SUITES.map(|it| format!("`bench {}`", it.name)).join(", ");
        return Err(Usage(format!(
            "`bench` takes what to measure first: {known}"
        )));
    };
    let (mut flags, mut write) = (Vec::new(), false);
    while let Some(word) = words.next() {
        if !suite.known().any(|flag| flag == word) {
            let nearest = nearest(word, suite.known()).unwrap_or_default();
            return Err(Usage(format!(
                "`bench {}` takes no `{word}`; the nearest is `{nearest}`",
                suite.name
            )));
        }
        write |= word == WRITE;
        if word != WRITE {
            flags.push(word);
        }
        if suite.with_value.contains(&word) {
            let missing = || Usage(format!("`{word}` needs a file"));
            flags.push(words.next().ok_or_else(missing)?);
        }
    }
    let hinders = |flag: &&&str| suite.flags.contains(*flag);
    if let Some(flag) = flags.iter().find(|flag| write && hinders(flag)) {
        return Err(Usage(format!(
            "`--write` keeps the table of a whole run; leave out `{flag}`"
        )));
    }
    Ok((suite, flags, write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_passed_on_and_a_strange_one_is_refused() {
        let options = |line: &str| {
            let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            options(&arguments)
                .map(|(suite, flags, write)| (format!("{} {}", suite.name, flags.join(" ")), write))
                .map_err(|usage| usage.0)
        };
        assert_eq!(
            options("call --quick --json"),
            Ok(("call --quick --json".to_owned(), false))
        );
        assert_eq!(options("call --write"), Ok(("call ".to_owned(), true)));
        assert_eq!(
            options("catalogue --toolset tools.json --write"),
            Ok(("catalogue --toolset tools.json".to_owned(), true))
        );
        assert_eq!(
            options("start --config mcp.json"),
            Ok(("start --config mcp.json".to_owned(), false))
        );
        for (line, wrong) in [
            ("start --config", "`--config` needs a file"),
            (
                "",
                "`bench` takes what to measure first: `bench call`, `bench catalogue`, `bench start`, `bench resilience`, `bench selection`, `bench select`",
            ),
            (
                "catalogue --read",
                "`bench catalogue` takes no `--read`; the nearest is `--json`",
            ),
            ("catalogue --toolset", "`--toolset` needs a file"),
            (
                "selection --data set.json --write",
                "`bench selection` takes no `--write`; the nearest is `--data`",
            ),
            ("selection --data", "`--data` needs a file"),
            (
                "resilience --json",
                "`bench resilience` takes no `--json`; the nearest is `--quick`",
            ),
            (
                "call --jsn",
                "`bench call` takes no `--jsn`; the nearest is `--json`",
            ),
            (
                "call --write --quick",
                "`--write` keeps the table of a whole run; leave out `--quick`",
            ),
        ] {
            assert_eq!(options(line), Err(wrong.to_owned()), "{line}");
        }
    }

    #[test]
    fn the_page_has_a_place_for_each_table() {
        let page = crate::shell().unwrap().read_file(PAGE).unwrap();
        for suite in SUITES.iter().filter(|it| it.keeps_table) {
            splice(&page, &suite.command(), "").unwrap();
        }
    }
}
