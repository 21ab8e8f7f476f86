//! What can be wrong with a configuration: the whole file, or one server in it.
//!
//! An error names a place and what is wrong there, never a value: values of a
//! configuration may be secret.

use std::error::Error;
use std::fmt;
use std::io;

use crate::document::shown;

/// Says what is wrong with a configuration file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// There is no such file.
    NotFound,
    /// The path names a directory.
    IsDirectory,
    /// The system refused to read the file.
    Unreadable,
    /// The file is larger than 4 MiB.
    TooLarge,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is not JSON, comments and trailing commas granted.
    BrokenJson,
    /// Objects and lists are nested more than 64 deep.
    TooDeep,
    /// The outermost value is not an object.
    NotAnObject,
    /// There is neither `mcpServers` nor `servers`.
    NoServerList,
    /// A section that concerns the whole file does not have the form it must have.
    InvalidSection,
}

/// Reports that a configuration file cannot be used at all.
///
/// It reads as a fragment that fits "failed to {error}".
pub struct ConfigError(Box<ConfigErrorInner>);

#[derive(Debug)]
struct ConfigErrorInner {
    label: String,
    fault: FileFault,
    source: Option<io::Error>,
}

impl ConfigError {
    pub(crate) fn new(label: &str, fault: FileFault) -> Self {
        Self(Box::new(ConfigErrorInner {
            label: shown_path(label),
            fault,
            source: None,
        }))
    }

    /// Says what is wrong with an included file.
    pub(crate) fn included(label: &str, what: &str) -> Self {
        let fault = FileFault::new(ConfigErrorKind::TooLarge, what);
        Self::new(label, fault.mend("leave it out of `include`"))
    }

    /// What is wrong, without the place and the mend.
    pub(crate) fn what(&self) -> &str {
        &self.0.fault.what
    }

    pub(crate) fn with_source(mut self, source: io::Error) -> Self {
        self.0.source = Some(source);
        self
    }

    /// What is wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> ConfigErrorKind {
        self.0.fault.kind
    }

    /// The line it stands on, where one is known; the first is 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.0.fault.line
    }

    /// What a person can do about it. The displayed text ends with it.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.0.fault.mend.as_deref()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileFault {
            line,
            column,
            what,
            mend,
            ..
        } = &self.0.fault;
        write!(f, "read {}: ", self.0.label)?;
        match (line, column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: ")?,
            (Some(line), None) => write!(f, "line {line}: ")?,
            _ => {}
        }
        f.write_str(what)?;
        mend.as_ref().map_or(Ok(()), |mend| write!(f, "; {mend}"))
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

/// What is wrong with a file, before the file's name is known.
#[derive(Debug)]
pub(crate) struct FileFault {
    kind: ConfigErrorKind,
    line: Option<usize>,
    column: Option<usize>,
    what: String,
    mend: Option<String>,
}

impl FileFault {
    pub(crate) fn new(kind: ConfigErrorKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            line: None,
            column: None,
            what: what.into(),
            mend: None,
        }
    }

    /// The same as the fault of an entry that stands for the file.
    pub(crate) fn of_entry(self) -> Fault {
        let mut fault = Fault::new(EntryErrorKind::Include, self.what);
        fault.line = self.line;
        fault.mend = self.mend;
        fault
    }

    pub(crate) fn line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    pub(crate) fn column(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }

    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// Says what is wrong with one server's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryErrorKind {
    /// A value is of the wrong JSON type, or is text that cannot be used there.
    InvalidValue,
    /// The entry has neither a command nor a URL, or not the one that its type asks for.
    NoEndpoint,
    /// The entry has both a command and a URL, and no type that decides.
    AmbiguousEndpoint,
    /// The type is one that this version does not know.
    UnknownType,
    /// The `manyhands` section has a key that means nothing.
    UnknownSetting,
    /// The `manyhands` section has a value that does not fit.
    InvalidSetting,
    /// A variable without a default is not set.
    UnsetVariable,
    /// An input without a default has no value.
    UnsetInput,
    /// A `${..}` reference is of a kind that this version does not know.
    UnsupportedReference,
    /// A `${secret:..}` reference is not written as it must be, or names a source that is not known.
    InvalidReference,
    /// The URL is neither an absolute `http` or `https` URL nor that of a Unix socket.
    InvalidUrl,
    /// The `envFile` cannot be read or understood.
    EnvFile,
    /// A file that is included cannot be read or understood; the entry stands for all servers in it.
    Include,
}

