//! `cargo xtask storm [--seed N] [--write]`: ten thousand calls to real processes, two of them in a storm.
//!
//! `tests/storm` runs and decides; this builds it, with the testkit's command, which is the proxy. It must not know what
//! is judged.

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::commands::Usage;
use crate::executable::executable;
use crate::splice::splice;

const PAGE: &str = "docs/reliability.md";
const COMMAND: &str = "storm --write";

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    seed: Option<u64>,
    write: bool,
}

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let options = options(arguments)?;
    let messages = cmd!(
        sh,
        "cargo build --quiet --locked -p manyhands-storm -p manyhands-testkit --features manyhands-testkit/binary
         --message-format json-render-diagnostics"
    )
    .quiet()
    .read()?;
    let (program, testkit) = (
        executable(&messages, "storm")?,
        executable(&messages, "manyhands-testkit")?,
    );
    let seed = options
        .seed
        .map(|seed| ["--seed".to_owned(), seed.to_string()]);
    let seed = seed.into_iter().flatten();
    let body = cmd!(sh, "{program} --testkit {testkit} {seed...}")
        .quiet()
        .read()
        .context("a promise was broken, or a time was missed twice; the lines above say which")?
        + "\n";
    print!("{body}");
    if options.write {
        let page = sh.read_file(PAGE)?;
        sh.write_file(PAGE, splice(&page, COMMAND, &body)?)?;
        println!("{PAGE}: written");
    }
    Ok(())
}

fn options(words: &[String]) -> Result<Options, Usage> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--write" => options.write = true,
            "--seed" => {
                let number = words.next().and_then(|word| word.parse().ok());
                options.seed =
                    Some(number.ok_or(Usage("`--seed` takes a whole number".to_owned()))?);
            }
            other => return Err(Usage(format!("`storm` takes no `{other}`"))),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_mistakes_named() {
        let options = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            options(&words).map_err(|usage| usage.0)
        };
        let (seed, write) = (Some(7), true);
        assert_eq!(options("--write --seed 7"), Ok(Options { seed, write }));
        for (line, error) in [
            ("--seed", "`--seed` takes a whole number"),
            ("--seed x", "`--seed` takes a whole number"),
            ("--sed 7", "`storm` takes no `--sed`"),
        ] {
            assert_eq!(options(line), Err(error.to_owned()));
        }
    }

    #[test]
    fn the_page_has_its_markers() {
        let page = crate::shell().unwrap().read_file(PAGE).unwrap();
        splice(&page, COMMAND, "").unwrap();
    }
}
