//! The names of all tools: which look alike over servers, which are another one's full name, and whose a name in a text is.
//!
//! It must not know what a text does with a name.

use std::collections::HashMap;

use manyhands_core::{ServerId, clip};
use unicode_security::confusable_detection::skeleton;

use super::{Flag, FlagKind};
use crate::catalogue::Catalogue;
use crate::shard::ToolEntry;

/// How many tools of the same looks are kept of one server: thousands of them hide no other server's.
const MAX_OF_SERVER: usize = 8;
/// The shortest name that is told from a word, and the longest that is looked at, in bytes.
const MIN_NAME: usize = 6;
const MAX_NAME: usize = 256;

/// The names in a catalogue, found in several ways.
pub(super) struct Names<'c> {
    /// By what a name looks like.
    looks: HashMap<String, Vec<&'c ToolEntry>>,
    /// By full names, in small letters.
    full: HashMap<String, &'c ToolEntry>,
    /// By plain names that are no words of a language, in small letters.
    plain: HashMap<String, Vec<&'c ToolEntry>>,
    servers: HashMap<String, &'c ServerId>,
}

impl<'c> Names<'c> {
    pub(super) fn new(catalogue: &'c Catalogue) -> Self {
        let servers = catalogue
            .servers()
            .map(|it| (it.as_str().to_ascii_lowercase(), it));
        let mut names = Self {
            looks: HashMap::new(),
            full: HashMap::new(),
            plain: HashMap::new(),
            servers: servers.collect(),
        };
        for tool in catalogue.tools() {
            let name = tool.name().name();
            let alike = names.looks.entry(looks(name)).or_default();
            let mut of_server = alike.iter().rev().map(|it| it.name().server());
            // Tools come server by server.
            if of_server.nth(MAX_OF_SERVER - 1) != Some(tool.name().server()) {
                alike.push(tool);
            }
            for full in [tool.name().to_string(), tool.wire().to_owned()] {
                names.full.entry(full.to_lowercase()).or_insert(tool);
            }
            if is_distinct(name) {
                names
                    .plain
                    .entry(name.to_lowercase())
                    .or_default()
                    .push(tool);
            }
        }
        names
    }

    /// What is wrong with the name of a tool beside `namesakes`.
    pub(super) fn flags(&self, tool: &ToolEntry, namesakes: &[&ToolEntry]) -> Vec<Flag> {
        let name = tool.name().name();
        let flag = |kind, other: &ToolEntry| {
            let flag = Flag::new(tool, kind, "name", &clip(name, super::SHOWN));
            flag.about(&other.name().to_string())
        };
        let alike = namesakes.iter().find(|other| {
            // Of two, the one with strange letters is the imitation; without any, nobody can say.
            let other = other.name().name();
            other != name && (!name.is_ascii() || other.is_ascii())
        });
        let taken = self.full.get(&name.to_lowercase());
        let taken = taken.filter(|it| it.name().server() != tool.name().server());
        let alike = alike.map(|it| flag(FlagKind::LookAlikeName, it));
        alike
            .into_iter()
            .chain(taken.map(|it| flag(FlagKind::TakenName, it)))
            .collect()
    }

    /// The tool of another server that a word means.
    pub(super) fn mentioned(&self, word: &str, tool: &ToolEntry) -> Option<&'c ToolEntry> {
        let is_other = |it: &ToolEntry| it.name().server() != tool.name().server();
        if let Some(full) = self.full.get(word) {
            return Some(*full).filter(|it| is_other(it));
        }
        let named = self.plain.get(word)?;
        // A server that has a tool of this name means its own.
        named
            .iter()
            .all(|it| is_other(it))
            .then(|| named.first().copied())
            .flatten()
    }

    /// The other server that a word names, unless it is the name of a tool of this one.
    pub(super) fn server(&self, word: &str, tool: &ToolEntry) -> Option<&'c ServerId> {
        let server = self.servers.get(word).copied()?;
        let own = tool.name().server();
        let is_own = || self.full.get(&format!("{own}.{word}").to_lowercase());
        (server != own && is_own().is_none()).then_some(server)
    }

    /// Other servers' tools that have the same name, or one that looks so.
    pub(super) fn namesakes(&self, tool: &ToolEntry) -> Vec<&'c ToolEntry> {
        let server = tool.name().server();
        let alike = self.looks.get(&looks(tool.name().name()));
        let alike = alike.into_iter().flatten().copied();
        alike.filter(|it| it.name().server() != server).collect()
    }
}

fn looks(name: &str) -> String {
    skeleton(&clip(name, MAX_NAME)).collect()
}

/// Whether a name cannot be mistaken for a word: it is put together of several.
fn is_distinct(name: &str) -> bool {
    let is_camel = || {
        name.chars()
            .zip(name.chars().skip(1))
            .any(|(a, b)| a.is_lowercase() && b.is_uppercase())
    };
    (MIN_NAME..=MAX_NAME).contains(&name.len()) && (name.contains(['_', '-']) || is_camel())
}
