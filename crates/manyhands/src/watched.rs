//! A configuration that is read again while its servers are in use: what changed in it changes in the toolkit.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use manyhands_config::{
    Config, ConfigError, ConfigFile, EntryError, Environment, Part, ServerEntry,
};
use manyhands_core::ServerId;
use manyhands_toolkit::{Builder, Settings, Toolkit};
use tokio::time::sleep;

use crate::access::Access;
use crate::from_config::{builder_of, embedding, member};
use crate::section::ServerSection;

/// How often the files are read. They are small, and reading them finds what a notice of the system would miss: mounted
/// folders, files that are replaced, fragments that are new.
const EVERY: Duration = Duration::from_secs(1);
/// How long a change must last to be taken for whole.
const SETTLED: Duration = Duration::from_millis(200);

type Entry = ServerEntry<ServerSection>;
type Read<E> = Arc<dyn Fn() -> Result<ConfigFile, E> + Send + Sync>;

/// A configuration whose changes a toolkit follows.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use manyhands::{Access, Watched};
///
/// let watched = Watched::from_file("mcp.json", &Access::default())?;
/// let kit = watched.builder().connect().await?;
/// let following = tokio::spawn(watched.follow(kit.clone(), |news| match news {
///     Ok(news) => println!("mcp.json: {news}"),
///     Err(error) => eprintln!("failed to {error}"),
/// }));
/// # following.abort();
/// # Ok(())
/// # }
/// ```
pub struct Watched<E = ConfigError> {
    read: Read<E>,
    access: Access,
    file: ConfigFile,
    config: Config<ServerSection, Settings>,
    /// The settings of the whole that the toolkit was made with, and its embeddings.
    started: (Settings, Option<Result<Part, EntryError>>),
}

/// What a change of the configuration came to.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct News {
    /// Servers that are new.
    pub added: Vec<ServerId>,
    /// Servers that are gone.
    pub removed: Vec<ServerId>,
    /// Servers whose entries are others now.
    pub replaced: Vec<ServerId>,
    /// Servers that go on as they were, since their entries cannot be used any more.
    pub kept: Vec<(ServerId, EntryError)>,
    /// The keys of settings of the whole that have changed and that the next start takes up; those that are again as they
    /// were at the start are none.
    pub settings: Vec<String>,
}

impl Watched {
    /// Reads an `mcp.json`. Naming the file is taken as trust in it, now and when it changes.
    ///
    /// # Errors
    /// [`ConfigError`] when the file as a whole cannot be used.
    pub fn from_file(path: impl AsRef<Path>, access: &Access) -> Result<Self, ConfigError> {
        let path = path.as_ref().to_owned();
        Self::new(move || ConfigFile::read(&path, &Environment), access)
    }
}

