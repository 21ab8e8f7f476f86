//! What all handles of one toolkit, and the tasks of its servers, share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use manyhands_core::{AuthError, AuthErrorKind, CapabilityKind, Inventory, LoginPrompt, ServerId};
use manyhands_discovery::ManifestFolder;
use manyhands_registry::{Catalogue, Diff, IndexOptions};
use manyhands_routing::{RouteState, Router};
use manyhands_transport::{Input, Phase};
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::changes::{Change, KEPT};
use crate::groups::{Declared, Ranked};
use crate::meaning::Meaning;
use crate::open;
use crate::pins::Pins;
use crate::replicas;
use crate::report::{ProbeReport, Report, ServerReport, ServerStatus};
use crate::select::{Choosing, Indexed};
use crate::settings::WhenDown;
pub(crate) use crate::slot::{Slot, Slots, State};
use crate::toolkit::no_login;

pub(crate) struct Shared {
    pub(crate) catalogue: ArcSwap<Catalogue>,
    pub(crate) router: Router,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) pins: Arc<Pins>,
    /// What models are shown of a server that is down, where its own settings do not say.
    pub(crate) when_down: WhenDown,
    slots: ArcSwap<Slots>,
    /// Held while a snapshot of the catalogue or of the servers is replaced, so that no update is lost to another.
    replacing: Mutex<()>,
    /// Who shows login pages.
    pub(crate) input: Input,
    pub(crate) indexed: Indexed,
    pub(crate) ranked: Ranked,
    /// Counts what was told of servers.
    turns: AtomicU64,
    /// What knows the meaning of tools, where something does.
    pub(crate) meaning: Option<Meaning>,
    /// What every index is built with, beside what servers say of themselves.
    pub(crate) index_options: IndexOptions,
    /// Nobody wants to see the login pages of forty servers at once.
    logging_in: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(crate) fn new(
        slots: Vec<Arc<Slot>>,
        input: Input,
        pins: Arc<Pins>,
        groups: Arc<Declared>,
    ) -> Self {
        let catalogue = Catalogue::new(slots.iter().map(|slot| slot.id.clone()));
        let catalogue = slots.iter().fold(catalogue, |catalogue, slot| {
            catalogue.with_overlays(&slot.id, slot.settings.overlays())
        });
        Self {
            catalogue: ArcSwap::from_pointee(catalogue),
            router: Router::default(),
            changes: broadcast::channel(KEPT).0,
            pins,
            when_down: WhenDown::default(),
            slots: ArcSwap::from_pointee(Slots::new(slots)),
            replacing: Mutex::default(),
            input,
            indexed: Indexed::default(),
            ranked: Ranked::new(groups),
            turns: AtomicU64::new(0),
            meaning: None,
            index_options: IndexOptions::default(),
            logging_in: tokio::sync::Mutex::default(),
        }
    }

    /// Sets what tools are chosen by, and where what is learned of their meaning is kept.
    pub(crate) fn choosing_by(
        mut self,
        choosing: &Choosing,
        folder: Option<&ManifestFolder>,
    ) -> Self {
        let meaning = |it| Meaning::new(it, folder.cloned());
        self.meaning = choosing.embeddings.clone().map(meaning);
        self.index_options = choosing.index.clone();
        self
    }

    /// Whether a person can be asked to log in to a server.
    pub(crate) fn may_log_in(&self, slot: &Slot) -> bool {
        slot.credentials.is_some() && self.input.logs_in()
    }

    /// Has a person log in to a server, by whoever answers for them here, and starts it again.
    pub(crate) async fn log_in(&self, slot: &Slot) -> Result<(), AuthError> {
        let (input, id) = (self.input.clone(), slot.id.clone());
        let prompt = LoginPrompt::new(move |page| {
            let (input, id) = (input.clone(), id.clone());
            async move { input.show_login(id, page).await }
        });
        let token = async || {
            let credentials = slot.credentials.as_ref()?;
            credentials.authorization().await.ok().flatten()
        };
        let before = token().await;
        let _turn = self.logging_in.lock().await;
        let now = token().await;
        if now.is_some() && now != before {
            // Somebody did while this waited for its turn.
            return Ok(());
        }
        self.log_in_by(slot, prompt).await
    }

    /// Has a person log in to a server, by `prompt`, and starts it again.
    pub(crate) async fn log_in_by(
        &self,
        slot: &Slot,
        prompt: LoginPrompt,
    ) -> Result<(), AuthError> {
        let Some(credentials) = &slot.credentials else {
            return Err(self.router.down(&slot.id).map_or_else(no_login, |down| {
                let error = AuthError::new(AuthErrorKind::Misconfigured, down.cause());
                match down.mend() {
                    Some(mend) => error.with_mend(mend),
                    None => error,
                }
            }));
        };
        credentials.login(prompt).await?;
        self.logged_in(slot);
        Ok(())
    }

    /// Somebody has logged in to a server: has it started, or asked what it offers, where that had failed.
    pub(crate) fn logged_in(&self, slot: &Slot) {
        self.change(slot, ServerStatus::Starting, |now| {
            matches!(now, ServerStatus::NeedsAuth { .. })
        });
        if let Some(server) = self.router.supervised(&slot.id) {
            server.retry();
            slot.ask_again.notify_one();
        }
    }

    /// Nobody was logged in to a server that wants it.
    pub(crate) fn not_logged_in(&self, slot: &Slot, error: &AuthError) {
        if !slot.needs_login() {
            return;
        }
        let (cause, mend) = (error.cause().to_owned(), error.mend().map(str::to_owned));
        let mut state = slot.state.borrow().clone();
        state.status = ServerStatus::NeedsAuth { cause, mend };
        state.unanswered = true;
        self.set(slot, state, Diff::default());
    }

    pub(crate) fn slots(&self) -> Arc<Slots> {
        self.slots.load_full()
    }

    pub(crate) fn slot(&self, id: &ServerId) -> Option<Arc<Slot>> {
        self.slots.load().get(id).cloned()
    }

    /// Whether a server still has its place: nothing more is said of one that was removed, or replaced.
    fn is_current(&self, slot: &Slot) -> bool {
        let slots = self.slots.load();
        slots
            .get(&slot.id)
            .is_some_and(|it| std::ptr::eq(&**it, slot))
    }

    fn replacing(&self) -> MutexGuard<'_, ()> {
        // A snapshot is put in as a whole, so a panic elsewhere does no harm.
        self.replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a server, with what is remembered of its offer. Without that, what one of its name offered before stays
    /// listed until the new one has said what it offers.
    pub(crate) fn join(&self, slot: &Arc<Slot>, route: RouteState, remembered: Option<&Inventory>) {
        let _turn = self.replacing();
        self.router.set(slot.id.clone(), route);
        self.slots
            .store(Arc::new(self.slots.load().with(slot.clone())));
        let catalogue = self.catalogue.load().with_server(slot.id.clone());
        let catalogue = catalogue.with_overlays(&slot.id, slot.settings.overlays());
        let (catalogue, diff) = match remembered {
            Some(inventory) => self.offered(&catalogue, slot, inventory, false),
            None => (catalogue, Diff::default()),
        };
        self.catalogue.store(Arc::new(catalogue));
        self.tell(slot, diff);
    }

    /// Lets a server go, with all that it offered.
    pub(crate) fn leave(&self, id: &ServerId) {
        let _turn = self.replacing();
        let Some(slot) = self.slot(id) else { return };
        self.router.remove(id);
        self.slots.store(Arc::new(self.slots.load().without(id)));
        let (catalogue, diff) = self.catalogue.load().without_server(id);
        self.catalogue.store(Arc::new(catalogue));
        slot.state.send_replace(State::new(ServerStatus::Removed));
        self.tell(&slot, diff);
    }

    /// Puts a server's offer into the catalogue, which it said just now where it was `asked` for its tools. Whatever is to
    /// be kept back of it never was in there.
    pub(crate) fn publish(&self, slot: &Slot, inventory: &Inventory, asked: bool) -> Diff {
        let _turn = self.replacing();
        if !self.is_current(slot) {
            return Diff::default();
        }
        let (next, diff) = self.offered(&self.catalogue.load(), slot, inventory, asked);
        self.catalogue.store(Arc::new(next));
        diff
    }

    /// Compares what all servers offer with other pins than before.
    pub(crate) fn compare_anew(&self) {
        for slot in self.slots().iter() {
            let _turn = self.replacing();
            let inventory = slot.offer().inventory.clone();
            let Some(inventory) = inventory.filter(|_| self.is_current(slot)) else {
                continue;
            };
            // Whether it was asked for its tools stays as it is.
            let (next, diff) = self.offered(&self.catalogue.load(), slot, &inventory, false);
            self.catalogue.store(Arc::new(next));
            if !diff.is_empty() {
                self.tell(slot, diff);
            }
        }
    }

    /// The next snapshot, in which a server offers this, without the tools that its pins keep back.
    fn offered(
        &self,
        catalogue: &Catalogue,
        slot: &Slot,
        inventory: &Inventory,
        asked: bool,
    ) -> (Catalogue, Diff) {
        let mut offer = slot.offer();
        offer.asked |= asked;
        offer.inventory = Some(inventory.clone());
        let open = catalogue.clone().with_quarantine(&slot.id, []);
        let all = open.with_inventory(&slot.id, inventory);
        let compared = self.pins.compare(&all.0, &slot.id, offer.asked);
        let withheld = match compared {
            Some(compared) => {
                (offer.changed, offer.why_new) = (compared.changed, compared.why_new);
                compared.withheld
            }
            None => {
                (offer.changed, offer.why_new) = (Vec::new(), None);
                Vec::new()
            }
        };
        if withheld.is_empty() {
            return all;
        }
        let names = withheld.iter().map(String::as_str);
        open.with_quarantine(&slot.id, names)
            .with_inventory(&slot.id, inventory)
    }

    /// Says that a server is being started. One that failed counts as failed until it is ready.
    pub(crate) fn starting(&self, slot: &Slot) {
        self.change(slot, ServerStatus::Starting, |now| {
            matches!(
                now,
                ServerStatus::Ready | ServerStatus::Idle | ServerStatus::Cached
            )
        });
    }

    /// Says that a server is not running, and starts when it is called.
    pub(crate) fn idle(&self, slot: &Slot) {
        self.change(slot, ServerStatus::Idle, |now| {
            !matches!(now, ServerStatus::Idle | ServerStatus::Cached)
        });
    }

    fn change(&self, slot: &Slot, to: ServerStatus, from: impl Fn(&ServerStatus) -> bool) {
        let turns = from(&slot.state.borrow().status);
        if turns {
            self.set(slot, State::new(to), Diff::default());
        }
    }

    /// A connected server was asked again what it offers. One whose tools could not be listed is ready once they can be.
    pub(crate) fn refreshed(&self, slot: &Slot, diff: Diff, tools_are_back: bool) {
        let mut state = slot.state.borrow().clone();
        let mended = tools_are_back && matches!(state.status, ServerStatus::Failed { .. });
        if mended {
            state.status = ServerStatus::Ready;
        }
        if mended || !diff.is_empty() {
            self.set(slot, state, diff);
        }
    }

    /// Sets what is known of a server, and tells everyone.
    pub(crate) fn set(&self, slot: &Slot, mut state: State, diff: Diff) {
        let _turn = self.replacing();
        if !self.is_current(slot) {
            return;
        }
        if state.info.is_none() {
            // How it introduced itself outlives its connection, as what it offered does.
            state.info.clone_from(&slot.state.borrow().info);
            state.remembered = slot.state.borrow().remembered;
        }
        state.unanswered |= slot.state.borrow().unanswered && state.status != ServerStatus::Ready;
        slot.state.send_replace(state);
        self.tell(slot, diff);
    }

    /// These replicas do not offer what is listed.
    pub(crate) fn compared(&self, slot: &Slot, differing: Vec<String>) {
        let is_news = *slot.differing() != differing;
        if is_news {
            *slot.differing() = differing;
            self.turned(slot);
        }
    }

    /// A server, or a tool of it, began or ceased to be left alone.
    pub(crate) fn turned(&self, slot: &Slot) {
        let _turn = self.replacing();
        if self.is_current(slot) {
            self.tell(slot, Diff::default());
        }
    }

    /// How often something was told of a server.
    pub(crate) fn turn(&self) -> u64 {
        self.turns.load(Ordering::Acquire)
    }

    fn tell(&self, slot: &Slot, diff: Diff) {
        self.turns.fetch_add(1, Ordering::Release);
        let status = self.status(slot);
        let server = slot.id.clone();
        tracing::info!(%server, state = status.word(), cause = status.cause(), "server state");
        // Nobody may be listening.
        let _ = self.changes.send(Change {
            server,
            status,
            generation: self.catalogue.load().generation(),
            diff: Arc::new(diff),
        });
    }

    /// What a server is doing, as its breaker has it too.
    pub(crate) fn status(&self, slot: &Slot) -> ServerStatus {
        let status = slot.state.borrow().status.clone();
        open::seen(status, self.router.route(&slot.id).as_ref())
    }

    pub(crate) fn report(&self) -> Report {
        let catalogue = self.catalogue.load();
        let mut report = Report::default();
        for slot in self.slots().iter() {
            let state = slot.state.borrow().clone();
            let route = self.router.route(&slot.id);
            let route = route.as_ref();
            let phase = route.map(|it| it.server().phase());
            let status = open::seen(state.status, route);
            let replicas = replicas::reports(route);
            let known = catalogue.notices(&slot.id).iter();
            let notices = known.map(|it| it.as_str().to_owned());
            let count = |kind| catalogue.count(&slot.id, kind);
            report.servers.push(ServerReport {
                id: slot.id.clone(),
                title: slot.title.clone(),
                required: slot.settings.required,
                info: state.info,
                tools: count(CapabilityKind::Tool),
                prompts: count(CapabilityKind::Prompt),
                resources: count(CapabilityKind::Resource),
                notices: notices
                    .chain(open::tools(route))
                    .chain(slot.offer().notices())
                    .chain(replicas::notices(&replicas))
                    .chain(slot.differing().iter().cloned())
                    .collect(),
                took: state.took,
                diagnostics: match phase {
                    Some(Phase::Up(connection)) => connection.diagnostics(),
                    _ => state.diagnostics,
                },
                answered_ago: route
                    .and_then(|it| it.server().last_answer())
                    .map(|at| at.elapsed()),
                probe: slot.health.as_ref().and_then(|it| {
                    let health = it.borrow();
                    health.last.as_ref().map(ProbeReport::of)
                }),
                retry_in: state
                    .retry_at
                    .map(|at| at.saturating_duration_since(Instant::now()))
                    .or_else(|| open::wait(&status, route)),
                replicas,
                status,
            });
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Member;
    use manyhands_registry::Groups;
    use manyhands_resilience::Statistics;

    fn slot(id: &ServerId) -> (Arc<Slot>, RouteState) {
        let member = Member::disabled(id.clone());
        (Arc::new(member.slot(None)), RouteState::Down(member.down()))
    }

    #[test]
    fn nothing_is_heard_of_a_server_whose_place_is_anothers() {
        let id = ServerId::parse("s").expect("it is one");
        let mut inventory = Inventory::default();
        let tool = serde_json::json!({"name": "t", "inputSchema": {}});
        let tool = serde_json::from_value(tool).expect("it is one");
        inventory.tools.push(Arc::new(tool));
        let shared = Shared::new(
            Vec::new(),
            Input::default(),
            Pins::new(None, None),
            Declared::new(&Groups::default(), &Statistics::new(1)),
        );
        let ((first, route), (second, other_route)) = (slot(&id), slot(&id));
        shared.join(&first, route, None);
        shared.join(&second, other_route, None);
        assert!(shared.publish(&first, &inventory, true).is_empty());
        shared.set(&first, State::new(ServerStatus::Ready), Diff::default());
        assert_eq!(shared.catalogue.load().tools().count(), 0);
        assert_eq!(second.state.borrow().status, ServerStatus::Disabled);
        assert_eq!(first.state.borrow().status, ServerStatus::Disabled);

        assert_eq!(shared.publish(&second, &inventory, true).added.len(), 1);
        shared.leave(&id);
        assert!(shared.publish(&second, &inventory, true).is_empty());
    }
}
