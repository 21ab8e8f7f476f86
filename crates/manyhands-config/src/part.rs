//! A part of the file's section that is read by itself: what is wrong with it costs nothing else, and it may hold
//! references, to secrets too.
//!
//! It must not know what a part is for.

use std::cell::RefCell;
use std::fmt;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::config::SECTION;
use crate::deferred::{Deferred, Recorder, Remains};
use crate::document::{Member, Node, join};
use crate::entry::Reader;
use crate::error::{EntryError, Fault, Subject};
use crate::file::Material;
use crate::literal;
use crate::schema::unknown_key;
use crate::variables::{Scope, Variables};
use crate::warning::Warnings;

/// The key of what gives vectors.
pub(crate) const EMBEDDINGS: &str = "embeddings";

/// The keys of the file's section that are read apart from it.
pub(crate) const APART: [&str; 2] = ["include", EMBEDDINGS];

/// A part of the file's section, for the layer that it is meant for.
#[derive(Clone)]
#[non_exhaustive]
pub struct Part {
    key: String,
    label: String,
    /// As it stands in the file, and with its references filled in.
    written: Node,
    filled: Node,
    /// How to come by the whole of it, where it names secrets. This one then has `${secret:..}` as it is written.
    pub deferred: Option<Deferred<Part>>,
}

impl Part {
    /// Reads it as that layer's settings.
    ///
    /// # Errors
    /// [`EntryError`] when it does not fit them. It shows no value.
    pub fn read<P: DeserializeOwned + JsonSchema>(&self) -> Result<P, EntryError> {
        let schema = SchemaGenerator::default().into_root_schema_for::<P>();
        let read = match unknown_key(&self.written, schema.as_value()) {
            Some(fault) => Err(fault),
            // An error is about what was written: what was filled in may be secret.
            None => P::deserialize(&self.filled)
                .map_err(|fault| P::deserialize(&self.written).err().unwrap_or(fault)),
        };
        read.map_err(|fault| {
            let fault = fault.under(&place(&self.key)).at("", self.written.line);
            Subject::Part.error(&self.key, &self.label, fault)
        })
    }

    /// What it says, wherever it stands.
    fn meaning(&self) -> Option<serde_json::Value> {
        serde::Deserialize::deserialize(&self.filled).ok()
    }
}

/// Two are equal when they say the same; the lines are not what they mean.
impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.meaning() == other.meaning()
    }
}

impl Eq for Part {}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("key", &self.key)
            .field("deferred", &self.deferred)
            .finish_non_exhaustive()
    }
}

/// Reads what stands under `key` in the section of the file itself.
pub(crate) fn read(
    material: &Material,
    key: &str,
    variables: &dyn Variables,
    literals: &mut Warnings,
) -> Option<Result<Part, EntryError>> {
    let member = material.document.root.get(SECTION)?.node.get(key)?;
    literal::check_part(&place(key), member, literals);
    let recorder = Recorder::new(variables);
    let scope = Scope {
        variables: &recorder,
        inputs: &material.inputs,
        folder: material.source.folder(),
        secrets: None,
    };
    let path = place(key);
    let reader = Reader {
        path: &path,
        line: member.line,
        entry: &[],
        scope: &scope,
        env_files: &material.env_files,
        uses: RefCell::default(),
    };
    let label = material.source.label().to_owned();
    let filled = filled(&reader, member, &label);
    let uses = reader.uses.into_inner();
    let mut part = match filled {
        Ok(part) => part,
        Err(fault) => return Some(Err(Subject::Part.error(key, &label, fault))),
    };
    if !uses.is_empty() {
        let written = member.clone();
        let remains = Remains {
            of: Subject::Part,
            source: material.source.clone(),
            recorded: recorder.finish(),
            inputs: material.inputs.clone(),
            env_files: material.env_files.clone(),
            read: Box::new(move |reader| self::filled(reader, &written, &label)),
        };
        part.deferred = Some(Deferred::new(uses, member, &path, remains));
    }
    Some(Ok(part))
}

fn filled(reader: &Reader<'_>, member: &Member, label: &str) -> Result<Part, Fault> {
    let filled = reader.filled(&member.node);
    Ok(Part {
        key: member.key.clone(),
        label: label.to_owned(),
        written: member.node.clone(),
        filled: filled.map_err(|fault| fault.under(&place(&member.key)))?,
        deferred: None,
    })
}

fn place(key: &str) -> String {
    join(SECTION, key)
}
