//! A configuration as a program uses it: settings and servers, every reference filled in.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use manyhands_core::ServerId;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::deferred::Deferred;
use crate::document::{Member, Node, Value, find};
use crate::endpoint::Endpoint;
use crate::entry::wrong;
use crate::error::{ConfigError, EntryError, Fault};
use crate::file::{ConfigFile, LOCK, Material, Source};
use crate::part::Part;
use crate::resolve::resolve;
use crate::schema;
use crate::variables::Variables;
use crate::warning::Warning;

/// The key under which our own settings stand, for the file and for each server.
pub(crate) const SECTION: &str = "manyhands";

/// What a `manyhands` section can be read into.
///
/// The JSON schema must name every key: a key that it does not name is an
/// error, so `#[serde(alias)]` is of no use here. Where a program wants no
/// settings, [`serde_json::Value`] takes any.
pub trait Settings: DeserializeOwned + Default + JsonSchema + 'static {}

impl<T: DeserializeOwned + Default + JsonSchema + 'static> Settings for T {}

/// A configuration: settings `T` of the whole, and servers with settings `S` each.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config<S, T> {
    /// The `manyhands` section of the file, or the default.
    pub settings: T,
    /// What stands under `embeddings` in that section, or why it cannot be used; none where nothing stands there.
    pub embeddings: Option<Result<Part, EntryError>>,
    /// The servers in the order of the file.
    pub servers: Vec<ServerEntry<S>>,
    /// What is odd, but does not matter enough to refuse the file.
    pub warnings: Vec<Warning>,
    /// Texts that look like secrets and stand in the file themselves. They work, and are apart from the warnings because
    /// whoever uses a file every day need not be told every day.
    pub literal_secrets: Vec<Warning>,
    /// Where what its servers' tools were when they were approved is kept; none where it is not a file. It lies beside the
    /// file, and `mcp.json` has `mcp.lock.json`.
    pub lock: Option<PathBuf>,
}

/// One server of a configuration, whether its entry can be used or not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerEntry<S> {
    /// The id that this server has here.
    pub id: ServerId,
    /// The key as the file has it.
    pub key: String,
    /// The key, when the id had to differ from it.
    pub title: Option<String>,
    /// Whether the entry says that the server is switched off.
    pub disabled: bool,
    /// How to reach the server, or why its entry cannot be used.
    pub definition: Result<ServerDefinition<S>, EntryError>,
    /// The file that it stands in, where that is one that is included.
    pub file: Option<String>,
    /// Whose file that is, as the file says that includes it.
    pub owner: Option<String>,
    /// Whether it is no server, but stands for an included file that cannot be used.
    pub stands_for_file: bool,
}

/// How to reach a server, and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerDefinition<S> {
    /// The program or the address.
    pub endpoint: Endpoint,
    /// The `manyhands` section of the entry, or the default.
    pub settings: S,
    /// The folder of the file, where relative paths in the settings begin.
    pub folder: PathBuf,
    /// How to come by the whole definition, where the entry names secrets. This one then has `${secret:..}` as it is
    /// written, and what is said of the endpoint beside it is not checked yet.
    pub deferred: Option<Deferred<ServerDefinition<S>>>,
}

impl<S: Settings, T: Settings> Config<S, T> {
    /// Reads and resolves the file at `path`, whether or not anybody trusts it.
    ///
    /// A program that found the file by itself uses [`ConfigFile::read`] and
    /// [`Self::resolve`], and asks the [`TrustStore`](crate::trust::TrustStore) in between.
    ///
    /// # Errors
    /// [`ConfigError`] when the file as a whole cannot be used. What is wrong
    /// with one server is in its [`ServerEntry::definition`].
    pub fn from_file(path: &Path, variables: &dyn Variables) -> Result<Self, ConfigError> {
        Self::resolve(&ConfigFile::read(path, variables)?, variables)
    }

    /// Resolves a text that comes from elsewhere, as if it stood in the folder of `source`.
    ///
    /// # Errors
    /// As [`Self::from_file`].
    pub fn from_json(
        text: &str,
        source: &Source,
        variables: &dyn Variables,
    ) -> Result<Self, ConfigError> {
        resolve(&Material::new(text, source.clone(), variables)?, variables)
    }

    /// Resolves a file that has been read, without touching the disk again.
    ///
    /// # Errors
    /// As [`Self::from_file`].
    pub fn resolve(file: &ConfigFile, variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut config = resolve(&file.material, variables)?;
        config.lock = Some(file.identity.with_extension(LOCK));
        Ok(config)
    }
}

/// Reads `manyhands` sections of one type, whose schema is made once.
pub(crate) struct Section<S> {
    pub(crate) schema: serde_json::Value,
    settings: PhantomData<fn() -> S>,
}

impl<S: Settings> Section<S> {
    pub(crate) fn new() -> Self {
        let schema = schemars::SchemaGenerator::default().into_root_schema_for::<S>();
        Self {
            schema: schema.to_value(),
            settings: PhantomData,
        }
    }

    /// Knows these keys too, for whoever misspells one: others read them.
    pub(crate) fn naming(mut self, keys: [&str; 2]) -> Self {
        let properties = self.schema.get_mut("properties");
        if let Some(properties) = properties.and_then(serde_json::Value::as_object_mut) {
            properties.extend(keys.map(|key| (key.to_owned(), true.into())));
        }
        self
    }

    /// Reads the section as if it had none of the keys `left_out`, which others read.
    pub(crate) fn read_without(
        &self,
        members: &[Member],
        left_out: [&str; 2],
        fill: impl FnOnce(&Node) -> Result<Node, Fault>,
    ) -> Result<S, Fault> {
        let mut members = members.to_vec();
        for member in &mut members {
            if let (SECTION, Value::Object(inner)) = (member.key.as_str(), &mut member.node.value) {
                inner.retain(|inner| !left_out.contains(&inner.key.as_str()));
            }
        }
        self.read(&members, fill)
    }

    /// Reads the section among `members`, or gives the default.
    pub(crate) fn read(
        &self,
        members: &[Member],
        fill: impl FnOnce(&Node) -> Result<Node, Fault>,
    ) -> Result<S, Fault> {
        let Some(Member { node, .. }) = find(members, SECTION) else {
            return Ok(S::default());
        };
        if node.members().is_none() {
            return Err(wrong(SECTION, node, "an object"));
        }
        let unknown = schema::unknown_key(node, &self.schema);
        unknown
            .map_or_else(
                || {
                    // An error is about what was written: what was filled in may be secret.
                    S::deserialize(&fill(node)?)
                        .map_err(|fault| S::deserialize(node).err().unwrap_or(fault))
                },
                Err,
            )
            .map_err(|fault| fault.under(SECTION))
    }
}
