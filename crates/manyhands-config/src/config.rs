//! A configuration as a program uses it: settings and servers, every reference filled in.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use manyhands_core::ServerId;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::deferred::{Deferred, Recorder, Remains, SecretUse};
use crate::document::{Member, Node, find};
use crate::endpoint::Endpoint;
use crate::entry::{Reader, wrong};
use crate::error::{ConfigError, EntryError, Fault};
use crate::file::{ConfigFile, Material, Source};
use crate::keys;
use crate::literal;
use crate::schema;
use crate::servers::{self, Listed};
use crate::variables::{Scope, Variables};
use crate::warning::{Warning, Warnings};

/// The key under which our own settings stand, for the file and for each server.
const SECTION: &str = "manyhands";

/// What a `manyhands` section can be read into.
///
/// The JSON schema must name every key: a key that it does not name is an
/// error, so `#[serde(alias)]` is of no use here. Where a program wants no
/// settings, [`serde_json::Value`] takes any.
pub trait Settings: DeserializeOwned + Default + JsonSchema {}

impl<T: DeserializeOwned + Default + JsonSchema> Settings for T {}

/// A configuration: settings `T` of the whole, and servers with settings `S` each.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config<S, T> {
    /// The `manyhands` section of the file, or the default.
    pub settings: T,
    /// The servers in the order of the file.
    pub servers: Vec<ServerEntry<S>>,
    /// What is odd, but does not matter enough to refuse the file.
    pub warnings: Vec<Warning>,
    /// Texts that look like secrets and stand in the file themselves. They work, and are apart from the warnings because
    /// whoever uses a file every day need not be told every day.
    pub literal_secrets: Vec<Warning>,
}

/// One server of a configuration, whether its entry can be used or not.
#[derive(Debug)]
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
    pub deferred: Option<Deferred<S>>,
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
        resolve(&file.material, variables)
    }
}

fn resolve<S: Settings, T: Settings>(
    material: &Material,
    variables: &dyn Variables,
) -> Result<Config<S, T>, ConfigError> {
    let Material {
        source,
        document,
        inputs,
        input_warnings,
        env_files,
    } = material;
    let refuse = |fault| ConfigError::new(source.label(), fault);
    let mut warnings = Warnings::default();
    let listed = servers::list(document, &mut warnings).map_err(refuse)?;
    keys::check_document(document, &mut warnings);
    for warning in input_warnings {
        warnings.add(|| warning.clone());
    }
    let top = document.root.members().unwrap_or_default();
    let settings = Section::new()
        .read(top, |node| Ok(node.clone()))
        .map_err(|fault| refuse(fault.of_file()))?;
    let section = Arc::new(Section::<S>::new());
    let mut literals = Warnings::default();
    let servers = listed.iter().map(|listed| {
        let recorder = Recorder::new(variables);
        let scope = Scope {
            variables: &recorder,
            inputs,
            folder: source.folder(),
            secrets: None,
        };
        let members = listed.member.node.members();
        let reader = Reader {
            path: &listed.path,
            line: listed.member.line,
            entry: members.unwrap_or_default(),
            scope: &scope,
            env_files,
            uses: RefCell::default(),
        };
        keys::check_entry(reader.path, reader.entry, &section.schema, &mut warnings);
        literal::check(&listed.id, reader.path, reader.entry, &mut literals);
        let disabled = reader.disabled();
        let mut definition = match (members, &disabled) {
            (None, _) => Err(wrong("", &listed.member.node, "an object")),
            (_, Err(fault)) => Err(fault.clone()),
            (Some(_), Ok(_)) => define(&reader, &section, &mut warnings),
        };
        let uses = reader.uses.into_inner();
        if let Ok(definition) = &mut definition
            && !uses.is_empty()
        {
            definition.deferred = Some(defer(uses, listed, material, recorder, &section));
        }
        entry(listed, disabled.unwrap_or(false), definition, source)
    });
    let servers = servers.collect();
    Ok(Config {
        settings,
        servers,
        warnings: warnings.finish(),
        literal_secrets: literals.finish(),
    })
}

/// Keeps what the second reading of an entry needs.
fn defer<S: Settings>(
    uses: Vec<SecretUse>,
    listed: &Listed<'_>,
    material: &Material,
    recorder: Recorder<'_>,
    section: &Arc<Section<S>>,
) -> Deferred<S> {
    let remains = Remains {
        source: material.source.clone(),
        recorded: recorder.finish(),
        inputs: material.inputs.clone(),
        env_files: material.env_files.clone(),
        section: section.clone(),
    };
    Deferred::new(uses, listed.member, &listed.path, remains)
}

pub(crate) fn define<S: Settings>(
    reader: &Reader<'_>,
    section: &Section<S>,
    warnings: &mut Warnings,
) -> Result<ServerDefinition<S>, Fault> {
    let endpoint = reader.endpoint(warnings)?;
    Ok(ServerDefinition {
        endpoint,
        settings: section.read(reader.entry, |node| reader.filled(node))?,
        folder: reader.scope.folder.to_owned(),
        deferred: None,
    })
}

fn entry<S>(
    listed: &Listed<'_>,
    disabled: bool,
    definition: Result<ServerDefinition<S>, Fault>,
    source: &Source,
) -> ServerEntry<S> {
    let key = listed.member.key.clone();
    let definition = definition.map_err(|fault| EntryError::new(&key, source.label(), fault));
    let title = (key != listed.id.as_str()).then(|| key.clone());
    ServerEntry {
        id: listed.id.clone(),
        key,
        title,
        disabled,
        definition,
    }
}

/// Reads `manyhands` sections of one type, whose schema is made once.
pub(crate) struct Section<S> {
    schema: Value,
    settings: PhantomData<fn() -> S>,
}

impl<S: Settings> Section<S> {
    fn new() -> Self {
        let schema = schemars::SchemaGenerator::default().into_root_schema_for::<S>();
        Self {
            schema: schema.to_value(),
            settings: PhantomData,
        }
    }

    /// Reads the section among `members`, or gives the default.
    fn read(
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
