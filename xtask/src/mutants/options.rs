//! The flags of `cargo xtask mutants`.

use std::time::Duration;

use crate::commands::{Usage, nearest};

/// Unless told.
const MINUTES: u64 = 60;

#[derive(Debug)]
pub(super) struct Options {
    only: Option<String>,
    /// The share of this run, counted from 1, and how many shares there are.
    shard: (usize, usize),
    pub(super) time: Duration,
}

impl Options {
    pub(super) fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == name)
    }

    /// The parts, of so many, that fall to this run.
    pub(super) fn share(&self, parts: usize) -> Vec<usize> {
        let (mine, of) = self.shard;
        (0..parts).filter(|part| part % of == mine - 1).collect()
    }
}

pub(super) fn read(arguments: &[String], crates: &[&str]) -> Result<Options, Usage> {
    let mut options = Options {
        only: None,
        shard: (1, 1),
        time: Duration::from_secs(MINUTES * 60),
    };
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        match word {
            "--crate" => options.only = Some(known(value, crates)?),
            "--shard" => options.shard = shard(value)?,
            "--minutes" => {
                let minutes: Option<u64> = value.parse().ok().filter(|minutes| *minutes > 0);
                let minutes = minutes
                    .ok_or_else(|| Usage("`--minutes` takes a whole number above 0".to_owned()))?;
                options.time = Duration::from_secs(minutes.saturating_mul(60));
            }
            other => return Err(Usage(format!("`mutants` takes no `{other}`"))),
        }
    }
    Ok(options)
}

fn shard(text: &str) -> Result<(usize, usize), Usage> {
    let parsed = text
        .split_once('/')
        .and_then(|(mine, of)| Some((mine.parse().ok()?, of.parse().ok()?)));
    parsed
        .filter(|(mine, of)| (1..=*of).contains(mine))
        .ok_or_else(|| {
            Usage(format!(
                "`--shard` takes K/N with K from 1 to N, but got `{text}`"
            ))
        })
}

fn known(name: &str, crates: &[&str]) -> Result<String, Usage> {
    if crates.contains(&name) {
        return Ok(name.to_owned());
    }
    let nearest = nearest(name, crates.iter().copied()).unwrap_or_default();
    Err(Usage(format!(
        "no crate `{name}` among the libraries; the nearest is `{nearest}`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words, &["manyhands-core", "manyhands-registry"]).map_err(|usage| usage.0)
    }

    #[test]
    fn flags_are_read_and_wrong_ones_are_told() {
        let options = parsed("--crate manyhands-core --shard 2/3 --minutes 5").unwrap();
        assert!(options.wants("manyhands-core") && !options.wants("manyhands-registry"));
        assert_eq!(options.share(7), [1, 4]);
        assert_eq!(options.time.as_secs(), 300);
        for (line, error) in [
            (
                "--crate manyhands-cor",
                "no crate `manyhands-cor` among the libraries; the nearest is `manyhands-core`",
            ),
            (
                "--shard 0/3",
                "`--shard` takes K/N with K from 1 to N, but got `0/3`",
            ),
            (
                "--shard 4/3",
                "`--shard` takes K/N with K from 1 to N, but got `4/3`",
            ),
            ("--minutes 0", "`--minutes` takes a whole number above 0"),
            ("--fast", "`mutants` takes no `--fast`"),
        ] {
            assert_eq!(parsed(line).unwrap_err(), error);
        }
    }

    #[test]
    fn the_shares_are_everything_and_never_the_same() {
        let share = |text: &str| parsed(&format!("--shard {text}")).unwrap().share(8);
        let mut all = [share("1/3"), share("2/3"), share("3/3")].concat();
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>());
    }
}
