//! `pins`: which tools are no longer what was approved, what changed in them, and approving that.

use std::collections::BTreeMap;
use std::process::ExitCode;

use manyhands::{Changed, PinReport, Pinning, Report, ServerStatus, clip, nearest};
use manyhands_registry::{Lock, LockFile};
use serde_json::{Value, json};

use crate::args::{Options, PinsCommand};
use crate::commands::list::{missing_json, say_missing};
use crate::failure::{Failure, REFUSED, UNAVAILABLE};
use crate::output::{self, bold, stdout_has_colour};
use crate::{load, progress};

pub(crate) async fn run(
    options: &Options,
    command: Option<PinsCommand>,
) -> Result<ExitCode, Failure> {
    match command {
        None => list(options).await,
        Some(PinsCommand::Diff { names }) => diff(options, &names).await,
        Some(PinsCommand::Approve { names, all: _ }) => approve(options, &names).await,
        Some(PinsCommand::Forget { names }) => forget(options, &names),
    }
}

/// What servers offer now beside what is in the file.
struct Compared {
    file: LockFile,
    lock: Lock,
    exists: bool,
    setting: Option<Pinning>,
    report: PinReport,
    servers: Report,
    missing: Value,
}

/// A tool's name, where it stands, and what changed.
type Row<'c> = (String, Standing, Option<&'c Changed>);

/// Where a tool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Changed,
    New,
    Missing,
    Unasked,
    Pinned,
}

impl Standing {
    const ALL: [Self; 5] = [
        Self::Pinned,
        Self::Changed,
        Self::New,
        Self::Missing,
        Self::Unasked,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::New => "new",
            Self::Missing => "missing",
            Self::Unasked => "unasked",
            Self::Pinned => "pinned",
        }
    }
}

impl Compared {
    /// Starts the servers of these names, or all, and compares what they offer. Nothing is pinned by that.
    async fn new(options: &Options, names: &[String]) -> Result<Self, Failure> {
        let (builder, file, setting) = load::unpinned_builder(options)?;
        let pinned = file.read().map_err(|error| unusable(&error))?;
        let mut named: Vec<_> = names.iter().map(|name| name.split_once('.')).collect();
        named.dedup_by_key(|it| it.map(|(server, _)| server));
        let only = match &named[..] {
            [Some((server, _))] => builder.ids().find(|id| id.as_str() == *server).cloned(),
            _ => None,
        };
        let builder = match only {
            Some(id) => builder.only(&id),
            None => builder,
        };
        let kit = builder.start();
        progress::all_started(&kit, Some(options.wait.unwrap_or(progress::WAIT))).await;
        let catalogue = kit.catalogue();
        if names.is_empty() {
            say_missing(&kit, options, "tool", catalogue.tools().count());
        }
        let (servers, missing) = (kit.report(), missing_json(&kit));
        kit.close().await;
        let exists = pinned.is_some();
        let lock = pinned.unwrap_or_default();
        let report = lock.compare(&catalogue);
        Ok(Self {
            file,
            lock,
            exists,
            setting,
            report,
            servers,
            missing,
        })
    }

    /// Every tool that is pinned or offered, in order of its name, with what changed.
    fn standings(&self) -> BTreeMap<String, (Standing, Option<&Changed>)> {
        let asked = |server: &str| {
            let server = self.servers.server(server);
            server.is_some_and(|it| it.status == ServerStatus::Ready)
        };
        let pinned = self.lock.pins().map(|(name, _)| {
            let standing = match asked(name.server().as_str()) {
                true => Standing::Pinned,
                false => Standing::Unasked,
            };
            (name.to_string(), (standing, None))
        });
        let mut standings: BTreeMap<_, _> = pinned.collect();
        let missing = self.report.missing.iter();
        standings.extend(missing.map(|it| (it.to_string(), (Standing::Missing, None))));
        for (standing, tools) in [
            (Standing::New, &self.report.new),
            (Standing::Changed, &self.report.changed),
        ] {
            let named = |it: &Changed| it.name().to_string();
            standings.extend(tools.iter().map(|it| (named(it), (standing, Some(it)))));
        }
        standings
    }

