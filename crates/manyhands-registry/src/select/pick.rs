//! The choice itself: what stays, what is always on, and the best of the rest that fits. It must not know how well a
//! tool fits, only in which order.

use std::collections::{HashMap, HashSet};

use manyhands_core::QualifiedName;

use super::merge::Candidate;
use super::part::Part;
use super::query::Query;
use super::score::Fitting;
use super::selection::{Chosen, Fit, LeftOut, LeftOutCause, Match, Reason, Selection};
use super::view::View;
use crate::groups::{RankedGroup, RankedMember};
use crate::shard::ToolEntry;
use crate::tokens::TokenEstimator;

/// The most matches that a reason tells.
const MAX_MATCHES: usize = 8;
/// The most tools that are told as left out.
const MAX_LEFT_OUT: usize = 20;

pub(super) struct Pick<'q> {
    query: &'q Query,
    estimator: &'q dyn TokenEstimator,
    taken: HashSet<QualifiedName>,
    /// By the name of a group: the tool that stands for it.
    leaders: HashMap<&'q str, QualifiedName>,
    selection: Selection,
}

impl<'q> Pick<'q> {
    pub(super) fn new(query: &'q Query, estimator: &'q dyn TokenEstimator) -> Self {
        Self {
            query,
            estimator,
            taken: HashSet::new(),
            leaders: HashMap::new(),
            selection: Selection::default(),
        }
    }

    /// Takes what an earlier selection had, then what is always on, wherever they are.
    pub(super) fn take_named(&mut self, all: &View<'_>) {
        let kept = self.query.kept.iter().map(|it| (it, Reason::Kept));
        let always_on = self.query.always_on.iter().map(|it| (it, Reason::AlwaysOn));
        for (name, reason) in kept.chain(always_on) {
            if self.taken.contains(name) {
                continue;
            }
            match find(all, name).filter(|it| self.query.permits(it.tool)) {
                Some(found) => {
                    self.take(found, 1.0, self.cost(found), reason);
                    self.lead(name);
                }
                None => self.leave(name, 0.0, LeftOutCause::Gone),
            }
        }
    }

    /// Takes the best that fit, in their order.
    pub(super) fn take_best(&mut self, view: &View<'_>, best: &[Candidate], fittings: &[Fitting]) {
        for candidate in best {
            let Some(found) = Found::at(view, candidate.scored.tool as usize) else {
                continue;
            };
            self.put(view, found, candidate.scored.score, || {
                Reason::Fits(fit(found, candidate, fittings))
            });
            if self.is_done() {
                return;
            }
        }
    }

    /// Takes what the conditions leave, in the catalogue's order.
    pub(super) fn take_all(&mut self, view: &View<'_>) {
        for found in (0..view.tools()).filter_map(|place| Found::at(view, place)) {
            if found.is_allowed(self.query) {
                self.selection.considered += 1;
                self.put(view, found, 0.0, || Reason::Listed);
            }
        }
    }

    pub(super) fn finish(mut self, considered: usize) -> Selection {
        self.selection.considered = self.selection.considered.max(considered);
        self.selection
    }

    /// Has a tool that was taken by its name stand for its group, as long as it can be called.
    fn lead(&mut self, name: &QualifiedName) {
        let query = self.query;
        let group = query.groups.group_of(name);
        let is_up = |it: &RankedMember| it.tool == *name && it.outage.is_none();
        if let Some(group) = group.filter(|it| it.members.iter().any(is_up)) {
            self.leaders
                .entry(&group.name)
                .or_insert_with(|| name.clone());
        }
    }

    /// Offers a tool, or in its place the one that stands for its group.
    fn put(
        &mut self,
        view: &View<'_>,
        found: Found<'_>,
        score: f32,
        reason: impl FnOnce() -> Reason,
    ) {
        let (query, name) = (self.query, found.tool.name());
        let Some(group) = query.groups.group_of(name) else {
            return self.offer(found, score, reason);
        };
        if self.taken.contains(name) {
            return;
        }
        let known = self.leaders.get(group.name.as_str()).cloned();
        // Whether there is room for the leader or not: one that is preferred less has no better claim to it.
        let of = known.unwrap_or_else(|| {
            let leader = self.leader(view, group).unwrap_or(found);
            let of = leader.tool.name().clone();
            self.leaders.insert(&group.name, of.clone());
            self.offer(leader, score, || match reason() {
                Reason::Fits(fit) if of != *name => Reason::StandsFor(name.clone(), fit),
                reason => reason,
            });
            of
        });
        if of != *name {
            self.leave(name, score, LeftOutCause::Alternative { of });
        }
    }