/// Reports that one server's entry, or one part of the file's section, cannot be used; nothing else is concerned.
///
/// It reads as a fragment that fits "failed to {error}".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryError(Box<EntryErrorInner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct EntryErrorInner {
    of: Subject,
    key: String,
    label: String,
    cause: String,
    fault: Fault,
}

/// Whose error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Server,
    Part,
}

impl Subject {
    /// Says what is wrong with what has this key.
    pub(crate) fn error(self, key: &str, label: &str, fault: Fault) -> EntryError {
        let label = shown_path(label);
        let place = fault
            .line
            .map_or_else(|| label.clone(), |line| format!("{label}, line {line}"));
        let cause = if fault.path.is_empty() {
            format!("{place}: {}", fault.what)
        } else {
            format!("{} ({place}): {}", fault.path, fault.what)
        };
        EntryError(Box::new(EntryErrorInner {
            of: self,
            key: shown(key),
            label,
            cause,
            fault,
        }))
    }
}

impl EntryError {
    /// What is wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> EntryErrorKind {
        self.0.fault.kind
    }

    /// The place inside the entry, such as `env.TOKEN` or `args[2]`; empty for the entry itself.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.fault.path
    }

    /// The line it stands on, where one is known; the first is 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.0.fault.line
    }

    /// What is wrong and where, without whose it is and without the mend.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.0.cause
    }

    /// What a person can do about it. The displayed text ends with it.
    #[must_use]
    pub fn mend(&self) -> Option<&str> {
        self.0.fault.mend.as_deref()
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EntryErrorInner { of, key, cause, .. } = &*self.0;
        match of {
            Subject::Server => write!(f, "configure server `{key}`: {cause}")?,
            Subject::Part => write!(f, "configure {key}: {cause}")?,
        }
        self.mend().map_or(Ok(()), |mend| write!(f, "; {mend}"))
    }
}

impl Error for EntryError {}

/// What is wrong at one place of an entry or a section, before it is known whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: EntryErrorKind,
    pub(crate) path: String,
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
    pub(crate) mend: Option<String>,
}

impl Fault {
    pub(crate) fn new(kind: EntryErrorKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            path: String::new(),
            line: None,
            what: what.into(),
            mend: None,
        }
    }

    /// Says where it is, unless that is known already.
    pub(crate) fn at(mut self, path: &str, line: usize) -> Self {
        if self.path.is_empty() {
            path.clone_into(&mut self.path);
        }
        self.line = self.line.or(Some(line));
        self
    }

    /// Puts the place in front of the place that is known so far.
    pub(crate) fn under(mut self, outer: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{outer}{dot}{}", self.path);
        self
    }

    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// The same fault in a section that concerns the whole file.
    pub(crate) fn of_file(self) -> FileFault {
        let what = format!("{}: {}", self.path, self.what);
        let mut fault = FileFault::new(ConfigErrorKind::InvalidSection, what);
        fault.line = self.line;
        fault.mend = self.mend;
        fault
    }
}

/// A path is longer than a key may be, and just as much a stranger's.
fn shown_path(label: &str) -> String {
    manyhands_core::Printable(&manyhands_core::clip(label, 1_024)).to_string()
}

/// Ends a mend with the nearest of what is known: "did you mean `x`?".
pub(crate) fn did_you_mean<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let best = *manyhands_core::nearest(wanted, known).first()?;
    Some(format!("did you mean `{best}`?"))
}
