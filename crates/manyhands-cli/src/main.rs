//! The `manyhands` command: reads arguments, runs one command, and ends with its exit code.

mod args;
mod as_written;
mod clients;
mod commands;
mod difference;
mod failure;
mod keeping;
mod load;
mod logins;
mod output;
mod progress;
mod shown;
mod target;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use args::{Args, Command};
use failure::Failure;

fn main() -> ExitCode {
    let args = Args::parse();
    write_logs(args.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::usage(format!("failed to start: {error}")).report(args.options.json);
        }
    };
    let json = args.options.json;
    // It ends by itself when it is interrupted, since it has something to say then.
    let watches = matches!(args.command, Command::Doctor { watch: true, .. });
    let code = runtime.block_on(async {
        tokio::select! {
            result = run(args) => match result {
                Ok(code) => code,
                Err(failure) => failure.report(json),
            },
            // Dropping the command ends every server that it started.
            signal = interrupted(), if !watches => ExitCode::from(128 + signal),
        }
    });
    let _ = std::io::stdout().flush();
    // A blocked read of standard input must not hold up the end; children get their time to go.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    code
}

async fn run(args: Args) -> Result<ExitCode, Failure> {
    let Args {
        command, options, ..
    } = args;
    match command {
        Command::Demo(demo) => commands::demo::run(demo, &options).await,
        Command::DemoServer(server) => commands::demo_server::run(server).await,
        Command::Tools { export: None } => commands::list::tools(&options).await,
        Command::Tools {
            export: Some(format),
        } => commands::export::run(&options, format).await,
        Command::Prompts { name, arguments } => {
            commands::list::prompts(&options, name, arguments).await
        }
        Command::Resources { uri } => commands::list::resources(&options, uri).await,
        Command::Call { name, arguments } => commands::call::run(&options, name, arguments).await,
        Command::Find(find) => commands::find::run(&options, find).await,
        Command::Explain {
            name,
            query,
            wanted,
        } => commands::find::explain(&options, &name, query.as_deref(), &wanted).await,
        Command::Groups { propose } => commands::groups::run(&options, propose).await,
        Command::Auth(command) => commands::auth::run(&options, command).await,
        Command::Doctor {
            watch: true, every, ..
        } => commands::watch::run(&options, every).await,
        Command::Doctor { lint, .. } => commands::doctor::run(&options, lint).await,
        Command::Pins { command } => commands::pins::run(&options, command).await,
        Command::Serve {
            stdio: _,
            profiles,
            search,
        } => commands::serve::run(&options, &profiles, search).await,
        Command::Add(add) => commands::add::run(&options, add).await,
        Command::Remove { name } => commands::remove::run(&options, &name),
        Command::Import(import) => commands::import::run(&options, import).await,
        Command::Install(install) => commands::install::run(&options, install).await,
        Command::List => commands::servers::run(&options),
        Command::Trust { file, revoke } => commands::trust::run(file.or(options.config), revoke),
    }
}

/// Waits for Ctrl-C, or for being told to end, and gives the signal's number.
pub(crate) async fn interrupted() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut hangup), Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::hangup()),
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) {
            return tokio::select! {
                _ = hangup.recv() => 1,
                _ = interrupt.recv() => 2,
                _ = terminate.recv() => 15,
            };
        }
    }
    // Without a signal handler, the system ends the program by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    2
}

/// Writes logs to stderr: warnings by default, more with `-v`, anything with `RUST_LOG`.
fn write_logs(verbose: u8) {
    let default = match verbose {
        // What rmcp complains about, our own errors tell better.
        0 => "warn,rmcp=off",
        1 => "info,rmcp=warn",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colour = output::stderr_has_colour();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .init();
}
