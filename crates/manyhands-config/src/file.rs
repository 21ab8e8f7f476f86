//! A configuration file read once: what is trusted is exactly what is parsed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use manyhands_core::{Printable, clip};

use crate::document::Document;
use crate::entry::env_file_path;
use crate::env_file;
use crate::error::{ConfigError, ConfigErrorKind, EntryErrorKind, Fault, FileFault};
use crate::include::{self, Included};
use crate::inputs::Inputs;
use crate::servers;
use crate::variables::{Scope, Variables};
use crate::warning::Warning;

/// The largest configuration file, in bytes. The largest seen in the wild are below 100 KiB.
const MAX_FILE: u64 = 4 << 20;

/// What the name of a file with pins ends with, in place of the configuration's ending.
pub(crate) const LOCK: &str = "lock.json";

/// How much all env files of one configuration may hold together, in bytes.
const MAX_ENV_FILES: u64 = 4 << 20;

/// Names a text for messages, and says on which folder its relative paths stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    label: String,
    folder: PathBuf,
}

impl Source {
    /// Takes a label and the folder that `${workspaceFolder}` and relative paths refer to.
    #[must_use]
    pub fn new(label: impl Into<String>, folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self {
            label: label.into(),
            folder,
        }
    }

    /// Describes a file: its folder is the one it lies in, or the one above when that is `.vscode` or `.cursor`.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let parent = absolute.parent().unwrap_or(&absolute);
        let editors = parent
            .file_name()
            .is_some_and(|name| name == ".vscode" || name == ".cursor");
        let folder = parent.parent().filter(|_| editors).unwrap_or(parent);
        Self {
            label: path.display().to_string(),
            folder: folder.to_owned(),
        }
    }

    /// What messages call the text.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The absolute folder that relative paths stand on.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A configuration file and the env files that it names, each read exactly once.
///
/// Reading runs nothing and decides nothing. Between reading and
/// [`Config::resolve`](crate::Config::resolve), a program asks
/// [`TrustStore::state`](crate::trust::TrustStore::state) about these very bytes.
pub struct ConfigFile {
    pub(crate) material: Material,
    pub(crate) text: String,
    pub(crate) identity: PathBuf,
}

impl ConfigFile {
    /// Reads the file at `path`, and the env files that its servers name.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read, is larger than 4 MiB, or is
    /// not JSON. A missing env file is no error here; it concerns its server.
    pub fn read(path: &Path, variables: &dyn Variables) -> Result<Self, ConfigError> {
        let source = Source::of_file(path);
        let text = read_text(path, &source.label)?;
        let identity =
            identity(path, &source.folder).map_err(|error| unreadable(&source.label, error))?;
        let material = Material::new(&text, source, variables)?;
        Ok(Self {
            material,
            text,
            identity,
        })
    }

    /// Where the text comes from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.material.source
    }

    /// The text as it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names and contents of all files beside this one that were read, for a pin.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        let fragments = self.material.included.fragments.iter();
        let inner = fragments.flat_map(|fragment| {
            let text = fragment.text.as_ref().map(String::as_bytes);
            let env_files = fragment
                .material
                .iter()
                .flat_map(|it| it.env_files.contents());
            std::iter::once((fragment.label.as_str(), text)).chain(env_files)
        });
        self.material.env_files.contents().chain(inner)
    }

    /// Whether this file and all that were read with it hold what they hold in `other`.
    #[must_use]
    pub fn holds_the_same(&self, other: &Self) -> bool {
        self.text == other.text && self.contents().eq(other.contents())
    }

    /// Whether every file that was read for both is the same for both.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let theirs: Vec<_> = other.contents().collect();
        let is_same = |(name, bytes): (&str, Option<&[u8]>)| {
            let mut named = theirs
                .iter()
                .filter(|(theirs, _)| *theirs == name)
                .peekable();
            named.peek().is_none() || named.any(|(_, theirs)| *theirs == bytes)
        };
        self.contents().all(is_same)
    }

    /// The path under which trust in this file is remembered.
    ///
    /// The folder that relative paths stand on is canonical, what follows is as
    /// given: a link to a trusted file from another folder is another file,
    /// because the same text means other programs there.
    #[must_use]
    pub fn identity(&self) -> &Path {
        &self.identity
    }
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Everything that resolving needs, none of which is read again.
pub(crate) struct Material {
    pub(crate) source: Source,
    pub(crate) document: Document,
    pub(crate) inputs: Arc<Inputs>,
    pub(crate) input_warnings: Vec<Warning>,
    pub(crate) env_files: Arc<EnvFiles>,
    pub(crate) included: Included,
}

impl Material {
    /// Parses `text` and reads the files that it names.
    pub(crate) fn new(
        text: &str,
        source: Source,
        variables: &dyn Variables,
    ) -> Result<Self, ConfigError> {
        let mut material = Self::alone(text, source, variables)?;
        material.included = include::read(&material.document, &material.source, variables);
        Ok(material)
    }

    /// Parses `text` and reads the env files that it names, but nothing that it includes.
    pub(crate) fn alone(
        text: &str,
        source: Source,
        variables: &dyn Variables,
    ) -> Result<Self, ConfigError> {
        let document = (text.len() as u64 <= MAX_FILE).then(|| Document::parse(text));
        let document = document.unwrap_or_else(|| Err(too_large()));
        let document = document.map_err(|fault| ConfigError::new(&source.label, fault))?;
        let (inputs, input_warnings) = Inputs::read(&document.root);
        let scope = Scope {
            variables,
            inputs: &inputs,
            folder: &source.folder,
            secrets: None,
        };
        let env_files = Arc::new(EnvFiles::read(&document, &scope));
        Ok(Self {
            source,
            document,
            inputs: Arc::new(inputs),
            input_warnings,
            env_files,
            included: Included::default(),
        })
    }
}

