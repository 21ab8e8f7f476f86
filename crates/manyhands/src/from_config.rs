//! A toolkit from an `mcp.json`: each entry handed to the layer that understands it.

use std::path::Path;

use manyhands_config::{
    Config, ConfigError, Endpoint, Environment, HttpEndpoint, ServerDefinition, ServerEntry, Source,
};
use manyhands_core::Secret;
use manyhands_toolkit::{Builder, Member, Settings, Toolkit};
use manyhands_transport::{Connector, HttpSettings, StdioSettings};

use crate::section::ServerSection;

/// Reads a toolkit's servers from the JSON that people already have.
pub trait FromConfig {
    /// Reads an `mcp.json`. Naming the file is taken as trust in it.
    ///
    /// # Errors
    /// [`ConfigError`] when the file as a whole cannot be used. What is wrong with a single
    /// server is in the toolkit's report, and costs only that server.
    fn from_file(path: impl AsRef<Path>) -> Result<Builder, ConfigError>;

    /// Reads the same JSON from a text. Relative paths start where the program runs.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    fn from_json(text: &str) -> Result<Builder, ConfigError>;
}

impl FromConfig for Toolkit {
    fn from_file(path: impl AsRef<Path>) -> Result<Builder, ConfigError> {
        Config::from_file(path.as_ref(), &Environment).map(warned)
    }

    fn from_json(text: &str) -> Result<Builder, ConfigError> {
        Config::from_json(text, &Source::new("the given JSON", "."), &Environment).map(warned)
    }
}

/// Tells the log what is odd about a configuration, since nobody else will.
fn warned(config: Config<ServerSection, Settings>) -> Builder {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    builder(config)
}

/// Makes a builder of a configuration that has been read already.
#[must_use]
pub fn builder(config: Config<ServerSection, Settings>) -> Builder {
    let builder = Builder::default().settings(config.settings);
    config
        .servers
        .into_iter()
        .map(member)
        .fold(builder, Builder::member)
}

fn member(entry: ServerEntry<ServerSection>) -> Member {
    let member = match entry.definition {
        _ if entry.disabled => Member::disabled(entry.id),
        Ok(definition) => {
            let settings = definition.settings.toolkit.clone();
            match connector(definition) {
                Some(connector) => Member::new(entry.id, connector).with_settings(settings),
                None => Member::broken(entry.id, "its kind of transport is not known here", None),
            }
        }
        Err(error) => Member::broken(entry.id, error.cause(), error.mend().map(str::to_owned)),
    };
    member.with_title(entry.title)
}

fn connector(definition: ServerDefinition<ServerSection>) -> Option<Connector> {
    let ServerDefinition {
        endpoint,
        settings: section,
        folder,
        ..
    } = definition;
    match endpoint {
        Endpoint::Stdio(child) => {
            let mut settings = StdioSettings::new(child.command).with_args(child.args);
            settings.env = child
                .env
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect();
            settings.inherit_env = section.inherit_env;
            settings.cwd = child.cwd;
            Some(Connector::stdio(settings))
        }
        Endpoint::Http(remote) => Some(Connector::http(http(remote, section, &folder))),
        Endpoint::Sse(remote) => Some(Connector::sse(http(remote, section, &folder))),
        Endpoint::Unix(socket) => Some(Connector::unix(socket.path)),
        _ => None,
    }
}

fn http(remote: HttpEndpoint, section: ServerSection, folder: &Path) -> HttpSettings {
    let mut settings = HttpSettings::new(remote.url);
    settings.headers = remote
        .headers
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    settings.unix_socket = remote.unix_socket;
    section.apply(folder, &mut settings);
    settings
}
