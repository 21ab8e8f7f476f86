//! The program that libFuzzer runs: it hands each input to the target that the environment names, so that one build
//! serves them all. It must not know what a target does.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use manyhands_fuzz::{Taken, Target, target};

/// Which of the targets is meant.
const VARIABLE: &str = "MANYHANDS_FUZZ_TARGET";

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var(VARIABLE).unwrap_or_default();
    target(&name).unwrap_or_else(|| {
        eprintln!("error: {VARIABLE} names no target: {name:?}; `cargo xtask fuzz` sets it");
        std::process::exit(2)
    })
});

fuzz_target!(|data: &[u8]| -> Corpus {
    match (TARGET.run)(data) {
        Taken::Read => Corpus::Keep,
        Taken::Refused => Corpus::Reject,
    }
});
