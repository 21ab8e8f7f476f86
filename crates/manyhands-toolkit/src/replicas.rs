//! The replicas of one server beside the one that speaks for it: how each is doing, and whether it offers the same. It must
//! not know which of them takes a call.

use std::collections::BTreeMap;

use manyhands_core::model::Tool;
use manyhands_core::{Inventory, Printable, clip};
use manyhands_discovery::{ALL_LISTS, Limits, refresh};
use manyhands_routing::{Followed, Route, Turn};
use manyhands_transport::{Connection, Phase, Supervised};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::freshness::{Freshness, Look};
use crate::member::status_of;
use crate::open;
use crate::report::{ReplicaReport, ServerStatus};

/// How many tools are named of each kind of difference, and how much of a name, in bytes.
const SHOWN: usize = 3;
const MAX_NAME: usize = 100;
/// How many lists may wait to be compared.
const WAITING: usize = 8;

/// What the replicas offer that do not speak for the server. It is compared, and never listed.
pub(crate) struct Others {
    found: (mpsc::Sender<Found>, mpsc::Receiver<Found>),
    watches: BTreeMap<usize, AbortOnDropHandle<()>>,
    offers: BTreeMap<usize, Inventory>,
}

type Found = (usize, Inventory);

impl Default for Others {
    fn default() -> Self {
        Self {
            found: mpsc::channel(WAITING),
            watches: BTreeMap::new(),
            offers: BTreeMap::new(),
        }
    }
}

impl Others {
    /// Asks a replica what it offers that came up, unless it speaks for the server.
    pub(crate) fn follow(&mut self, turn: &Turn, followed: &Followed) {
        for replica in [turn.replica, followed.speaker()] {
            self.watches.remove(&replica);
            self.offers.remove(&replica);
        }
        if let Phase::Up(connection) = &turn.phase
            && turn.replica != followed.speaker()
            && let Some(server) = followed.replica(turn.replica)
        {
            let told = self.found.0.clone();
            let watch = watch(turn.replica, server.clone(), connection.clone(), told);
            let watch = AbortOnDropHandle::new(tokio::spawn(watch));
            self.watches.insert(turn.replica, watch);
        }
    }

    /// Waits until one of them has said what it offers. Cancel safe.
    pub(crate) async fn next(&mut self) {
        // The sender is held here.
        if let Some((replica, inventory)) = self.found.1.recv().await
            && self.watches.contains_key(&replica)
        {
            self.offers.insert(replica, inventory);
        }
    }

    /// Those that do not offer what is listed, each in a sentence.
    pub(crate) fn differing(&self, listed: &Inventory) -> Vec<String> {
        let offers = self.offers.iter();
        let told = offers.filter_map(|(replica, offer)| {
            let how = difference(listed, offer)?;
            Some(format!(
                "replica {} offers other tools than are listed: {how}",
                replica + 1
            ))
        });
        told.collect()
    }
}

/// Asks one replica what it offers, whenever that may have changed, for as long as it is connected.
async fn watch(
    replica: usize,
    server: Supervised,
    connection: Connection,
    told: mpsc::Sender<Found>,
) {
    let mut freshness = Freshness::new(&connection);
    let (mut last, mut lists) = (Inventory::default(), ALL_LISTS.to_vec());
    loop {
        let in_use = server.in_use();
        let found = refresh(&connection, &Limits::default(), &lists, &last).await;
        drop(in_use);
        if connection.is_closed() {
            return;
        }
        // Nothing but tools is compared.
        let came = match (found.failed.is_empty(), found.inventory.tools == last.tools) {
            (false, _) => Look::Failed,
            (true, true) => Look::Unchanged,
            (true, false) => Look::Changed,
        };
        freshness.looked(&found.failed, came, &found.ttls);
        // What could not be read says nothing about what is offered.
        if found.failure.is_none() && told.send((replica, found.inventory.clone())).await.is_err() {
            return;
        }
        last = found.inventory;
        lists = freshness.due().await;
    }
}

/// What a replica offers otherwise than is listed, as a clause.
fn difference(listed: &Inventory, offer: &Inventory) -> Option<String> {
    let (here, there) = (by_name(listed), by_name(offer));
    let lacks = |of: &Tools<'_>, name: &str| !of.contains_key(name);
    let missing = here.keys().filter(|name| lacks(&there, name));
    let besides = there.keys().filter(|name| lacks(&here, name));
    let otherwise = here.iter().filter(|(name, tool)| {
        let other = there.get(*name);
        other.is_some_and(|other| other != *tool)
    });
    let kinds: [(&str, Vec<&str>); 3] = [
        ("it lacks", missing.copied().collect()),
        ("it has besides", besides.copied().collect()),
        (
            "it describes otherwise",
            otherwise.map(|(name, _)| *name).collect(),
        ),
    ];
    let told = kinds.into_iter();
    let told = told.filter_map(|(what, names)| Some(format!("{what} {}", listing(&names)?)));
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}

