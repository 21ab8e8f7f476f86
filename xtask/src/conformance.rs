//! `cargo xtask conformance client [--json] [--only SCENARIO] [--required] [--write]`: the official MCP conformance suite
//! against a client on the facade, which is `tests/conformance`.
//!
//! This installs the suite, starts it once for each scenario of each revision, and shows what came of it. A scenario that
//! fails has to be listed with its reason, and one that is listed has to fail. The suite's servers and the client talk
//! over loopback. It must not know what a scenario checks.

mod checks;
mod expected;
mod page;
mod requirements;
mod rows;
mod suite;

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::json;
use xshell::{Shell, cmd};

use crate::commands::{Usage, nearest};
use crate::executable::executable;
use crate::outside::{self, Installed, Part, Registry, part};
use crate::splice::splice;
use expected::Expected;
use requirements::Scenario;
use rows::Row;
use suite::Suite;

const SUITE: Part = Part {
    newer_node: true,
    ..part(
        "conformance",
        Registry::Npm,
        "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    )
};

/// The revisions for which the suite says what a client must do, the older one first.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// The program that embeds Manyhands for the suite.
const CLIENT: &str = "conformance-client";

#[derive(Debug, Default)]
struct Options {
    json: bool,
    required: bool,
    write: bool,
    only: Option<String>,
}

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let options = options(arguments)?;
    let _alone = outside::alone(sh)?;
    let installed = outside::all(sh, &[&SUITE])?;
    let Some(folder) = installed.folders.get(SUITE.name) else {
        if options.write {
            bail!("`{}` is not written: the suite was skipped", page::PATH);
        }
        return outside::excuse(&installed.skipped, options.required);
    };
    let all = suite::scenarios(sh, folder, &REVISIONS)?;
    let expected = Expected::read(&sh.read_file(expected::PATH)?)?;
    let unknown = unknown(&expected, &all);
    let scenarios = chosen(all, options.only.as_deref())?;
    let suite = Suite::new(sh, folder, &installed.node, client(sh)?);
    let rows = scenarios
        .into_iter()
        .map(|scenario| suite.row(scenario, &expected))
        .collect::<Result<Vec<Row>>>()?;
    if options.json {
        let summaries = rows::summaries(&rows);
        let passed: Vec<String> = summaries.iter().map(rows::Summary::line).collect();
        println!("{}", json!({"rows": rows::json(&rows), "passed": passed}));
    } else {
        print!("{}", rows::report(&rows));
    }
    if options.write {
        write(sh, &rows, &installed)?;
    }
    conclude(&rows, unknown)
}

fn options(arguments: &[String]) -> Result<Options, Usage> {
    let mut options = Options::default();
    let mut words = arguments.iter().map(String::as_str);
    match words.next() {
        Some("client") => {}
        Some(other) => {
            return Err(Usage(format!(
                "`conformance` knows no `{other}`, only `client`"
            )));
        }
        None => return Err(Usage("`conformance` takes `client`".to_owned())),
    }
    while let Some(word) = words.next() {
        match word {
            "--json" => options.json = true,
            "--required" => options.required = true,
            "--write" => options.write = true,
            "--only" => match words.next() {
                Some(name) => options.only = Some(name.to_owned()),
                None => return Err(Usage("`--only` takes the name of a scenario".to_owned())),
            },
            other => return Err(Usage(format!("`conformance client` takes no `{other}`"))),
        }
    }
    if options.write && options.only.is_some() {
        return Err(Usage(
            "`--write` is for a whole run; leave out `--only`".to_owned(),
        ));
    }
    Ok(options)
}

/// Builds the client. The suite starts it by its path: under `cargo run` it would wait for other builds to end.
fn client(sh: &Shell) -> Result<PathBuf> {
    let messages = cmd!(
        sh,
        "cargo build --quiet --locked -p manyhands-conformance --message-format json-render-diagnostics"
    )
    .quiet()
    .read()?;
    executable(&messages, CLIENT)
}

/// All scenarios, or those of one name, which are one for each revision that has it.
fn chosen(scenarios: Vec<Scenario>, only: Option<&str>) -> Result<Vec<Scenario>, Usage> {
    let Some(name) = only else {
        return Ok(scenarios);
    };
    let known = || scenarios.iter().map(|scenario| scenario.name.as_str());
    if known().all(|known| known != name) {
        let nearest = nearest(name, known()).unwrap_or_default();
        return Err(Usage(format!(
            "no scenario `{name}`; the nearest is `{nearest}`"
        )));
    }
    let is_wanted = |scenario: &Scenario| scenario.name == name;
    Ok(scenarios.into_iter().filter(is_wanted).collect())
}

