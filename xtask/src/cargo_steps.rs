//! The steps that are one cargo command each. They share a file because each is one line; what there is to know
//! about them is why their flags are what they are.

use anyhow::Result;
use xshell::{Shell, cmd};

pub(crate) fn fmt(sh: &Shell) -> Result<()> {
    Ok(cmd!(sh, "cargo fmt --all --check").run()?)
}

/// Lints every target. `--locked`, here and below, because a check that edits the lock file checks something else.
pub(crate) fn clippy(sh: &Shell) -> Result<()> {
    Ok(cmd!(
        sh,
        "cargo clippy --workspace --all-targets --features manyhands-testkit/binary --locked -- -D warnings"
    )
    .run()?)
}

/// Builds the documentation of our own crates only; a dependency's broken link is not ours to mend.
pub(crate) fn docs(sh: &Shell) -> Result<()> {
    Ok(cmd!(sh, "cargo doc --workspace --no-deps --locked")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?)
}

/// Runs what `--all-targets` names, which leaves out the documentation's examples: [`doctest`] runs those.
pub(crate) fn test(sh: &Shell) -> Result<()> {
    // The testkit's command is a feature, so that who depends on the testkit need not build it.
    Ok(cmd!(
        sh,
        "cargo test --workspace --all-targets --features manyhands-testkit/binary --locked"
    )
    .run()?)
}

pub(crate) fn doctest(sh: &Shell) -> Result<()> {
    Ok(cmd!(sh, "cargo test --workspace --doc --locked").run()?)
}
