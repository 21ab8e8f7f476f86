//! `command:PROGRAM ARG ARG`: what a program prints, such as `pass`, `op` or `gcloud`.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use manyhands_core::{Printable, Secret, clip};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::error::{SecretError, SecretErrorKind};
use super::registry::{MAX_SECRET, line, too_large};
use super::source::SecretSource;

/// How long the program may take: 30 s. A password manager may ask a person for a finger.
const LIMIT: Duration = Duration::from_secs(30);

/// How much of the program's complaints is kept, in bytes.
const MAX_STDERR: usize = 4 << 10;

/// How much of a complaint is shown, in bytes.
const MAX_SHOWN: usize = 200;

/// Runs a program and takes what it prints, without the line break at the end.
///
/// The key is split into words as a shell does, quotes included, and nothing else of a shell is there: no variables, no
/// pipes. The program gets our environment and an empty standard input, and dies when the read is given up.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct CommandSource;

impl SecretSource for CommandSource {
    async fn read(&self, key: &str) -> Result<Secret, SecretError> {
        let output = tokio::time::timeout(LIMIT, run(key)).await;
        let output = output.unwrap_or_else(|_| {
            let cause = "the command did not end within 30 s";
            Err(SecretError::new(SecretErrorKind::Unavailable, cause)
                .with_mend("run it in a terminal to see what it waits for"))
        })?;
        if output.status.success() {
            line(output.stdout)
        } else {
            Err(output.complaint())
        }
    }
}

/// What a program left behind.
struct Output {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

async fn run(key: &str) -> Result<Output, SecretError> {
    let misconfigured = |cause: &str| SecretError::new(SecretErrorKind::Misconfigured, cause);
    let words = shell_words::split(key).map_err(|_| {
        misconfigured("the command has a quote that is never closed").with_mend("close it")
    })?;
    let Some((program, args)) = words.split_first() else {
        return Err(misconfigured("the command is empty"));
    };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_started(program, &error))?;
    let stdout = bounded(child.stdout.take(), MAX_SECRET + 3);
    let stderr = bounded(child.stderr.take(), MAX_STDERR);
    let (stdout, stderr) = tokio::join!(stdout, stderr);
    if stdout.len() > MAX_SECRET + 2 {
        return Err(too_large());
    }
    let status = child.wait().await.map_err(|error| {
        let cause = format!("the command's end is not known: {error}");
        SecretError::new(SecretErrorKind::Unavailable, cause)
    })?;
    Ok(Output {
        status,
        stdout,
        stderr,
    })
}

/// Reads to the end, and keeps no more than `max` bytes.
async fn bounded(stream: Option<impl AsyncRead + Unpin>, max: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        let mut rest = [0; 4096];
        // What cannot be read ends as what was read so far: the exit status tells the rest.
        while let Ok(read @ 1..) = stream.read(&mut rest).await {
            let room = max.saturating_sub(kept.len()).min(read);
            kept.extend(rest.iter().take(room));
        }
    }
    kept
}

fn not_started(program: &str, error: &io::Error) -> SecretError {
    let program = Printable(&clip(program, MAX_SHOWN)).to_string();
    match error.kind() {
        io::ErrorKind::NotFound => {
            let cause = format!("there is no program `{program}`");
            SecretError::new(SecretErrorKind::Misconfigured, cause)
                .with_mend("install it, or write its whole path")
        }
        io::ErrorKind::PermissionDenied => {
            let cause = format!("`{program}` may not be run");
            SecretError::new(SecretErrorKind::Denied, cause)
        }
        _ => {
            let cause = format!("`{program}` cannot be run: {error}");
            SecretError::new(SecretErrorKind::Unavailable, cause)
        }
    }
}

impl Output {
    /// Tells how the program failed, in its own words where they give nothing away.
    fn complaint(&self) -> SecretError {
        let status = self.status.code().map_or_else(
            || "was ended by a signal".to_owned(),
            |code| format!("failed with exit code {code}"),
        );
        let said = String::from_utf8_lossy(&self.stderr);
        let said = said.lines().map(str::trim).find(|line| !line.is_empty());
        let printed = String::from_utf8_lossy(&self.stdout);
        let gives_away = |said: &&str| !printed.trim().is_empty() && said.contains(printed.trim());
        let said = said
            .filter(|said| !gives_away(said))
            .map(|said| format!(": {}", Printable(&clip(said, MAX_SHOWN))))
            .unwrap_or_default();
        // What is wrong, only the program knows: another attempt may do.
        SecretError::new(
            SecretErrorKind::Unavailable,
            format!("the command {status}{said}"),
        )
        .with_mend("run it in a terminal")
    }
}

#[cfg(test)]
mod tests;
