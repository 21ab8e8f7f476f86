//! `cargo xtask fuzz [--seconds N] [--only NAME] [--replay FILE]`: libFuzzer against the targets of `tests/fuzz`.
//!
//! It needs no nightly toolchain: what cargo-fuzz passes with `--sanitizer none` are flags that a stable compiler
//! takes, and without a sanitizer there is still what Rust itself checks, plus the promises that a target asserts. It
//! must not know what a target does.

mod options;
mod said;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::executable::executable;
use crate::skipped::Skipped;
use said::Said;

const SEEDS: &str = "tests/fuzz/seeds";
const WORDS: &str = "tests/fuzz/words.dict";
const FOLDER: &str = "target/fuzz";

/// What makes the compiler count which code an input reached and what it was compared with. The first four are those
/// of cargo-fuzz; its `--target` beside them keeps them away from build scripts.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Cdebug-assertions -Ccodegen-units=1";

/// An input that takes longer than this, in seconds, is a hang; the slowest takes some hundredths.
const HANG: &str = "-timeout=20";
/// More memory than this, in MiB, is a leak or an input that buys too much: tens are normal.
const MEMORY: &str = "-rss_limit_mb=512";
/// Longer inputs, in bytes, find nothing that shorter ones do not, and are slower.
const LENGTH: &str = "-max_len=4096";

pub(crate) fn run(sh: &Shell, arguments: &[String]) -> Result<()> {
    let targets = targets(sh)?;
    let options = options::read(arguments, &targets)?;
    if cfg!(windows) {
        return Err(Skipped::new("libFuzzer is set up for Unix here").into());
    }
    if cmd!(sh, "c++ --version")
        .quiet()
        .ignore_stderr()
        .read()
        .is_err()
    {
        return Err(Skipped::new("libFuzzer is C++, and there is no `c++`").into());
    }
    let program = build(sh)?;
    if let Some((target, file)) = &options.replay {
        return replay(sh, &program, target, file);
    }
    let wanted = targets.iter().filter(|name| options.wants(name));
    let mut failed = Vec::new();
    for target in wanted {
        let said = fuzz(sh, &program, target, options.seconds)?;
        println!("{target:<12} {}", said.summary());
        if said.failed() {
            println!("{}", said.failure(target));
            failed.push(target.as_str());
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        failed => bail!("inputs were found that break: {}", failed.join(", ")),
    }
}

/// A target is a folder of seeds; a test there sees to it that each is both.
fn targets(sh: &Shell) -> Result<Vec<String>> {
    let folders = sh
        .read_dir(SEEDS)
        .with_context(|| format!("`{SEEDS}` cannot be read"))?;
    let names = folders.iter().filter_map(|path| path.file_name()?.to_str());
    Ok(names.map(str::to_owned).collect())
}

/// Builds the fuzzer in a folder of its own, since its flags would make cargo build everything else again.
fn build(sh: &Shell) -> Result<PathBuf> {
    let version = cmd!(sh, "rustc -vV").quiet().read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not tell its host")?;
    println!("building the fuzzer");
    let messages = cmd!(
        sh,
        "cargo build --quiet --locked --release --target {host} -p manyhands-fuzz --bin fuzz
         --features libfuzzer,libfuzzer-sys/link_libfuzzer --message-format json-render-diagnostics"
    )
    .env("RUSTFLAGS", FLAGS)
    .env(
        "CARGO_TARGET_DIR",
        sh.current_dir().join(FOLDER).join("build"),
    )
    .quiet()
    .read()?;
    executable(&messages, "fuzz")
}

/// Looks for breaking inputs for a while, from the committed seeds and from what earlier runs found worth keeping.
fn fuzz(sh: &Shell, program: &PathBuf, target: &str, seconds: u64) -> Result<Said> {
    let corpus = format!("{FOLDER}/corpus/{target}");
    let found = format!("{FOLDER}/found/{target}/");
    sh.create_dir(&corpus)?;
    sh.create_dir(&found)?;
    let time = format!("-max_total_time={seconds}");
    let output = cmd!(
        sh,
        "{program} {corpus} {SEEDS}/{target} -dict={WORDS} {time} {HANG} {MEMORY} {LENGTH}
         -artifact_prefix={found} -print_final_stats=1"
    )
    .env("MANYHANDS_FUZZ_TARGET", target)
    .env("RUST_BACKTRACE", "0")
    .quiet()
    .ignore_status()
    .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    sh.write_file(format!("{FOLDER}/{target}.log"), &text)?;
    Ok(Said::new(text, output.status.success()))
}

/// Runs one input, with a backtrace.
fn replay(sh: &Shell, program: &PathBuf, target: &str, file: &str) -> Result<()> {
    cmd!(sh, "{program} {HANG} {MEMORY} {file}")
        .env("MANYHANDS_FUZZ_TARGET", target)
        .env("RUST_BACKTRACE", "1")
        .run()
        .with_context(|| format!("`{file}` still breaks `{target}`"))
}
