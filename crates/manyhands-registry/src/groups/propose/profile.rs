//! What is compared of one tool: what it does, to what, with which parameters. It must not know any other server.

use std::collections::{BTreeMap, BTreeSet};

use manyhands_core::clip;
use manyhands_core::model::Tool;

use super::action::{self, Effect};
use super::parameters::{self, Parameter};
use crate::catalogue::Catalogue;
use crate::lint::words;
use crate::pairing::hash;
use crate::select::{synonyms_of, terms};
use crate::shard::ToolEntry;

/// How much of a description is read, in bytes, and how many terms of it count. What comes first says what a tool does.
const MAX_TEXT: usize = 600;
const MAX_TERMS: usize = 48;
/// The longest name of a group, in bytes.
const MAX_NAME: usize = 60;
/// How many words of a name are looked at, and how many terms make keys.
const MAX_WORDS: usize = 12;
const MAX_KEYED: usize = 6;
/// Which part of a server's tools have to begin with a word for it to be their namespace, in percent, and of how many.
const NAMESPACE: usize = 40;
const MIN_TOOLS: usize = 4;

/// What is compared of a tool.
pub(super) struct Profile<'c> {
    pub(super) tool: &'c ToolEntry,
    pub(super) verb: String,
    pub(super) effect: Effect,
    /// Its name in words, without those of its server.
    pub(super) words: Vec<String>,
    /// What it acts on, by its name: terms, sorted. None where the name has nothing but a verb.
    pub(super) objects: Vec<String>,
    /// The terms of its description in order, without its verb and its server's name.
    pub(super) terms: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
}

/// The profiles of all tools, in the catalogue's order.
pub(super) fn all(catalogue: &Catalogue) -> Vec<Profile<'_>> {
    let mut profiles = Vec::new();
    let tools: Vec<&ToolEntry> = catalogue.tools().collect();
    for of_server in tools.chunk_by(|a, b| a.name().server() == b.name().server()) {
        let namespaces = namespaces(of_server);
        profiles.extend(of_server.iter().map(|tool| Profile::new(tool, &namespaces)));
    }
    profiles
}

/// The words with which many of a server's tools begin, and which therefore say nothing of a single one.
fn namespaces(tools: &[&ToolEntry]) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for first in tools
        .iter()
        .filter_map(|it| name_words(it).into_iter().next())
    {
        *counts.entry(first).or_default() += 1;
    }
    let is_namespace = |word: &str, count: usize| {
        let is_verb = action::known(word).is_some();
        !is_verb && tools.len() >= MIN_TOOLS && count * 100 >= tools.len() * NAMESPACE
    };
    counts.retain(|word, count| is_namespace(word, *count));
    counts.into_keys().collect()
}

fn name_words(tool: &ToolEntry) -> Vec<String> {
    let name = clip(tool.name().name(), MAX_TEXT);
    words(&name).take(MAX_WORDS).collect()
}

impl<'c> Profile<'c> {
    fn new(tool: &'c ToolEntry, namespaces: &BTreeSet<String>) -> Self {
        let name = tool.name();
        let server: BTreeSet<String> = words(name.server().as_str()).collect();
        let mut all = name_words(tool);
        let is_own = |it: &String| !server.contains(it) && !namespaces.contains(it);
        if all.iter().any(is_own) {
            all.retain(is_own);
        }
        let said = action::read(&all, is_many(name.name()));
        let mut objects: Vec<String> = said.rest.iter().flat_map(|it| terms(it, 2)).collect();
        objects.sort_unstable();
        objects.dedup();
        let server: BTreeSet<String> = server.iter().flat_map(|it| terms(it, 2)).collect();
        let purpose = tool.metadata().purpose.map(|it| it.value);
        let mut described = terms(&clip(&purpose.unwrap_or_default(), MAX_TEXT), MAX_TERMS);
        let verbs: Vec<String> = action::alike(&said.verb)
            .flat_map(|it| terms(it, 2))
            .collect();
        described.retain(|it| !server.contains(it) && !verbs.contains(it));
        Self {
            tool,
            verb: said.verb,
            effect: effect(tool.definition(), said.effect),
            words: all,
            objects,
            terms: described,
            parameters: parameters::read(tool.definition()),
        }
    }

    /// What it is found by: its verb with each thing that it acts on, in other words too.
    pub(super) fn keys(&self) -> Vec<u64> {
        let about = if self.objects.is_empty() {
            &self.terms
        } else {
            &self.objects
        };
        let about = about.iter().take(MAX_KEYED);
        let all = about.flat_map(|it| std::iter::once(it).chain(synonyms_of(it)));
        let mut keys: Vec<u64> = all.map(|it| hash((&self.verb, it))).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// A name for a group of tools like this one.
    pub(super) fn group_name(&self) -> String {
        clip(&self.words.join("-"), MAX_NAME).into_owned()
    }
}

/// Whether the last word of a name is a plural.
fn is_many(name: &str) -> bool {
    let last = name.rsplit(|c: char| !c.is_alphanumeric()).next();
    let last = last.unwrap_or_default().to_lowercase();
    let is_none = ["ss", "us", "is", "content", "contents", "details"];
    last.len() > 3 && last.ends_with('s') && !is_none.iter().any(|it| last.ends_with(it))
}

/// What a tool does, by its server's word and by its verb. Who says both counts as one that writes.
fn effect(tool: &Tool, verb: Effect) -> Effect {
    let hints = tool.annotations.as_ref();
    let read_only = hints.and_then(|it| it.read_only_hint);
    let destroys = hints.and_then(|it| it.destructive_hint) == Some(true);
    match (read_only, verb) {
        (_, Effect::Writes) | (Some(false), _) => Effect::Writes,
        (None, _) if destroys => Effect::Writes,
        (Some(true), _) => Effect::Reads,
        (None, verb) => verb,
    }
}
