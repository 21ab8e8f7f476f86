//! The choice itself: what stays, what is always on, and the best of the rest that fits. It must not know how well a
//! tool fits, only in which order.

use std::collections::HashSet;

use manyhands_core::QualifiedName;

use super::merge::Candidate;
use super::part::Part;
use super::query::Query;
use super::score::Fitting;
use super::selection::{Chosen, Fit, LeftOut, LeftOutCause, Match, Reason, Selection};
use super::view::View;
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
    selection: Selection,
}

impl<'q> Pick<'q> {
    pub(super) fn new(query: &'q Query, estimator: &'q dyn TokenEstimator) -> Self {
        Self {
            query,
            estimator,
            taken: HashSet::new(),
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
            match find(all, name).filter(|(_, _, tool)| self.query.permits(tool)) {
                Some((part, at, tool)) => {
                    let tokens = part.cost(at, self.query.api, self.estimator);
                    self.take(tool, 1.0, tokens, reason);
                }
                None => self.leave(name, 0.0, LeftOutCause::Gone),
            }
        }
    }

    /// Takes the best that fit, in their order.
    pub(super) fn take_best(&mut self, view: &View<'_>, best: &[Candidate], fittings: &[Fitting]) {
        for candidate in best {
            let Some((part, at)) = view.locate(candidate.scored.tool as usize) else {
                continue;
            };
            let Some(tool) = part.tools().get(at) else {
                continue;
            };
            let is_done = self.offer(part, at, tool, candidate.scored.score, || {
                Reason::Fits(fit(part, at, candidate, fittings))
            });
            if is_done {
                return;
            }
        }
    }

    /// Takes what the conditions leave, in the catalogue's order.
    pub(super) fn take_all(&mut self, view: &View<'_>) {
        for part in view.parts() {
            for (at, tool) in part.tools().iter().enumerate() {
                if !self.query.allows(tool, part.tags(at)) {
                    continue;
                }
                self.selection.considered += 1;
                self.offer(part, at, tool, 0.0, || Reason::Listed);
            }
        }
    }

    pub(super) fn finish(mut self, considered: usize) -> Selection {
        self.selection.considered = self.selection.considered.max(considered);
        self.selection
    }

    /// Takes a tool if there is room for it, and says whether nothing more needs to be offered.
    fn offer(
        &mut self,
        part: &Part,
        at: usize,
        tool: &ToolEntry,
        score: f32,
        reason: impl FnOnce() -> Reason,
    ) -> bool {
        if self.taken.contains(tool.name()) {
            return false;
        }
        if self.selection.chosen.len() >= self.query.limit() {
            self.leave(tool.name(), score, LeftOutCause::Limit);
        } else {
            let tokens = part.cost(at, self.query.api, self.estimator);
            let within = self.query.within_tokens.unwrap_or(usize::MAX);
            if self.selection.tokens + tokens <= within {
                self.take(tool, score, tokens, reason());
            } else {
                self.leave(tool.name(), score, LeftOutCause::Tokens);
            }
        }
        self.selection.chosen.len() >= self.query.limit()
            && self.selection.left_out.len() >= MAX_LEFT_OUT
    }

    fn take(&mut self, tool: &ToolEntry, score: f32, tokens: usize, reason: Reason) {
        self.taken.insert(tool.name().clone());
        self.selection.tokens += tokens;
        self.selection.chosen.push(Chosen {
            tool: tool.clone(),
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

fn find<'i>(view: &View<'i>, name: &QualifiedName) -> Option<(&'i Part, usize, &'i ToolEntry)> {
    let part = view.parts().iter().find(|it| it.server == *name.server())?;
    let tools = part.tools().iter().enumerate();
    let (at, tool) = tools.into_iter().find(|(_, tool)| tool.name() == name)?;
    Some((part, at, tool))
}

fn fit(part: &Part, at: usize, candidate: &Candidate, fittings: &[Fitting]) -> Fit {
    let concepts = fittings.get(candidate.text).map(|it| it.concepts.iter());
    let found = concepts.into_iter().flatten();
    let mut found: Vec<_> = found.filter_map(|it| it.found(part, at)).collect();
    found.sort_by(|a, b| b.value.total_cmp(&a.value));
    let spoken = fittings.get(candidate.text).map(|it| &it.spoken);
    let matches = found.into_iter().take(MAX_MATCHES).map(|it| Match {
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
