//! `cargo xtask soak [--minutes N] [--seed N]`: a toolkit under load, with servers that die, and nothing leaked.
//!
//! `tests/soak` runs, prints its progress and decides; this builds it, with the testkit's command beside it. It must
//! not know what is watched.

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::commands::{Usage, nearest};
use crate::executable::executable;
use crate::skipped::Skipped;

const FLAGS: [&str; 2] = ["--minutes", "--seed"];

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    check(arguments)?;
    if !cfg!(target_os = "linux") {
        return Err(Skipped::new("it reads what Linux tells of a process").into());
    }
    let messages = cmd!(
        sh,
        "cargo build --quiet --locked -p manyhands-soak -p manyhands-testkit --features manyhands-testkit/binary
         --message-format json-render-diagnostics"
    )
    .quiet()
    .read()?;
    let program = executable(&messages, "soak")?;
    cmd!(sh, "{program} {arguments...}")
        .quiet()
        .run()
        .context("something grew or did not end; the same `--seed` draws the same storms")?;
    Ok(())
}

/// The program reads the flags itself; what it does not know is told before anything is built.
fn check(arguments: &[String]) -> Result<(), Usage> {
    for pair in arguments.chunks(2) {
        let flag = pair.first().map_or("", String::as_str);
        if !FLAGS.contains(&flag) {
            let nearest = nearest(flag, FLAGS.into_iter()).unwrap_or_default();
            return Err(Usage(format!(
                "`soak` takes no `{flag}`; the nearest is `{nearest}`"
            )));
        }
        if pair
            .get(1)
            .is_none_or(|value| value.parse::<u64>().is_err())
        {
            return Err(Usage(format!("`{flag}` takes a whole number")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_numbers() {
        let check = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            check(&words).map_err(|usage| usage.0)
        };
        assert_eq!(check("--minutes 2 --seed 7"), Ok(()));
        for (line, error) in [
            (
                "--minute 2",
                "`soak` takes no `--minute`; the nearest is `--minutes`",
            ),
            ("--seed", "`--seed` takes a whole number"),
            ("--seed x", "`--seed` takes a whole number"),
        ] {
            assert_eq!(check(line), Err(error.to_owned()));
        }
    }
}
