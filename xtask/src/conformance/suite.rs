//! The installed suite, started once for each scenario: one after the other, for some measure time. It must not know
//! what is done with the rows.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use super::checks::{Checks, Failure};
use super::expected::Expected;
use super::requirements::{self, Scenario};
use super::rows::Row;

/// Where the package lies in its folder.
const PACKAGE: &str = "node_modules/@modelcontextprotocol/conformance";

/// Keeps the suite's servers on loopback.
const LOOPBACK: &str = "tests/conformance/loopback.cjs";

/// How long a client may take, in milliseconds; ours ends by itself before that.
const LIMIT: &str = "60000";

/// What the suite wrote lies here until the next run, a folder for each scenario.
const RESULTS: &str = "target/conformance";

/// What the suite in this folder asks of a client, revision by revision.
pub(super) fn scenarios(
    sh: &Shell,
    folder: &Path,
    revisions: &[&'static str],
) -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    for revision in revisions {
        let list = format!("requirements/{revision}.yaml");
        let text = sh.read_file(folder.join(PACKAGE).join(list))?;
        scenarios.extend(requirements::read(revision, &text)?);
    }
    Ok(scenarios)
}

pub(super) struct Suite<'a> {
    sh: &'a Shell,
    package: PathBuf,
    node: &'a Path,
    client: PathBuf,
}

impl<'a> Suite<'a> {
    pub(super) fn new(sh: &'a Shell, folder: &Path, node: &'a Path, client: PathBuf) -> Self {
        Self {
            sh,
            package: folder.join(PACKAGE),
            node,
            client,
        }
    }

    /// Runs one scenario, which fails for the reason that `expected` gives for it, if any.
    pub(super) fn row(&self, scenario: Scenario, expected: &Expected) -> Result<Row> {
        let Scenario { revision, name, .. } = &scenario;
        eprintln!("running {name} ({revision})");
        let (sh, node, client) = (self.sh, self.node, &self.client);
        let suite = self.package.join("dist/index.js");
        let results = sh.current_dir().join(RESULTS).join(revision).join(name);
        sh.remove_path(&results)?;
        let begin = Instant::now();
        // `--force`, because the list decides what a revision asks for, and not the scenario.
        let output = cmd!(
            sh,
            "{node} --require ./{LOOPBACK} {suite} client --command {client} --scenario {name} --spec-version {revision}
             --force --timeout {LIMIT} --output-dir {results}"
        )
        .quiet()
        .ignore_status()
        .output()?;
        let seconds = begin.elapsed().as_secs_f64();
        let written = written(&results, name).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!(
                "the suite wrote nothing of `{name}`; it said: {}",
                last_line(&said)
            )
        })?;
        let checks = serde_json::from_str(&sh.read_file(written.join("checks.json"))?)?;
        let client_said = sh.read_file(written.join("stderr.txt"))?;
        Ok(Row {
            expected: expected.why(name).map(str::to_owned),
            checks: judge(
                Checks::read(&checks)?,
                output.status.success(),
                &client_said,
            ),
            client_said: last_line(&client_said).to_owned(),
            seconds,
            scenario,
        })
    }
}

/// The suite also fails a scenario whose checks passed, where the client failed or did not end.
fn judge(mut checks: Checks, passed: bool, client_said: &str) -> Checks {
    if !passed && checks.failed.is_empty() {
        checks.failed.push(Failure {
            id: "client-ended-badly".to_owned(),
            told: format!(
                "the client failed or did not end: {}",
                last_line(client_said)
            ),
        });
    }
    checks
}

/// The folder that the suite made for its one result: named as the scenario, with its slashes, and with the time.
fn written(results: &Path, name: &str) -> Result<PathBuf> {
    let group = name.rsplit_once('/').map_or("", |(group, _)| group);
    let results = results.join(group);
    let folders = std::fs::read_dir(results)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    match folders.as_slice() {
        [one] => Ok(one.clone()),
        several => bail!("there are {} results", several.len()),
    }
}

fn last_line(text: &str) -> &str {
    let mut lines = text.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty()).unwrap_or("nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_fails_fails_the_scenario_though_all_checks_passed() {
        let passed = || Checks {
            passed: 2,
            failed: Vec::new(),
        };
        assert_eq!(judge(passed(), true, "a warning"), passed());
        let failed = judge(passed(), false, "a warning\nerror: no server\n\n");
        assert_eq!((failed.passed, failed.total()), (2, 3));
        assert_eq!(
            failed.failed[0].told,
            "the client failed or did not end: error: no server"
        );
    }
}
