//! What one server's tools say of each term, while they are read. It must not know how it is found again.

use std::collections::HashMap;

use manyhands_core::ServerId;

use super::document::{Field, field_terms, fields};
use super::part::{Part, Posting, bit};
use crate::metadata::Metadata;
use crate::shard::ToolEntry;

/// What is said of each term, while a server's tools are read.
pub(super) struct Gathered {
    shared: [(Field, Vec<String>); 2],
    pub(super) terms: HashMap<Box<str>, Term>,
}

/// One term, while a server's tools are read.
#[derive(Default)]
pub(super) struct Term {
    pub(super) count: f32,
    pub(super) postings: Vec<Posting>,
}

impl Gathered {
    pub(super) fn new(server: &ServerId, about: &str) -> Self {
        let id = field_terms(Field::Server, server.as_str());
        let about = field_terms(Field::About, about);
        let mut gathered = Self {
            shared: [(Field::Server, id), (Field::About, about)],
            terms: HashMap::new(),
        };
        for (field, terms) in gathered.shared.clone() {
            let counts = if field == Field::Server {
                SERVER_NAME_COUNTS
            } else {
                1.0
            };
            for term in terms {
                gathered.term(term).count += counts;
            }
        }
        gathered
    }

    fn term(&mut self, word: String) -> &mut Term {
        self.terms.entry(word.into()).or_default()
    }

    /// Takes over what an earlier part says of tools that stayed as they are; `moved` has their new places, by the old
    /// ones.
    pub(super) fn keep(&mut self, before: &Part, moved: &[Option<u32>]) {
        for (word, said) in before.words() {
            let kept = said.postings.iter().filter_map(|posting| {
                let tool = (*moved.get(posting.tool as usize)?)?;
                Some(Posting { tool, ..*posting })
            });
            let kept: Vec<Posting> = kept.collect();
            if !kept.is_empty() {
                let term = self.terms.entry(word.into()).or_default();
                term.count += kept.iter().map(|it| f32::from(it.count)).sum::<f32>();
                term.postings = kept;
            }
        }
    }

    pub(super) fn add(&mut self, at: u32, tool: &ToolEntry, metadata: &Metadata) {
        for (field, terms) in fields(tool, metadata)
            .into_iter()
            .chain(self.shared.clone())
        {
            let weight = weight(field, terms.len());
            let counts = matches!(field, Field::Name | Field::Description | Field::WhenToUse);
            for word in terms {
                let term = self.term(word);
                term.count += if counts { 1.0 } else { 0.0 };
                term.say(Posting {
                    tool: at,
                    weight,
                    fields: bit(field),
                    count: counts.into(),
                });
            }
        }
    }
}

impl Term {
    fn say(&mut self, said: Posting) {
        match self.postings.last_mut().filter(|it| it.tool == said.tool) {
            Some(posting) => {
                posting.weight += said.weight;
                posting.fields |= said.fields;
                posting.count += said.count;
            }
            None => self.postings.push(said),
        }
    }
}

/// How often a server counts as having said the words of its own id.
const SERVER_NAME_COUNTS: f32 = 3.0;

/// What one occurrence in a field of this length counts for.
fn weight(field: Field, length: usize) -> f32 {
    // The boost, how much length matters, and the usual length: the mean over some 1,700 real tools, about.
    let (boost, slope, usual) = match field {
        Field::Name => (2.0, 0.5, 2.5),
        Field::Title => (1.0, 0.5, 2.0),
        Field::Description => (1.0, 0.75, 28.0),
        Field::WhenToUse => (1.0, 0.75, 12.0),
        Field::Example => (0.3, 0.75, 7.0),
        Field::Parameter => (0.5, 0.75, 7.0),
        Field::ParameterDescription => (0.6, 0.75, 25.0),
        Field::Tag | Field::Server => (1.0, 0.5, 3.0),
        Field::About => (0.5, 0.75, 25.0),
    };
    boost / (1.0 - slope + slope * length as f32 / usual)
}