impl<E: From<ConfigError> + fmt::Display + Send + 'static> Watched<E> {
    /// Reads a configuration by `read`, which is called again every second, on a thread where it may block. A program
    /// that trusts no file by itself asks there whether this one is trusted.
    ///
    /// # Errors
    /// What `read` gives, or that the file as a whole cannot be used.
    pub fn new(
        read: impl Fn() -> Result<ConfigFile, E> + Send + Sync + 'static,
        access: &Access,
    ) -> Result<Self, E> {
        let file = read()?;
        let config: Config<ServerSection, Settings> = Config::resolve(&file, &Environment)?;
        Ok(Self {
            read: Arc::new(read),
            access: access.clone(),
            file,
            started: (config.settings.clone(), config.embeddings.clone()),
            config,
        })
    }

    /// The configuration as it was read last.
    #[must_use]
    pub fn config(&self) -> &Config<ServerSection, Settings> {
        &self.config
    }

    /// A builder of its servers.
    #[must_use]
    pub fn builder(&self) -> Builder {
        let Config {
            settings,
            embeddings,
            servers,
            lock,
            ..
        } = &self.config;
        let builder = builder_of(
            settings.clone(),
            servers.clone(),
            lock.clone(),
            &self.access,
        );
        embedding(builder, embeddings.clone(), &self.access)
    }

    /// Has `kit` follow the configuration, and tells what came of each change. It goes on, and holds the toolkit, until
    /// it is dropped.
    ///
    /// A file that cannot be used changes nothing, and is told once. A server whose entry is broken by a change, or
    /// whose included file is, goes on as it was.
    pub async fn follow(mut self, kit: Toolkit, mut told: impl FnMut(Result<News, E>) + Send) {
        let mut refused = None;
        loop {
            sleep(EVERY).await;
            let outcome = match self.changed().await {
                Ok(None) => continue,
                Ok(Some(file)) => self.apply(&kit, file),
                Err(error) => Err(error),
            };
            let error = outcome.as_ref().err().map(ToString::to_string);
            if error.is_none() || error != refused {
                told(outcome);
            }
            refused = error;
        }
    }

    /// The files as they are, where they are others than before and stay as they are for a moment.
    async fn changed(&self) -> Result<Option<ConfigFile>, E> {
        let Some(first) = self.read_again().await else {
            return Ok(None);
        };
        if first
            .as_ref()
            .is_ok_and(|file| file.holds_the_same(&self.file))
        {
            return Ok(None);
        }
        sleep(SETTLED).await;
        match (first, self.read_again().await) {
            (Ok(first), Some(Ok(second))) if second.holds_the_same(&first) => Ok(Some(second)),
            (Err(_), Some(Err(error))) => Err(error),
            _ => Ok(None),
        }
    }

    async fn read_again(&self) -> Option<Result<ConfigFile, E>> {
        let read = self.read.clone();
        tokio::task::spawn_blocking(move || read()).await.ok()
    }

    fn apply(&mut self, kit: &Toolkit, file: ConfigFile) -> Result<News, E> {
        let next: Config<ServerSection, Settings> = Config::resolve(&file, &Environment)?;
        let mut news = News::default();
        if next.settings != self.config.settings || next.embeddings != self.config.embeddings {
            news.settings = next.settings.differing(&self.started.0);
            if next.embeddings != self.started.1 {
                news.settings.push("embeddings".to_owned());
            }
        }
        let mut servers = next.servers;
        for old in &self.config.servers {
            match servers.iter_mut().find(|it| it.id == old.id) {
                None => match broken_file_of(old, &servers) {
                    Some(error) => {
                        news.kept.push((old.id.clone(), error));
                        servers.push(old.clone());
                    }
                    None => {
                        kit.remove_server(&old.id);
                        news.removed.push(old.id.clone());
                    }
                },
                Some(new) => {
                    if let (Ok(_), Err(error)) = (&old.definition, &new.definition) {
                        news.kept.push((old.id.clone(), error.clone()));
                        *new = old.clone();
                    }
                }
            }
        }
        for new in &servers {
            let old = self.config.servers.iter().find(|it| it.id == new.id);
            match old {
                Some(old) if means_the_same(old, new) => continue,
                Some(_) => news.replaced.push(new.id.clone()),
                None => news.added.push(new.id.clone()),
            }
            kit.add_server(member(new.clone(), &self.access));
        }
        self.config.servers = servers;
        self.config.settings = next.settings;
        self.config.embeddings = next.embeddings;
        self.file = file;
        Ok(news)
    }
}

/// Why the included file that a server stood in cannot be used any more, where that is why it is not there.
fn broken_file_of(old: &Entry, servers: &[Entry]) -> Option<EntryError> {
    let stands_in = |it: &&Entry| it.stands_for_file && it.file == old.file;
    let broken = servers.iter().find(stands_in)?;
    broken.definition.as_ref().err().cloned()
}

fn means_the_same(old: &Entry, new: &Entry) -> bool {
    old.title == new.title && old.disabled == new.disabled && old.definition == new.definition
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        let lists = [
            ("added", &self.added),
            ("removed", &self.removed),
            ("changed", &self.replaced),
        ];
        for (word, servers) in lists {
            if !servers.is_empty() {
                let names: Vec<&str> = servers.iter().map(ServerId::as_str).collect();
                said.push(format!("{word} {}", names.join(", ")));
            }
        }
        for (server, error) in &self.kept {
            said.push(format!(
                "kept {server} as it was, since it failed to {error}"
            ));
        }
        if !self.settings.is_empty() {
            let keys = self.settings.join(", ");
            said.push(format!("restart to take up its changes of {keys}"));
        }
        if said.is_empty() {
            said.push("nothing that concerns a server has changed".to_owned());
        }
        f.write_str(&said.join("; "))
    }
}

impl<E> fmt::Debug for Watched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
