//! Which servers a toolkit has at the moment, and what keeps each of them going.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use manyhands_core::{Inventory, Principal, ServerId};
use manyhands_routing::{Replicas, RouteState};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::builder::Member;
use crate::member::live;
use crate::reach::Authorization;
use crate::recipe::{Kept, Recipe};
use crate::shared::{Shared, Slot};

/// How long a disk may take at the end.
const FLUSH: Duration = Duration::from_secs(2);

/// Under which authorizations of their own servers are used; those that are not named are used as everybody does.
pub(crate) type Authorizations = Vec<(ServerId, Authorization)>;

/// The servers of a toolkit as everybody, or one principal, uses them. Dropping it ends those that nobody else uses.
pub(crate) struct Membership {
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) shared: Arc<Shared>,
    running: Mutex<Vec<Running>>,
    principal: Option<Principal>,
    /// Of the recipe, when this was made.
    generation: u64,
    views: Mutex<VecDeque<(Authorizations, Arc<Membership>)>>,
}

/// A server that is kept connected, and the task that follows it.
struct Running {
    kept: Arc<Kept>,
    task: AbortOnDropHandle<()>,
}

impl Membership {
    /// Gets the servers going that are not going yet.
    pub(crate) fn new(recipe: &Arc<Recipe>, principal: Option<Principal>) -> Arc<Self> {
        let mut census = recipe.census();
        let kept = |member: &Member| recipe.kept(member, principal.as_ref());
        let members: Vec<_> = census.members.iter().map(|it| (it, kept(it))).collect();
        let slots = members
            .iter()
            .map(|(member, kept)| slot(member, kept.as_ref()));
        let slots: Vec<Arc<Slot>> = slots.collect();
        // What a principal's servers offer leaves no trace where everybody's vectors are kept.
        let folder = recipe.manifests.as_ref().filter(|_| principal.is_none());
        let shared = Shared::new(
            slots.clone(),
            recipe.input.clone(),
            recipe.pins.clone(),
            recipe.groups.clone(),
        );
        let mut shared = shared.choosing_by(&recipe.choosing, folder);
        shared.when_down = recipe.settings.when_down;
        let shared = Arc::new(shared);
        recipe.pins.enrol(&shared);
        for ((member, kept), slot) in members.iter().zip(&slots) {
            let route = route(member, kept.as_ref());
            shared.router.set(member.id.clone(), route);
            if let Some(inventory) = remembered(kept.as_ref()) {
                shared.publish(slot, inventory, false);
            }
        }
        let kept = members.into_iter().map(|(_, kept)| kept);
        let running = slots
            .into_iter()
            .zip(kept)
            .filter_map(|(slot, kept)| Some(Running::new(&shared, slot, kept?)));
        let membership = Arc::new(Self {
            running: Mutex::new(running.collect()),
            shared,
            recipe: recipe.clone(),
            principal,
            generation: recipe.generation(),
            views: Mutex::default(),
        });
        census.enrol(&membership);
        membership
    }

    /// The servers as `principal` uses them. It is kept for the sets of authorizations that were used last.
    pub(crate) fn view(self: &Arc<Self>, principal: &Principal) -> Arc<Self> {
        let authorizations = self.recipe.authorizations(principal);
        if authorizations.is_empty() {
            return self.clone();
        }
        let mut views = self.views();
        let known = views
            .iter()
            .position(|(of, view)| *of == authorizations && view.is_complete());
        let view = match known.and_then(|at| views.remove(at)) {
            Some((_, view)) => view,
            None => Self::new(&self.recipe, Some(principal.clone())),
        };
        views.push_front((authorizations, view.clone()));
        views.truncate(self.recipe.settings.max_authorizations.max(1));
        view
    }

    /// Whether no server has come since that a principal uses in a way of its own.
    fn is_complete(&self) -> bool {
        self.generation == self.recipe.generation()
    }

    /// Takes in a server, in the place of the one of its name.
    pub(crate) fn take_in(&self, member: &Member) {
        if self.principal.is_some() && !member.is_everybodys() {
            // Several principals may share this view, and use that server each in a way of their own.
            return;
        }
        let kept = self.recipe.kept(member, self.principal.as_ref());
        let slot = slot(member, kept.as_ref());
        self.forget(&member.id);
        let remembered = remembered(kept.as_ref());
        self.shared
            .join(&slot, route(member, kept.as_ref()), remembered);
        let running = kept.map(|kept| Running::new(&self.shared, slot, kept));
        self.running().extend(running);
    }

    /// Lets a server go.
    pub(crate) fn let_go(&self, id: &ServerId) {
        self.forget(id);
        self.shared.leave(id);
    }

    fn forget(&self, id: &ServerId) {
        self.running().retain(|it| it.kept.server.server() != id);
    }

    /// Ends every server that only this one uses; of everybody's, all of them.
    pub(crate) async fn close(&self) {
        let views: Vec<_> = self.views().drain(..).map(|(_, view)| view).collect();
        let mut closing = Vec::new();
        for membership in views.iter().map(|it| &**it).chain([self]) {
            for Running { kept, task } in &*membership.running() {
                task.abort();
                let everybodys = membership.principal.is_none();
                if everybodys || kept.authorization != Authorization::Shared {
                    closing.push(kept.clone());
                }
            }
        }
        let leaving = match self.principal {
            None => self.recipe.leaving(),
            Some(_) => Vec::new(),
        };
        let leaving = leaving.iter().map(Replicas::close);
        let pins = self.recipe.pins.clone();
        let written = timeout(FLUSH, spawn_blocking(move || pins.write()));
        let catalogue = self.shared.catalogue.load_full();
        let _ = tokio::join!(
            written,
            self.recipe.figures.keep_at_last(catalogue),
            join_all(closing.iter().map(|it| it.server.close())),
            join_all(leaving)
        );
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
        // An entry is put in or taken out as a whole, so a panic elsewhere does no harm.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn views(&self) -> MutexGuard<'_, VecDeque<(Authorizations, Arc<Self>)>> {
        // As above.
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn new(shared: &Arc<Shared>, slot: Arc<Slot>, kept: Arc<Kept>) -> Self {
        let last = remembered(Some(&kept)).cloned().unwrap_or_default();
        let task = tokio::spawn(live(shared.clone(), slot, kept.route.clone(), last));
        let task = AbortOnDropHandle::new(task);
        Self { kept, task }
    }
}

fn slot(member: &Member, kept: Option<&Arc<Kept>>) -> Arc<Slot> {
    Arc::new(member.slot(kept.map(|it| &**it)))
}

fn remembered(kept: Option<&Arc<Kept>>) -> Option<&Inventory> {
    let manifest = kept?.remembered.as_ref()?;
    Some(&manifest.inventory)
}

fn route(member: &Member, kept: Option<&Arc<Kept>>) -> RouteState {
    match kept {
        Some(kept) => RouteState::Up(kept.route.clone()),
        None => RouteState::Down(member.down()),
    }
}
