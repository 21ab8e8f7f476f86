//! Which configuration is used, and whether it may be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use manyhands::{Builder, Config, Pinning, ServerSection, ServerSettings, Settings, Watched};
use manyhands_config::trust::{TrustState, TrustStore};
use manyhands_config::{ConfigFile, Environment, Located, Warning, locate};
use manyhands_registry::LockFile;

use crate::args::Options;
use crate::failure::Failure;
use crate::logins;
use crate::output;

/// The configuration's type here.
pub(crate) type Configuration = Config<ServerSection, Settings>;

/// Reads the configuration for a command that goes on, and prints its warnings. Whether it may be used is asked again
/// whenever it has changed.
pub(crate) fn watched(options: &Options) -> Result<Watched<Failure>, Failure> {
    let path = options.config.clone();
    let watched = Watched::new(move || file(path.as_deref()), &logins::access())?;
    tell_of(watched.config());
    Ok(watched)
}

/// Reads the configuration for a command that ends, and prints its warnings.
pub(crate) fn builder(options: &Options) -> Result<Builder, Failure> {
    warned(options).map(|config| once(manyhands::builder(config, &logins::access())))
}

/// As [`builder`], with what looks like a secret in the file itself.
pub(crate) fn inspected_builder(options: &Options) -> Result<(Builder, Vec<Warning>), Failure> {
    let mut config = warned(options)?;
    let literal_secrets = std::mem::take(&mut config.literal_secrets);
    let builder = once(manyhands::builder(config, &logins::access()));
    Ok((builder, literal_secrets))
}

/// Reads the configuration for a command that goes on, and that wants to know of every server now.
pub(crate) fn lasting_builder(options: &Options) -> Result<Builder, Failure> {
    let builder = manyhands::builder(warned(options)?, &logins::access());
    Ok(builder.servers(|it| it.lazy(false).cache_for(Duration::ZERO)))
}

/// As [`builder`], with nothing pinned or kept back; with the file for pins, and what the configuration says of them.
pub(crate) fn unpinned_builder(
    options: &Options,
) -> Result<(Builder, LockFile, Option<Pinning>), Failure> {
    let mut config = warned(options)?;
    let setting = config.settings.pins.replace(Pinning::Off);
    let lock = config.lock.take().map(LockFile::new).ok_or_else(|| {
        Failure::usage("failed to find the pinned tools: the configuration is no file")
    })?;
    let builder = once(manyhands::builder(config, &logins::access()));
    Ok((builder, lock, setting))
}

fn warned(options: &Options) -> Result<Configuration, Failure> {
    let config = configuration(options)?;
    tell_of(&config);
    Ok(config)
}

fn tell_of(config: &Configuration) {
    for warning in &config.warnings {
        output::note(&warning.to_string());
    }
}

/// Reads the configuration for a command that concerns one server, whose user need not hear of the others.
pub(crate) fn quiet_builder(options: &Options) -> Result<Builder, Failure> {
    let mut config = configuration(options)?;
    // Nothing is searched for.
    config.embeddings = None;
    let builder = manyhands::builder(config, &logins::access());
    Ok(once(remembering(builder)))
}

/// Remembers what servers offer, so that the next start knows it.
pub(crate) fn remembering(builder: Builder) -> Builder {
    match cache_dir() {
        Some(folder) => builder.remember_in(folder.join("servers")),
        None => builder,
    }
}

/// Reads the configuration for a command that ends, and that what is remembered of servers is enough for.
pub(crate) fn remembering_builder(options: &Options) -> Result<Builder, Failure> {
    let builder = manyhands::builder(warned(options)?, &logins::access());
    Ok(remembering(builder).servers(ServerSettings::no_restart))
}

/// Nobody waits for a second try before a prompt, and what is lazy or remembered is wanted now.
fn once(builder: Builder) -> Builder {
    builder.servers(asked_now)
}

/// Has a server asked at once, and only once, what it offers.
pub(crate) fn asked_now(settings: ServerSettings) -> ServerSettings {
    settings.no_restart().lazy(false).cache_for(Duration::ZERO)
}

/// Resolves the file that `--config` names, or the one that belongs here.
pub(crate) fn configuration(options: &Options) -> Result<Configuration, Failure> {
    let file = file(options.config.as_deref())?;
    Ok(Config::resolve(&file, &Environment)?)
}

/// Reads the file that is named, or the one that belongs here.
fn file(named: Option<&Path>) -> Result<ConfigFile, Failure> {
    if let Some(path) = named {
        return Ok(ConfigFile::read(path, &Environment)?);
    }
    let Located {
        path,
        project_local,
        ..
    } = located()?;
    let file = ConfigFile::read(&path, &Environment)?;
    if project_local {
        require_trust(&file, &path)?;
    }
    Ok(file)
}

/// Finds the configuration that is used here when none is named.
pub(crate) fn located() -> Result<Located, Failure> {
    locate(Path::new("."), config_dir().as_deref()).ok_or_else(|| {
        Failure::usage(
            "failed to find a configuration: there is no mcp.json here, no .mcp.json, .cursor/mcp.json or \
             .vscode/mcp.json, and no personal one; name one with `--config FILE`, or try `manyhands demo`",
        )
    })
}

/// A configuration that came with a project runs nothing before somebody has looked at it.
fn require_trust(file: &ConfigFile, path: &Path) -> Result<(), Failure> {
    let store = trust_store()?;
    let state = store
        .state(file)
        .map_err(|error| Failure::usage(crate::failure::with_sources(&error)))?;
    let shown = path.display();
    match state {
        TrustState::Trusted => Ok(()),
        TrustState::Changed => Err(Failure::usage(format!(
            "failed to use {shown}: it has changed since you trusted it; look at it, then run `manyhands trust`, or name \
             it with `--config {shown}` to use it once"
        ))),
        _ => Err(Failure::usage(format!(
            "failed to use {shown}: it came with this folder and may start any program, and nobody has trusted it yet; \
             look at it, then run `manyhands trust`, or name it with `--config {shown}` to use it once"
        ))),
    }
}

/// Where trust is remembered.
pub(crate) fn trust_store() -> Result<TrustStore, Failure> {
    let dir = state_dir().ok_or_else(|| {
        Failure::usage("failed to find a folder for state: set HOME or XDG_STATE_HOME, or name the file with `--config`")
    })?;
    Ok(TrustStore::new(dir))
}

/// Where state is kept that is no configuration.
pub(crate) fn state_dir() -> Option<PathBuf> {
    let base = absolute("XDG_STATE_HOME").or_else(|| absolute("LOCALAPPDATA"));
    let base = base.or_else(|| Some(absolute("HOME")?.join(".local").join("state")))?;
    Some(base.join("manyhands"))
}

/// Where is kept what can be found out anew.
fn cache_dir() -> Option<PathBuf> {
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("LOCALAPPDATA"));
    let base = base.or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("manyhands"))
}

pub(crate) fn config_dir() -> Option<PathBuf> {
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("APPDATA"));
    base.or_else(|| Some(absolute("HOME")?.join(".config")))
}

/// A folder from the environment; the XDG specification has relative ones ignored.
pub(crate) fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
