//! `cargo xtask mutants [--crate NAME] [--shard K/N] [--minutes N]`: a changed line fails a test.
//!
//! cargo-mutants changes one thing at a time in a copy of the checkout, and runs the tests of the crate in which it
//! was changed. What no test notices must be in [`ACCEPTED`], with a reason. It goes through the mutants in small
//! parts, and stops between two of them when its minutes are over; the next run goes on from there, so that short
//! runs see them all in time. It must not know what a crate does.

mod accepted;
mod copy;
mod options;
mod outcomes;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::outside::UNREACHABLE;
use crate::skipped::Skipped;
use accepted::ACCEPTED;
use options::Options;
use outcomes::Outcomes;

const VERSION: &str = "27.1.0";
const TOOLS: &str = "target/tools";
const FOLDER: &str = "target/mutants";

/// The libraries. What is left out: programs, whose tests run the built binary and take minutes for each mutant; the
/// demo and the testkit, which are themselves tests' material; the facade, which has no logic.
const CRATES: &[&str] = &[
    "manyhands-core",
    "manyhands-registry",
    "manyhands-transport",
    "manyhands-discovery",
    "manyhands-routing",
    "manyhands-toolkit",
    "manyhands-config",
];

/// How many mutants are tried between two looks at the clock.
const PART: usize = 12;
/// How long one mutant's tests may take, in seconds; unchanged they take a few. A mutant that hangs is caught.
const TEST_LIMIT: &str = "40";

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let options = options::read(arguments, CRATES)?;
    let tool = install(sh)?;
    let root = sh.current_dir();
    copy::renew(sh, &root.join(FOLDER).join("tree"))?;
    let end = Instant::now() + options.time;
    let mut all = Outcomes::default();
    let mut broken = Vec::new();
    for name in CRATES.iter().filter(|name| options.wants(name)) {
        if let Err(error) = of_crate(sh, &tool, name, &options, end, &mut all) {
            // One crate that cannot be tried costs the others nothing.
            eprintln!("error: {error:#}");
            broken.push(*name);
        }
        if Instant::now() >= end {
            println!("the time is over; the next run goes on from here");
            break;
        }
    }
    print!("{}", all.report(ACCEPTED));
    if !broken.is_empty() {
        bail!("these could not be tried: {}", broken.join(", "));
    }
    match all.news(ACCEPTED).len() {
        0 => Ok(()),
        news => bail!(
            "{news} mutants are noticed by no test; write the test, or accept each in xtask/src/mutants/accepted.rs with its reason"
        ),
    }
}

fn of_crate(
    sh: &Shell,
    tool: &Path,
    name: &str,
    options: &Options,
    end: Instant,
    all: &mut Outcomes,
) -> Result<()> {
    unchanged(sh, name)?;
    Crate::new(sh, tool, name, options)?.run(end, all)
}

/// Installs the pinned version, once. It is built in a folder of its own.
fn install(sh: &Shell) -> Result<std::path::PathBuf> {
    let tool = sh.current_dir().join(TOOLS).join("bin/cargo-mutants");
    let has = cmd!(sh, "{tool} mutants --version")
        .quiet()
        .ignore_stderr()
        .read();
    if has.is_ok_and(|version| version.ends_with(VERSION)) {
        return Ok(tool);
    }
    for attempt in 1..=3 {
        println!("installing cargo-mutants {VERSION}, try {attempt} of 3");
        let installed = cmd!(
            sh,
            "cargo install --quiet --locked --force --root {TOOLS} cargo-mutants@{VERSION}"
        )
        .env(
            "CARGO_TARGET_DIR",
            sh.current_dir().join(TOOLS).join("build"),
        )
        .quiet()
        .ignore_status()
        .output()?;
        let said = String::from_utf8_lossy(&installed.stderr);
        if installed.status.success() {
            return Ok(tool);
        }
        if !said.contains("failed to download") && !said.contains("network failure") {
            bail!("cargo-mutants cannot be installed:\n{said}");
        }
        std::thread::sleep(Duration::from_secs(5));
    }
    Err(Skipped::new(UNREACHABLE).into())
}

/// Runs the tests once as they are, for a crate whose tests fail anyway would catch every mutant.
fn unchanged(sh: &Shell, name: &str) -> Result<()> {
    let _there = sh.push_dir(format!("{FOLDER}/tree"));
    cmd!(sh, "cargo test --quiet --locked -p {name}")
        .env("CARGO_TARGET_DIR", "target")
        .env("RUST_BACKTRACE", "0")
        .quiet()
        .ignore_stdout()
        .run()
        .with_context(|| format!("the tests of `{name}` fail before anything is changed"))
}

/// The mutants of one crate, in parts of a dozen.
struct Crate<'a> {
    sh: &'a Shell,
    tool: &'a Path,
    name: &'a str,
    /// The parts that are this run's.
    parts: Vec<usize>,
    count: usize,
}

impl<'a> Crate<'a> {
    fn new(sh: &'a Shell, tool: &'a Path, name: &'a str, options: &Options) -> Result<Self> {
        let tree = format!("{FOLDER}/tree");
        let listed = cmd!(
            sh,
            "{tool} mutants --dir {tree} --package {name} --list --json"
        )
        .quiet()
        .read()?;
        let listed: Value = serde_json::from_str(&listed).context("cargo-mutants lists no JSON")?;
        let mutants = listed.as_array().map_or(0, Vec::len);
        let count = mutants.div_ceil(PART).max(1);
        println!("{name}: {mutants} mutants");
        Ok(Self {
            sh,
            tool,
            name,
            parts: options.share(count),
            count,
        })
    }

    /// Tries the parts from the one at which the last run stopped, round to the one before it.
    fn run(&mut self, end: Instant, all: &mut Outcomes) -> Result<()> {
        let mark = format!("{FOLDER}/{}.next", self.name);
        let next = self
            .sh
            .read_file(&mark)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        let start = self
            .parts
            .iter()
            .position(|part| Some(*part) == next)
            .unwrap_or_default();
        self.parts.rotate_left(start);
        for part in &self.parts {
            if Instant::now() >= end {
                self.sh.write_file(&mark, part.to_string())?;
                return Ok(());
            }
            let found = self.try_part(*part)?;
            println!(
                "{} part {} of {}: {}",
                self.name,
                part + 1,
                self.count,
                found.line()
            );
            all.add(found);
        }
        self.sh.remove_path(&mark)?;
        Ok(())
    }

    fn try_part(&self, part: usize) -> Result<Outcomes> {
        let Self {
            sh,
            tool,
            name,
            count,
            ..
        } = self;
        let (tree, out) = (format!("{FOLDER}/tree"), format!("{FOLDER}/out"));
        let shard = format!("{part}/{count}");
        // Its exit code tells caught from missed, which is read from its file instead.
        let ended = cmd!(
            sh,
            "{tool} mutants --dir {tree} --in-place --package {name} --shard {shard} --sharding slice --no-shuffle
             --baseline skip --timeout {TEST_LIMIT} --output {out} --colors never --cargo-arg=--locked"
        )
        .env("CARGO_TARGET_DIR", sh.current_dir().join(&tree).join("target"))
        .env("RUST_BACKTRACE", "0")
        .quiet()
        .ignore_status()
        .output()?;
        let file = format!("{out}/mutants.out/outcomes.json");
        let read = || -> Result<Outcomes> { Outcomes::read(&sh.read_file(&file)?) };
        let found = read().with_context(|| String::from_utf8_lossy(&ended.stderr).into_owned())?;
        sh.remove_path(format!("{out}/mutants.out"))?;
        Ok(found)
    }
}
