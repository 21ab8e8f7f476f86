//! `import`: what another client knows, in our configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use manyhands_auth::secrets::Keyring;
use manyhands_config::clients::{Client, Found};
use manyhands_config::edit::Original;
use manyhands_config::{Hidden, Source, TakenSecret, take_secrets};
use serde_json::{Value, json};

use crate::args::{ImportArgs, Options, Writing};
use crate::clients::places;
use crate::commands::add::secret_json;
use crate::failure::Failure;
use crate::keeping::Kept;
use crate::target::{Target, checked};
use crate::{difference, output};

/// What became of one server.
struct Outcome {
    name: String,
    result: Result<Taken, String>,
    notes: Vec<String>,
    wanted: Vec<String>,
}

/// A server that was taken over, with the secrets that went to the keyring.
struct Taken {
    word: &'static str,
    secrets: Vec<TakenSecret>,
}

/// Takes over the servers of a client.
pub(crate) async fn run(options: &Options, args: ImportArgs) -> Result<ExitCode, Failure> {
    let files = match args.file {
        Some(file) => vec![file],
        None => existing(args.from)?,
    };
    let mut found = Vec::new();
    for file in &files {
        found.extend(read(args.from, file)?);
    }
    if !args.names.is_empty() {
        known(&args.names, &found)?;
        found.retain(|it| args.names.contains(&it.name));
    }
    let mut target = Target::open(options)?;
    let before = target.draft.text();
    let keyring = Keyring::default();
    let mut kept = Kept::new(&keyring);
    let mut outcomes = Vec::new();
    for found in found {
        let keep = (!args.dry_run && !args.writing.plain).then_some(&mut kept);
        outcomes.push(take(&mut target, found, args.writing, keep).await);
    }
    let after = target.draft.text();
    let is_changed = before != after && !args.dry_run;
    if is_changed && let Err(failure) = target.save() {
        kept.give_up(0).await;
        return Err(failure);
    }
    if options.json {
        let servers: Vec<Value> = outcomes.iter().map(as_json).collect();
        output::json(
            &json!({"read": files, "file": target.path, "dryRun": args.dry_run, "servers": servers}),
        );
    } else {
        if args.dry_run && before != after {
            let all = [&before, &after].map(|text| entries(text));
            let hidden = Hidden::of(&Value::from(all.to_vec()));
            let before = if target.is_new() { "" } else { &before };
            output::line(&difference::unified(
                &target.shown(),
                before,
                &after,
                &hidden,
            ));
        }
        for file in &files {
            let file = output::printable(&file.display().to_string());
            output::line(&format!("from {file}"));
        }
        outcomes.iter().for_each(print);
        summarize(&outcomes, &target, args.dry_run);
    }
    Ok(ExitCode::SUCCESS)
}