    /// Where these tools stand, or all that changed where none is named.
    fn chosen(&self, names: &[String]) -> Result<Vec<Row<'_>>, Failure> {
        let standings = self.standings();
        if names.is_empty() {
            let changed = self.report.changed.iter();
            let changed = changed.map(|it| (it.name().to_string(), Standing::Changed, Some(it)));
            return Ok(changed.collect());
        }
        let found = names.iter().map(|name| match standings.get(name) {
            Some((Standing::Unasked, _)) => Err(self.no_answer(name)),
            Some((standing, changed)) => Ok((name.clone(), *standing, *changed)),
            None => Err(unknown(name, standings.keys().map(String::as_str))),
        });
        found.collect()
    }

    fn no_answer(&self, name: &str) -> Failure {
        let server = name
            .split_once('.')
            .and_then(|(id, _)| self.servers.server(id));
        let why = server.map_or_else(
            || "its server is not in the configuration".to_owned(),
            ToString::to_string,
        );
        let name = output::printable(&clip(name, 200));
        Failure::new(format!("failed to compare {name}: {why}"), UNAVAILABLE)
    }

    fn shown_file(&self) -> String {
        shown(&self.file)
    }

    /// 1 where a change waits for approval, else 3 where somebody could not be asked.
    fn code(&self) -> ExitCode {
        let unwell = |it: &ServerStatus| it.is_failure() || *it == ServerStatus::Starting;
        if !self.report.changed.is_empty() {
            ExitCode::from(REFUSED)
        } else if self.servers.servers.iter().any(|it| unwell(&it.status)) {
            ExitCode::from(UNAVAILABLE)
        } else {
            ExitCode::SUCCESS
        }
    }
}

async fn list(options: &Options) -> Result<ExitCode, Failure> {
    let compared = Compared::new(options, &[]).await?;
    let standings = compared.standings();
    let counts = Standing::ALL.map(|standing| {
        let of_it = standings.values().filter(|(it, _)| *it == standing);
        (standing.word(), of_it.count())
    });
    if options.json {
        let tools: Vec<Value> = standings
            .iter()
            .map(|(name, (standing, changed))| as_json(name, *standing, *changed))
            .collect();
        let counts: serde_json::Map<String, Value> = counts
            .map(|(word, count)| (word.to_owned(), count.into()))
            .into_iter()
            .collect();
        output::json(&json!({
            "file": compared.file.path(),
            "exists": compared.exists,
            "setting": compared.setting,
            "tools": tools,
            "counts": counts,
            "missing": compared.missing,
        }));
        return Ok(compared.code());
    }
    let rows: Vec<(String, String)> = standings
        .iter()
        .map(|(name, (standing, changed))| {
            let summary = changed.filter(|_| *standing == Standing::Changed);
            let summary = summary.map_or_else(String::new, |it| format!("  {}", it.summary()));
            let text = format!("{}{summary}", standing.word());
            (output::printable(name), text)
        })
        .collect();
    output::two_columns(&rows);
    let counted = counts.iter().filter(|(_, count)| *count > 0);
    let counted: Vec<String> = counted
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if !counted.is_empty() {
        output::line(&format!("\n{}", counted.join(", ")));
    }
    advise(&compared);
    Ok(compared.code())
}

/// Says what to do next.
fn advise(compared: &Compared) {
    let file = compared.shown_file();
    if !compared.exists {
        output::line(&format!(
            "nothing is pinned yet; `manyhands pins approve --all` pins all tools as they are now, in {file}, to be committed"
        ));
    } else if !compared.report.changed.is_empty() {
        output::line(
            "see what changed with `manyhands pins diff`; approve it with `manyhands pins approve NAME`, or `--all`",
        );
        if compared.setting != Some(Pinning::Block) {
            output::line(
                "these tools can be called all the same; `\"manyhands\": {\"pins\": \"block\"}` keeps them back",
            );
        }
    }
    if compared.exists && compared.setting == Some(Pinning::Off) {
        output::line(
            "pins are switched off in the configuration: remove `\"pins\": \"off\"` there to have them heeded",
        );
    }
}

async fn diff(options: &Options, names: &[String]) -> Result<ExitCode, Failure> {
    let compared = Compared::new(options, names).await?;
    let chosen = compared.chosen(names)?;
    if options.json {
        let tools = chosen
            .iter()
            .map(|(name, standing, changed)| as_json(name, *standing, *changed));
        output::json(&json!({"tools": tools.collect::<Vec<_>>(), "missing": compared.missing}));
    } else if chosen.is_empty() {
        output::line("no tool has changed since it was approved");
    } else {
        for (name, standing, changed) in &chosen {
            let name = output::printable(name);
            match (standing, changed) {
                (Standing::Changed, Some(changed)) => show(changed),
                (Standing::New, _) => output::line(&format!(
                    "{name} is new, so there is nothing to compare it with"
                )),
                (Standing::Missing, _) => output::line(&format!(
                    "{name} is pinned, and its server offers it no more"
                )),
                _ => output::line(&format!("{name} has not changed since it was approved")),
            }
        }
    }
    let waits = chosen
        .iter()
        .any(|(_, standing, _)| *standing == Standing::Changed);
    Ok(if waits {
        ExitCode::from(REFUSED)
    } else {
        ExitCode::SUCCESS
    })
}

