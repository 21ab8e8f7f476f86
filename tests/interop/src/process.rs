//! Running one program to its end, within a bound.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// Longer than any of them takes on a busy machine with two cores.
const LIMIT: Duration = Duration::from_secs(90);

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The output of a program that succeeded; else what it said.
    pub(crate) fn success(self) -> Result<String, String> {
        match self.code {
            Some(0) => Ok(self.out),
            code => {
                let code = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
                let said = format!("{}\n{}", self.out.trim(), self.err.trim());
                crate::outcome::holds(false, "exit code 0", &format!("{code}: {said:?}"))
                    .map(|()| self.out)
            }
        }
    }
}

/// Runs a program with nothing on its standard input.
pub(crate) async fn run(command: &mut Command) -> Result<Ended, String> {
    let program = command.as_std().get_program().to_owned();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .map_err(|_| {
            format!(
                "expected an end within {LIMIT:?}; {} still ran",
                name(&program)
            )
        })?
        .map_err(|error| format!("{} cannot be run: {error}", name(&program)))?;
    Ok(Ended {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn name(program: &OsStr) -> String {
    format!("`{}`", program.to_string_lossy())
}
