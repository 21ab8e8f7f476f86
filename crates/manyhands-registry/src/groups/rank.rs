//! Declared groups put into the order of preference. It must not know how two tools compare.

use std::collections::HashMap;

use manyhands_core::{CapabilityKind, Printable, QualifiedName, clip};

use super::compare::Contender;
use super::criterion::Criterion;
use super::declared::{Group, Groups};
use super::problem::{GroupProblem, GroupProblemKind};
use super::ranking::{RankedGroup, RankedMember, Ranking, ToolHealth};
use crate::catalogue::{Catalogue, Unknown};
use crate::shard::ToolEntry;

impl Groups {
    /// Puts the tools of each group into the order of preference, and tells what is wrong with the groups.
    ///
    /// An order that there was, in `earlier`, stays until something else is clearly better. A group of fewer than two
    /// tools that are there is left out.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::Arc;
    /// # use manyhands_core::{Inventory, ServerId, model::Tool};
    /// use manyhands_registry::{Catalogue, Groups};
    /// # let mut catalogue = Catalogue::default();
    /// # for server in ["notion", "confluence"] {
    /// #     let id = ServerId::parse(server)?;
    /// #     let mut inventory = Inventory::default();
    /// #     let tool = serde_json::json!({"name": "search", "inputSchema": {"type": "object"}});
    /// #     inventory.tools.push(Arc::new(serde_json::from_value::<Tool>(tool)?));
    /// #     (catalogue, _) = catalogue.with_server(id.clone()).with_inventory(&id, &inventory);
    /// # }
    /// let groups: Groups = serde_json::from_str(r#"{"docs": ["notion.search", "confluence.search"]}"#)?;
    /// let ranking = groups.ranked(&catalogue, &(), None);
    ///
    /// let fallback = &ranking.groups()[0].members[1];
    /// assert_eq!(fallback.tool.to_string(), "confluence.search");
    /// assert_eq!(fallback.why, "after notion.search: declared later");
    /// assert!(ranking.problems().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn ranked(
        &self,
        catalogue: &Catalogue,
        health: &impl ToolHealth,
        earlier: Option<&Ranking>,
    ) -> Ranking {
        let mut taken: HashMap<QualifiedName, &str> = HashMap::new();
        let mut problems = Vec::new();
        let mut groups = Vec::new();
        for (name, group) in &self.0 {
            let mut found = Vec::new();
            for (declared, member) in group.tools.iter().enumerate() {
                let tool = match place(catalogue, &member.tool, name, &mut taken) {
                    Ok(tool) => tool,
                    Err(kind) => {
                        problems.push(GroupProblem::new(name, Some(&member.tool), kind));
                        continue;
                    }
                };
                let measured = health.measured(tool.name());
                let mut contender =
                    Contender::new(tool.name().clone(), declared, &tool.metadata(), measured);
                contender.arguments.clone_from(&member.arguments);
                contender.outage = health.outage(tool.name());
                contender.earlier = earlier.and_then(|it| place_in(it, name, tool.name()));
                found.push(contender);
            }
            if let Some(kind) = whole(group, found.len()) {
                problems.push(GroupProblem::new(name, None, kind));
            }
            if found.len() > 1 {
                groups.push(ranked(name, found, prefer(group)));
            }
        }
        Ranking::new(groups, problems)
    }
}

/// The tool that is written, where it is one that this group may have.
fn place<'c, 'g>(
    catalogue: &'c Catalogue,
    written: &str,
    group: &'g str,
    taken: &mut HashMap<QualifiedName, &'g str>,
) -> Result<&'c ToolEntry, GroupProblemKind> {
    let tool = catalogue
        .tool(written)
        .map_err(|it| missing(catalogue, &it))?;
    match taken.get(tool.name()) {
        Some(other) if *other == group => Err(GroupProblemKind::Repeated),
        Some(other) => Err(GroupProblemKind::InGroup((*other).to_owned())),
        None => {
            taken.insert(tool.name().clone(), group);
            Ok(tool)
        }
    }
}