/// The env files of a configuration, by their paths as written.
#[derive(Default)]
pub(crate) struct EnvFiles(BTreeMap<String, Result<Vec<u8>, Fault>>);

impl EnvFiles {
    fn read(document: &Document, scope: &Scope<'_>) -> Self {
        let mut files = BTreeMap::new();
        let mut budget = MAX_ENV_FILES;
        let entries = servers::entries(&document.root);
        for (written, path) in entries.filter_map(|(_, member)| env_file_path(&member.node, scope))
        {
            // A path that was filled in is not shown: what it was filled with may be secret.
            let shown = if written.contains("${") {
                written.clone()
            } else {
                path.display().to_string()
            };
            files.entry(written).or_insert_with(|| {
                let bytes = read_env_file(&path, &shown, budget)?;
                budget = budget.saturating_sub(bytes.len() as u64);
                Ok(bytes)
            });
        }
        Self(files)
    }

    /// The values of the file that is written as `written`.
    pub(crate) fn values(&self, written: &str) -> Result<BTreeMap<String, String>, Fault> {
        let bytes = match self.0.get(written) {
            Some(Ok(bytes)) => bytes,
            Some(Err(fault)) => return Err(fault.clone()),
            None => return Err(env_fault("the file was not read")),
        };
        let text = std::str::from_utf8(bytes).map_err(|_| env_fault("the file is not UTF-8"))?;
        env_file::parse(text)
            .map_err(|fault| env_fault(&format!("line {} of the file: {}", fault.line, fault.what)))
    }

    /// Paths and contents, for a pin. A file that is missing differs from one that is empty.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.0
            .iter()
            .map(|(written, bytes)| (written.as_str(), bytes.as_deref().ok()))
    }
}

/// Puts `path` on `folder`, unless it is absolute already, and drops the dots that say nothing.
pub(crate) fn absolute(folder: &Path, path: &Path) -> PathBuf {
    folder
        .join(path)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}

/// Names the file at `path` for the trust store, without reading it.
pub(crate) fn identity_of(path: &Path) -> io::Result<PathBuf> {
    identity(path, &Source::of_file(path).folder)
}

/// Names the file for the trust store; see [`ConfigFile::identity`].
fn identity(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let inner = absolute.strip_prefix(folder).unwrap_or(&absolute);
    Ok(folder.canonicalize()?.join(inner))
}

/// Reads a text of bounded size.
pub(crate) fn read_text(path: &Path, label: &str) -> Result<String, ConfigError> {
    let bytes = read_file(path, label)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        not_utf8(label, error.as_bytes(), valid)
    })
}

fn read_file(path: &Path, label: &str) -> Result<Vec<u8>, ConfigError> {
    let refuse = |kind, what: &str, mend: &str| {
        Err(ConfigError::new(
            label,
            FileFault::new(kind, what).mend(mend),
        ))
    };
    if path.is_dir() {
        let mend = "name the file in it, such as mcp.json";
        return refuse(
            ConfigErrorKind::IsDirectory,
            "this is a directory, not a file",
            mend,
        );
    }
    let opened = File::open(path);
    if opened
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    {
        let mend = "check the path, or create the file";
        return refuse(ConfigErrorKind::NotFound, "there is no such file", mend);
    }
    let mut bytes = Vec::new();
    opened
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(label, error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(ConfigError::new(label, too_large()));
    }
    Ok(bytes)
}

fn unreadable(label: &str, error: io::Error) -> ConfigError {
    let fault = FileFault::new(ConfigErrorKind::Unreadable, "the file cannot be read")
        .mend("check who may read it");
    ConfigError::new(label, fault).with_source(error)
}

fn too_large() -> FileFault {
    FileFault::new(ConfigErrorKind::TooLarge, "the file is larger than 4 MiB")
        .mend("name a configuration file")
}

fn not_utf8(label: &str, bytes: &[u8], valid: usize) -> ConfigError {
    let line = bytes
        .iter()
        .take(valid)
        .filter(|byte| **byte == b'\n')
        .count()
        + 1;
    let fault = FileFault::new(ConfigErrorKind::NotUtf8, "the text is not UTF-8")
        .mend("save the file with the encoding UTF-8");
    ConfigError::new(label, fault.line(line))
}

/// Reads a regular file only: opening a pipe would wait for somebody to write.
fn read_env_file(path: &Path, shown: &str, budget: u64) -> Result<Vec<u8>, Fault> {
    if !path.is_file() {
        return Err(env_fault(&format!(
            "there is no file `{}`",
            Printable(&clip(shown, 1_024))
        ))
        .mend("create it, or correct the path"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(budget + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(env_fault(&format!("the file cannot be read: {error}"))),
        Ok(_) if bytes.len() as u64 > budget => Err(env_fault(
            "this file, with the env files before it, is larger than 4 MiB",
        )),
        Ok(_) => Ok(bytes),
    }
}

fn env_fault(what: &str) -> Fault {
    Fault::new(EntryErrorKind::EnvFile, what)
}
