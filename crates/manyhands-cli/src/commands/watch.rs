//! `doctor --watch`: how every server is doing, told for as long as somebody looks: a picture that is drawn anew on a
//! terminal, and elsewhere a line for each turn.

use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use manyhands::{
    ProbeSettings, Probing, Report, ServerReport, ServerSettings, ServerStatus, Toolkit,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::args::Options;
use crate::commands::doctor;
use crate::failure::Failure;
use crate::output::{self, dim, green, red, stdout_has_colour, yellow};
use crate::{interrupted, load};

/// No picture is drawn, and no server asked, more often than this.
const SOONEST: Duration = Duration::from_secs(1);

/// Watches every server of the configuration until it is interrupted.
pub(crate) async fn run(options: &Options, every: Duration) -> Result<ExitCode, Failure> {
    let every = every.max(SOONEST);
    let builder = load::lasting_builder(options)?;
    let kit = builder.servers(|it| asked_every(it, every)).start();
    let watching = async {
        match std::io::stdout().is_terminal() && !options.json {
            true => draw(&kit, every).await,
            false => tell(&kit, options.json).await,
        }
    };
    tokio::select! {
        () = watching => {}
        _ = interrupted() => {}
    }
    let report = kit.report();
    kit.close().await;
    if std::io::stdout().is_terminal() && !options.json {
        output::line(&picture(&report, stdout_has_colour()).join("\n"));
    }
    Ok(doctor::exit_code(&report))
}

/// Who watches wants to see a server fail while nobody calls it. What the configuration says of probes holds.
fn asked_every(mut settings: ServerSettings, every: Duration) -> ServerSettings {
    if settings.probe == Probing::ByTransport {
        settings.probe = Probing::Set(ProbeSettings::default().with_every(every));
    }
    settings
}

/// Draws a picture of all servers, and the next one over it.
async fn draw(kit: &Toolkit, every: Duration) {
    let screen = Screen::open();
    let mut changes = kit.changes();
    loop {
        screen.show(&picture(&kit.report(), stdout_has_colour()));
        tokio::select! {
            () = sleep(every) => {}
            change = changes.next() => if change.is_none() {
                return;
            },
        }
    }
}

/// Prints a line whenever a server is in another state than before, or for another reason.
async fn tell(kit: &Toolkit, json: bool) {
    let mut changes = kit.changes();
    let mut told = HashMap::new();
    loop {
        let report = kit.report();
        let width = report.id_width();
        for server in &report.servers {
            let status = &server.status;
            let now = (status.word(), status.cause().map(str::to_owned));
            if told.insert(server.id.clone(), now.clone()) != Some(now) {
                let at = humantime::format_rfc3339_seconds(SystemTime::now());
                match json {
                    true => output::line(&in_json(server, &at.to_string()).to_string()),
                    false => output::line(&format!("{at}  {}", row(server, width, false))),
                }
            }
        }
        if changes.next().await.is_none() {
            return;
        }
    }
}

fn in_json(server: &ServerReport, at: &str) -> Value {
    let mut document = doctor::as_json(server);
    if let Some(document) = document.as_object_mut() {
        document.insert("at".to_owned(), json!(at));
    }
    document
}

/// All servers, a line each, and what they come to.
fn picture(report: &Report, colour: bool) -> Vec<String> {
    let width = report.id_width();
    let mut lines: Vec<String> = report
        .servers
        .iter()
        .map(|server| row(server, width, colour))
        .collect();
    lines.push(String::new());
    lines.push(doctor::summary(&report.servers));
    lines
}

/// One server: its mark, name and state, how its last probe went, and what there is to say.
fn row(server: &ServerReport, width: usize, colour: bool) -> String {
    let status = &server.status;
    let mark = match status {
        ServerStatus::Ready => green("✓", colour),
        ServerStatus::Starting => yellow("…", colour),
        status if status.is_failure() => red("✗", colour),
        _ => dim("-", colour),
    };
    let mut text = format!(
        "{mark} {:<width$}  {:<10}  {server}",
        server.id,
        status.word()
    );
    let asked = server
        .probe
        .as_ref()
        .filter(|_| *status == ServerStatus::Ready);
    if let Some(probe) = asked {
        let took = manyhands::Rounded(probe.took);
        text.push_str(&dim(&format!("  answered a probe in {took}"), colour));
    }
    if let Some(wait) = server.retry_in {
        // Rounded up, so that the time is never given too early.
        text.push_str(&format!("; next try in {} s", wait.as_secs_f64().ceil()));
    }
    text
}

/// A terminal's second screen, as long as this is kept.
struct Screen;

impl Screen {
    fn open() -> Self {
        // The cursor is hidden, and long lines are cut, since a line that is wrapped would tear the picture.
        write("\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l");
        Self
    }

    /// Draws over what is there, in one piece, and clears only what is left over: nothing flickers.
    fn show(&self, lines: &[String]) {
        let body: String = lines
            .iter()
            .map(|line| format!("{line}\u{1b}[K\r\n"))
            .collect();
        write(&format!("\u{1b}[H{body}\u{1b}[J"));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        write("\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l");
    }
}

fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    // A terminal that has gone away shows nothing.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
