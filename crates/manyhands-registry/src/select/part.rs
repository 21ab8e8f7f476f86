//! One server's part of the index: for each term, which tools say it and how much it says of them.
//!
//! A part knows no other server, so that a change of one leaves the others' parts as they are. Lengths are therefore
//! weighed against constants, and not against the average over all tools.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use manyhands_core::ServerId;

use super::document::{Attributes, Field};
use super::gather::{Gathered, Term};
use crate::shard::{Shard, ToolEntry};
use crate::tokens::TokenEstimator;
use crate::wire::ModelApi;

/// A tool that says a term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting {
    /// The tool's place on its server.
    pub(super) tool: u32,
    /// How often the term is said, weighed by field and length.
    pub(super) weight: f32,
    /// The fields that say it, as bits.
    pub(super) fields: u16,
    /// How often its name and descriptions say it.
    pub(super) count: u16,
}

impl Posting {
    pub(super) fn fields(self) -> impl Iterator<Item = Field> {
        Field::ALL
            .into_iter()
            .filter(move |field| self.fields & bit(*field) != 0)
    }
}

/// A term on one server.
#[derive(Debug)]
struct Entry {
    hash: u64,
    /// How often the server's names and descriptions say it.
    count: f32,
    postings: std::ops::Range<usize>,
    /// Its place among the words.
    word: usize,
}

/// What one server's tools say of a term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'p> {
    pub(super) postings: &'p [Posting],
    pub(super) count: f32,
}

/// One server's part of the index.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) server: ServerId,
    pub(super) shard: Arc<Shard>,
    pub(super) about: Option<Arc<str>>,
    /// The number of words in the server's names and descriptions.
    pub(super) length: f32,
    /// Sorted by hash: found by eight bytes instead of a text.
    entries: Vec<Entry>,
    postings: Vec<Posting>,
    /// Sorted, for what a misspelt word may have meant.
    words: Vec<Box<str>>,
    /// By place; those of a tool that stayed as it was are shared with the part before.
    pub(super) attributes: Vec<Arc<Attributes>>,
}

impl Part {
    /// Reads a server's tools. Those that are as they were in `before` are taken from there, which must know the same of
    /// the server, and count tokens alike.
    pub(super) fn new(
        server: &ServerId,
        shard: &Arc<Shard>,
        about: Option<&Arc<str>>,
        before: Option<&Self>,
    ) -> Self {
        let mut part = Self {
            server: server.clone(),
            shard: shard.clone(),
            about: about.cloned(),
            length: 0.0,
            entries: Vec::new(),
            postings: Vec::new(),
            words: Vec::new(),
            attributes: Vec::new(),
        };
        let mut gathered = Gathered::new(server, about.map(|it| &**it).unwrap_or_default());
        let kept = before.map(|before| before.unchanged(shard));
        if let (Some(before), Some(kept)) = (before, &kept) {
            gathered.keep(before, &places(kept, before.tools().len()));
        }
        for (at, tool) in shard.tools.entries().iter().enumerate() {
            let old = kept.as_ref().and_then(|kept| *kept.get(at)?);
            let old = old.and_then(|at| before?.attributes.get(at));
            part.attributes.push(old.cloned().unwrap_or_else(|| {
                let metadata = tool.metadata();
                gathered.add(at as u32, tool, &metadata);
                Arc::new(Attributes::new(&metadata))
            }));
        }
        part.fill(gathered);
        part
    }

    /// For each tool of `now`, its place here, where it is still the same.
    fn unchanged(&self, now: &Shard) -> Vec<Option<usize>> {
        let tools = self.tools().iter().enumerate();
        let before: HashMap<&str, (usize, &ToolEntry)> =
            tools.map(|(at, it)| (it.name().name(), (at, it))).collect();
        let same = now.tools.entries().iter().map(|tool| {
            let (at, old) = before.get(tool.name().name())?;
            // What is equal is shared by the catalogue, so that no look at the definitions is needed.
            let is_same = Arc::ptr_eq(old.definition(), tool.definition());
            (is_same && old.overlay == tool.overlay).then_some(*at)
        });
        same.collect()
    }

    fn fill(&mut self, gathered: Gathered) {
        let mut terms: Vec<(Box<str>, Term)> = gathered.terms.into_iter().collect();
        // A map has no order of its own, and a part should be the same every time.
        terms.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (word, mut term) in terms {
            // What was kept came before what was read, whatever its place.
            term.postings.sort_unstable_by_key(|it| it.tool);
            let start = self.postings.len();
            self.postings.append(&mut term.postings);
            self.length += term.count;
            self.entries.push(Entry {
                hash: hash(&word),
                count: term.count,
                postings: start..self.postings.len(),
                word: self.words.len(),
            });
            self.words.push(word);
        }
        self.entries.sort_unstable_by_key(|entry| entry.hash);
    }

    /// All words, with what is said of each.
    pub(super) fn words(&self) -> impl Iterator<Item = (&str, Said<'_>)> {
        let entries = self.entries.iter();
        entries.filter_map(|it| Some((&**self.words.get(it.word)?, self.of(it)?)))
    }

    pub(super) fn tools(&self) -> &[ToolEntry] {
        self.shard.tools.entries()
    }

    /// What the server's tools say of the term with this hash.
    pub(super) fn said(&self, hash: u64) -> Option<Said<'_>> {
        let at = self
            .entries
            .binary_search_by_key(&hash, |it| it.hash)
            .ok()?;
        self.of(self.entries.get(at)?)
    }

    fn of(&self, entry: &Entry) -> Option<Said<'_>> {
        Some(Said {
            postings: self.postings.get(entry.postings.clone())?,
            count: entry.count,
        })
    }

    /// The server's terms that begin with `start`.
    pub(super) fn beginning_with<'p>(&'p self, start: &'p str) -> impl Iterator<Item = &'p str> {
        let from = self.words.partition_point(|word| **word < *start);
        let words = self.words.iter().skip(from).map(|word| &**word);
        words.take_while(move |word| word.starts_with(start))
    }

    /// What a tool is filed under, in lower case.
    pub(super) fn tags(&self, tool: usize) -> &[String] {
        self.attributes.get(tool).map_or(&[], |it| &it.tags)
    }

    /// The tokens of a tool's definition for `api`.
    pub(super) fn cost(&self, tool: usize, api: ModelApi, estimator: &dyn TokenEstimator) -> usize {
        let entry = self.tools().get(tool);
        let found = self.attributes.get(tool).zip(entry);
        found.map_or(0, |(it, entry)| it.tokens(entry, api, estimator))
    }
}

/// The new places of tools by their old ones, of which there are `count`.
fn places(kept: &[Option<usize>], count: usize) -> Vec<Option<u32>> {
    let mut moved = vec![None; count];
    for (now, old) in (0..).zip(kept) {
        if let Some(place) = old.and_then(|old| moved.get_mut(old)) {
            *place = Some(now);
        }
    }
    moved
}

/// The bit of a field in a [`Posting`].
pub(super) fn bit(field: Field) -> u16 {
    1 << field as u16
}

/// The same text has the same hash in all parts of an index; it is kept nowhere else.
pub(super) fn hash(term: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    term.hash(&mut hasher);
    hasher.finish()
}
