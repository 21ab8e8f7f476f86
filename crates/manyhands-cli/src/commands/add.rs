//! `add`: one more server in the configuration.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use manyhands::HttpSettings;
use manyhands_auth::secrets::Keyring;
use manyhands_config::edit::Original;
use manyhands_config::{TakenSecret, TakenSecrets, server_json, take_secrets};
use serde_json::{Map, Value, json};

use crate::args::{AddArgs, Options, Writing};
use crate::failure::{Failure, UNAVAILABLE};
use crate::keeping::Kept;
use crate::output;
use crate::target::{Target, checked};

/// The largest description that is read from standard input, in bytes.
const MAX_DESCRIPTION: u64 = 1 << 20;

/// Adds the server that the command line describes.
pub(crate) async fn run(options: &Options, args: AddArgs) -> Result<ExitCode, Failure> {
    let described = match &args.server_json {
        Some(place) => described(place, &args).await?,
        None => (entry(&args)?, Vec::new(), Vec::new()),
    };
    write(options, &args.name, described, args.writing).await?;
    Ok(ExitCode::SUCCESS)
}

/// An entry, what it wants yet, and what else there is to say of it.
type Described = (Value, Vec<(String, String)>, Vec<String>);

/// Reads a `server.json`: a file, standard input, or what is at a URL.
async fn described(place: &Path, args: &AddArgs) -> Result<Described, Failure> {
    let label = output::printable(&place.display().to_string());
    let failed = |what: String| Failure::usage(format!("failed to read {label}: {what}"));
    let text = if place == Path::new("-") {
        let mut text = String::new();
        let mut input = std::io::stdin().lock().take(MAX_DESCRIPTION);
        let read = input.read_to_string(&mut text);
        read.map_err(|_| failed("it is no text".to_owned()))?;
        text
    } else if label.starts_with("http://") || label.starts_with("https://") {
        fetched(&label).await?
    } else {
        let original = Original::read(place)?;
        if !original.exists() {
            return Err(failed("there is no such file".to_owned()));
        }
        original.text()?.to_owned()
    };
    let described = server_json::describe(&text, &args.name, args.package.as_deref());
    let described = described.map_err(failed)?;
    Ok((described.entry, described.wanted, described.notes))
}

async fn fetched(url: &str) -> Result<String, Failure> {
    HttpSettings::new(url).read_text().await.map_err(|error| {
        let mend = error.mend().map(|mend| format!("; {mend}"));
        let text = format!("failed to fetch it: {error}{}", mend.unwrap_or_default());
        Failure::new(text, UNAVAILABLE)
    })
}

/// What has to be given, with what its author says of it.
fn wish((reference, description): &(String, String)) -> String {
    if description.is_empty() {
        reference.clone()
    } else {
        format!("{reference} ({description})")
    }
}

/// Writes one entry into the configuration, its secrets into the keyring, and tells of both.
async fn write(
    options: &Options,
    name: &str,
    (mut entry, wanted, notes): Described,
    writing: Writing,
) -> Result<(), Failure> {
    let mut target = Target::open(options)?;
    let shown = output::printable(&manyhands::clip(name, 80));
    let replaces = target.draft.entry(name).is_some();
    if replaces && !writing.force {
        return Err(Failure::usage(format!(
            "failed to add {shown}: {} has a server of that name; replace it with `--force`",
            target.shown()
        )));
    }
    let failed = |why| Failure::usage(format!("failed to add {shown}: {why}"));
    let id = checked(name, &entry, &target.path).map_err(failed)?;
    let taken = if writing.plain {
        Vec::new()
    } else {
        all_taken(take_secrets(&id, &mut entry))?
    };
    target.draft.set(name, &entry)?;
    let keyring = Keyring::default();
    let mut kept = Kept::new(&keyring);
    let done = kept.keep(&taken, writing.force).await;
    done.map_err(|why| Failure::usage(format!("failed to add {shown}: {why}")))?;
    if let Err(failure) = target.save() {
        kept.give_up(0).await;
        return Err(failure);
    }
    let wanted: Vec<String> = wanted.iter().map(wish).collect();
    if options.json {
        let secrets: Vec<Value> = taken.iter().map(secret_json).collect();
        output::json(
            &json!({"server": id, "key": name, "file": target.path, "replaced": replaces, "secrets": secrets, "wanted": wanted, "notes": notes}),
        );
        return Ok(());
    }
    let verb = if replaces { "replaced" } else { "added" };
    let created = if target.is_new() { ", a new file" } else { "" };
    output::line(&format!("{verb} {shown} in {}{created}", target.shown()));
    if id.as_str() != name {
        output::line(&format!("  it is called {id} here"));
    }
    taken.iter().for_each(tell);
    let details = wanted.iter().map(|it| format!("still to be given: {it}"));
    for detail in details.chain(notes) {
        output::line(&format!("  {}", output::printable(&detail)));
    }
    Ok(())
}

