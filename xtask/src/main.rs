//! The checks and generators of this workspace, as `cargo xtask NAME`.
//!
//! `cargo xtask ci` is what CI runs (`--tier full`), and nothing else; each of its steps also runs alone. The crate
//! stays light, so that it builds in seconds and runs while the rest of the workspace does not compile: it reads
//! manifests, sources and cargo's own answers, and must not know any other crate of the workspace.

mod advisories;
mod bench;
mod cargo_steps;
mod ci;
mod codegen;
mod columns;
mod commands;
mod conformance;
mod each_feature;
mod executable;
mod features;
mod files;
mod fuzz;
mod interop;
mod layers;
mod licences;
mod mutants;
mod outside;
mod owners;
mod peers;
mod problem;
mod skipped;
mod soak;
mod spdx;
mod splice;
mod storm;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use xshell::Shell;

use commands::Usage;
use skipped::Skipped;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Skipped>() => {
            println!("{error}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<Usage>() {
                eprint!("\n{}", commands::help());
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", commands::help());
        return Ok(());
    };
    let wants_help = |argument: &String| ["--help", "-h", "help"].contains(&argument.as_str());
    if wants_help(name) || rest.iter().any(wants_help) {
        print!("{}", commands::help());
        return Ok(());
    }
    let command = commands::find(name)?;
    if command.arguments.is_empty() && !rest.is_empty() {
        return Err(Usage(format!(
            "`{name}` takes no arguments, but got `{}`",
            rest.join(" ")
        ))
        .into());
    }
    (command.run)(&shell()?, rest)
}

/// A shell that stands in the workspace's root, wherever the command was typed.
fn shell() -> Result<Shell> {
    let shell = Shell::new().context("the current folder cannot be read")?;
    shell.change_dir(root());
    Ok(shell)
}

/// The workspace's root. Cargo's variable of this run comes first: a copied checkout may run a binary built elsewhere.
fn root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let mut root = PathBuf::from(here);
    root.pop();
    root
}
