//! `install`: manyhands as one server of another client.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use manyhands_config::Hidden;
use manyhands_config::clients::{document, installed};
use manyhands_config::edit::Original;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::args::{InstallArgs, Options};
use crate::clients::places;
use crate::failure::Failure;
use crate::{difference, output};

/// The longest answer that is read from a terminal.
const MAX_ANSWER: u64 = 1024;

/// Shows the change, and makes it once somebody agrees.
pub(crate) async fn run(options: &Options, args: InstallArgs) -> Result<ExitCode, Failure> {
    let client = args.into;
    let path = args
        .file
        .or_else(|| places().files(client).into_iter().next());
    let path = path.ok_or_else(|| {
        Failure::usage("failed to find your folder: set HOME, or name a file with `--file FILE`")
    })?;
    let shown = output::printable(&path.display().to_string());
    let original = Original::read(&path)?;
    let before = original.text()?;
    let (command, serve) = (program()?, arguments(options)?);
    let label = path.display().to_string();
    let after = installed(client, &label, before, &command, &serve)?;
    let after = after.ok_or_else(|| {
        Failure::usage(format!(
            "failed to install into {}: it is read by `manyhands import` only",
            client.name()
        ))
    })?;
    if after == before {
        told(
            options,
            &format!("{shown} has manyhands already"),
            None,
            false,
        );
        return Ok(ExitCode::SUCCESS);
    }
    let both = [before, &after].map(|text| document(client, &label, text).unwrap_or_default());
    let hidden = Hidden::of(&Value::from(both.to_vec()));
    if !options.json {
        output::line(&difference::unified(&label, before, &after, &hidden));
    }
    if !args.yes && !agreed(&shown).await? {
        output::line("nothing was changed");
        return Ok(ExitCode::SUCCESS);
    }
    let backup = original.back_up(&format!(".manyhands-backup-{}", moment()))?;
    original.replace(&after)?;
    told(
        options,
        &format!("changed {shown}; restart {} to see it", client.name()),
        backup,
        true,
    );
    Ok(ExitCode::SUCCESS)
}

fn told(options: &Options, text: &str, backup: Option<PathBuf>, changed: bool) {
    if options.json {
        return output::json(&json!({"changed": changed, "backup": backup}));
    }
    output::line(text);
    if let Some(backup) = backup {
        output::line(&format!(
            "  what it was: {}",
            output::printable(&backup.display().to_string())
        ));
    }
}

/// The path of this program, as other programs can start it.
fn program() -> Result<String, Failure> {
    let failed = || Failure::usage("failed to find the path of this program");
    let path = std::env::current_exe().map_err(|_| failed())?;
    path.into_os_string().into_string().map_err(|_| failed())
}

/// How it is started: for the same configuration from wherever.
fn arguments(options: &Options) -> Result<Vec<String>, Failure> {
    let mut arguments = vec!["serve".to_owned(), "--stdio".to_owned()];
    if let Some(config) = &options.config {
        let failed = || Failure::usage("failed to find the configuration's path");
        let path = std::path::absolute(config).map_err(|_| failed())?;
        let path = path.into_os_string().into_string().map_err(|_| failed())?;
        arguments.extend(["--config".to_owned(), path]);
    }
    Ok(arguments)
}

/// Asks whoever sits at the terminal.
async fn agreed(shown: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "failed to change {shown}: nobody can be asked here; agree with `--yes`"
        )));
    }
    output::complaint(&format!("Change {shown}? [y/N]"));
    let mut answer = String::new();
    let mut input = BufReader::new(tokio::io::stdin()).take(MAX_ANSWER);
    let read = input.read_line(&mut answer).await;
    Ok(read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The time in UTC as it can stand in a file's name: 20261122T151601Z.
fn moment() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.unwrap_or_default().as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The date that lies so many days after 1970-01-01, by Howard Hinnant's `civil_from_days`.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (20_779, (2026, 11, 22)),
        ] {
            assert_eq!(date(days), expected);
        }
        assert_eq!(moment().len(), 16);
    }
}
