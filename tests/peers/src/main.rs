//! The same work by comparable programs, measured in one run, taking turns.
//!
//! `cargo xtask peers` installs them, runs this program with the path of a plan, and shows what it prints as JSON.
//! Two kinds are compared: programs that stand between one client and many servers, all driven by the same client
//! here, and libraries, each in a small program that does the same steps. All of them start the same servers. This
//! must not know registries.

mod figures;
mod library;
mod middle;
mod orders;
mod plan;
mod processes;
mod stdio;
mod toolkit;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::json;

use plan::Plan;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let mut words = std::env::args_os().skip(1);
    let first = words
        .next()
        .context("no plan is named; `cargo xtask peers` writes one")?;
    if first == "toolkit" {
        let path = words
            .next()
            .map(PathBuf::from)
            .context("no orders are named")?;
        println!("{}", toolkit::run(&orders::Orders::read(&path)?).await?);
        return Ok(());
    }
    let plan = Plan::read(&PathBuf::from(first))?;
    let servers = orders::Servers::new(&plan.testkit)?;
    let middle = middle::run(&plan, &servers).await?;
    let library = library::run(&plan, &servers).await?;
    println!("{}", json!({"middle": middle, "library": library}));
    Ok(())
}
