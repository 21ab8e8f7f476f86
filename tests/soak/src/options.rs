//! The command line. It must not know what a run does.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

pub(crate) const USAGE: &str = "\
Usage: soak [--minutes N] [--seed N]
  --minutes N  how long, 10 by default, 1 at least
  --seed N     what storms and callers draw from; a new one by default, which is printed
";

/// So many generations make a run, so that each window of the verdict has several.
const GENERATIONS: u32 = 30;

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) total: Duration,
    pub(crate) seed: u64,
    /// The testkit's command, which is the servers that are child processes.
    pub(crate) testkit: PathBuf,
}

impl Options {
    pub(crate) fn parse(words: &[String]) -> Result<Self> {
        let (mut minutes, mut seed) = (10, None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words
                .next()
                .with_context(|| format!("expected a number after `{word}`"))?;
            let number: u64 = value.parse().with_context(|| {
                format!("expected a whole number after `{word}`, found `{value}`")
            })?;
            match word.as_str() {
                "--minutes" => minutes = number.clamp(1, 7 * 24 * 60),
                "--seed" => seed = Some(number),
                other => bail!("unknown option `{other}`"),
            }
        }
        Ok(Self {
            total: Duration::from_secs(minutes * 60),
            // Small, so that a person can type it again.
            seed: seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
            testkit: testkit()?,
        })
    }

    /// How long each toolkit of the changing kind lives.
    pub(crate) fn generation(&self) -> Duration {
        (self.total / GENERATIONS).clamp(Duration::from_secs(3), Duration::from_secs(60))
    }
}

/// The testkit's command, which cargo puts beside this one.
fn testkit() -> Result<PathBuf> {
    let here = std::env::current_exe().context("this program does not know its own path")?;
    let folder = here.parent().context("this program lies in no folder")?;
    // A test runs from `deps`, one folder further down.
    let folders = [Some(folder), folder.parent()];
    let name = format!("manyhands-testkit{}", std::env::consts::EXE_SUFFIX);
    let found = folders.into_iter().flatten().map(|it| it.join(&name));
    Ok(found
        .clone()
        .find(|path| path.is_file())
        .unwrap_or_else(|| folder.join(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn times_and_seeds_are_read_and_mistakes_named() {
        let options = parse("--minutes 2 --seed 7").unwrap();
        assert_eq!((options.total.as_secs(), options.seed), (120, 7));
        assert_eq!(options.generation().as_secs(), 4);
        assert_eq!(parse("--minutes 600").unwrap().generation().as_secs(), 60);
        for (line, error) in [
            ("--minutes", "expected a number after `--minutes`"),
            (
                "--minutes x",
                "expected a whole number after `--minutes`, found `x`",
            ),
            ("--hours 1", "unknown option `--hours`"),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), error);
        }
    }
}
