//! `cargo xtask peers [--json] [--write]`: the same work by comparable programs and libraries, in one run.
//!
//! This installs them and shows what came of it; `tests/peers` drives them, taking turns. Registries are asked only
//! while installing. It must not know how anything is measured.

mod page;
mod rows;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::commands::Usage;
use crate::executable::executable;
use crate::outside::{self, Installed, Part, Registry, part};
use crate::skipped::Skipped;
use crate::splice::splice;
use rows::Rows;

/// The peers. `python-2` is also a part of `cargo xtask interop`, and is installed once for both.
const PARTS: [Part; 3] = [
    part("fastmcp", Registry::PyPi, "fastmcp==4.1.2"),
    part("langchain", Registry::PyPi, "langchain-mcp-adapters==0.3.2"),
    part("python-2", Registry::PyPi, "mcp==2.3.0"),
];

/// How often each program has its turn.
const ROUNDS: usize = 5;

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    json: bool,
    write: bool,
}

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let options = options(arguments)?;
    if !cfg!(target_os = "linux") {
        return Err(Skipped::new("it reads what Linux tells of a process").into());
    }
    let _alone = outside::alone(sh)?;
    let parts: Vec<&'static Part> = PARTS.iter().collect();
    let installed = outside::all(sh, &parts)?;
    // Figures of half the peers would say less than they seem to.
    outside::excuse(&installed.skipped, true)?;
    let printed = drive(sh, &installed)?;
    let rows = Rows::read(&printed)?;
    let body = page::body(&rows, &conditions(sh)?);
    if options.json {
        println!("{printed}");
    } else {
        print!("{body}");
    }
    if options.write {
        let old = sh.read_file(page::PATH)?;
        sh.write_file(page::PATH, splice(&old, page::COMMAND, &body)?)?;
        println!("{}: written", page::PATH);
    }
    match rows.problems().as_slice() {
        [] => Ok(()),
        problems => bail!("{}", problems.join("; ")),
    }
}

fn options(arguments: &[String]) -> Result<Options, Usage> {
    let mut options = Options::default();
    for word in arguments {
        match word.as_str() {
            "--json" => options.json = true,
            "--write" => options.write = true,
            other => return Err(Usage(format!("`peers` takes no `{other}`"))),
        }
    }
    Ok(options)
}

/// Builds what is ours with optimizations, and runs it all.
fn drive(sh: &Shell, installed: &Installed) -> Result<Value> {
    let messages = cmd!(
        sh,
        "cargo build --quiet --release --locked -p manyhands-cli -p manyhands-testkit -p manyhands-peers
         --features manyhands-testkit/binary --message-format json-render-diagnostics"
    )
    .quiet()
    .read()?;
    let program = |name: &str| executable(&messages, name);
    let plan = json!({
        "parts": installed.folders,
        "scripts": sh.current_dir().join("tests/peers/clients"),
        "manyhands": program("manyhands")?,
        "testkit": program("manyhands-testkit")?,
        "rounds": ROUNDS,
    });
    sh.create_dir("target/peers")?;
    let path: PathBuf = sh.current_dir().join("target/peers/plan.json");
    sh.write_file(&path, plan.to_string())?;
    let driver = program("peers")?;
    let printed = cmd!(sh, "{driver} {path}")
        .quiet()
        .read()
        .context("the measurement did not come to an end")?;
    serde_json::from_str(&printed).context("what the measurement printed is not JSON")
}

/// Where the figures were taken.
fn conditions(sh: &Shell) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let (rust, python) = (
        cmd!(sh, "rustc --version").quiet().read()?,
        cmd!(sh, "python3 --version").quiet().read()?,
    );
    let pins: Vec<&str> = PARTS.iter().map(|part| part.pin).collect();
    Ok(format!(
        "{cores} cores of {model}, load {load} at the end; {rust}, release build; {python}; {}; {ROUNDS} turns of each.",
        pins.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::version;

    #[test]
    fn flags_are_read_and_wrong_ones_are_told() {
        let options =
            |words: &[&str]| options(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        let both = Options {
            json: true,
            write: true,
        };
        assert_eq!(options(&["--write", "--json"]).unwrap(), both);
        assert_eq!(
            options(&["--fast"]).unwrap_err().0,
            "`peers` takes no `--fast`"
        );
    }

    #[test]
    fn every_peer_is_pinned_and_the_page_has_a_place_for_the_table() {
        for part in &PARTS {
            version(part.pin).unwrap();
        }
        let page = crate::shell().unwrap().read_file(page::PATH).unwrap();
        splice(&page, page::COMMAND, "").unwrap();
    }
}