/// Approves these tools, or all that are changed or new where none is named.
async fn approve(options: &Options, names: &[String]) -> Result<ExitCode, Failure> {
    let compared = Compared::new(options, names).await?;
    let report = &compared.report;
    let mut approved: Vec<&Changed> = Vec::new();
    if names.is_empty() {
        approved.extend(report.changed.iter().chain(&report.new));
    }
    for (name, standing, changed) in compared.chosen(names)?.iter().filter(|_| !names.is_empty()) {
        match changed {
            Some(changed) => approved.push(changed),
            None if *standing == Standing::Missing => {
                return Err(Failure::usage(format!(
                    "failed to approve {}: its server offers it no more; `manyhands pins forget` takes it out",
                    output::printable(name)
                )));
            }
            None => output::note(&format!("{} is pinned as it is", output::printable(name))),
        }
    }
    let wanted: Vec<String> = approved.iter().map(|it| it.name().to_string()).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    if !wanted.is_empty() {
        let (_, done) = compared
            .file
            .change(|lock| lock.approve(report, &wanted))
            .map_err(|error| unusable(&error))?;
        done.map_err(|error| Failure::usage(format!("failed to {error}")))?;
    }
    if options.json {
        output::json(&json!({"approved": wanted, "file": compared.file.path()}));
        return Ok(ExitCode::SUCCESS);
    }
    approved.iter().for_each(|it| show(it));
    let file = compared.shown_file();
    output::line(&match wanted.len() {
        0 => "there is nothing to approve".to_owned(),
        1 => format!("approved 1 tool as it is now, in {file}"),
        count => format!("approved {count} tools as they are now, in {file}"),
    });
    Ok(ExitCode::SUCCESS)
}

/// Takes tools out of the file, all of them or none. No server is started.
fn forget(options: &Options, names: &[String]) -> Result<ExitCode, Failure> {
    let (_, file, _) = load::unpinned_builder(options)?;
    let (_, done) = file
        .change(|lock| {
            let pins: BTreeMap<_, _> = lock
                .pins()
                .map(|(name, _)| (name.to_string(), name))
                .collect();
            let found = names.iter().map(|name| {
                let pinned = pins.get(name).cloned();
                pinned.ok_or_else(|| unknown(name, pins.keys().map(String::as_str)))
            });
            for name in found.collect::<Result<Vec<_>, _>>()? {
                lock.forget(&name);
            }
            Ok::<_, Failure>(())
        })
        .map_err(|error| unusable(&error))?;
    done?;
    if options.json {
        output::json(&json!({"forgotten": names, "file": file.path()}));
    } else {
        let what = match names.len() {
            1 => "1 tool".to_owned(),
            count => format!("{count} tools"),
        };
        output::line(&format!(
            "forgot {what} in {}; what is seen next under such a name is pinned",
            shown(&file)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(changed: &Changed) {
    let text = changed.to_string();
    let (name, differences) = text.split_once('\n').unwrap_or((&text, "  is new"));
    output::line(&format!(
        "{}\n{differences}",
        bold(name, stdout_has_colour())
    ));
}

fn as_json(name: &str, standing: Standing, changed: Option<&Changed>) -> Value {
    let differences = changed.map_or_else(Vec::new, differences);
    json!({"name": name, "state": standing.word(), "differences": differences})
}

/// What changed, as programs get it: nothing of a server in it that a terminal would obey.
pub(super) fn differences(changed: &Changed) -> Vec<String> {
    changed
        .differences()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn shown(file: &LockFile) -> String {
    output::printable(&file.path().display().to_string())
}

fn unusable(error: &manyhands_registry::LockFileError) -> Failure {
    Failure::usage(format!("failed to {error}"))
}

fn unknown<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Failure {
    let help = match nearest(name, known).first() {
        Some(near) => format!("did you mean {near}?"),
        None => "`manyhands pins` lists what there is".to_owned(),
    };
    let name = clip(name, 200);
    Failure::usage(output::printable(&format!(
        "failed to find the tool {name}: no server offers it, and it is not pinned; {help}"
    )))
}
