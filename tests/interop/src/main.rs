//! Real servers, clients, an authorization server and a keyring against Manyhands: what nobody here wrote has to work
//! with it.
//!
//! `cargo xtask interop` installs the parts, runs this program with the path of a plan, and shows the rows that it
//! prints as JSON. With `--config PLAN FOLDER` it only prints the `mcp.json` of the servers, which work in that folder. This program must not know registries: it finds the parts where the plan says, and what it starts
//! talks to pipes, and for logins to loopback, only.

mod bench;
mod binary;
mod clients;
mod facade;
mod facts;
mod growing;
mod inspector;
mod login;
mod outcome;
mod plan;
mod process;
mod servers;

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use bench::Bench;
use outcome::Row;
use plan::Plan;
use servers::Server;

#[tokio::main]
async fn main() -> Result<()> {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from).peekable();
    let prints_config = words.next_if(|word| word == "--config").is_some();
    let path = words.next();
    let path = path.context("no plan is named; `cargo xtask interop` writes one and names it")?;
    let plan = Plan::read(&path)?;
    if prints_config {
        let folder = words.next().context("no folder to work in is named")?;
        let bench = Bench::within(folder)?;
        println!("{}", bench.config(&plan, servers::distinct(&plan), "2s"));
        return Ok(());
    }
    let rows = run(&plan).await?;
    println!("{}", serde_json::to_string(&rows)?);
    Ok(())
}

async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let servers: Vec<&Server> = servers::all(plan).collect();
    let mut rows = Vec::new();
    if !servers.is_empty() {
        rows = facade::run(plan, &servers).await?;
        binary::run(plan, &servers, &mut rows).await?;
    }
    rows.extend(clients::run(plan).await?);
    rows.extend(growing::run(plan).await?);
    rows.extend(login::run(plan).await?);
    Ok(rows)
}