type Tools<'a> = BTreeMap<&'a str, &'a Tool>;

fn by_name(inventory: &Inventory) -> Tools<'_> {
    let tools = inventory.tools.iter();
    tools.map(|tool| (&*tool.name, &**tool)).collect()
}

fn listing(names: &[&str]) -> Option<String> {
    let shown = names.iter().take(SHOWN);
    let shown = shown.map(|name| Printable(&clip(name, MAX_NAME)).to_string());
    let shown: Vec<String> = shown.collect();
    match names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => Some(format!("{} and {more} more", shown.join(", "))),
        None => (!shown.is_empty()).then(|| shown.join(", ")),
    }
}

/// How each replica is doing; none where there is but one.
pub(crate) fn reports(route: Option<&Route>) -> Vec<ReplicaReport> {
    let Some(route) = route.filter(|it| it.server().len() > 1) else {
        return Vec::new();
    };
    let replicas = route.server().iter().enumerate();
    replicas
        .map(|(n, it)| report(n, &it.phase(), route))
        .collect()
}

fn report(replica: usize, phase: &Phase, route: &Route) -> ReplicaReport {
    let left_alone = || open::left_alone(open::replica(route, replica)?);
    let (status, retry_at) = match phase {
        Phase::Up(_) => (left_alone().unwrap_or(ServerStatus::Ready), None),
        Phase::Starting { .. } => (ServerStatus::Starting, None),
        Phase::BackingOff { until, why } => (status_of(why), Some(*until)),
        Phase::Failed { retry_at, why } => (status_of(why), *retry_at),
        Phase::Idle => (ServerStatus::Idle, None),
        _ => (ServerStatus::Removed, None),
    };
    ReplicaReport {
        number: replica + 1,
        status,
        diagnostics: match phase {
            Phase::Up(connection) => connection.diagnostics(),
            Phase::BackingOff { why, .. } | Phase::Failed { why, .. } => why.diagnostics().clone(),
            _ => Default::default(),
        },
        retry_in: retry_at.map(|at| at.saturating_duration_since(Instant::now())),
    }
}

/// How many replicas are up and what is wrong with the others, where something is.
pub(crate) fn notices(replicas: &[ReplicaReport]) -> Vec<String> {
    use ServerStatus::{Idle, OpenUntil, Ready, Starting};
    let up = |it: &&ReplicaReport| matches!(it.status, Ready | OpenUntil { .. });
    let (up, all) = (replicas.iter().filter(up).count(), replicas.len());
    let mut notices = Vec::new();
    if up < all
        && replicas
            .iter()
            .any(|it| !matches!(it.status, Idle | Starting))
    {
        notices.push(format!("{up} of {all} replicas are up"));
    }
    let failed = replicas.iter().filter(|it| it.status.is_failure());
    notices.extend(failed.map(ToString::to_string));
    notices
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use serde_json::json;

    fn offering(tools: &[(&str, &str)]) -> Inventory {
        let mut inventory = Inventory::default();
        let tools = tools.iter().map(|(name, description)| {
            let tool = json!({"name": name, "description": description, "inputSchema": {}});
            Arc::new(serde_json::from_value(tool).expect("it is one"))
        });
        inventory.tools = tools.collect();
        inventory
    }

    #[test]
    fn what_a_replica_offers_otherwise_is_told_in_bounds() {
        let listed = offering(&[("a", ""), ("b", ""), ("c", "")]);
        let same = offering(&[("c", ""), ("a", ""), ("b", "")]);
        assert_eq!(difference(&listed, &same), None);
        let other = offering(&[("b", "new"), ("c", ""), ("d\u{1b}", "")]);
        let told = difference(&listed, &other).expect("they differ");
        assert!(told.starts_with("it lacks a; it has besides d"), "{told}");
        assert!(
            !told.contains('\u{1b}') && told.ends_with("; it describes otherwise b"),
            "{told}"
        );
        let long = "x".repeat(9_000);
        let many: Vec<String> = (0..9_000).map(|n| format!("{n}{long}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (&**name, "")).collect();
        let told = difference(&offering(&many), &listed).expect("they differ");
        assert!(told.len() < 600 && told.contains("and 8997 more"), "{told}");
    }
}
