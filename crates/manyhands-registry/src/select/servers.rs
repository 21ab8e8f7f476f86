//! From what a person wants to the servers that it takes, before any of them runs. It must not know which of them do.

use manyhands_core::{QualifiedName, ServerId};

use super::Index;
use super::query::Query;
use super::selection::Chosen;

/// How many of the best tools speak for their servers, for each errand.
const SPEAKING: usize = 10;
/// A tool whose score is a smaller share of the best one's does not speak for its server: its few words in common with
/// the query are no reason to start a program.
const SHARE: f32 = 0.4;

/// A server that fits a query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServerFit {
    /// The server.
    pub server: ServerId,
    /// How well its best tool fits, from 0 to 1, which is the best; comparable within one answer.
    pub score: f32,
    /// The tools that speak for it, best first.
    pub tools: Vec<QualifiedName>,
}

impl Index {
    /// The servers that fit a query, best first: those whose tools are among the ten that fit best, for each of its texts.
    #[must_use]
    pub fn servers(&self, query: &Query) -> Vec<ServerFit> {
        let mut fits: Vec<ServerFit> = Vec::new();
        for text in query.errands() {
            let alone = query.about(text).without_limits().with_limit(SPEAKING);
            let chosen = self.select(&alone).chosen;
            for it in chosen.iter().filter(|it| it.score >= SHARE) {
                speak_for(&mut fits, it);
            }
        }
        // A stable sort, so that of those that fit alike the one comes first whose errand does.
        fits.sort_by(|a, b| b.score.total_cmp(&a.score));
        fits
    }
}

/// Has a tool speak for its server.
fn speak_for(fits: &mut Vec<ServerFit>, chosen: &Chosen) {
    let name = chosen.tool.name();
    let fit = match fits.iter().position(|it| it.server == *name.server()) {
        Some(at) => fits.get_mut(at),
        None => {
            fits.push(ServerFit {
                server: name.server().clone(),
                score: 0.0,
                tools: Vec::new(),
            });
            fits.last_mut()
        }
    };
    if let Some(fit) = fit.filter(|it| !it.tools.contains(name)) {
        fit.score = fit.score.max(chosen.score);
        fit.tools.push(name.clone());
    }
}
