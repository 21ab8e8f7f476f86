//! Servers that run as a child process and speak over its standard input and output.
//!
//! The session gets only the child's messages, so that a child which stops reading, or
//! ignores signals, can still be ended on time.

mod command;
#[cfg(unix)]
mod guard;
mod process;

use std::collections::BTreeMap;
use std::path::PathBuf;

use manyhands_core::Secret;

use crate::diagnostics::Diagnostics;
use crate::error::OpenError;
use crate::wire::{Keeper, Wire};
pub(crate) use process::Process;

/// How to start a server as a child process.
///
/// The child's environment holds a short list of harmless variables of ours
/// (`PATH`, `HOME`, `LANG` and the like), the ones named in `inherit_env`, and
/// those in `env`; nothing else.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StdioSettings {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables that are set for it.
    pub env: BTreeMap<String, Secret>,
    /// Names of our own variables that it gets as well.
    pub inherit_env: Vec<String>,
    /// Where it runs; by default where we run.
    pub cwd: Option<PathBuf>,
}

impl StdioSettings {
    /// Starts `command` without arguments.
    pub fn new(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            ..Self::default()
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn with_args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets one variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets where it runs.
    #[must_use]
    pub fn with_cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// Spawns the child and joins its pipes to a wire.
    pub(crate) fn open(&self) -> Result<Wire, OpenError> {
        let diagnostics = Diagnostics::default();
        diagnostics.hide(self.hidden_values());
        let mut process = Process::spawn(command::build(self)?, diagnostics.clone())
            .map_err(|error| command::explain_spawn(&self.command, error))?;
        let (stdout, stdin) = process.pipes()?;
        let wire = Wire::from_halves(stdout, stdin);
        Ok(wire.with_keeper(Keeper::Process(Box::new(process)), diagnostics))
    }

    /// The values that must not turn up in what we show of what the child says.
    fn hidden_values(&self) -> impl Iterator<Item = &Secret> {
        let secrets = self
            .env
            .iter()
            .filter(|(name, _)| command::names_a_secret(name));
        secrets.map(|(_, value)| value)
    }
}
