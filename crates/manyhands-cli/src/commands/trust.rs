//! `trust`: a configuration that came with a project is looked at, and allowed as it is now.

use std::path::PathBuf;
use std::process::ExitCode;

use manyhands::Config;
use manyhands_config::{ConfigFile, Endpoint, Environment, Variables};

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
            Ok(definition) => endpoint(&definition.endpoint),
            Err(error) => format!("nothing yet: {}", error.cause()),
        };
        output::line(&format!("  {:<16} {}", server.id, output::printable(&what)));
    }
    let pin = store.trust(&file).map_err(failed)?;
    output::line(&format!(
        "trusted as it is now ({pin}); any change to it asks again"
    ));
    Ok(ExitCode::SUCCESS)
}

/// What an entry runs or reaches.
fn endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Stdio(child) => format!("{} {}", child.command, child.args.join(" ")),
        Endpoint::Http(remote) => remote.url.clone(),
        other => format!("{other:?}"),
    }
}

/// Leaves every reference as the file has it: what it stands for may be secret, and is not what is trusted.
struct AsWritten;

impl Variables for AsWritten {
    fn get(&self, name: &str) -> Option<String> {
        Some(format!("${{{name}}}"))
    }

    fn input(&self, id: &str) -> Option<String> {
        Some(format!("${{input:{id}}}"))
    }
}
