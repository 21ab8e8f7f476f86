//! A child process as the server behind a relay, and our own standard streams as its client.

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use manyhands_testkit::{Relay, relay_halves};
use tokio::io::stdin;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::args;
use crate::output::Output;

/// How long the child may take to end once its input has.
const EXIT_LIMIT: Duration = Duration::from_millis(300);

/// A child whose session is over.
pub(crate) struct Ended(Child);

/// Relays until either side ends, or somebody wants the program to end.
pub(crate) async fn run(command: args::Child, relay: Relay) -> Result<Ended, String> {
    let args::Child { program, arguments } = command;
    let spawned = Command::new(&program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child =
        spawned.map_err(|error| format!("failed to start {}: {error}", program.display()))?;
    if let (Some(output), Some(input)) = (child.stdout.take(), child.stdin.take()) {
        let relayed = relay_halves((stdin(), Output::new()), (output, input), relay);
        crate::unless_interrupted(relayed).await;
    }
    Ok(Ended(child))
}

impl Ended {
    /// Waits a little for the child, and gives its code, or 1 where it has none.
    pub(crate) async fn code(mut self) -> ExitCode {
        match timeout(EXIT_LIMIT, self.0.wait()).await {
            Ok(Ok(status)) => {
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                code.map_or(ExitCode::FAILURE, ExitCode::from)
            }
            // It is killed as it is dropped. That it outlives its input is common, and no failure.
            _ => ExitCode::SUCCESS,
        }
    }
}
