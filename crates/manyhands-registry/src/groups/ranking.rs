//! Groups in the order of preference, and what is known of tools to find it. It must not know how it is found.

use std::collections::HashMap;
use std::time::Duration;

use manyhands_core::QualifiedName;

use super::criterion::Criterion;
use super::problem::GroupProblem;

/// How tools do, as far as anybody knows.
pub trait ToolHealth {
    /// How fast and how reliable a tool was of late.
    fn measured(&self, tool: &QualifiedName) -> Option<Measured> {
        let _ = tool;
        None
    }

    /// Why a tool cannot be called at present, as in "its server is down"; none where it can.
    fn outage(&self, tool: &QualifiedName) -> Option<String> {
        let _ = tool;
        None
    }
}

/// Nothing is known, and everything is there.
impl ToolHealth for () {}

/// What was measured of a tool of late.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Measured {
    /// How many calls the figures are of.
    pub calls: usize,
    /// Which part of them succeeded, from 0 to 1.
    pub success_rate: f64,
    /// What half of the answers took at the most.
    pub p50: Option<Duration>,
    /// What 95 of a hundred answers took at the most.
    pub p95: Option<Duration>,
}

impl Measured {
    /// So many calls, of which this part, from 0 to 1, succeeded.
    #[must_use]
    pub fn new(calls: usize, success_rate: f64) -> Self {
        Self {
            calls,
            success_rate,
            ..Self::default()
        }
    }

    /// Adds what half of the answers, and 95 of a hundred, took at the most.
    #[must_use]
    pub fn with_latency(
        mut self,
        p50: impl Into<Option<Duration>>,
        p95: impl Into<Option<Duration>>,
    ) -> Self {
        self.p50 = p50.into();
        self.p95 = p95.into();
        self
    }
}

/// All groups in the order of preference, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranking {
    groups: Vec<RankedGroup>,
    by_tool: HashMap<QualifiedName, usize>,
    problems: Vec<GroupProblem>,
}

impl Ranking {
    pub(super) fn new(groups: Vec<RankedGroup>, problems: Vec<GroupProblem>) -> Self {
        let members = groups.iter().enumerate().flat_map(|(at, group)| {
            let members = group.members.iter();
            members.map(move |member| (member.tool.clone(), at))
        });
        Self {
            by_tool: members.collect(),
            groups,
            problems,
        }
    }

    /// The groups, by name. Each has two members at least.
    #[must_use]
    pub fn groups(&self) -> &[RankedGroup] {
        &self.groups
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&RankedGroup> {
        self.groups.iter().find(|it| it.name == name)
    }

    /// What is wrong with the groups as they are declared.
    #[must_use]
    pub fn problems(&self) -> &[GroupProblem] {
        &self.problems
    }

    /// The group that a tool is in.
    #[must_use]
    pub fn group_of(&self, tool: &QualifiedName) -> Option<&RankedGroup> {
        self.groups.get(*self.by_tool.get(tool)?)
    }
}

/// A group in the order of preference.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RankedGroup {
    /// Its name.
    pub name: String,
    /// Its tools, the preferred one first; those that cannot be called at present last.
    pub members: Vec<RankedMember>,
}

/// A tool at its place in a group.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RankedMember {
    /// The tool.
    pub tool: QualifiedName,
    /// A jq program that makes its arguments of those for the tool that the group declares first.
    pub arguments: Option<String>,
    /// Why it cannot be called at present; none where it can.
    pub outage: Option<String>,
    /// What decided its place beside its neighbour's; none where nothing told them apart.
    pub decided_by: Option<Criterion>,
    /// Why it has this place, such as "after notion.search: cost high against low".
    pub why: String,
    /// Its place, from 0, if all could be called.
    pub(super) place: usize,
}
