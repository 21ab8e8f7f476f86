//! Ten thousand calls to real processes, two of them in a storm, each call accounted for.
//!
//! `cargo xtask storm` builds and runs it. Six servers, each a process, write down what they do; between two of them and
//! the toolkit stands the testkit's proxy. There is a calm, a storm, and the time after it. What the callers were told
//! is then held against what the servers wrote. It must not know how the toolkit works inside.

mod fleet;
mod journal;
mod load;
mod report;
mod run;
mod serve;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "\
Usage: storm --testkit FILE [--seed N]
       storm serve --journal FILE [--http]
  --testkit FILE  the testkit's command, which is the proxy
  --seed N        what the storms and callers draw from, 1 by default
  serve           be one of the servers
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Storm { testkit: PathBuf, seed: u64 },
    Serve { journal: PathBuf, http: bool },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = match parse(&arguments) {
        Ok(task) => task,
        Err(error) => {
            eprintln!("error: {error:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match perform(task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Result<Task> {
    let (mut serves, mut http) = (false, false);
    let (mut testkit, mut journal, mut seed) = (None, None, 1);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            let next = words.next();
            next.with_context(|| format!("expected a value after `{word}`"))
        };
        match word.as_str() {
            "serve" => serves = true,
            "--http" => http = true,
            "--testkit" => testkit = Some(PathBuf::from(value()?)),
            "--journal" => journal = Some(PathBuf::from(value()?)),
            "--seed" => {
                let number = value()?.parse();
                seed = number.context("expected a number after `--seed`")?;
            }
            other => bail!("unknown option `{other}`"),
        }
    }
    Ok(if serves {
        let journal = journal.context("expected `--journal FILE`")?;
        Task::Serve { journal, http }
    } else {
        let testkit = testkit.context("expected `--testkit FILE`")?;
        Task::Storm { testkit, seed }
    })
}

/// Does it, and says whether all was well.
fn perform(task: Task) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = match task {
        Task::Storm { testkit, seed } => runtime.block_on(run::run(&testkit, seed)),
        Task::Serve { journal, http } => {
            let served = runtime.block_on(serve::run(&journal, http));
            served.map(|()| true)
        }
    };
    // A blocked read of standard input must not hold up the end.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_read_and_mistakes_named() {
        let parse = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            parse(&words).map_err(|error| error.to_string())
        };
        let (testkit, journal) = (PathBuf::from("t"), PathBuf::from("j"));
        let storm = Task::Storm { testkit, seed: 7 };
        assert_eq!(parse("--testkit t --seed 7"), Ok(storm));
        let serve = Task::Serve {
            journal,
            http: true,
        };
        assert_eq!(parse("serve --http --journal j"), Ok(serve));
        for (line, error) in [
            ("", "expected `--testkit FILE`"),
            ("serve", "expected `--journal FILE`"),
            ("--seed", "expected a value after `--seed`"),
            ("--seed x", "expected a number after `--seed`"),
            ("--sed 1", "unknown option `--sed`"),
        ] {
            assert_eq!(parse(line), Err(error.to_owned()));
        }
    }
}
