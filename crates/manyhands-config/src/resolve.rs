//! From files that were read to servers: lists made one, entries resolved, warnings gathered.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use manyhands_core::assign_ids;

use crate::config::{Config, SECTION, Section, ServerDefinition, ServerEntry, Settings};
use crate::deferred::{Deferred, Recorder, Remains, SecretUse};
use crate::document::shown;
use crate::entry::{Reader, wrong};
use crate::error::{ConfigError, Fault, FileFault, Subject};
use crate::file::Material;
use crate::include::Fragment;
use crate::keys;
use crate::literal;
use crate::part;
use crate::servers::{self, Listed};
use crate::variables::{Scope, Variables};
use crate::warning::{Warning, WarningKind, Warnings};

/// Resolves a file with all that it includes.
pub(crate) fn resolve<S: Settings, T: Settings>(
    material: &Material,
    variables: &dyn Variables,
) -> Result<Config<S, T>, ConfigError> {
    let refuse = |fault| ConfigError::new(material.source.label(), fault);
    let mut warnings = Warnings::default();
    let Files {
        origins,
        lists,
        broken,
    } = files(material, &mut warnings).map_err(refuse)?;
    let top = material.document.root.members().unwrap_or_default();
    let settings = Section::new()
        .naming(part::APART)
        .read_without(top, part::APART, |node| Ok(node.clone()));
    let settings = settings.map_err(|fault| refuse(fault.of_file()))?;
    let section = Arc::new(Section::<S>::new());
    let mut literals = Warnings::default();
    let embeddings = part::read(material, part::EMBEDDINGS, variables, &mut literals);
    let mut servers = Vec::new();
    for (file, listed) in &servers::merge(lists, &mut warnings) {
        let Some(origin) = origins.get(*file) else {
            continue;
        };
        let mut resolver = Resolver {
            variables,
            section: &section,
            warnings: &mut warnings,
            literals: &mut literals,
        };
        servers.push(resolver.entry(listed, origin));
    }
    stand_in(&broken, &mut servers);
    for warning in &material.included.warnings {
        warnings.add(|| warning.clone());
    }
    Ok(Config {
        settings,
        embeddings,
        servers,
        warnings: warnings.finish(),
        literal_secrets: literals.finish(),
        lock: None,
    })
}

/// The files of a configuration with the servers in them, its own first; and those that cannot be used.
struct Files<'a> {
    origins: Vec<Origin<'a>>,
    lists: Vec<(&'a str, Vec<Listed<'a>>)>,
    broken: Vec<(&'a Fragment, Fault)>,
}

fn files<'a>(material: &'a Material, warnings: &mut Warnings) -> Result<Files<'a>, FileFault> {
    let own = servers::list(&material.document, warnings)?;
    check_document(material, warnings);
    let mut files = Files {
        origins: vec![Origin::of_main(material)],
        lists: vec![(material.source.label(), own)],
        broken: Vec::new(),
    };
    for fragment in &material.included.fragments {
        let mut own = Warnings::default();
        match listed(fragment, &mut own) {
            Ok((material, listed)) => {
                files.origins.push(Origin::of_fragment(fragment, material));
                files.lists.push((&fragment.label, listed));
            }
            Err(fault) => files.broken.push((fragment, fault)),
        }
        own.tell(&fragment.label, warnings);
    }
    Ok(files)
}

/// The servers of an included file.
fn listed<'a>(
    fragment: &'a Fragment,
    warnings: &mut Warnings,
) -> Result<(&'a Material, Vec<Listed<'a>>), Fault> {
    let material = fragment.material.as_ref().map_err(Clone::clone)?;
    check_document(material, warnings);
    check_section(material, warnings);
    let listed = servers::list(&material.document, warnings);
    Ok((material, listed.map_err(FileFault::of_entry)?))
}

/// The warnings about a file as a whole.
fn check_document(material: &Material, warnings: &mut Warnings) {
    keys::check_document(&material.document, warnings);
    for warning in &material.input_warnings {
        warnings.add(|| warning.clone());
    }
}

/// Warns of settings in an included file: those of the whole stand in the file that includes it.
fn check_section(material: &Material, warnings: &mut Warnings) {
    let section = material.document.root.get(SECTION);
    let members = section.and_then(|it| it.node.members());
    for member in members.unwrap_or_default() {
        if member.key == "include" {
            continue;
        }
        let (key, line) = (shown(&member.key), member.line);
        let message =
            format!("manyhands.{key} (line {line}) is not applied in a file that is included");
        warnings.add(|| Warning::new(WarningKind::UnusedKey, line, message));
    }
}

