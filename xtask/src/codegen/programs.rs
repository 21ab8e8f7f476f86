//! What only a built program can tell. xtask stays light: it knows no crate of the workspace, and runs them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::executable::executable;

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

#[cfg(test)]
mod tests {
    use super::*;

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
