//! The flags of `cargo xtask fuzz`.

use crate::commands::{Usage, nearest};

/// How long each target is fuzzed, in seconds, unless told: six of them take nine minutes.
const SECONDS: u64 = 90;

#[derive(Debug)]
pub(super) struct Options {
    pub(super) seconds: u64,
    only: Option<String>,
    /// A target, and a file that it reads once.
    pub(super) replay: Option<(String, String)>,
}

impl Options {
    pub(super) fn wants(&self, target: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == target)
    }
}

pub(super) fn read(arguments: &[String], targets: &[String]) -> Result<Options, Usage> {
    let (mut seconds, mut only, mut file) = (SECONDS, None, None);
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        match word {
            "--seconds" => {
                let number = value.parse().ok().filter(|number| *number > 0);
                seconds = number
                    .ok_or_else(|| Usage("`--seconds` takes a whole number above 0".to_owned()))?;
            }
            "--only" => only = Some(known(value, targets)?),
            "--replay" => file = Some(value.to_owned()),
            other => return Err(Usage(format!("`fuzz` takes no `{other}`"))),
        }
    }
    let replay = match (file, &only) {
        (None, _) => None,
        (Some(file), Some(target)) if !file.is_empty() => Some((target.clone(), file)),
        (Some(_), _) => {
            return Err(Usage(
                "`--replay FILE` goes with `--only NAME`, for a file belongs to a target"
                    .to_owned(),
            ));
        }
    };
    Ok(Options {
        seconds,
        only,
        replay,
    })
}

fn known(name: &str, targets: &[String]) -> Result<String, Usage> {
    let all = || targets.iter().map(String::as_str);
    if all().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let nearest = nearest(name, all()).unwrap_or_default();
    let all: Vec<&str> = all().collect();
    Err(Usage(format!(
        "no target `{name}`; the nearest is `{nearest}`, all are {}",
        all.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words, &["config".to_owned(), "names".to_owned()]).map_err(|usage| usage.0)
    }

    #[test]
    fn flags_are_read_and_wrong_ones_are_told() {
        let options = parsed("").unwrap();
        assert!(options.seconds == SECONDS && options.wants("names") && options.replay.is_none());
        let options = parsed("--seconds 5 --only names").unwrap();
        assert!(options.seconds == 5 && options.wants("names") && !options.wants("config"));
        let options = parsed("--only names --replay x").unwrap();
        assert_eq!(options.replay, Some(("names".to_owned(), "x".to_owned())));
        for (line, error) in [
            ("--seconds 0", "`--seconds` takes a whole number above 0"),
            (
                "--only nams",
                "no target `nams`; the nearest is `names`, all are config, names",
            ),
            (
                "--replay x",
                "`--replay FILE` goes with `--only NAME`, for a file belongs to a target",
            ),
            ("--fast", "`fuzz` takes no `--fast`"),
        ] {
            assert_eq!(parsed(line).unwrap_err(), error, "{line}");
        }
    }
}
