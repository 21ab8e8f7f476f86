//! One order of what fits each of a query's texts. It must not know how well was found out.

use std::collections::BTreeMap;

use super::score::{Fitting, Scored, by_score};

/// What a tool gains by its server's being good for all texts, as a part of what the best tool of a text has.
const TOGETHER: f32 = 0.2;
/// The tools of each text by which its servers are judged.
const JUDGED: usize = 30;
/// How slowly a tool's worth falls with its rank among several texts.
const PATIENCE: f32 = 3.0;
/// The constant of reciprocal rank fusion, from the paper that introduced it.
const FUSION: f32 = 60.0;

/// A tool in the order of all texts.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) scored: Scored,
    /// The text that it fits best.
    pub(super) text: usize,
    /// Its rank by meaning for that text.
    pub(super) meaning: Option<usize>,
}

/// Puts the tools of all texts into one order, best first, the best with a score of 1. `nearest` are those nearest in
/// meaning to each text, best first, where they are known.
pub(super) fn merge(fittings: &[Fitting], nearest: &[Vec<Scored>]) -> Vec<Candidate> {
    let mut lists: Vec<Vec<Scored>> = fittings.iter().map(|it| it.ranked.clone()).collect();
    if lists.len() > 1 {
        bring_together(&mut lists);
    }
    let meanings: Vec<BTreeMap<u32, usize>> = nearest.iter().map(|it| ranks(it)).collect();
    for (list, near) in lists.iter_mut().zip(nearest) {
        // Ranks say less than scores, so only two orders of different kinds are fused by them.
        if !near.is_empty() {
            fuse(list, near);
        }
    }
    let surest = fittings.iter().map(|it| it.confidence).fold(0.0, f32::max);
    let mut all: BTreeMap<u32, Candidate> = BTreeMap::new();
    let is_single = lists.len() == 1;
    for (text, (list, fitting)) in lists.iter().zip(fittings).enumerate() {
        // A text that no tool fits well gets its places later; by words alone, which say little, not much later.
        let sure = (fitting.confidence / surest.max(f32::MIN_POSITIVE))
            .sqrt()
            .sqrt();
        let best = list.first().map_or(1.0, |it| it.score);
        for (rank, scored) in list.iter().enumerate() {
            let mut scored = *scored;
            let share = scored.score / best;
            if !is_single {
                // Equal ranks of two texts are told apart by how well they fit.
                scored.score = sure * PATIENCE / (PATIENCE + rank as f32) + share * 1e-4;
            } else {
                scored.score = share;
            }
            let meaning = meanings
                .get(text)
                .and_then(|it| it.get(&scored.tool))
                .copied();
            let candidate = Candidate {
                scored,
                text,
                meaning,
            };
            let known = all.entry(scored.tool).or_insert(candidate);
            if known.scored.score < scored.score {
                *known = candidate;
            }
        }
    }
    let mut all: Vec<Candidate> = all.into_values().collect();
    all.sort_by(|a, b| by_score(&a.scored, &b.scored));
    let best = all.first().map_or(1.0, |it| it.scored.score);
    for candidate in &mut all {
        candidate.scored.score /= best;
    }
    all
}

/// Raises the tools of servers that have something for several texts: what is used together comes together.
fn bring_together(lists: &mut [Vec<Scored>]) {
    let mut servers: BTreeMap<u32, f32> = BTreeMap::new();
    for list in lists.iter_mut() {
        let best = list.first().map_or(1.0, |it| it.score);
        let mut of_text: BTreeMap<u32, f32> = BTreeMap::new();
        for (rank, scored) in list.iter_mut().enumerate() {
            scored.score /= best;
            if rank < JUDGED {
                let first = of_text.entry(scored.part).or_insert(scored.score);
                *first = first.max(scored.score);
            }
        }
        for (part, score) in of_text {
            *servers.entry(part).or_default() += score * score;
        }
    }
    for list in lists {
        for scored in list.iter_mut() {
            let together = TOGETHER * servers.get(&scored.part).copied().unwrap_or_default();
            let raised = scored.score + together;
            scored.server = (scored.server * scored.score + together) / raised;
            scored.score = raised;
        }
        list.sort_unstable_by(by_score);
    }
}

/// Fuses the order by words with that by meaning, by reciprocal ranks.
fn fuse(list: &mut Vec<Scored>, near: &[Scored]) {
    let mut fused: BTreeMap<u32, Scored> = BTreeMap::new();
    for (rank, scored) in list.iter().enumerate().chain(near.iter().enumerate()) {
        let worth = 1.0 / (FUSION + 1.0 + rank as f32);
        let known = fused.entry(scored.tool).or_insert(Scored {
            score: 0.0,
            ..*scored
        });
        known.score += worth;
    }
    *list = fused.into_values().collect();
    list.sort_unstable_by(by_score);
}

fn ranks(list: &[Scored]) -> BTreeMap<u32, usize> {
    list.iter()
        .enumerate()
        .map(|(rank, scored)| (scored.tool, rank + 1))
        .collect()
}
