//! `list`: what the configuration says of its servers, without starting any.

use std::process::ExitCode;

use manyhands::{Config, ServerSection};
use manyhands_config::{ConfigFile, EntryError, ServerEntry};
use serde_json::{Value, json};

use crate::args::Options;
use crate::as_written::AsWritten;
use crate::failure::Failure;
use crate::load::{Configuration, located};
use crate::{output, shown};

/// Lists the servers of the configuration that is used here.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let path = match &options.config {
        Some(path) => path.clone(),
        None => located()?.path,
    };
    let file = ConfigFile::read(&path, &AsWritten)?;
    let config: Configuration = Config::resolve(&file, &AsWritten)?;
    if options.json {
        let servers: Vec<Value> = config.servers.iter().map(as_json).collect();
        output::json(&json!({"file": path, "servers": servers}));
        return Ok(ExitCode::SUCCESS);
    }
    config
        .warnings
        .iter()
        .for_each(|warning| output::note(&warning.to_string()));
    let (own, included): (Vec<_>, Vec<_>) = config.servers.iter().partition(|it| it.file.is_none());
    output::line(&output::printable(&path.display().to_string()));
    if config.servers.is_empty() {
        output::line("  no servers; add one with `manyhands add`");
    }
    print(&own);
    for group in included.chunk_by(|left, right| left.file == right.file) {
        let first = group.first();
        let file = first.and_then(|it| it.file.as_deref()).unwrap_or_default();
        let owner = first.and_then(|it| it.owner.as_deref());
        let owner = owner
            .map(|owner| format!(", of {owner}"))
            .unwrap_or_default();
        output::line(&output::printable(&format!("{file}{owner}")));
        print(group);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(servers: &[&ServerEntry<ServerSection>]) {
    let rows: Vec<_> = servers.iter().map(|server| row(server)).collect();
    output::two_columns(&rows);
}

fn row(server: &ServerEntry<ServerSection>) -> (String, String) {
    let off = if server.disabled {
        "(switched off) "
    } else {
        ""
    };
    let what = match &server.definition {
        Ok(definition) => {
            let (kind, what) = shown::endpoint(&server.id, &definition.endpoint);
            format!("{kind:<5}  {off}{what}")
        }
        Err(error) => format!("broken {off}{}", output::printable(error.cause())),
    };
    (format!("  {}", server.id), what)
}

fn as_json(server: &ServerEntry<ServerSection>) -> Value {
    let endpoint = server.definition.as_ref().ok();
    let endpoint = endpoint.map(|it| shown::endpoint(&server.id, &it.endpoint));
    let (kind, what) = endpoint.unzip();
    let error = server.definition.as_ref().err();
    json!({
        "id": server.id,
        "key": server.key,
        "kind": kind,
        "endpoint": what,
        "disabled": server.disabled,
        "includedFrom": server.file,
        "owner": server.owner,
        "cause": error.map(EntryError::cause),
        "mend": error.and_then(EntryError::mend),
    })
}
