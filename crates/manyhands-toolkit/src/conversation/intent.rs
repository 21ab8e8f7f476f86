//! From what a person wants to the servers that it takes, before any of them runs. It must not start one.

use manyhands_core::{QualifiedName, ServerId};
use manyhands_registry::{Chosen, Query};

use crate::toolkit::Toolkit;

/// How many of the best tools speak for their servers.
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

impl Toolkit {
    /// The servers that fit a text, or each of several, best first: those of the ten tools that fit best. It goes by
    /// what is known of servers, be they running or remembered, and starts none.
    pub fn servers_for(&self, query: impl Into<Query>) -> Vec<ServerFit> {
        let query = query.into().with_limit(SPEAKING);
        let chosen = self.shared().index().select(&query).chosen;
        let best = chosen.iter().map(|it| it.score).fold(0.0, f32::max);
        let mut fits: Vec<ServerFit> = Vec::new();
        for Chosen { tool, score, .. } in chosen {
            if score < best * SHARE {
                continue;
            }
            let name = tool.name();
            match fits.iter_mut().find(|it| it.server == *name.server()) {
                Some(fit) => {
                    fit.score = fit.score.max(score);
                    fit.tools.push(name.clone());
                }
                None => fits.push(ServerFit {
                    server: name.server().clone(),
                    score,
                    tools: vec![name.clone()],
                }),
            }
        }
        fits
    }
}
