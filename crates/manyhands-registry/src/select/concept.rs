//! One word of a query, and which tools speak of it in that word or another. It must not know the rest of the query.

use std::cmp::Reverse;

use super::document::Field;
use super::part::{Part, Said, hash};
use super::synonyms;
use super::view::View;

/// What a synonym counts for, beside the word itself.
const SYNONYM: f32 = 0.5;
/// What a word counts for that was probably meant.
const PROBABLE: f32 = 0.8;
/// How soon saying a word more often, or in better places, counts no more.
const SATURATION: f32 = 1.2;
/// The same for a server's words, with how much its length matters.
const SERVER_SATURATION: f32 = 1.2;
const SERVER_SLOPE: f32 = 0.75;
/// The most words of one server that are compared with one that nobody says.
const MAX_COMPARED: usize = 256;

/// How much a tool says of a concept.
#[derive(Clone, Copy)]
pub(super) struct Hit {
    pub(super) tool: u32,
    pub(super) part: u32,
    pub(super) value: f32,
}

/// A word of a query with all that stands for it.
pub(super) struct Concept {
    word: String,
    /// The word itself and others, by hash, with what they count for.
    wordings: Vec<Wording>,
    pub(super) hits: Vec<Hit>,
    /// By place of the part: how much its server as a whole says of it.
    pub(super) servers: Vec<(u32, f32)>,
    /// The most that a tool can gain by it.
    pub(super) ideal: f32,
}

struct Wording {
    word: String,
    hash: u64,
    factor: f32,
}

impl Wording {
    fn new(word: impl Into<String>, factor: f32) -> Self {
        let word = word.into();
        Self {
            hash: hash(&word),
            word,
            factor,
        }
    }
}

/// Where the places of tools are counted up, kept between concepts.
#[derive(Default)]
pub(super) struct Tally {
    weights: Vec<f32>,
    touched: Vec<(u32, u32)>,
}

impl Concept {
    /// Looks up `word`, in place of which no word of `text` stands: it is counted by itself.
    pub(super) fn new(view: &View<'_>, word: &str, text: &[String], tally: &mut Tally) -> Self {
        let mut wordings = vec![Wording::new(word, 1.0)];
        let others = synonyms::of(word).iter();
        let others = others.filter(|it| !text.contains(it));
        wordings.extend(others.map(|it| Wording::new(it, SYNONYM)));
        let mut concept = Self {
            word: word.to_owned(),
            wordings,
            hits: Vec::new(),
            servers: Vec::new(),
            ideal: (1.0 + view.tools() as f32).ln(),
        };
        concept.find(view, tally);
        concept
    }

    /// Whether no tool says it in any word.
    pub(super) fn is_unknown(&self) -> bool {
        self.hits.is_empty()
    }

    /// Takes the words that were probably meant for one that nobody says.
    pub(super) fn guess(&mut self, view: &View<'_>, tally: &mut Tally) {
        let meant = probable(view, &self.word);
        if !meant.is_empty() {
            self.wordings = meant
                .into_iter()
                .map(|it| Wording::new(it, PROBABLE))
                .collect();
            self.find(view, tally);
        }
    }

    fn find(&mut self, view: &View<'_>, tally: &mut Tally) {
        let said = self.wordings.iter().map(|it| view.said(it.hash).collect());
        let said: Vec<Vec<SaidThere<'_>>> = said.collect();
        self.weigh(view, &said);
        self.count(view, &said, tally);
        // Only the word itself, or the first that is said in its place, counts for a server as a whole.
        let first = said.iter().find(|it| !it.is_empty());
        self.servers = first.map_or_else(Vec::new, |it| of_servers(view, it));
    }

