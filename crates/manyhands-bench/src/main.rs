//! The benchmarks: what a call through the toolkit costs beside the same call through rmcp alone, what the catalogue
//! costs beside a plain map, how long many servers take to start, what the layers of resilience cost, and how well and
//! how fast tools are chosen.
//!
//! Run them as `cargo xtask bench SUITE`. The binary is client and server at once: for stdio and HTTP it starts itself
//! again in one of the `serve-` modes. It must not know how the toolkit works inside; it times what a user can call.

mod catalogue;
mod cell;
mod clients;
mod conditions;
mod cpu;
mod fan_out;
mod instructions;
mod options;
mod report;
mod resilience;
mod rounds;
mod select;
mod selection;
mod server;
mod start;
mod table;

#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Runtime};

use crate::options::{Call, Command, Count};

/// The worker threads of every runtime here, for both sides and for the servers.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = match Command::parse(&arguments) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error:#}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Call(options) => measure(options),
        Command::Catalogue(options) => catalogue::measure(options),
        Command::Resilience { quick } => resilience::measure(*quick),
        Command::Selection(options) => selection::run(options),
        Command::Select => select::run(),
        Command::Count(count) => count_calls(count),
        Command::CountLookups(lookup, times) => catalogue::count(*lookup, *times),
        Command::CountResilience { layer, calls } => resilience::count(layer, *calls),
        Command::ServeStdio => many_threads()?.block_on(server::stdio()),
        Command::Start(options) => start::measure(options),
        Command::ServeScripted(scripted) => {
            many_threads()?.block_on(start::serve(scripted));
            Ok(())
        }
        Command::ServeHttp => many_threads()?.block_on(server::http()),
    }
}

fn measure(options: &Call) -> Result<()> {
    let results = many_threads()?.block_on(rounds::run(&options.plan()))?;
    let counts = instructions::measure(options.counts_instructions())?;
    let report = report::document(&options.plan(), &results, &counts);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table::render(&report));
    }
    Ok(())
}

/// Makes a number of calls and nothing else, for an instruction counter around this process. One thread, since
/// valgrind runs one at a time, and two would only add their waiting for each other.
fn count_calls(count: &Count) -> Result<()> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    runtime.block_on(rounds::count(count))
}

fn many_threads() -> Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .context("the runtime cannot be started")
}
