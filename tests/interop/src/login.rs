//! Logins through the built binary: a real authorization server, a real MCP server behind it, and a real keyring.

mod files;
mod keyring;
mod robot;
mod service;
mod world;

use anyhow::Result;
use tokio::time::Instant;

use crate::outcome::{Check, Kind, Row};
use crate::plan::Plan;

/// Who gives the tokens; the server that it guards comes with it.
const AUTH_SERVER: &str = "oidc-provider";
const KEYRING: &str = "gnome-keyring";

/// Runs them one after the other.
pub(crate) async fn run(plan: &Plan) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if plan.runs(AUTH_SERVER) {
        let row = Row::new(Kind::Login, Some(AUTH_SERVER), "oidc-provider, a person");
        rows.push(timed(row, async |row| files::run(plan, row).await).await);
        let row = Row::new(Kind::Login, Some(AUTH_SERVER), "oidc-provider, a client");
        rows.push(timed(row, async |row| robot::run(plan, row).await).await);
    }
    if plan.runs(KEYRING) {
        let row = Row::new(Kind::Login, Some(KEYRING), "gnome-keyring, unlocked");
        rows.push(timed(row, async |row| keyring::unlocked(plan, row).await).await);
        let row = Row::new(Kind::Login, Some(KEYRING), "gnome-keyring, locked or gone");
        rows.push(timed(row, async |row| keyring::unusable(plan, row).await).await);
    }
    Ok(rows)
}

/// Fills a row. What ends it early is a failed check, and what had been started ends with it.
async fn timed(mut row: Row, fill: impl AsyncFnOnce(&mut Row) -> Result<(), String>) -> Row {
    let begin = Instant::now();
    if let Err(failure) = fill(&mut row).await {
        row.check("come to the end", Err(failure));
    }
    row.seconds = Some(begin.elapsed().as_secs_f64());
    row
}

impl Row {
    fn check(&mut self, does: &str, result: Result<(), String>) {
        self.checks.push(Check::new(does, "auth", result));
    }
}
