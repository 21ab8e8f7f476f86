//! How long it takes until a toolkit of many servers can be used: one server after another, all at once, and with what an
//! earlier start remembered.
//!
//! Run it as `cargo xtask bench start`. It must not know how a toolkit starts; it waits for what a user can see.

mod fleet;
mod report;
mod rounds;
mod server;
mod table;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use fleet::Fleet;
pub(crate) use server::{Scripted, serve};

/// How the comparison is run and told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    json: bool,
    quick: bool,
    /// An `mcp.json` with real servers.
    config: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(flags: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            match *flag {
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--config" => {
                    let file = flags.next().context("`--config` needs a file")?;
                    options.config = Some(file.into());
                }
                other => bail!("no flag `{other}`"),
            }
        }
        Ok(options)
    }
}

pub(crate) fn measure(options: &Options) -> Result<()> {
    let report = compare(options)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table::render(&report));
    }
    Ok(())
}

fn compare(options: &Options) -> Result<Value> {
    let plan = rounds::Plan::new(options.quick);
    let work = tempfile::tempdir().context("there is no place for what is remembered")?;
    let mut fleets = vec![Fleet::scripted(work.path(), options.quick)?];
    if let Some(path) = &options.config {
        fleets.push(Fleet::real(work.path(), path)?);
    }
    let results = fleets.iter().map(|fleet| rounds::run(fleet, &plan));
    let results = results.collect::<Result<Vec<_>>>()?;
    Ok(report::document(&plan, &results))
}
