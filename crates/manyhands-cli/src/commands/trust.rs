//! `trust`: a configuration that came with a project is looked at, and allowed as it is now.

use std::path::PathBuf;
use std::process::ExitCode;

use manyhands::{Config, EmbeddingSettings};
use manyhands_config::{ConfigFile, Deferred, Endpoint, EntryError, Environment, Part, SecretUse};

use crate::as_written::AsWritten;
use crate::failure::{Failure, with_sources};
use crate::load::{Configuration, located, trust_store};
use crate::output;

/// Pins the file's content as trusted, or takes that back.
pub(crate) fn run(file: Option<PathBuf>, revoke: bool) -> Result<ExitCode, Failure> {
    let path = match file {
        Some(path) => path,
        None => located()?.path,
    };
    let store = trust_store()?;
    let failed = |error| Failure::usage(with_sources(&error));
    if revoke {
        let was = store.revoke(&path).map_err(failed)?;
        let shown = path.display();
        output::line(&if was {
            format!("no longer trusted: {shown}")
        } else {
            format!("was not trusted: {shown}")
        });
        return Ok(ExitCode::SUCCESS);
    }
    let file = ConfigFile::read(&path, &Environment)?;
    let config: Configuration = Config::resolve(&file, &AsWritten)?;
    output::line(&format!("{} may now start or reach:", path.display()));
    for server in &config.servers {
        let what = match &server.definition {
            Ok(definition) if server.disabled => {
                format!("{} (switched off)", endpoint(&definition.endpoint))
            }
            Ok(definition) => endpoint(&definition.endpoint),
            Err(error) => format!("nothing yet: {}", error.cause()),
        };
        output::line(&format!("  {:<16} {}", server.id, output::printable(&what)));
        let deferred = server.definition.as_ref().ok();
        let deferred = deferred.and_then(|it| it.deferred.as_ref());
        tell_of_secrets(deferred.map(Deferred::uses));
    }
    if let Some(part) = &config.embeddings {
        tell_of_embedder(part);
    }
    let pin = store.trust(&file).map_err(failed)?;
    output::line(&format!(
        "trusted as it is now ({pin}); any change to it asks again"
    ));
    Ok(ExitCode::SUCCESS)
}

/// A secret may be what a command prints, which is a program that is started too.
fn tell_of_secrets(secrets: Option<&[SecretUse]>) {
    for secret in secrets.into_iter().flatten() {
        let what = format!("and the secret {}", secret.reference);
        output::line(&format!("  {:<16} {}", "", output::printable(&what)));
    }
}

/// What is told of every tool.
fn tell_of_embedder(part: &Result<Part, EntryError>) {
    let part = part.as_ref().map_err(Clone::clone);
    let read = part.and_then(|it| Ok((it, it.read::<EmbeddingSettings>()?)));
    let what = match &read {
        Ok((_, settings)) => format!(
            "{}, with the names and descriptions of all tools",
            settings.url
        ),
        Err(error) => format!("nothing yet: {}", error.cause()),
    };
    output::line(&format!(
        "  {:<16} {}",
        "embeddings",
        output::printable(&what)
    ));
    let deferred = read.ok().and_then(|(part, _)| part.deferred.as_ref());
    tell_of_secrets(deferred.map(Deferred::uses));
}

/// What an entry runs or reaches, with everything that decides what that means.
fn endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Stdio(child) => {
            let words = std::iter::once(&child.command).chain(&child.args);
            let mut text = words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            if !child.env.is_empty() {
                let set = child.env.iter().map(|(name, value)| variable(name, value));
                text.push_str(&format!(", with {}", set.collect::<Vec<_>>().join(" ")));
            }
            if let Some(cwd) = &child.cwd {
                text.push_str(&format!(", in {}", cwd.display()));
            }
            text
        }
        Endpoint::Http(remote) if remote.headers.is_empty() => remote.url.clone(),
        Endpoint::Http(remote) => {
            let names: Vec<&str> = remote.headers.keys().map(String::as_str).collect();
            format!("{}, with the headers {}", remote.url, names.join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// A variable that is set: its value too where it decides what is run, and only its name where it may be a secret.
fn variable(name: &str, value: &str) -> String {
    const DECIDE: &[&str] = &[
        "PATH",
        "LD_",
        "DYLD_",
        "NODE_OPTIONS",
        "NODE_PATH",
        "PYTHON",
        "RUBY",
        "PERL5",
        "JAVA_TOOL_OPTIONS",
        "GIT_",
        "BASH_ENV",
        "NPM_CONFIG_",
    ];
    let upper = name.to_ascii_uppercase();
    let decides = DECIDE.iter().any(|known| upper.starts_with(known));
    if decides {
        format!("{name}={}", quoted(value))
    } else {
        name.to_owned()
    }
}

/// A word as a shell would need it, so that it is clear where it ends.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,${}~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