/// All entries of a configuration.
fn entries(text: &str) -> Value {
    let draft = manyhands_config::edit::Draft::parse("", text, &manyhands_config::edit::SERVERS);
    let entries = draft.map(|draft| draft.entries()).unwrap_or_default();
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// The client's files that are there.
fn existing(client: Client) -> Result<Vec<PathBuf>, Failure> {
    let places = places().files(client);
    let files: Vec<PathBuf> = places
        .iter()
        .filter(|path| path.is_file())
        .cloned()
        .collect();
    if files.is_empty() {
        let looked: Vec<String> = places
            .iter()
            .map(|it| output::printable(&it.display().to_string()))
            .collect();
        return Err(Failure::usage(format!(
            "failed to find a configuration of {}: there is no {}; name one with `--file FILE`",
            client.name(),
            looked.join(", and no ")
        )));
    }
    Ok(files)
}

fn read(client: Client, file: &Path) -> Result<Vec<Found>, Failure> {
    let original = Original::read(file)?;
    let label = file.display().to_string();
    if !original.exists() {
        let label = output::printable(&label);
        return Err(Failure::usage(format!(
            "failed to read {label}: there is no such file"
        )));
    }
    // Their user's own file is about the project that they are in.
    let source = Source::of_file(file);
    let is_project = file.starts_with(places().folder);
    let folder = if is_project {
        source.folder().to_owned()
    } else {
        places().folder
    };
    Ok(client.read(&label, original.text()?, &folder)?)
}

/// Takes over one server, if nothing speaks against it.
async fn take(
    target: &mut Target,
    found: Found,
    writing: Writing,
    kept: Option<&mut Kept<'_, Keyring>>,
) -> Outcome {
    let Found {
        name,
        entry,
        notes,
        wanted,
        ..
    } = found;
    let result = match entry {
        Ok(entry) => write(target, &name, entry, writing, kept).await,
        Err(why) => Err(why),
    };
    Outcome {
        name,
        result,
        notes,
        wanted,
    }
}

async fn write(
    target: &mut Target,
    name: &str,
    mut entry: Value,
    writing: Writing,
    kept: Option<&mut Kept<'_, Keyring>>,
) -> Result<Taken, String> {
    let there = target.draft.entry(name);
    let id = checked(name, &entry, &target.path)?;
    let found = if writing.plain {
        Default::default()
    } else {
        take_secrets(&id, &mut entry)
    };
    if there.as_ref() == Some(&entry) {
        return Ok(Taken {
            word: "unchanged",
            secrets: Vec::new(),
        });
    }
    if there.is_some() && !writing.force {
        return Err("there is another of that name; replace it with `--force`".to_owned());
    }
    if let Some(path) = found.left.first() {
        return Err(format!(
            "{path} looks like a secret, with a reference in it; `--plain` writes it as it is"
        ));
    }
    let mut draft = target.draft.clone();
    draft.set(name, &entry).map_err(|error| error.to_string())?;
    if let Some(kept) = kept {
        kept.keep(&found.taken, writing.force).await?;
    }
    target.draft = draft;
    let word = if there.is_some() { "replaced" } else { "added" };
    Ok(Taken {
        word,
        secrets: found.taken,
    })
}

/// A name that the client does not know was mistyped.
fn known(names: &[String], found: &[Found]) -> Result<(), Failure> {
    let is_known = |name: &&String| found.iter().any(|it| it.name == **name);
    match names.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::usage(format!(
            "failed to import {}: the client has no server of that name",
            output::printable(&manyhands::clip(name, 80))
        ))),
    }
}

fn print(outcome: &Outcome) {
    let name = output::printable(&manyhands::clip(&outcome.name, 80));
    match &outcome.result {
        Ok(taken) => output::line(&format!("  {:<9}  {name}", taken.word)),
        Err(why) => {
            return output::line(&format!("  left out   {name}: {}", output::printable(why)));
        }
    }
    let detail = |text: &str| output::line(&format!("             {}", output::printable(text)));
    for secret in outcome.result.iter().flat_map(|it| &it.secrets) {
        let TakenSecret {
            path,
            service,
            account,
            ..
        } = secret;
        detail(&format!(
            "{path} goes to the keyring, as {service}/{account}"
        ));
    }
    outcome
        .wanted
        .iter()
        .for_each(|wanted| detail(&format!("still to be given: {wanted}")));
    outcome.notes.iter().for_each(|note| detail(note));
}

fn summarize(outcomes: &[Outcome], target: &Target, dry_run: bool) {
    let count = |word: &str| {
        outcomes
            .iter()
            .filter(|it| it.result.as_ref().is_ok_and(|it| it.word == word))
            .count()
    };
    let left = outcomes.iter().filter(|it| it.result.is_err()).count();
    let counts = [
        (count("added"), "added"),
        (count("replaced"), "replaced"),
        (count("unchanged"), "unchanged"),
        (left, "left out"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let mut told: Vec<String> = counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if told.is_empty() {
        told.push("no servers there".to_owned());
    }
    let nothing = if dry_run { "; nothing was written" } else { "" };
    output::line(&format!(
        "{}, in {}{nothing}",
        told.join(", "),
        target.shown()
    ));
}

fn as_json(outcome: &Outcome) -> Value {
    let taken = outcome.result.as_ref().ok();
    let secrets: Vec<Value> = taken
        .iter()
        .flat_map(|it| &it.secrets)
        .map(secret_json)
        .collect();
    json!({
        "name": outcome.name,
        "result": taken.map_or("left out", |it| it.word),
        "cause": outcome.result.as_ref().err(),
        "notes": outcome.notes,
        "wanted": outcome.wanted,
        "secrets": secrets,
    })
}
