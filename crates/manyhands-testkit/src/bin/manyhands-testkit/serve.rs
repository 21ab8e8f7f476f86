//! Serves a scripted server, with the faults that only a program can have.

use std::io::{self, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use manyhands_testkit::{Fault, HttpOptions, HttpServer, ProcessFault, ScriptedServer, TextFault};
use tokio::io::{join, stdin};
use tokio::time::sleep;

use crate::output::Output;

/// How long what should not end lives at most.
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn print_faults() {
    let mut family = "";
    for switch in Fault::switches() {
        if family != switch.family {
            family = switch.family;
            println!("{family}");
        }
        println!("  {:24} {}", switch.name, switch.about);
    }
}

/// Serves until the client leaves, or for ever over HTTP.
pub(crate) async fn run(
    server: &ScriptedServer,
    faults: &[Fault],
    http: Option<HttpOptions>,
) -> Result<ExitCode, String> {
    let started = faults.iter().try_for_each(before);
    started.map_err(|error| format!("failed to misbehave: {error}"))?;
    let serving = async {
        match http {
            Some(options) => over_http(server, options).await,
            None => {
                server.serve(join(stdin(), Output::new())).await;
                Ok(())
            }
        }
    };
    if faults.contains(&ProcessFault::IgnoresTermination.into()) {
        stubborn(serving).await?;
    } else {
        crate::unless_interrupted(serving).await.transpose()?;
    }
    let code = faults.iter().find_map(|fault| match fault {
        Fault::Process(ProcessFault::ExitCode(code)) => u8::try_from(*code).ok(),
        _ => None,
    });
    Ok(code.map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// Does what comes before serving.
fn before(fault: &Fault) -> io::Result<()> {
    match fault {
        Fault::Text(TextFault::Stderr(odd)) => writeln!(io::stderr(), "{}", odd.text()),
        Fault::Process(ProcessFault::FloodsStderr(bytes)) => {
            let line = [b'x'; 1023];
            let mut stderr = io::stderr().lock();
            for _ in 0..bytes.div_ceil(line.len() + 1) {
                stderr.write_all(&line)?;
                stderr.write_all(b"\n")?;
            }
            Ok(())
        }
        Fault::Process(ProcessFault::LeavesChild) => leave(false),
        Fault::Process(ProcessFault::LeavesEscapee) => leave(true),
        _ => Ok(()),
    }
}

/// Starts a child that holds our output open. Its process id goes to stderr, so that a test can end it.
fn leave(escapes: bool) -> io::Result<()> {
    let mut command = Command::new("sleep");
    command
        .arg(MINUTE.as_secs().to_string())
        .stdin(Stdio::null());
    #[cfg(unix)]
    if escapes {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    let child = command.spawn()?;
    writeln!(io::stderr(), "left the process {}", child.id())
}

async fn over_http(server: &ScriptedServer, options: HttpOptions) -> Result<(), String> {
    let http = HttpServer::start_with(server, options).await;
    let http = http.map_err(|error| format!("failed to listen: {error}"))?;
    println!("{}", http.url());
    std::future::pending().await
}

/// Serves, and then goes on to the end of the minute, whatever signal comes.
async fn stubborn(serving: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let end = sleep(MINUTE);
    // Once it has been waited for, the signal does not end the process any more.
    #[cfg(unix)]
    let _ignored = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let result = tokio::time::timeout(MINUTE, serving).await;
    end.await;
    result.unwrap_or(Ok(()))
}