    /// Finds out how telling the word is, and lets no other wording tell more: a rare synonym of a common word is no
    /// find.
    fn weigh(&mut self, view: &View<'_>, said: &[Vec<SaidThere<'_>>]) {
        let telling: Vec<f32> = said.iter().map(|it| how_telling(view, it)).collect();
        let own = telling.first().copied().filter(|it| *it > 0.0);
        let ideal = own.unwrap_or_else(|| telling.iter().copied().fold(0.0, f32::max));
        if ideal > 0.0 {
            self.ideal = ideal;
            for (wording, telling) in self.wordings.iter_mut().zip(telling) {
                wording.factor *= telling.min(ideal) / ideal;
            }
        }
    }

    fn count(&mut self, view: &View<'_>, said: &[Vec<SaidThere<'_>>], tally: &mut Tally) {
        tally.weights.resize(view.tools(), 0.0);
        for (wording, said) in self.wordings.iter().zip(said) {
            for (part, start, said) in said {
                for posting in said.postings {
                    let tool = start + posting.tool as usize;
                    if let Some(weight) = tally.weights.get_mut(tool) {
                        if *weight == 0.0 {
                            tally.touched.push((tool as u32, *part as u32));
                        }
                        *weight += wording.factor * posting.weight;
                    }
                }
            }
        }
        let ideal = self.ideal;
        let hits = tally.touched.drain(..).filter_map(|(tool, part)| {
            let weight = std::mem::take(tally.weights.get_mut(tool as usize)?);
            let value = ideal * weight / (SATURATION + weight);
            Some(Hit { tool, part, value })
        });
        self.hits = hits.collect();
    }

    /// Which of its wordings a tool says where, with how much that counts; none where it says none.
    pub(super) fn found(&self, part: &Part, tool: usize) -> Option<Found<'_>> {
        let mut found: Option<Found<'_>> = None;
        for wording in &self.wordings {
            let postings = part
                .said(wording.hash)
                .map_or(&[][..], |said| said.postings);
            let at = postings.binary_search_by_key(&(tool as u32), |it| it.tool);
            let Some(posting) = at.ok().and_then(|at| postings.get(at)) else {
                continue;
            };
            let value = self.ideal * wording.factor * posting.weight;
            if found.as_ref().is_none_or(|best| value > best.value) {
                let said = (wording.word != self.word).then_some(wording.word.as_str());
                found = Some(Found {
                    word: &self.word,
                    said,
                    fields: posting.fields().collect(),
                    value,
                });
            }
        }
        found
    }
}

/// How a tool says a concept.
pub(super) struct Found<'c> {
    pub(super) word: &'c str,
    pub(super) said: Option<&'c str>,
    pub(super) fields: Vec<Field>,
    pub(super) value: f32,
}

/// What a part's tools say, with the part's place and the number of tools before it.
type SaidThere<'v> = (usize, usize, Said<'v>);

/// How much each server as a whole says of a term.
fn of_servers(view: &View<'_>, said: &[SaidThere<'_>]) -> Vec<(u32, f32)> {
    let said: Vec<&SaidThere<'_>> = said.iter().filter(|it| it.2.count > 0.0).collect();
    let parts = view.parts();
    let usual = parts.iter().map(|it| it.length).sum::<f32>() / parts.len().max(1) as f32;
    let telling = rarity(said.len(), parts.len());
    let servers = said.iter().filter_map(|(at, _, said)| {
        let length = parts.get(*at)?.length / usual;
        let room = SERVER_SATURATION * (1.0 - SERVER_SLOPE + SERVER_SLOPE * length);
        Some((*at as u32, telling * said.count / (said.count + room)))
    });
    servers.collect()
}

/// How telling a term is: how few tools say it, and how few servers. A word that one large server repeats in each tool
/// tells that server from the others all the same. 0 where nobody says it.
fn how_telling(view: &View<'_>, said: &[SaidThere<'_>]) -> f32 {
    let tools: usize = said.iter().map(|it| it.2.postings.len()).sum();
    if tools == 0 {
        return 0.0;
    }
    let (all, parts) = (view.tools(), view.parts().len());
    let scale = (1.0 + all as f32).ln() / (1.0 + parts as f32).ln();
    (rarity(tools, all) + rarity(said.len(), parts) * scale) / 2.0
}

/// The inverse document frequency of BM25, which is never negative.
fn rarity(found: usize, of: usize) -> f32 {
    let (found, of) = (found as f32, of as f32);
    (1.0 + (of - found + 0.5) / (found + 0.5)).ln()
}

/// Up to two known words that one that nobody says may stand for: it is short for them, or misspelt.
fn probable<'v>(view: &'v View<'_>, word: &'v str) -> Vec<&'v str> {
    let length = word.len();
    if length < 4 || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Vec::new();
    }
    let tolerated = match length {
        ..5 => 0,
        5..8 => 1,
        _ => 2,
    };
    // What is misspelt is rarely misspelt in its first two letters.
    let (head, _) = word.split_at(2);
    let mut near: Vec<(usize, &str)> = Vec::new();
    for part in view.parts() {
        let longer = part.beginning_with(word).take(MAX_COMPARED);
        near.extend(longer.map(|it| (0, it)));
        let alike = part.beginning_with(head).take(MAX_COMPARED);
        let alike = alike.filter(|it| it.len().abs_diff(length) <= tolerated);
        near.extend(alike.filter_map(|it| {
            let edits = strsim::osa_distance(word, it);
            (edits <= tolerated).then_some((edits, it))
        }));
    }
    near.sort_unstable();
    near.dedup();
    let spread = |word: &str| {
        view.said(hash(word))
            .map(|it| it.2.postings.len())
            .sum::<usize>()
    };
    near.sort_by_cached_key(|(edits, word)| (*edits, Reverse(spread(word))));
    near.into_iter().take(2).map(|(_, word)| word).collect()
}
