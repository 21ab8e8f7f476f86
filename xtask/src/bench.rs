//! `cargo xtask bench call [--json] [--quick] [--read] [--write]`: what a call through the toolkit
//! costs beside the same call through rmcp alone.
//!
//! `manyhands-bench` measures and shows; this builds it with optimizations, and keeps its table in
//! `docs/performance.md`. It is no step of `cargo xtask ci`: a machine that does other things has no figures worth
//! keeping. It must not know what is measured.

use crate::splice::splice;
use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::commands::{Usage, nearest};

const PAGE: &str = "docs/performance.md";
const COMMAND: &str = "bench call --write";

/// What is passed on as it is.
const FLAGS: [&str; 3] = ["--json", "--quick", "--read"];
const WRITE: &str = "--write";

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let (flags, write) = options(arguments)?;
    let output = cmd!(
        sh,
        "cargo run --quiet --release --package manyhands-bench -- call {flags...}"
    )
    .quiet()
    .read()
    .context("the benchmark failed; it says why above")?
        + "\n";
    print!("{output}");
    if write {
        let page = sh.read_file(PAGE)?;
        sh.write_file(PAGE, splice(&page, COMMAND, &output)?)?;
        println!("{PAGE}: written");
    }
    Ok(())
}

/// The flags for the benchmark, and whether its table is kept.
fn options(arguments: &[String]) -> Result<(Vec<&str>, bool), Usage> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some((&"call", rest)) = words.split_first() else {
        return Err(Usage(
            "`bench` takes what to measure first: `bench call`".to_owned(),
        ));
    };
    let known = || FLAGS.into_iter().chain([WRITE]);
    if let Some(unknown) = rest.iter().find(|word| !known().any(|flag| flag == **word)) {
        let nearest = nearest(unknown, known()).unwrap_or_default();
        return Err(Usage(format!(
            "`bench call` takes no `{unknown}`; the nearest is `{nearest}`"
        )));
    }
    let (write, flags): (Vec<&str>, Vec<&str>) = rest.iter().partition(|word| **word == WRITE);
    let hinders = |flag: &&str| ["--json", "--quick", "--read"].contains(flag);
    if let Some(flag) = flags.iter().find(|flag| hinders(flag) && !write.is_empty()) {
        return Err(Usage(format!(
            "`--write` keeps the table of a whole run; leave out `{flag}`"
        )));
    }
    Ok((flags, !write.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_passed_on_and_a_strange_one_is_refused() {
        let options = |line: &str| {
            let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            options(&arguments)
                .map(|(flags, write)| (flags.join(" "), write))
                .map_err(|usage| usage.0)
        };
        assert_eq!(
            options("call --quick --json"),
            Ok(("--quick --json".to_owned(), false))
        );
        assert_eq!(options("call --write"), Ok((String::new(), true)));
        for (line, wrong) in [
            ("", "`bench` takes what to measure first: `bench call`"),
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
    fn the_page_has_a_place_for_the_table() {
        let page = crate::shell().unwrap().read_file(PAGE).unwrap();
        splice(&page, COMMAND, "").unwrap();
    }
}
