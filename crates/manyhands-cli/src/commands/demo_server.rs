//! `demo-server`: one of the demo's servers, in a process of its own.

use std::process::ExitCode;

use manyhands_demo::{DemoTransport, Latency};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::args::DemoServerArgs;
use crate::failure::{Failure, UNAVAILABLE, with_sources};
use crate::output;

/// Serves until standard input closes: over it, or over HTTP on loopback.
pub(crate) async fn run(args: DemoServerArgs) -> Result<ExitCode, Failure> {
    let unavailable =
        |error: &dyn std::error::Error| Failure::new(with_sources(error), UNAVAILABLE);
    let latency = args.latency.map_or_else(Latency::default, Latency::fixed);
    let served = match args.name.transport() {
        DemoTransport::Stdio => {
            args.name
                .serve(tokio::io::stdin(), tokio::io::stdout(), latency)
                .await
        }
        DemoTransport::Http => {
            let port = args.port;
            let bound = TcpListener::bind(("127.0.0.1", port)).await;
            let listener = bound.map_err(|error| {
                Failure::new(
                    format!("failed to listen on 127.0.0.1:{port}: {error}"),
                    UNAVAILABLE,
                )
            })?;
            let address = listener
                .local_addr()
                .map_err(|error| Failure::new(format!("failed to listen: {error}"), UNAVAILABLE))?;
            output::line(&format!("http://{address}/mcp"));
            args.name
                .serve_http(listener, latency, input_closed())
                .await
        }
    };
    served.map_err(|error| unavailable(&error))?;
    Ok(ExitCode::SUCCESS)
}

/// Whoever started us holds the other end of our input, and lets go of it by ending.
async fn input_closed() {
    let mut byte = [0];
    while matches!(tokio::io::stdin().read(&mut byte).await, Ok(1..)) {}
}