    /// The tool that the conditions let stand for a group: the first that can be called. Where none can, one that is
    /// taken already does.
    fn leader<'v>(&self, view: &View<'v>, group: &RankedGroup) -> Option<Found<'v>> {
        let members = group.members.iter().filter_map(|member| {
            let found = find(view, &member.tool)?;
            found.is_allowed(self.query).then_some((member, found))
        });
        let ranked = members.min_by_key(|(member, _)| {
            (member.outage.is_some(), !self.taken.contains(&member.tool))
        });
        ranked.map(|(_, found)| found)
    }

    /// Takes a tool if there is room for it.
    fn offer(&mut self, found: Found<'_>, score: f32, reason: impl FnOnce() -> Reason) {
        let name = found.tool.name();
        if self.taken.contains(name) {
            return;
        }
        if self.selection.chosen.len() >= self.query.limit() {
            return self.leave(name, score, LeftOutCause::Limit);
        }
        let tokens = self.cost(found);
        let within = self.query.within_tokens.unwrap_or(usize::MAX);
        if self.selection.tokens + tokens <= within {
            self.take(found, score, tokens, reason());
        } else {
            self.leave(name, score, LeftOutCause::Tokens);
        }
    }

    /// Whether nothing more needs to be offered.
    fn is_done(&self) -> bool {
        self.selection.chosen.len() >= self.query.limit()
            && self.selection.left_out.len() >= MAX_LEFT_OUT
    }

    fn cost(&self, found: Found<'_>) -> usize {
        found.part.cost(found.at, self.query.api, self.estimator)
    }

    fn take(&mut self, found: Found<'_>, score: f32, tokens: usize, reason: Reason) {
        self.taken.insert(found.tool.name().clone());
        self.selection.tokens += tokens;
        self.selection.chosen.push(Chosen {
            tool: found.tool.clone(),
            score,
            tokens,
            reason,
        });
    }

    fn leave(&mut self, name: &QualifiedName, score: f32, cause: LeftOutCause) {
        if self.selection.left_out.len() < MAX_LEFT_OUT {
            let name = name.clone();
            self.selection.left_out.push(LeftOut { name, score, cause });
        }
    }
}

/// A tool, and where it is.
#[derive(Clone, Copy)]
struct Found<'i> {
    part: &'i Part,
    at: usize,
    tool: &'i ToolEntry,
}

impl<'i> Found<'i> {
    fn at(view: &View<'i>, place: usize) -> Option<Self> {
        let (part, at) = view.locate(place)?;
        let tool = part.tools().get(at)?;
        Some(Self { part, at, tool })
    }

    fn is_allowed(&self, query: &Query) -> bool {
        query.allows(self.tool, self.part.tags(self.at))
    }
}

fn find<'i>(view: &View<'i>, name: &QualifiedName) -> Option<Found<'i>> {
    let part = *view.parts().iter().find(|it| it.server == *name.server())?;
    let tools = part.tools().iter().enumerate();
    let (at, tool) = tools.into_iter().find(|(_, tool)| tool.name() == name)?;
    Some(Found { part, at, tool })
}

fn fit(found: Found<'_>, candidate: &Candidate, fittings: &[Fitting]) -> Fit {
    let concepts = fittings.get(candidate.text).map(|it| it.concepts.iter());
    let said = concepts.into_iter().flatten();
    let mut said: Vec<_> = said
        .filter_map(|it| it.found(found.part, found.at))
        .collect();
    said.sort_by(|a, b| b.value.total_cmp(&a.value));
    let spoken = fittings.get(candidate.text).map(|it| &it.spoken);
    let matches = said.into_iter().take(MAX_MATCHES).map(|it| Match {
        word: spoken
            .and_then(|spoken| spoken.get(it.word))
            .map_or(it.word, String::as_str)
            .to_owned(),
        said: it.said.map(str::to_owned),
        fields: it.fields,
    });
    Fit {
        text: candidate.text,
        matches: matches.collect(),
        server: candidate.scored.server,
        meaning: candidate.meaning,
    }
}
