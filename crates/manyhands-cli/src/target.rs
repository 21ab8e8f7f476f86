//! The configuration that a command changes: found, held as it was read, and put back at once.

use std::path::{Path, PathBuf};

use manyhands::{Config, ServerId};
use manyhands_config::edit::{Draft, Original, SERVERS};
use manyhands_config::{ConfigFile, Environment, Source, locate};
use serde_json::{Value, json};

use crate::args::Options;
use crate::as_written::AsWritten;
use crate::failure::{Failure, with_sources};
use crate::load::{Configuration, config_dir, trust_store};
use crate::output;

/// A configuration that is being changed.
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    pub(crate) draft: Draft,
    original: Original,
    /// The file as trust knows it; none where it is not there yet, or nobody looks whether it is trusted.
    before: Option<ConfigFile>,
    project_local: bool,
}

impl Target {
    /// Reads the file that `--config` names, else the one that would be used here, else the personal one, which need not
    /// be there yet.
    pub(crate) fn open(options: &Options) -> Result<Self, Failure> {
        let located = locate(Path::new("."), config_dir().as_deref());
        let (path, project_local) = match (&options.config, located) {
            (Some(path), _) => (path.clone(), false),
            (None, Some(located)) => (located.path, located.project_local),
            (None, None) => (personal()?, false),
        };
        let original = Original::read(&path)?;
        let draft = Draft::parse(&path.display().to_string(), original.text()?, &SERVERS)?;
        let before = ConfigFile::read(&path, &Environment).ok();
        // Of a file that changed between the two readings, nothing is known.
        let before = before.filter(|file| original.text().is_ok_and(|text| text == file.text()));
        Ok(Self {
            path,
            draft,
            original,
            before,
            project_local,
        })
    }

    /// Whether the file is made by this command.
    pub(crate) fn is_new(&self) -> bool {
        !self.original.exists()
    }

    /// Says where the file is.
    pub(crate) fn shown(&self) -> String {
        output::printable(&self.path.display().to_string())
    }

    /// Writes the file, if its content can still be used, and keeps it trusted where it was.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let text = self.draft.text();
        let _: Configuration = Config::from_json(&text, &Source::of_file(&self.path), &AsWritten)?;
        self.original.replace(&text)?;
        if let Some(before) = &self.before {
            self.renew_trust(before, &text)?;
        }
        Ok(())
    }

    /// A person's own change to a trusted file asks nobody again.
    fn renew_trust(&self, before: &ConfigFile, text: &str) -> Result<(), Failure> {
        let Ok(store) = trust_store() else {
            return Ok(());
        };
        let after = ConfigFile::read(&self.path, &Environment)?;
        let failed = |error| {
            Failure::usage(with_sources(&error)).about("changed the file, but not the trust in it")
        };
        let renewed = store.renew(before, &after, text).map_err(failed)?;
        if self.project_local && !renewed {
            let shown = self.shown();
            output::note(&format!(
                "{shown} came with this folder, and is not trusted: look at it, then run `manyhands trust`"
            ));
        }
        Ok(())
    }
}

fn personal() -> Result<PathBuf, Failure> {
    let dir = config_dir().ok_or_else(|| {
        Failure::usage(
            "failed to find a folder for your configuration: set HOME or XDG_CONFIG_HOME, or name a file with `--config`",
        )
    })?;
    Ok(dir.join("manyhands").join("mcp.json"))
}

/// Reads an entry back as it will be read, and gives its server's id, or why it cannot be used.
pub(crate) fn checked(name: &str, entry: &Value, path: &Path) -> Result<ServerId, String> {
    let alone = json!({"mcpServers": {name: entry}});
    let source = Source::new("the new entry", Source::of_file(path).folder());
    let config: Result<Configuration, _> =
        Config::from_json(&alone.to_string(), &source, &AsWritten);
    let config = config.map_err(|error| error.to_string())?;
    let server = config.servers.into_iter().next();
    let server = server.ok_or("its name is taken for something else")?;
    let Err(error) = server.definition else {
        return Ok(server.id);
    };
    // The entry has no lines yet that anybody could look at.
    let cause = error.cause();
    let what = ["line 1): ", "line 1: "]
        .iter()
        .find_map(|place| cause.split_once(place));
    let what = what.map_or(cause, |(_, what)| what);
    let place = match error.path() {
        "" => String::new(),
        path => format!("{path}: "),
    };
    let mend = error.mend().map(|mend| format!("; {mend}"));
    Err(format!("{place}{what}{}", mend.unwrap_or_default()))
}
