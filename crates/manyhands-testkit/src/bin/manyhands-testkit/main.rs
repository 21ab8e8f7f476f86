//! The command `manyhands-testkit`: scripted servers, recordings and storms over standard input and
//! output. It adds a program's surroundings to the library and knows nothing that the library does not.

mod args;
mod output;
mod proxy;
mod script;
mod serve;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use manyhands_testkit::{Recorder, Relay, Replay, ScriptedServer, Storm, Tape, TcpProxy};
use tokio::io::{join, stdin, stdout};

use args::{Command, Target};

/// How often it is looked whether a storm is to rage.
const LOOK: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    let command = match args::read(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => return failed(&format!("{error}; see manyhands-testkit --help"), 2),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("failed to start: {error}"), 1),
    };
    let result = runtime.block_on(run(command));
    // A blocked read of standard input must not hold up the end.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| failed(&error, 1))
}

fn failed(error: &str, code: u8) -> ExitCode {
    eprintln!("manyhands-testkit: {error}");
    ExitCode::from(code)
}

async fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Help => {
            print!("{}", args::USAGE);
            Ok(ExitCode::SUCCESS)
        }
        Command::Faults => {
            serve::print_faults();
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve {
            script,
            faults,
            http,
        } => {
            let server = match script {
                Some(file) => script::server(&text(&file)?)
                    .map_err(|error| format!("failed to read {}: {error}", file.display()))?,
                None => script::sample(),
            };
            let server = faults.iter().cloned().fold(server, ScriptedServer::fault);
            serve::run(&server, &faults, http).await
        }
        Command::Replay { file } => {
            let tape = Tape::parse(&text(&file)?)
                .map_err(|error| format!("failed to {error} ({})", file.display()))?;
            unless_interrupted(Replay::of(&tape).serve(join(stdin(), stdout()))).await;
            Ok(ExitCode::SUCCESS)
        }
        Command::Record { file, command } => record(&file, command).await,
        Command::Storm {
            seed,
            storm,
            rages,
            target,
        } => {
            let ended = tokio::select! {
                ended = disturb(&storm, target) => ended?,
                never = follow(&storm, rages) => match never {},
            };
            eprintln!("manyhands-testkit: seed {seed}: {:?}", storm.done());
            Ok(ended)
        }
    }
}

async fn disturb(storm: &Storm, target: Target) -> Result<ExitCode, String> {
    let relay = Relay::default().with_storm(storm.clone());
    match target {
        Target::Child(command) => Ok(proxy::run(command, relay).await?.code().await),
        Target::Tcp(server) => {
            let proxy = TcpProxy::start(server, relay).await;
            let proxy = proxy.map_err(|error| format!("failed to listen: {error}"))?;
            println!("{}", proxy.address());
            // Whoever started it and was killed cannot end it.
            let (mut input, mut nowhere) = (stdin(), tokio::io::sink());
            unless_interrupted(tokio::io::copy(&mut input, &mut nowhere)).await;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Has the storm rage while a file is there, and no longer; all the time where none is named.
async fn follow(storm: &Storm, file: Option<PathBuf>) -> Infallible {
    let Some(file) = file else {
        return std::future::pending().await;
    };
    loop {
        if file.exists() {
            storm.begin();
        } else {
            storm.end();
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn record(file: &Path, command: args::Child) -> Result<ExitCode, String> {
    let write = |tape: &Tape| {
        let written = std::fs::write(file, tape.to_jsonl());
        written.map_err(|error| format!("failed to write {}: {error}", file.display()))
    };
    // A place that cannot be written to is told now, not after the session.
    write(&Tape::default())?;
    let recorder = Recorder::new();
    let relay = Relay::default().with_recorder(recorder.clone());
    let ended = proxy::run(command, relay).await?;
    write(&recorder.tape())?;
    if recorder.left_out() > 0 {
        let count = recorder.left_out();
        eprintln!("manyhands-testkit: the tape was full, {count} messages are not on it");
    }
    Ok(ended.code().await)
}

fn text(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file)
        .map_err(|error| format!("failed to read {}: {error}", file.display()))
}

/// Runs until it ends, or somebody wants the program to end.
async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = interrupted() => None,
    }
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    // A client that wants its server gone ends it by SIGTERM.
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            Ok(()) = tokio::signal::ctrl_c() => {}
        },
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
