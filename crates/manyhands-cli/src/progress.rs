//! Waiting for servers, with a word for those who watch.

use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::time::Duration;

use manyhands::{ServerReport, ServerStatus, Toolkit};

use crate::output::{complaint, dim, green, red, stderr_has_colour, yellow};

/// How long a listing waits for servers when `--wait` does not say.
pub(crate) const WAIT: Duration = Duration::from_secs(15);

/// Waits until every server is ready or has failed, or the time is over; shows each on a terminal.
pub(crate) async fn all_started(kit: &Toolkit, limit: Option<Duration>) {
    let watched = std::io::stderr().is_terminal();
    let waiting = async {
        if watched {
            show_each(kit, |text| complaint(&text)).await;
        } else {
            kit.all_started().await;
        }
    };
    match limit {
        // What is missing then is told from the report.
        Some(limit) => drop(tokio::time::timeout(limit, waiting).await),
        None => waiting.await,
    }
}

/// Prints a line for each server as it comes up or fails, until all have.
pub(crate) async fn show_each(kit: &Toolkit, print: impl Fn(String)) {
    let mut changes = kit.changes();
    let mut shown = HashSet::new();
    loop {
        let report = kit.report();
        let width = report.id_width();
        for server in report
            .servers
            .iter()
            .filter(|server| server.status != ServerStatus::Starting)
        {
            if shown.insert(server.id.clone()) {
                print(one_line(server, width, stderr_has_colour()));
            }
        }
        if shown.len() == report.servers.len() || changes.next().await.is_none() {
            return;
        }
    }
}

/// One server in one line, marked by how it is doing.
pub(crate) fn one_line(server: &ServerReport, width: usize, colour: bool) -> String {
    let mark = match &server.status {
        ServerStatus::Ready => green("✓", colour),
        ServerStatus::Starting => yellow("…", colour),
        ServerStatus::Disabled | ServerStatus::Idle => dim("-", colour),
        _ => red("✗", colour),
    };
    format!("{mark} {:<width$}  {server}", server.id)
}

/// The mark, name and state alone, for when the cause has a line of its own.
pub(crate) fn one_line_of_state(server: &ServerReport, width: usize, colour: bool) -> String {
    format!(
        "{} {:<width$}  {}",
        red("✗", colour),
        server.id,
        server.status.word()
    )
}