/// Tells where a secret is now.
pub(crate) fn tell(secret: &TakenSecret) {
    let TakenSecret {
        path,
        service,
        account,
        ..
    } = secret;
    let path = output::printable(path);
    output::line(&format!(
        "  {path} is in the keyring, as {service}/{account}"
    ));
}

pub(crate) fn secret_json(secret: &TakenSecret) -> Value {
    json!({"path": secret.path, "reference": format!("keyring:{}/{}", secret.service, secret.account)})
}

/// The secrets of an entry, unless one cannot be kept.
fn all_taken(secrets: TakenSecrets) -> Result<Vec<TakenSecret>, Failure> {
    match secrets.left.first() {
        None => Ok(secrets.taken),
        Some(path) => Err(Failure::usage(format!(
            "failed to keep {} in the keyring: it looks like a secret, with a reference in it; write the secret as a \
             reference of its own, or have it in the file as it is with `--plain`",
            output::printable(path)
        ))),
    }
}

/// The entry that the command line describes.
fn entry(args: &AddArgs) -> Result<Value, Failure> {
    let mut entry = Map::new();
    if let Some(kind) = &args.kind {
        entry.insert("type".to_owned(), kind.as_str().into());
    }
    if let Some(url) = &args.url {
        entry.insert("url".to_owned(), url.as_str().into());
    }
    if let Some((program, rest)) = args.command.split_first() {
        entry.insert("command".to_owned(), program.as_str().into());
        if !rest.is_empty() {
            entry.insert("args".to_owned(), rest.into());
        }
    }
    let texts = [
        ("env", pairs("--env", &args.env, &['='])?),
        ("headers", pairs("--header", &args.headers, &['=', ':'])?),
    ];
    let given = texts.into_iter().filter(|(_, pairs)| !pairs.is_empty());
    entry.extend(given.map(|(key, pairs)| (key.to_owned(), Value::Object(pairs))));
    Ok(Value::Object(entry))
}

/// Takes `NAME=VALUE` apart. What is wrong is told without its value.
fn pairs(
    option: &str,
    given: &[String],
    separators: &[char],
) -> Result<Map<String, Value>, Failure> {
    let mut pairs = Map::new();
    for text in given {
        let pair = text
            .split_once(separators)
            .filter(|(name, _)| !name.trim().is_empty());
        let Some((name, value)) = pair else {
            return Err(Failure::usage(format!(
                "failed to read {option}: write it as NAME=VALUE"
            )));
        };
        let value = if separators.len() > 1 {
            value.trim_start()
        } else {
            value
        };
        if pairs.insert(name.trim().to_owned(), value.into()).is_some() {
            let name = output::printable(&manyhands::clip(name, 80));
            return Err(Failure::usage(format!(
                "failed to read {option}: {name} is there twice"
            )));
        }
    }
    Ok(pairs)
}
