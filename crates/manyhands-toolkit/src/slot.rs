//! One server's place in a toolkit: its settings, its state, what it offered last, and all places in their order. It must
//! not know what a change of it means for others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use manyhands_core::{Credentials, Inventory, Printable, ServerId, ServerInfo, clip};
use manyhands_registry::Changed;
use manyhands_routing::Down;
use manyhands_transport::Snapshot;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::health::Health;
use crate::memory::Memory;
use crate::report::ServerStatus;
use crate::settings::ServerSettings;

/// How many changed tools of a server are told of.
const SHOWN: usize = 5;

/// One server's place.
pub(crate) struct Slot {
    pub(crate) id: ServerId,
    pub(crate) title: Option<String>,
    pub(crate) settings: ServerSettings,
    pub(crate) state: watch::Sender<State>,
    pub(crate) credentials: Option<Credentials>,
    /// Where what it offers is remembered.
    pub(crate) memory: Option<Memory>,
    /// What its probes found, where it is to be connected.
    pub(crate) health: Option<watch::Receiver<Health>>,
    /// Told when a server that is connected is to be asked again what it offers.
    pub(crate) ask_again: Notify,
    /// Since when it is there.
    pub(crate) since: Instant,
    pub(crate) offer: Mutex<Offer>,
    /// The replicas that do not offer what is listed, each in a sentence.
    pub(crate) differing: Mutex<Vec<String>>,
}

/// What a server offered last, and what of its tools is no longer what was approved.
#[derive(Debug, Default)]
pub(crate) struct Offer {
    pub(crate) inventory: Option<Inventory>,
    /// Whether the server was asked for its tools since the start.
    pub(crate) asked: bool,
    pub(crate) changed: Vec<Changed>,
    /// Why tools that are new are kept back, where they are.
    pub(crate) why_new: Option<String>,
}

/// All servers, in their order.
#[derive(Default)]
pub(crate) struct Slots {
    list: Vec<Arc<Slot>>,
    positions: HashMap<ServerId, usize>,
}

impl Slots {
    pub(crate) fn new(list: Vec<Arc<Slot>>) -> Self {
        let places = list.iter().enumerate();
        let positions = places.map(|(n, slot)| (slot.id.clone(), n)).collect();
        Self { list, positions }
    }

    pub(crate) fn get(&self, id: &ServerId) -> Option<&Arc<Slot>> {
        self.list.get(*self.positions.get(id)?)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<Slot>> {
        self.list.iter()
    }

    /// With one more, which takes the place of the one of its name.
    pub(crate) fn with(&self, slot: Arc<Slot>) -> Self {
        let mut list = self.list.clone();
        match self
            .positions
            .get(&slot.id)
            .and_then(|at| list.get_mut(*at))
        {
            Some(place) => *place = slot,
            None => list.push(slot),
        }
        Self::new(list)
    }

    pub(crate) fn without(&self, id: &ServerId) -> Self {
        Self::new(self.iter().filter(|slot| slot.id != *id).cloned().collect())
    }
}

/// What is known of one server.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) status: ServerStatus,
    /// How it introduced itself, the last time that it was asked what it offers.
    pub(crate) info: Option<ServerInfo>,
    /// Whether that was at an earlier start.
    pub(crate) remembered: bool,
    pub(crate) took: Option<Duration>,
    pub(crate) diagnostics: Snapshot,
    /// When it is tried again.
    pub(crate) retry_at: Option<Instant>,
    /// Whether it is in this state because a probe said so.
    pub(crate) probed: bool,
    /// Whether a person was asked to log in since it was last ready, and nobody did; or nobody is to be asked.
    pub(crate) unanswered: bool,
}

impl Slot {
    pub(crate) fn offer(&self) -> MutexGuard<'_, Offer> {
        // It is replaced as a whole, so a panic elsewhere does no harm.
        self.offer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn differing(&self) -> MutexGuard<'_, Vec<String>> {
        // As above.
        self.differing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server was ever asked what it offers, be it at an earlier start.
    pub(crate) fn is_introduced(&self) -> bool {
        self.state.borrow().info.is_some()
    }

    /// Whether what is known of its offer is from an earlier start, and may be another by now.
    pub(crate) fn is_only_remembered(&self) -> bool {
        self.state.borrow().remembered
    }

    /// Whether it is connected and has said what it offers.
    pub(crate) fn is_ready(&self) -> bool {
        self.state.borrow().status == ServerStatus::Ready
    }

    /// Whether it waits for somebody to log in.
    pub(crate) fn needs_login(&self) -> bool {
        matches!(self.state.borrow().status, ServerStatus::NeedsAuth { .. })
    }

    /// Why nothing, or not everything, is known of what the server offers; none while it is fine.
    pub(crate) fn failure(&self) -> Option<Down> {
        match &self.state.borrow().status {
            ServerStatus::Failed { cause, mend } => {
                Some(Down::new(cause.clone()).with_mend(mend.clone()))
            }
            ServerStatus::NeedsAuth { cause, mend } => {
                let down = Down::new(cause.clone()).with_mend(mend.clone());
                Some(down.unauthorized())
            }
            _ => None,
        }
    }
}

impl Offer {
    /// Why a tool is kept back, as a lowercase clause.
    pub(crate) fn why_kept_back(&self, tool: &str) -> String {
        let changed = self.changed.iter().find(|it| it.name().name() == tool);
        match (changed, &self.why_new) {
            (Some(changed), _) => {
                format!(
                    "the tool has changed since it was approved: {}",
                    changed.summary()
                )
            }
            (None, Some(why)) => {
                format!("nobody can tell whether the tool was approved: {why}")
            }
            // It was approved this moment.
            (None, None) => "the tool had changed since it was approved".to_owned(),
        }
    }

    /// What there is to say of changed tools, and how much more there is than is told.
    pub(crate) fn notices(&self) -> Vec<String> {
        let told = |it: &Changed| {
            let (tool, name) = (clip(it.name().name(), 80), it.name().to_string());
            let (tool, name) = (Printable(&tool), clip(&name, 200));
            let look = format!("look at it with `manyhands pins diff {}`", Printable(&name));
            format!(
                "its tool {tool} has changed since it was approved: {}; {look}",
                it.summary()
            )
        };
        let mut notices: Vec<String> = self.changed.iter().take(SHOWN).map(told).collect();
        if let Some(more) = self
            .changed
            .len()
            .checked_sub(SHOWN)
            .filter(|more| *more > 0)
        {
            notices.push(format!(
                "{more} more of its tools have changed since they were approved"
            ));
        }
        notices.extend(
            self.why_new
                .iter()
                .map(|why| format!("tools of it that are new are kept back: {why}")),
        );
        notices
    }
}

impl State {
    pub(crate) fn new(status: ServerStatus) -> Self {
        Self {
            status,
            info: None,
            remembered: false,
            took: None,
            diagnostics: Snapshot::default(),
            retry_at: None,
            probed: false,
            unanswered: false,
        }
    }

    /// Whether the server was asked what it offers, or lets nobody ask who is not logged in.
    pub(crate) fn is_told(&self) -> bool {
        (self.info.is_some() && !self.remembered)
            || matches!(self.status, ServerStatus::NeedsAuth { .. })
    }
}
