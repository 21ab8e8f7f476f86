//! What only a built program can tell. xtask stays light: it knows no crate of the workspace, and runs them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::workspace::text;

/// The binary that people use, and the example that prints the configuration's schema.
const BINARY: &str = "manyhands";
const SCHEMA: &str = "config-schema";

/// As wide as a terminal is thought to be, wherever this runs.
const COLUMNS: &str = "100";

pub(super) struct Programs {
    binary: PathBuf,
    schema: PathBuf,
}

impl Programs {
    /// Builds both with the features of the whole workspace, which is how the tests build them: nothing is compiled
    /// twice.
    pub(super) fn build(sh: &Shell) -> Result<Self> {
        let messages = cmd!(
            sh,
            "cargo build --workspace --bin {BINARY} --example {SCHEMA} --locked --quiet
             --message-format json-render-diagnostics"
        )
        .quiet()
        .read()
        .context("the programs that know it do not build; mend what cargo says above")?;
        Ok(Self {
            binary: executable(&messages, BINARY)?,
            schema: executable(&messages, SCHEMA)?,
        })
    }

    /// What the binary says to `COMMAND --help`.
    pub(super) fn help(&self, sh: &Shell, command: &[String]) -> Result<String> {
        let binary = &self.binary;
        told(
            cmd!(sh, "{binary} {command...} --help")
                .env("COLUMNS", COLUMNS)
                .env("NO_COLOR", "1"),
        )
    }

    pub(super) fn config_schema(&self, sh: &Shell) -> Result<String> {
        let schema = &self.schema;
        told(cmd!(sh, "{schema}"))
    }
}

/// What the program prints. It is given no stream of ours, for clap asks each of them how wide the terminal is.
fn told(command: xshell::Cmd<'_>) -> Result<String> {
    let output = command.quiet().ignore_status().output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{}: {}", output.status, error.trim());
    }
    String::from_utf8(output.stdout).context("it does not print UTF-8")
}

/// Where cargo put the program of this name, by cargo's own messages, one JSON object a line.
fn executable(messages: &str, name: &str) -> Result<PathBuf> {
    let path = |message: Value| {
        let target = text(message.get("target")?, "name").ok()?;
        (target == name).then(|| text(&message, "executable").ok())?
    };
    messages
        .lines()
        .filter_map(|line| path(serde_json::from_str(line).ok()?))
        .next()
        .map(PathBuf::from)
        .with_context(|| format!("cargo does not say where it put `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = r#"{"reason":"compiler-artifact","target":{"name":"manyhands","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"manyhands","kind":["bin"]},"executable":"/t/debug/manyhands"}
{"reason":"build-finished","success":true}"#;

    #[test]
    fn a_program_is_found_beside_the_library_of_the_same_name() {
        assert_eq!(
            executable(MESSAGES, "manyhands").unwrap(),
            PathBuf::from("/t/debug/manyhands")
        );
    }

    #[test]
    fn a_program_that_was_not_built_is_an_error() {
        for messages in [MESSAGES, "", "no JSON"] {
            let error = executable(messages, "config-schema").unwrap_err();
            assert_eq!(
                error.to_string(),
                "cargo does not say where it put `config-schema`"
            );
        }
    }

    #[test]
    fn what_a_program_says_on_failure_is_told() {
        let sh = Shell::new().unwrap();
        assert!(
            told(cmd!(sh, "cargo --version"))
                .unwrap()
                .starts_with("cargo ")
        );
        let error = told(cmd!(sh, "cargo no-such-command")).unwrap_err();
        assert!(error.to_string().contains("no such command"), "{error}");
    }
}
