//! A small program that embeds Manyhands, for the official MCP conformance suite to judge.
//!
//! `cargo xtask conformance client` installs the suite, which starts this program once for each scenario, with the URL
//! of the scenario's server as the last argument. It does what an agent does with a server it has never seen: it
//! connects, and tries everything that the toolkit offers it. It must not know what the suite looks at.

mod account;
mod arguments;
mod errand;
mod person;
mod run;
mod tour;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::timeout;

use run::Run;

/// More than any scenario takes, and less than the suite allows: it kills the shell around this program, and not this.
const LIMIT: Duration = Duration::from_secs(45);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let run = Run::from_environment()?;
    timeout(LIMIT, errand::run(&run))
        .await
        .with_context(|| format!("it took more than {LIMIT:?}"))?
}
