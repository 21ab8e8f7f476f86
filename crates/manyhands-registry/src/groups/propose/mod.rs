//! Groups that look as if somebody should declare them: tools of several servers that do the same to the same.
//!
//! What servers say of their tools is all that there is to judge by, so that nothing is applied: a person reads a
//! proposal and confirms it. It must not know what comes of one.

mod action;
mod parameters;
mod profile;
mod similarity;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use manyhands_core::{Printable, QualifiedName, clip};

use self::parameters::Correspondence;
use self::profile::Profile;
use self::similarity::{Likeness, Rarity};
use super::declared::{Group, GroupMember};
use crate::catalogue::Catalogue;
use crate::pairing::{grouped, pair};

/// How many tools of one server are compared under the same key: thousands of them hide no other server's.
const MAX_OF_SERVER: usize = 8;
/// The most proposals that are made, and the most tools of one.
const MAX_PROPOSALS: usize = 500;
const MAX_MEMBERS: usize = 16;

/// A group that somebody may want to declare.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Proposal {
    /// A name for it, such as `search-page`.
    pub name: String,
    /// Its tools, each of another server, in the catalogue's order.
    pub members: Vec<ProposedMember>,
    /// How much alike its least alike tools are, up to 1.
    pub score: f32,
    /// What they have in common.
    pub reason: String,
}

/// A tool of a [`Proposal`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProposedMember {
    /// The tool.
    pub tool: QualifiedName,
    /// A jq program that makes its arguments of those for the first member; none where they are the same, and where
    /// nobody can tell.
    pub arguments: Option<String>,
    /// Its required parameters to which none of the first member's corresponds: it does not stand in for that one
    /// until somebody says what they are to be. 32 at most.
    pub missing: Vec<String>,
}

impl Proposal {
    /// The group as it would be declared.
    #[must_use]
    pub fn group(&self) -> Group {
        let members = self.members.iter().map(|it| GroupMember {
            tool: it.tool.to_string(),
            arguments: it.arguments.clone(),
        });
        Group::of(members.collect())
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.members.iter().map(|it| it.tool.to_string());
        let names: Vec<String> = names.map(|it| clip(&it, 200).into_owned()).collect();
        let told = format!("{} ({})", names.join(", "), self.reason);
        write!(f, "{}", Printable(&told))
    }
}

/// Proposes groups of tools, those that are most alike first; 500 at most. Never two tools of one server, never one that
/// reads with one that writes.
#[must_use]
pub fn propose(catalogue: &Catalogue) -> Vec<Proposal> {
    let profiles = profile::all(catalogue);
    let rarity = Rarity::new(&profiles);
    let mut alike: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); profiles.len()];
    for group in grouped(profiles.iter().map(Profile::keys)).values() {
        let few = few_of_each_server(group, &profiles);
        pair(&few, &mut alike, |a, b| {
            likeness(&profiles, &rarity, a, b).is_some()
        });
    }
    let mut pairs: BTreeMap<(usize, usize), Likeness> = BTreeMap::new();
    for (one, others) in alike.iter().enumerate() {
        for other in others.range(one + 1..) {
            pairs.extend(likeness(&profiles, &rarity, one, *other).map(|it| ((one, *other), it)));
        }
    }
    let mut proposals: Vec<Proposal> = clusters(&pairs)
        .iter()
        .filter_map(|cluster| proposal(cluster, &pairs, &profiles))
        .collect();
    proposals.sort_by(|a, b| b.score.total_cmp(&a.score));
    proposals.truncate(MAX_PROPOSALS);
    number(&mut proposals);
    proposals
}

fn likeness(profiles: &[Profile<'_>], rarity: &Rarity, a: usize, b: usize) -> Option<Likeness> {
    Likeness::of(profiles.get(a)?, profiles.get(b)?, rarity)
}

fn few_of_each_server(group: &[usize], profiles: &[Profile<'_>]) -> Vec<usize> {
    let mut few: Vec<usize> = Vec::new();
    let server = |at: &usize| profiles.get(*at).map(|it| it.tool.name().server());
    for at in group {
        // Tools come server by server.
        let before = few.iter().rev().nth(MAX_OF_SERVER - 1);
        if before.and_then(server) != server(at) {
            few.push(*at);
        }
    }
    few
}

/// Puts together those of which each is like each of the others, the most alike first.
fn clusters(pairs: &BTreeMap<(usize, usize), Likeness>) -> Vec<Vec<usize>> {
    let mut best: Vec<(&(usize, usize), &Likeness)> = pairs.iter().collect();
    best.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then(a.0.cmp(b.0)));
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    let mut home: BTreeMap<usize, usize> = BTreeMap::new();
    for ((one, other), _) in best {
        let (newcomer, at) = match (home.get(one), home.get(other)) {
            (None, None) => {
                for tool in [one, other] {
                    home.insert(*tool, clusters.len());
                }
                clusters.push(vec![*one, *other]);
                continue;
            }
            (Some(at), None) => (other, *at),
            (None, Some(at)) => (one, *at),
            (Some(_), Some(_)) => continue,
        };
        let Some(cluster) = clusters.get_mut(at) else {
            continue;
        };
        let is_like = |it: &usize| pairs.contains_key(&ordered(*it, *newcomer));
        if cluster.len() < MAX_MEMBERS && cluster.iter().all(is_like) {
            cluster.push(*newcomer);
            home.insert(*newcomer, at);
        }
    }
    for cluster in &mut clusters {
        cluster.sort_unstable();
    }
    clusters
}

fn ordered(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

fn proposal(
    cluster: &[usize],
    pairs: &BTreeMap<(usize, usize), Likeness>,
    profiles: &[Profile<'_>],
) -> Option<Proposal> {
    let all: Vec<&Profile<'_>> = cluster.iter().filter_map(|at| profiles.get(*at)).collect();
    let (first, others) = all.split_first()?;
    let of_cluster = cluster.iter().enumerate().flat_map(|(at, one)| {
        let others = cluster.iter().skip(at + 1);
        others.filter_map(|other| pairs.get(&ordered(*one, *other)))
    });
    let least = of_cluster.min_by(|a, b| a.score.total_cmp(&b.score))?;
    let mut members = vec![ProposedMember {
        tool: first.tool.name().clone(),
        arguments: None,
        missing: Vec::new(),
    }];
    let mut told = Vec::new();
    for other in others {
        let found = Correspondence::new(&first.parameters, &other.parameters);
        told.extend(found.told());
        members.push(ProposedMember {
            tool: other.tool.name().clone(),
            arguments: found.program(),
            missing: found.missing.clone(),
        });
    }
    told.dedup();
    let mut reason = vec![least.told.clone()];
    reason.extend(told);
    Some(Proposal {
        name: first.group_name(),
        members,
        score: least.score,
        reason: reason.join("; "),
    })
}

/// Makes names that several proposals have different.
fn number(proposals: &mut [Proposal]) {
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    for proposal in proposals {
        let times = used.entry(proposal.name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            proposal.name = format!("{}-{times}", proposal.name);
        }
    }
}

#[cfg(test)]
mod tests;
