//! How well tools fit one text of a query: the words of all of it, of each clause, and of the server around a tool. It
//! must not know other texts of the query, nor how many tools are wanted.

use std::collections::HashMap;

use super::concept::{Concept, Tally};
use super::query::Query;
use super::request::Request;
use super::view::View;

/// What the best server's tools gain, as a part of what the best tool has.
const SERVER: f32 = 0.25;
/// What the tool that fits a clause best gains, as a part of what the best tool has.
const CLAUSE: f32 = 0.5;
/// The tools that are kept of one text.
const MAX_CANDIDATES: usize = 512;
/// The most words of one text for which others are guessed.
const MAX_GUESSES: usize = 8;

/// A tool that has something of a text.
#[derive(Clone, Copy)]
pub(super) struct Scored {
    /// Its place in the view.
    pub(super) tool: u32,
    /// Its part's place in the view.
    pub(super) part: u32,
    /// 1 is the best by words alone; clauses add to it.
    pub(super) score: f32,
    /// The share that is owed to the server.
    pub(super) server: f32,
}

/// What fits one text.
pub(super) struct Fitting {
    pub(super) concepts: Vec<Concept>,
    /// Best first.
    pub(super) ranked: Vec<Scored>,
    /// How many had anything of the text.
    pub(super) considered: usize,
    /// How much of the text the best tool has, from 0 to 1.
    pub(super) confidence: f32,
    /// By term, the word of the text that it was read of.
    pub(super) spoken: HashMap<String, String>,
}

pub(super) fn fitting(view: &View<'_>, query: &Query, text: &str) -> Fitting {
    let request = Request::read(text);
    let concepts = look_up(view, &request.terms);
    let mut sums = Sums::new(view);
    let (mut ranked, best) = sums.of(concepts.iter());
    for clause in &request.clauses {
        let concepts = clause.iter().filter_map(|at| concepts.get(*at));
        let (of_clause, best_of_clause) = sums.of(concepts);
        sums.gains(&of_clause, best, best_of_clause);
    }
    for scored in &mut ranked {
        let gain = sums.gained.get(scored.tool as usize).copied();
        scored.score = scored.score / best + gain.unwrap_or_default();
    }
    let allowed = |it: &Scored| {
        let place = view.locate(it.tool as usize);
        place.is_some_and(|(part, at)| {
            let tool = part.tools().get(at);
            tool.is_some_and(|tool| query.allows(tool, part.tags(at)))
        })
    };
    if query.is_choosy() {
        ranked.retain(allowed);
    }
    let ideal: f32 = concepts.iter().map(|it| it.ideal).sum();
    let considered = ranked.len();
    keep_best(&mut ranked);
    Fitting {
        considered,
        ranked,
        confidence: if ideal > 0.0 {
            (best / ideal).min(1.0)
        } else {
            0.0
        },
        concepts,
        spoken: request.spoken,
    }
}

fn look_up(view: &View<'_>, terms: &[String]) -> Vec<Concept> {
    let mut tally = Tally::default();
    let mut guesses = 0;
    let concepts = terms.iter().map(|term| {
        let mut concept = Concept::new(view, term, terms, &mut tally);
        if concept.is_unknown() && guesses < MAX_GUESSES {
            guesses += 1;
            concept.guess(view, &mut tally);
        }
        concept
    });
    concepts.collect()
}

/// Best first; of two that are equal the one that comes first in the catalogue.
pub(super) fn by_score(a: &Scored, b: &Scored) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then(a.tool.cmp(&b.tool))
}

fn keep_best(ranked: &mut Vec<Scored>) {
    if ranked.len() > MAX_CANDIDATES {
        ranked.select_nth_unstable_by(MAX_CANDIDATES, by_score);
        ranked.truncate(MAX_CANDIDATES);
    }
    ranked.sort_unstable_by(by_score);
}

/// Where scores are added up, kept between clauses.
struct Sums {
    tools: Vec<f32>,
    servers: Vec<f32>,
    gained: Vec<f32>,
}

impl Sums {
    fn new(view: &View<'_>) -> Self {
        Self {
            tools: vec![0.0; view.tools()],
            servers: vec![0.0; view.parts().len()],
            gained: vec![0.0; view.tools()],
        }
    }

    /// Adds up what tools have of these concepts, and the best of it, which is 1 where there is none.
    fn of<'c>(&mut self, concepts: impl Iterator<Item = &'c Concept>) -> (Vec<Scored>, f32) {
        let mut touched = Vec::new();
        for concept in concepts {
            for hit in &concept.hits {
                if let Some(sum) = self.tools.get_mut(hit.tool as usize) {
                    if *sum == 0.0 {
                        touched.push((hit.tool, hit.part));
                    }
                    *sum += hit.value;
                }
            }
            for (part, value) in &concept.servers {
                if let Some(sum) = self.servers.get_mut(*part as usize) {
                    *sum += value;
                }
            }
        }
        self.take(&touched)
    }

    /// Gives the scores, and leaves zeros for the next.
    fn take(&mut self, touched: &[(u32, u32)]) -> (Vec<Scored>, f32) {
        let most = |all: &[f32]| all.iter().copied().fold(0.0_f32, f32::max);
        let sum = |tool: u32| self.tools.get(tool as usize).copied().unwrap_or_default();
        let best_tool = touched.iter().map(|it| sum(it.0)).fold(0.0, f32::max);
        let best_server = most(&self.servers).max(f32::MIN_POSITIVE);
        let scored = touched.iter().map(|(tool, part)| {
            let share = self
                .servers
                .get(*part as usize)
                .copied()
                .unwrap_or_default()
                / best_server;
            let server = SERVER * best_tool * share;
            let score = sum(*tool) + server;
            Scored {
                tool: *tool,
                part: *part,
                score,
                server: server / score,
            }
        });
        let scored: Vec<Scored> = scored.collect();
        for (tool, _) in touched {
            if let Some(sum) = self.tools.get_mut(*tool as usize) {
                *sum = 0.0;
            }
        }
        self.servers.fill(0.0);
        let best = scored.iter().map(|it| it.score).fold(0.0, f32::max);
        (scored, if best > 0.0 { best } else { 1.0 })
    }

    /// Lets the tools that fit a clause gain by how near they come to its best, and that to the best of the whole
    /// text: a clause of many telling words outweighs small talk.
    fn gains(&mut self, of_clause: &[Scored], best: f32, best_of_clause: f32) {
        for scored in of_clause {
            if let Some(gain) = self.gained.get_mut(scored.tool as usize) {
                let near = scored.score / best_of_clause;
                *gain += CLAUSE * (best_of_clause / best) * near.powi(4);
            }
        }
    }
}
