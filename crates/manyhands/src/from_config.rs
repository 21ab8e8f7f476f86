//! A toolkit from an `mcp.json`: each entry handed to the layer that understands it.

use std::path::{Path, PathBuf};

use manyhands_config::{Config, ConfigError, EntryError, Environment, Part, ServerEntry, Source};
use manyhands_core::ServerId;
use manyhands_toolkit::{Builder, Member, Settings, Toolkit};

use crate::access::Access;
#[cfg(feature = "embeddings")]
use crate::embedder::embeddings;
use crate::section::ServerSection;
use crate::ways;

/// Reads a toolkit's servers from the JSON that people already have.
pub trait FromConfig {
    /// Reads an `mcp.json`. Naming the file is taken as trust in it. Pins of tools are kept in `mcp.lock.json` beside it; see
    /// [`Settings::pins`].
    ///
    /// # Errors
    /// [`ConfigError`] when the file as a whole cannot be used. What is wrong with a single
    /// server is in the toolkit's report, and costs only that server.
    fn from_file(path: impl AsRef<Path>) -> Result<Builder, ConfigError>;

    /// Reads an `mcp.json` whose secrets come from sources of your own.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    fn from_file_with(path: impl AsRef<Path>, access: &Access) -> Result<Builder, ConfigError>;

    /// Reads the same JSON from a text. Relative paths start where the program runs.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    fn from_json(text: &str) -> Result<Builder, ConfigError>;

    /// Reads the same JSON from a text, with secrets from sources of your own.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    fn from_json_with(text: &str, access: &Access) -> Result<Builder, ConfigError>;
}

impl FromConfig for Toolkit {
    fn from_file(path: impl AsRef<Path>) -> Result<Builder, ConfigError> {
        Self::from_file_with(path, &Access::default())
    }

    fn from_file_with(path: impl AsRef<Path>, access: &Access) -> Result<Builder, ConfigError> {
        let config = Config::from_file(path.as_ref(), &Environment)?;
        Ok(warned(config, access))
    }

    fn from_json(text: &str) -> Result<Builder, ConfigError> {
        Self::from_json_with(text, &Access::default())
    }

    fn from_json_with(text: &str, access: &Access) -> Result<Builder, ConfigError> {
        let source = Source::new("the given JSON", ".");
        let config = Config::from_json(text, &source, &Environment)?;
        Ok(warned(config, access))
    }
}

/// Tells the log what is odd about a configuration, since nobody else will.
fn warned(config: Config<ServerSection, Settings>, access: &Access) -> Builder {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    builder(config, access)
}

/// Makes a builder of a configuration that has been read already. Secrets are read when a server is connected.
#[must_use]
pub fn builder(config: Config<ServerSection, Settings>, access: &Access) -> Builder {
    let builder = builder_of(config.settings, config.servers, config.lock, access);
    embedding(builder, config.embeddings, access)
}

/// Has tools found by their meaning too, where the file says what gives vectors.
#[cfg(feature = "embeddings")]
pub(crate) fn embedding(
    builder: Builder,
    part: Option<Result<Part, EntryError>>,
    access: &Access,
) -> Builder {
    match part {
        Some(part) => builder.embed_by(embeddings(part, access)),
        None => builder,
    }
}

#[cfg(not(feature = "embeddings"))]
pub(crate) fn embedding(
    builder: Builder,
    part: Option<Result<Part, EntryError>>,
    _: &Access,
) -> Builder {
    if part.is_some() {
        tracing::warn!(
            "tools are found by their words alone: this program cannot ask for vectors, as manyhands.embeddings wants; \
             build it with the feature `embeddings`"
        );
    }
    builder
}

pub(crate) fn builder_of(
    settings: Settings,
    servers: Vec<ServerEntry<ServerSection>>,
    lock: Option<PathBuf>,
    access: &Access,
) -> Builder {
    let members = servers.into_iter().map(|entry| member(entry, access));
    let builder = Builder::default().settings(settings);
    let builder = lock.into_iter().fold(builder, Builder::pins_in);
    members.fold(builder, Builder::member)
}

pub(crate) fn member(entry: ServerEntry<ServerSection>, access: &Access) -> Member {
    let id = entry.id;
    let member = match entry.definition {
        _ if entry.disabled => Member::disabled(id),
        Ok(definition) => {
            ways::member(id.clone(), definition, access).unwrap_or_else(|error| broken(id, &error))
        }
        Err(error) => broken(id, &error),
    };
    member.with_title(entry.title)
}

fn broken(id: ServerId, error: &EntryError) -> Member {
    Member::broken(id, error.cause(), error.mend().map(str::to_owned))
}
