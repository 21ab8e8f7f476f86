//! Groups of tools that do the same, as they are declared and as they rank now. It must not know how tools are compared, nor
//! what comes of a call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use manyhands_core::QualifiedName;
use manyhands_jq::{JqError, Program};
use manyhands_registry::{
    Catalogue, GroupMember, GroupProblem, GroupProblemKind, Groups, Measured, Query, Ranking,
    ToolHealth,
};
use manyhands_resilience::{BreakerState, Statistics, Summary};
use serde::de::{Deserialize, Deserializer, Error};
use tokio::time::Instant;

use crate::open;
use crate::report::ServerStatus;
use crate::shared::Shared;
use crate::toolkit::Toolkit;

/// How long a ranking holds while nothing but figures changes.
const REFRESH: Duration = Duration::from_secs(3);

impl Toolkit {
    /// The groups of tools that do the same, each in the order of preference as it is now, with what is wrong with them as
    /// they are declared; see [`Settings::groups`](crate::Settings::groups).
    ///
    /// Figures count in it that are a few seconds old at the most, and outages at once.
    ///
    /// ```no_run
    /// # fn example(kit: &manyhands_toolkit::Toolkit) {
    /// for group in kit.groups().groups() {
    ///     println!("{}: {} is put forward", group.name, group.members[0].tool);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn groups(&self) -> Arc<Ranking> {
        self.shared().ranked(false)
    }

    /// Whether a tool's calls may be answered by another of its group, whose results have a form of their own.
    #[must_use]
    pub fn falls_back(&self, tool: &QualifiedName) -> bool {
        let declared = &self.recipe().groups.groups;
        let group = declared.group_of(&tool.to_string());
        group.is_some_and(|(_, group)| group.fallback)
    }
}

/// Reads groups, and refuses arguments that are no jq program.
pub(crate) fn checked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Groups, D::Error> {
    let groups = Groups::deserialize(deserializer)?;
    for (name, group) in &groups.0 {
        for member in &group.tools {
            if let Some(Err(error)) = program(member) {
                return Err(D::Error::custom(unreadable(name, member, &error)));
            }
        }
    }
    Ok(groups)
}

fn unreadable(group: &str, member: &GroupMember, error: &JqError) -> String {
    let cause = error.cause();
    let tool = &member.tool;
    format!("the group `{group}`: the `arguments` of `{tool}` are no jq program: {cause}")
}

fn program(member: &GroupMember) -> Option<Result<Program, JqError>> {
    member.arguments.as_deref().map(Program::parse)
}

/// The groups of a toolkit, and how its tools do.
pub(crate) struct Declared {
    pub(crate) groups: Groups,
    /// By their texts.
    programs: BTreeMap<String, Result<Program, JqError>>,
    statistics: Statistics,
}

impl Declared {
    pub(crate) fn new(groups: &Groups, statistics: &Statistics) -> Arc<Self> {
        let mut programs = BTreeMap::new();
        for (name, group) in &groups.0 {
            for member in &group.tools {
                let Some((text, program)) = member.arguments.clone().zip(program(member)) else {
                    continue;
                };
                if let Err(error) = &program {
                    tracing::error!("{}", unreadable(name, member, error));
                }
                programs.insert(text, program);
            }
        }
        Arc::new(Self {
            groups: groups.clone(),
            programs,
            statistics: statistics.clone(),
        })
    }

    /// The program of a member; none where it takes the arguments as they are.
    pub(crate) fn program(&self, member: &GroupMember) -> Option<&Result<Program, JqError>> {
        self.programs.get(member.arguments.as_ref()?)
    }
}

/// The groups as one set of servers has them.
pub(crate) struct Ranked {
    pub(crate) declared: Arc<Declared>,
    known: Mutex<Known>,
}

/// What was found out last, and when.
#[derive(Default)]
struct Known {
    ranking: Arc<Ranking>,
    of: Option<(Arc<Catalogue>, u64, Instant)>,
    told: BTreeSet<String>,
}

impl Ranked {
    pub(crate) fn new(declared: Arc<Declared>) -> Self {
        Self {
            declared,
            known: Mutex::default(),
        }
    }
}

impl Shared {
    /// A query that knows which tools do the same.
    pub(crate) fn grouped(&self, query: Query) -> Query {
        if !self.has_groups() {
            return query;
        }
        query.with_groups(self.ranking())
    }

    /// Whether any group is declared.
    pub(crate) fn has_groups(&self) -> bool {
        !self.ranked.declared.groups.0.is_empty()
    }

    /// The groups as they rank now.
    pub(crate) fn ranking(&self) -> Arc<Ranking> {
        self.ranked(true)
    }

    /// The groups as they rank now; what is wrong with them is told to the log, unless whoever asks tells it. One that was
    /// made before holds while nothing has changed.
    fn ranked(&self, logs: bool) -> Arc<Ranking> {
        let groups = &self.ranked.declared.groups;
        // It is replaced as a whole, so a panic elsewhere does no harm.
        let known = self.ranked.known.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        let (catalogue, turn) = (self.catalogue.load_full(), self.turn());
        if let Some((of, at_turn, at)) = &known.of
            && Arc::ptr_eq(of, &catalogue)
            && *at_turn == turn
            && at.elapsed() < REFRESH
        {
            return known.ranking.clone();
        }
        let ranking = groups.ranked(&catalogue, &Health(self), Some(&known.ranking));
        known.ranking = Arc::new(ranking);
        known.of = Some((catalogue, turn, Instant::now()));
        known.tell_once(logs);
        known.ranking.clone()
    }
}

impl Known {
    /// Tells of problems that are not only those of a server that is not up.
    fn tell_once(&mut self, logs: bool) {
        let problems = self.ranking.problems();
        let waits = |problem: &GroupProblem| {
            let mut others = problems.iter().filter(|it| it.group == problem.group);
            others.any(|it| it.kind == GroupProblemKind::ServerOffersNothing)
        };
        for problem in problems.iter().filter(|it| !waits(it)) {
            let text = problem.to_string();
            if self.told.insert(text.clone()) && logs {
                tracing::warn!("{text}");
            }
        }
    }
}

struct Health<'a>(&'a Shared);

impl ToolHealth for Health<'_> {
    fn measured(&self, tool: &QualifiedName) -> Option<Measured> {
        let statistics = &self.0.ranked.declared.statistics;
        let Summary {
            calls,
            success_rate,
            p50,
            p95,
            ..
        } = statistics.summary(&tool.to_string())?;
        Some(Measured::new(calls, success_rate).with_latency(p50, p95))
    }

    fn outage(&self, tool: &QualifiedName) -> Option<String> {
        let Some(slot) = self.0.slot(tool.server()) else {
            return Some("its server is not there".to_owned());
        };
        let route = self.0.router.route(tool.server());
        let status = open::seen(slot.state.borrow().status.clone(), route.as_ref());
        if status == ServerStatus::Disabled {
            return Some("its server is switched off".to_owned());
        }
        let of_server = status.cause().map(str::to_owned);
        of_server.or_else(|| {
            let (route, tool) = (route.as_ref()?, tool.to_string());
            // Where another replica takes it, or it is to be tried again, the next call does that.
            let mut open = route.breakers().iter().map(|breaker| {
                let status = breaker.status(&tool)?;
                (status.state == BreakerState::Open).then_some(status.cause?)
            });
            let first = open.next()??;
            open.all(|it| it.is_some()).then_some(first)
        })
    }
}