/// Adds an entry for each file that could not be included, called as the file is.
fn stand_in<S>(broken: &[(&Fragment, Fault)], servers: &mut Vec<ServerEntry<S>>) {
    let stem = |fragment: &Fragment| {
        let stem = Path::new(&fragment.label).file_stem();
        stem.unwrap_or_default().to_string_lossy().into_owned()
    };
    let stems: Vec<String> = broken.iter().map(|(fragment, _)| stem(fragment)).collect();
    let taken: Vec<String> = servers.iter().map(|server| server.key.clone()).collect();
    // The ids of servers come first, so that none of them changes.
    let all = taken.iter().chain(&stems).map(String::as_str);
    let ids = assign_ids(all).into_iter().skip(taken.len());
    for (((fragment, fault), stem), id) in broken.iter().zip(stems).zip(ids) {
        servers.push(ServerEntry {
            id,
            title: Some(fragment.label.clone()),
            disabled: false,
            definition: Err(Subject::Server.error(&stem, &fragment.label, fault.clone())),
            file: Some(fragment.label.clone()),
            owner: fragment.owner.clone(),
            stands_for_file: true,
            key: stem,
        });
    }
}

/// The file that some entries stand in.
struct Origin<'a> {
    material: &'a Material,
    fragment: Option<&'a Fragment>,
}

impl<'a> Origin<'a> {
    fn of_main(material: &'a Material) -> Self {
        Self {
            material,
            fragment: None,
        }
    }

    fn of_fragment(fragment: &'a Fragment, material: &'a Material) -> Self {
        Self {
            material,
            fragment: Some(fragment),
        }
    }
}

/// Resolves one entry.
struct Resolver<'a, S> {
    variables: &'a dyn Variables,
    section: &'a Arc<Section<S>>,
    warnings: &'a mut Warnings,
    literals: &'a mut Warnings,
}

impl<S: Settings> Resolver<'_, S> {
    /// Resolves the entry; warnings about an included file name it.
    fn entry(&mut self, listed: &Listed<'_>, origin: &Origin<'_>) -> ServerEntry<S> {
        let Some(fragment) = origin.fragment else {
            return self.alone(listed, origin);
        };
        let (mut warnings, mut literals) = (Warnings::default(), Warnings::default());
        let mut inner = Resolver {
            variables: self.variables,
            section: self.section,
            warnings: &mut warnings,
            literals: &mut literals,
        };
        let entry = inner.alone(listed, origin);
        warnings.tell(&fragment.label, self.warnings);
        literals.tell(&fragment.label, self.literals);
        entry
    }

    fn alone(&mut self, listed: &Listed<'_>, origin: &Origin<'_>) -> ServerEntry<S> {
        let material = origin.material;
        let recorder = Recorder::new(self.variables);
        let scope = Scope {
            variables: &recorder,
            inputs: &material.inputs,
            folder: material.source.folder(),
            secrets: None,
        };
        let members = listed.member.node.members();
        let reader = Reader {
            path: &listed.path,
            line: listed.member.line,
            entry: members.unwrap_or_default(),
            scope: &scope,
            env_files: &material.env_files,
            uses: RefCell::default(),
        };
        keys::check_entry(
            reader.path,
            reader.entry,
            &self.section.schema,
            self.warnings,
        );
        literal::check(&listed.id, reader.path, reader.entry, self.literals);
        let disabled = reader.disabled();
        let mut definition = match (members, &disabled) {
            (None, _) => Err(wrong("", &listed.member.node, "an object")),
            (_, Err(fault)) => Err(fault.clone()),
            (Some(_), Ok(_)) => define(&reader, self.section, self.warnings),
        };
        let uses = reader.uses.into_inner();
        if let Ok(definition) = &mut definition
            && !uses.is_empty()
        {
            definition.deferred = Some(defer(uses, listed, material, recorder, self.section));
        }
        entry(listed, disabled.unwrap_or(false), definition, origin)
    }
}

/// Keeps what the second reading of an entry needs.
fn defer<S: Settings>(
    uses: Vec<SecretUse>,
    listed: &Listed<'_>,
    material: &Material,
    recorder: Recorder<'_>,
    section: &Arc<Section<S>>,
) -> Deferred<ServerDefinition<S>> {
    let section = section.clone();
    let remains = Remains {
        of: Subject::Server,
        source: material.source.clone(),
        recorded: recorder.finish(),
        inputs: material.inputs.clone(),
        env_files: material.env_files.clone(),
        // The first reading gave the warnings.
        read: Box::new(move |reader| define(reader, &section, &mut Warnings::default())),
    };
    Deferred::new(uses, listed.member, &listed.path, remains)
}

fn define<S: Settings>(
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
    origin: &Origin<'_>,
) -> ServerEntry<S> {
    let key = listed.member.key.clone();
    let label = origin.material.source.label();
    let definition = definition.map_err(|fault| Subject::Server.error(&key, label, fault));
    let title = (key != listed.id.as_str()).then(|| key.clone());
    ServerEntry {
        id: listed.id.clone(),
        key,
        title,
        disabled,
        definition,
        file: origin.fragment.map(|it| it.label.clone()),
        owner: origin.fragment.and_then(|it| it.owner.clone()),
        stands_for_file: false,
    }
}
