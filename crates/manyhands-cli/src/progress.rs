//! Waiting for servers, with a word for those who watch.

use std::collections::HashSet;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use manyhands::{CallEvent, ServerReport, ServerStatus, Toolkit, clip};

use crate::output::{complaint, dim, green, printable, red, stderr_has_colour, yellow};

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

/// Shows on a terminal what a server says of a call under way, a few lines a second at most.
pub(crate) fn shown_to_watchers() -> impl Fn(CallEvent) + Send + Sync + 'static {
    const RHYTHM: Duration = Duration::from_millis(200);
    let watched = std::io::stderr().is_terminal();
    let last = Mutex::new(None::<Instant>);
    move |event| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let soon = last.is_some_and(|last| last.elapsed() < RHYTHM);
        if let Some(text) = told(&event).filter(|_| watched && !soon) {
            complaint(&dim(&format!("  {text}"), stderr_has_colour()));
            *last = Some(Instant::now());
        }
    }
}

/// An event as a line for people; none where it says nothing.
fn told(event: &CallEvent) -> Option<String> {
    let text = match event {
        CallEvent::Progress {
            progress,
            total,
            message,
        } => {
            let count = match total {
                Some(total) => format!("{progress} of {total}"),
                None => format!("{progress}"),
            };
            match message {
                Some(message) => format!("{count}: {message}"),
                None => count,
            }
        }
        CallEvent::Log { level, data, .. } => match data.as_str() {
            Some(text) => format!("{level}: {text}"),
            None => format!("{level}: {data}"),
        },
        _ => return None,
    };
    Some(printable(&clip(&text, 200)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_lines_that_obey_no_server() {
        let progress = |total, message: Option<&str>| CallEvent::Progress {
            progress: 3.0,
            total,
            message: message.map(str::to_owned),
        };
        let log = |data| CallEvent::Log {
            level: "warning".to_owned(),
            logger: None,
            data,
        };
        for (event, text) in [
            (progress(None, None), "3"),
            (progress(Some(4.5), Some("indexing")), "3 of 4.5: indexing"),
            (
                log(json!("disk \u{1b}[31mfull")),
                "warning: disk \\u{1b}[31mfull",
            ),
            (log(json!({"a": 1})), "warning: {\"a\":1}"),
        ] {
            assert_eq!(told(&event).as_deref(), Some(text));
        }
    }
}