fn write(sh: &Shell, rows: &[Row], installed: &Installed) -> Result<()> {
    let node = &installed.node;
    let node = cmd!(sh, "{node} --version").quiet().read()?;
    let cores = std::thread::available_parallelism()?;
    let suite = SUITE.version();
    let conditions =
        format!("The suite {suite} on {cores} cores and Node {node}, a debug build of Manyhands.");
    let old = sh.read_file(page::PATH)?;
    sh.write_file(
        page::PATH,
        splice(&old, page::COMMAND, &page::body(rows, &conditions))?,
    )?;
    Ok(())
}

/// What the list of known failures names and no revision has.
fn unknown(expected: &Expected, all: &[Scenario]) -> Vec<String> {
    let is_known = |name: &&str| all.iter().any(|scenario| scenario.name == *name);
    let unknown = expected.names().filter(|name| !is_known(name));
    unknown
        .map(|name| format!("`{name}` is no scenario; remove it from {}", expected::PATH))
        .collect()
}

fn conclude(rows: &[Row], mut problems: Vec<String>) -> Result<()> {
    let list = expected::PATH;
    for row in rows {
        let (name, scenario) = (row.name(), &row.scenario.name);
        match (row.passed(), &row.expected) {
            (false, None) => problems.push(format!(
                "{name} failed; run it alone with `cargo xtask conformance client --only {scenario}`"
            )),
            (true, Some(_)) => {
                problems.push(format!("{name} passed; remove `{scenario}` from {list}"));
            }
            _ => {}
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Options, Usage> {
        options(&words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn flags_are_read_and_wrong_ones_are_told() {
        let some = parsed(&["client", "--json", "--only", "initialize"]).unwrap();
        assert!(some.json && !some.required && some.only.as_deref() == Some("initialize"));
        for (words, answer) in [
            (&[][..], "`conformance` takes `client`"),
            (
                &["server"],
                "`conformance` knows no `server`, only `client`",
            ),
            (
                &["client", "--fast"],
                "`conformance client` takes no `--fast`",
            ),
            (
                &["client", "--only"],
                "`--only` takes the name of a scenario",
            ),
            (
                &["client", "--write", "--only", "initialize"],
                "`--write` is for a whole run; leave out `--only`",
            ),
        ] {
            assert_eq!(parsed(words).unwrap_err().to_string(), answer);
        }
    }

    #[test]
    fn one_name_chooses_the_scenario_of_every_revision() {
        let all = || {
            [
                ("2025-11-25", "tools_call"),
                ("2025-11-25", "initialize"),
                ("2026-07-28", "tools_call"),
            ]
            .map(|(revision, name)| Scenario::fixture(revision, name))
            .into()
        };
        assert_eq!(chosen(all(), None).unwrap().len(), 3);
        assert_eq!(chosen(all(), Some("tools_call")).unwrap().len(), 2);
        assert_eq!(
            chosen(all(), Some("initialise")).unwrap_err().to_string(),
            "no scenario `initialise`; the nearest is `initialize`"
        );
    }

    #[test]
    fn only_failures_that_are_listed_pass_and_only_as_long_as_they_fail() {
        let mut rows = rows::tests::rows();
        let error = |rows: &[Row], unknown| conclude(rows, unknown).unwrap_err().to_string();
        assert_eq!(
            error(&rows, Vec::new()),
            "sse-retry (2025-11-25) failed; run it alone with `cargo xtask conformance client --only sse-retry`"
        );
        rows.remove(1);
        assert!(conclude(&rows, Vec::new()).is_ok());
        rows[0].expected = Some("it was hard".to_owned());
        assert_eq!(
            error(&rows, vec!["something else".to_owned()]),
            "something else\ninitialize (2025-11-25) passed; remove `initialize` from \
             tests/conformance/expected-failures.txt"
        );
    }

    #[test]
    fn a_known_failure_is_of_a_scenario_that_there_is() {
        let expected = Expected::read("auth/a: x\nauth/old: x\n").unwrap();
        let all = [Scenario::fixture("2025-11-25", "auth/a")];
        assert_eq!(
            unknown(&expected, &all),
            ["`auth/old` is no scenario; remove it from tests/conformance/expected-failures.txt"]
        );
    }

    #[test]
    fn the_list_of_known_failures_can_be_read() {
        let list = include_str!("../../tests/conformance/expected-failures.txt");
        assert!(Expected::read(list).is_ok());
    }

    #[test]
    fn the_suite_is_pinned() {
        assert_eq!(outside::version(SUITE.pin).unwrap(), "0.2.0-alpha.12");
    }
}
