//! `remove`: one server less in the configuration.

use std::process::ExitCode;

use manyhands::{Config, ServerSection};
use manyhands_config::{Deferred, ServerDefinition, Source};
use serde_json::json;

use crate::args::Options;
use crate::as_written::AsWritten;
use crate::failure::Failure;
use crate::load::Configuration;
use crate::target::Target;
use crate::{output, shown};

/// Removes a server, and says what it was.
pub(crate) fn run(options: &Options, name: &str) -> Result<ExitCode, Failure> {
    let mut target = Target::open(options)?;
    let source = Source::of_file(&target.path);
    let config: Configuration = Config::from_json(&target.draft.text(), &source, &AsWritten)?;
    let is_meant = |key: &str, id: &str| key == name || id == name;
    let mut servers = config.servers.into_iter();
    let Some(server) = servers.find(|it| is_meant(&it.key, it.id.as_str())) else {
        return Err(target.draft.missing(name).into());
    };
    if let Some(file) = &server.file {
        return Err(Failure::usage(format!(
            "failed to remove {}: it stands in {file}, which is included; name that file with `--config`",
            server.id
        )));
    }
    if !target.draft.remove(&server.key)? {
        return Err(target.draft.missing(name).into());
    }
    target.save()?;
    let name = server.key;
    let definition = server.definition.ok().map(|it| (server.id, it));
    let kept: Vec<String> = definition
        .iter()
        .flat_map(|(_, it)| in_keyring(it))
        .collect();
    let what = definition.map(|(id, it)| shown::endpoint(&id, &it.endpoint).1);
    if options.json {
        output::json(
            &json!({"key": name, "file": target.path, "endpoint": what, "keptSecrets": kept}),
        );
        return Ok(ExitCode::SUCCESS);
    }
    let name = output::printable(&manyhands::clip(&name, 80));
    let what = what.map(|what| format!(": {what}")).unwrap_or_default();
    output::line(&format!("removed {name} from {}{what}", target.shown()));
    for secret in kept {
        output::line(&format!(
            "  the keyring still has {}",
            output::printable(&secret)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// What an entry used of the keyring, as SERVICE/ACCOUNT. Other entries and programs may use it too.
fn in_keyring(definition: &ServerDefinition<ServerSection>) -> Vec<String> {
    let uses = definition.deferred.iter().flat_map(Deferred::uses);
    let keys = uses.filter_map(|it| it.reference.strip_prefix("keyring:"));
    keys.map(str::to_owned).collect()
}
