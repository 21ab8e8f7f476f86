//! `serve`: all servers as one MCP server.

use std::process::ExitCode;

use crate::args::Options;
use crate::failure::{Failure, UNAVAILABLE, with_sources};
use crate::load;

/// Serves over standard input and output until the client closes them.
pub(crate) async fn run(options: &Options) -> Result<ExitCode, Failure> {
    let kit = load::lasting_builder(options)?.start();
    let served =
        manyhands_gateway::serve(kit.clone(), tokio::io::stdin(), tokio::io::stdout()).await;
    kit.close().await;
    served.map_err(|error| Failure::new(with_sources(&error), UNAVAILABLE))?;
    Ok(ExitCode::SUCCESS)
}
