//! What names secrets: read once with each `${secret:..}` as it is written, and again when the secrets are known.
//!
//! It knows how a reference is written, and not what a source of secrets is.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use manyhands_core::Secret;

use crate::document::{Member, shown};
use crate::entry::Reader;
use crate::error::{EntryError, EntryErrorKind, Fault, Subject};
use crate::file::{EnvFiles, Source, absolute};
use crate::inputs::Inputs;
use crate::variables::{Scope, Variables};

/// A `${secret:..}` that stands in an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretUse {
    /// The reference itself, such as `keyring:slack/token`. The path of a `file:` is absolute, or begins with `~/`.
    pub reference: String,
    /// The place inside the entry, such as `env.TOKEN`; empty where it stands in a section of settings.
    pub path: String,
    /// The line it stands on; the first is 1.
    pub line: usize,
}

/// A server's definition, or a part of the file's section, that cannot be read to its end before some secrets are known.
/// Cheap to clone.
pub struct Deferred<D>(Arc<Inner<D>>);

struct Inner<D> {
    uses: Vec<SecretUse>,
    /// The entry with its key, and where it stands.
    member: Member,
    path: String,
    remains: Remains<D>,
}

/// What the first reading leaves for the second, so that it comes to the same.
pub(crate) struct Remains<D> {
    pub(crate) of: Subject,
    pub(crate) source: Source,
    pub(crate) recorded: Recorded,
    pub(crate) inputs: Arc<Inputs>,
    pub(crate) env_files: Arc<EnvFiles>,
    pub(crate) read: Box<Read<D>>,
}

/// How an entry is read.
pub(crate) type Read<D> = dyn Fn(&Reader<'_>) -> Result<D, Fault> + Send + Sync;

impl<D> Deferred<D> {
    pub(crate) fn new(
        uses: Vec<SecretUse>,
        member: &Member,
        path: &str,
        remains: Remains<D>,
    ) -> Self {
        Self(Arc::new(Inner {
            uses,
            member: member.clone(),
            path: path.to_owned(),
            remains,
        }))
    }

    /// Where secrets are named, in the order in which they were met.
    #[must_use]
    pub fn uses(&self) -> &[SecretUse] {
        &self.0.uses
    }

    /// Reads it again, with secrets by their references. Variables have the values that they had at first.
    ///
    /// # Errors
    /// [`EntryError`] when it cannot be used with these secrets, or one is missing. It does not show them.
    pub fn complete(&self, secrets: &BTreeMap<String, Secret>) -> Result<D, EntryError> {
        let Inner {
            member,
            path,
            remains,
            ..
        } = &*self.0;
        let scope = Scope {
            variables: &remains.recorded,
            inputs: &remains.inputs,
            folder: remains.source.folder(),
            secrets: Some(secrets),
        };
        let reader = Reader {
            path,
            line: member.line,
            entry: member.node.members().unwrap_or_default(),
            scope: &scope,
            env_files: &remains.env_files,
            uses: RefCell::default(),
        };
        (remains.read)(&reader).map_err(|fault| self.error(fault))
    }

    /// Says that what one of [`Self::uses`] names can never be had.
    #[must_use]
    pub fn refused(&self, of: &SecretUse, cause: &str, mend: Option<&str>) -> EntryError {
        let fault = Fault::new(EntryErrorKind::InvalidReference, cause).at(&of.path, of.line);
        self.error(match mend {
            Some(mend) => fault.mend(mend),
            None => fault,
        })
    }

    fn error(&self, fault: Fault) -> EntryError {
        let remains = &self.0.remains;
        remains
            .of
            .error(&self.0.member.key, remains.source.label(), fault)
    }
}

impl<D> Clone for Deferred<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Two are equal when they are clones of one.
impl<D> PartialEq for Deferred<D> {
    fn eq(&self, other: &Self) -> bool {
        // The rest of an entry is in what was read at first; the lines are not what it means.
        let means = |it: &Self| {
            let uses = it.0.uses.iter();
            uses.map(|it| (it.reference.clone(), it.path.clone()))
                .collect::<Vec<_>>()
        };
        means(self) == means(other)
    }
}

impl<D> Eq for Deferred<D> {}

impl<D> fmt::Debug for Deferred<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0.uses).finish()
    }
}

/// The values that an entry got from its variables, without the variables.
#[derive(Default)]
pub(crate) struct Recorded {
    variables: BTreeMap<String, String>,
    inputs: BTreeMap<String, String>,
}

impl Variables for Recorded {
    fn get(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn input(&self, id: &str) -> Option<String> {
        self.inputs.get(id).cloned()
    }
}

/// Passes variables on, and keeps what was asked for.
pub(crate) struct Recorder<'a> {
    variables: &'a dyn Variables,
    recorded: RefCell<Recorded>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(variables: &'a dyn Variables) -> Self {
        Self {
            variables,
            recorded: RefCell::default(),
        }
    }

    pub(crate) fn finish(self) -> Recorded {
        self.recorded.into_inner()
    }
}

impl Variables for Recorder<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let value = self.variables.get(name)?;
        let mut recorded = self.recorded.borrow_mut();
        recorded.variables.insert(name.to_owned(), value.clone());
        Some(value)
    }

    fn input(&self, id: &str) -> Option<String> {
        let value = self.variables.input(id)?;
        let mut recorded = self.recorded.borrow_mut();
        recorded.inputs.insert(id.to_owned(), value.clone());
        Some(value)
    }
}

/// Checks what stands behind `${secret:`, and gives the reference with the path of a file made whole.
pub(crate) fn reference(written: &str, folder: &Path) -> Result<String, Fault> {
    let refuse =
        |what: &str, mend: &str| Err(Fault::new(EntryErrorKind::InvalidReference, what).mend(mend));
    let form = "write it as ${secret:SOURCE:KEY}, as in ${secret:keyring:slack/token}";
    if written.contains(":-") {
        let what = "a reference to a secret has no default";
        return refuse(what, "leave out what follows the `:-`");
    }
    let Some((source, key)) = written.split_once(':') else {
        return refuse("a reference to a secret needs a source and a key", form);
    };
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if source.is_empty() || !source.chars().all(legal) {
        let what = format!("`{}` is no name for a source of secrets", shown(source));
        return refuse(&what, form);
    }
    if key.trim().is_empty() {
        return refuse("a reference to a secret needs a key", form);
    }
    let stays = source != "file" || key.starts_with("~/") || key.starts_with(r"~\");
    Ok(if stays {
        written.to_owned()
    } else {
        let path = absolute(folder, Path::new(key));
        format!("file:{}", path.to_string_lossy())
    })
}
