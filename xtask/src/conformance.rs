//! `cargo xtask conformance client [--json] [--only SCENARIO] [--required] [--write]`: the official MCP conformance suite
//! against a client on the facade, which is `tests/conformance`.
//!
//! This installs the suite, starts it once for each scenario of each revision, and shows what came of it. The suite's
//! servers and the client talk over loopback. It must not know what a scenario checks.

mod checks;
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
use crate::skipped::Skipped;
use crate::splice::splice;
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
    let scenarios = suite::scenarios(sh, folder, &REVISIONS)?;
    let scenarios = chosen(scenarios, options.only.as_deref())?;
    let suite = Suite::new(sh, folder, &installed.node, client(sh)?);
    let rows = scenarios
        .into_iter()
        .map(|scenario| suite.row(scenario))
        .collect::<Result<Vec<Row>>>()?;
    if options.json {
        println!("{}", json!({"rows": rows::json(&rows)}));
    } else {
        print!("{}", rows::report(&rows));
    }
    if options.write {
        write(sh, &rows, &installed)?;
    }
    conclude(&rows)
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

fn conclude(rows: &[Row]) -> Result<()> {
    let failed: Vec<String> = rows
        .iter()
        .filter(|row| row.failures().count() > 0)
        .map(|row| format!("{} ({})", row.scenario.name, row.scenario.revision))
        .collect();
    match rows::skipped(rows).first() {
        _ if !failed.is_empty() => {}
        Some((why, ..)) if rows.iter().all(|row| row.ran().is_none()) => {
            return Err(Skipped::new(*why).into());
        }
        _ => return Ok(()),
    }
    bail!(
        "{} scenarios failed: {}; run one alone with `cargo xtask conformance client --only SCENARIO`",
        failed.len(),
        failed.join(", ")
    );
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
    fn failures_fail_the_run_and_a_run_of_nothing_is_skipped() {
        let mut rows = rows::tests::rows();
        let error = |rows: &[Row]| conclude(rows).unwrap_err().to_string();
        assert!(
            error(&rows).starts_with("1 scenarios failed: sse-retry (2025-11-25); run one alone")
        );
        assert_eq!(error(&rows[2..]), "skipped: not built");
        rows.remove(1);
        assert!(conclude(&rows).is_ok());
    }

    #[test]
    fn the_suite_is_pinned() {
        assert_eq!(outside::version(SUITE.pin).unwrap(), "0.2.0-alpha.12");
    }
}