fn missing(catalogue: &Catalogue, unknown: &Unknown) -> GroupProblemKind {
    if unknown.hidden().is_some() {
        return GroupProblemKind::Hidden;
    }
    if unknown.quarantined().is_some() {
        return GroupProblemKind::Quarantined;
    }
    let server = unknown.wanted().name().split_once('.').map(|it| it.0);
    let server = catalogue.servers().find(|it| Some(it.as_str()) == server);
    if server.is_some_and(|it| catalogue.count(it, CapabilityKind::Tool) == 0) {
        return GroupProblemKind::ServerOffersNothing;
    }
    GroupProblemKind::UnknownTool {
        nearest: unknown.nearest().to_vec(),
    }
}

/// What is wrong with a group as a whole, of which so many tools are there.
fn whole(group: &Group, found: usize) -> Option<GroupProblemKind> {
    if found < 2 {
        return Some(GroupProblemKind::TooFew);
    }
    let order = group.prefer.iter().position(|it| *it == Criterion::Order);
    order
        .is_some_and(|at| at + 1 < group.prefer.len())
        .then_some(GroupProblemKind::BehindOrder)
}

fn prefer(group: &Group) -> &[Criterion] {
    if group.prefer.is_empty() {
        &[Criterion::Order]
    } else {
        &group.prefer
    }
}

fn place_in(earlier: &Ranking, group: &str, tool: &QualifiedName) -> Option<usize> {
    let group = earlier.group_of(tool).filter(|it| it.name == group)?;
    let mut members = group.members.iter();
    members.find(|it| it.tool == *tool).map(|it| it.place)
}

fn ranked(name: &str, mut found: Vec<Contender>, prefer: &[Criterion]) -> RankedGroup {
    found.sort_by_key(|it| (it.earlier.unwrap_or(usize::MAX), it.declared));
    // "Clearly better" is no order: of three, the second may differ too little from either neighbour. So each moves
    // right before the first one that it beats, and nothing depends on what a sort would compare.
    let mut order: Vec<Contender> = Vec::with_capacity(found.len());
    for contender in found {
        let beaten = |it: &Contender| matches!(contender.beats(it, prefer), Some((true, _)));
        let at = order.iter().position(beaten).unwrap_or(order.len());
        order.insert(at, contender);
    }
    let mut order: Vec<(usize, Contender)> = order.into_iter().enumerate().collect();
    order.sort_by_key(|(_, it)| it.outage.is_some());
    let members = order.iter().enumerate().map(|(at, (place, own))| {
        let ahead = at.checked_sub(1);
        let neighbour = order.get(ahead.unwrap_or(1)).map(|(_, it)| it);
        let (decided_by, why) = reason(own, neighbour, ahead.is_some(), prefer);
        RankedMember {
            tool: own.tool.clone(),
            arguments: own.arguments.clone(),
            outage: own.outage.clone(),
            decided_by,
            why,
            place: *place,
        }
    });
    RankedGroup {
        name: name.to_owned(),
        members: members.collect(),
    }
}

/// Why a tool is behind, or before, its neighbour.
fn reason(
    own: &Contender,
    neighbour: Option<&Contender>,
    is_behind: bool,
    prefer: &[Criterion],
) -> (Option<Criterion>, String) {
    if let Some(outage) = &own.outage {
        let outage = clip(outage, 200);
        return (None, format!("not available: {}", Printable(&outage)));
    }
    let Some(other) = neighbour else {
        return (None, String::new());
    };
    let side = if is_behind { "after" } else { "before" };
    let name = other.tool.to_string();
    let name = Printable(&name);
    if other.outage.is_some() {
        return (None, format!("{side} {name}: that one is not available"));
    }
    match own.beats(other, prefer) {
        Some((wins, criterion)) if wins != is_behind => {
            let told = own.tell(other, criterion);
            (Some(criterion.clone()), format!("{side} {name}: {told}"))
        }
        _ if own.earlier.is_some() && other.earlier.is_some() => (
            None,
            format!("{side} {name}: no clear difference, as before"),
        ),
        _ => (
            None,
            format!("{side} {name}: no clear difference, as declared"),
        ),
    }
}
