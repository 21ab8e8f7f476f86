//! A toolkit under load for minutes to hours, with servers that die, and nothing leaked.
//!
//! `cargo xtask soak` builds and runs it. One toolkit lives all the time, behind storms that lose, delay, repeat and
//! garble; beside it one after the other comes up with servers that crash, hang, hang up and are killed, and goes down
//! again. After each of these generations nobody calls, and what is left is counted. It must not know how the toolkit
//! works inside.

mod fleet;
mod load;
mod options;
mod panics;
mod report;
mod run;
mod verdict;
mod vitals;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::parse(&arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error:#}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match soak(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs it all, and says whether nothing grew.
fn soak(options: &Options) -> anyhow::Result<bool> {
    panics::count();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let course = runtime.block_on(run::run(options))?;
    let (table, good) = report::table(&course, options);
    print!("{table}");
    Ok(good)
}
