//! The handle that an agent holds.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use manyhands_core::{
    AuthError, AuthErrorKind, CapabilityKind, Credentials, LoginPrompt, Principal, ServerId,
    nearest,
};
use manyhands_registry::Catalogue;
use manyhands_transport::Phase;
use serde_json::Value;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::ask::Ask;
use crate::changes::Changes;
use crate::reach::Authorization;
use crate::recipe::{Kept, Recipe};
use crate::report::{Report, ServerStatus};
use crate::shared::{Shared, Slot};

/// Many servers as one toolkit. Clones share it; dropping the last one ends every server it started.
#[derive(Clone)]
pub struct Toolkit {
    handle: Arc<Handle>,
    /// On whose behalf it is used.
    principal: Option<Principal>,
}

struct Handle {
    recipe: Arc<Recipe>,
    shared: Arc<Shared>,
    kept: Vec<Arc<Kept>>,
    tasks: Vec<AbortHandle>,
    started: Instant,
    /// Whether these are the servers that everybody shares.
    everybodys: bool,
    views: Mutex<VecDeque<(Vec<Authorization>, Arc<Handle>)>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Handle {
    fn new(recipe: Arc<Recipe>, principal: Option<&Principal>) -> Arc<Self> {
        let made = recipe.make(principal);
        Arc::new(Self {
            recipe,
            shared: made.shared,
            kept: made.kept,
            tasks: made.tasks,
            started: Instant::now(),
            everybodys: principal.is_none(),
            views: Mutex::default(),
        })
    }

    fn views(&self) -> MutexGuard<'_, VecDeque<(Vec<Authorization>, Arc<Self>)>> {
        // A view is put in or taken out as a whole, so a panic elsewhere does no harm.
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Toolkit {
    pub(crate) fn new(recipe: Arc<Recipe>) -> Self {
        Self {
            handle: Handle::new(recipe, None),
            principal: None,
        }
    }

    /// The toolkit as `principal` uses it: with the accounts and logins that are meant for it, and with what the
    /// servers offer and answer under these. Servers without such accounts are shared by all.
    ///
    /// Connections are kept for the sets of credentials that were used last; see
    /// [`Settings::max_authorizations`](crate::Settings::max_authorizations).
    #[must_use]
    pub fn for_principal(&self, principal: &Principal) -> Self {
        let recipe = &self.handle.recipe;
        let authorizations = recipe.authorizations(principal);
        let view = |handle: &Arc<Handle>| Self {
            handle: handle.clone(),
            principal: Some(principal.clone()),
        };
        if self.handle.everybodys && authorizations.iter().all(|it| *it == Authorization::Shared) {
            return view(&self.handle);
        }
        let mut views = self.handle.views();
        let known = views.iter().position(|(of, _)| *of == authorizations);
        let handle = match known.and_then(|at| views.remove(at)) {
            Some((_, handle)) => handle,
            None => Handle::new(recipe.clone(), Some(principal)),
        };
        let view = view(&handle);
        views.push_front((authorizations, handle));
        views.truncate(recipe.settings.max_authorizations.max(1));
        view
    }

    /// Has a person log in to a server, by `prompt`, then connects it anew.
    ///
    /// # Errors
    /// [`AuthError`] when there is no such server, when it has no login that could be made here, when the person
    /// declined, or when the login failed.
    pub async fn login(&self, server: &ServerId, prompt: LoginPrompt) -> Result<(), AuthError> {
        self.handle
            .shared
            .log_in_by(self.slot(server)?, prompt)
            .await
    }

    /// Ends the login at a server, and says whether there was one. A connection that it has goes on until it ends.
    ///
    /// # Errors
    /// [`AuthError`] when there is no such server, when it has no login that could be ended here, or when the login
    /// cannot be forgotten.
    pub async fn logout(&self, server: &ServerId) -> Result<bool, AuthError> {
        match &self.slot(server)?.credentials {
            Some(credentials) => credentials.logout().await,
            None => Err(no_login()),
        }
    }

    /// What gives the credentials of one account of a server, to log in and out with.
    ///
    /// # Errors
    /// [`AuthError`] when there is no such account, or when it has no login.
    pub fn account(&self, server: &ServerId, account: &str) -> Result<Credentials, AuthError> {
        self.handle
            .recipe
            .of_account(server, account)
            .ok_or_else(|| {
                let cause = format!("{server} has no account {account:?} with a login");
                AuthError::new(AuthErrorKind::Misconfigured, cause)
                    .with_mend("look at `manyhands.accounts` in its entry")
            })
    }

    fn slot(&self, server: &ServerId) -> Result<&Slot, AuthError> {
        self.handle.shared.slot(server).ok_or_else(|| {
            let ids = self.handle.shared.slots().iter().map(|it| it.id.as_str());
            let near = nearest(server.as_str(), ids);
            let error = AuthError::new(
                AuthErrorKind::Misconfigured,
                format!("no server is named {server}"),
            );
            match near.first() {
                Some(near) => error.with_mend(format!("did you mean {near}?")),
                None => error,
            }
        })
    }

    /// How each server is doing now.
    #[must_use]
    pub fn report(&self) -> Report {
        self.handle.shared.report()
    }

    /// What all servers offer now. The snapshot does not change; ask again for a newer one.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.handle.shared.catalogue.load_full()
    }

    /// Changes of servers and catalogue from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes(self.handle.shared.changes.subscribe())
    }

    /// Calls a tool by its name, such as `slack.search_messages`, with a JSON object of arguments.
    ///
    /// A tool that says it failed is a reply with [`is_error`](manyhands_core::Reply::is_error), not an error.
    ///
    /// ```no_run
    /// # async fn example(kit: manyhands_toolkit::Toolkit) -> Result<(), manyhands_core::CallError> {
    /// use std::time::Duration;
    /// let query = serde_json::json!({"query": "outage"});
    /// let reply = kit.call("slack.search_messages", query).timeout(Duration::from_secs(5)).await?;
    /// println!("{}", reply.value());
    /// # Ok(())
    /// # }
    /// ```
    pub fn call(&self, name: impl Into<String>, arguments: impl Into<Value>) -> Ask {
        Ask::new(
            self.clone(),
            CapabilityKind::Tool,
            name.into(),
            arguments.into(),
        )
    }

    /// Gets a prompt by its name, filled in with a JSON object of texts.
    pub fn get_prompt(&self, name: impl Into<String>, arguments: impl Into<Value>) -> Ask {
        Ask::new(
            self.clone(),
            CapabilityKind::Prompt,
            name.into(),
            arguments.into(),
        )
    }

    /// Reads a resource by its URI across all servers, such as `files+file:///a.txt`.
    pub fn read_resource(&self, uri: impl Into<String>) -> Ask {
        Ask::new(
            self.clone(),
            CapabilityKind::Resource,
            uri.into(),
            Value::Null,
        )
    }

    /// Waits until no required server is starting any more, nor waits for a person who is being asked to log in; and
    /// for the others until the grace is over.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; servers go on starting.
    pub async fn settle(&self) {
        let shared = &self.handle.shared;
        let required = shared.slots().iter().filter(|slot| slot.settings.required);
        join_all(required.map(|slot| settled(shared, slot))).await;
        let end_of_grace = self.handle.started + self.handle.recipe.settings.grace.0;
        // Servers that take longer are found in the catalogue once they are there.
        let _ = timeout_at(end_of_grace, self.all_started()).await;
    }

    /// Waits until no server is starting any more: each is ready, has failed, or waits for its first use. One that
    /// failed may become ready later, which [`changes`](Self::changes) tells.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; servers go on starting.
    pub async fn all_started(&self) {
        join_all(self.handle.shared.slots().iter().map(started)).await;
    }

    /// Starts every server that was never asked what it offers, as a call to it would: those that are started lazily,
    /// and those that failed and are not started again by themselves any more. Waits for none of them.
    pub fn start_all(&self) {
        let slots = self.handle.shared.slots().iter();
        for slot in slots.filter(|slot| !slot.is_introduced()) {
            if let Some(server) = self.handle.shared.router.supervised(&slot.id) {
                server.start();
                if matches!(server.phase(), Phase::Starting { .. }) {
                    self.handle.shared.starting(&slot.id);
                }
            }
        }
    }

    /// Ends every server: says goodbye, then kills what does not go. Takes 5 s at most. The toolkit of a principal ends
    /// only those that are not shared by all; the toolkit that all share ends those of the principals too.
    pub async fn close(&self) {
        let views: Vec<Arc<Handle>> = self
            .handle
            .views()
            .drain(..)
            .map(|(_, view)| view)
            .collect();
        let closing = views.iter().chain([&self.handle]).flat_map(|handle| {
            handle.tasks.iter().for_each(AbortHandle::abort);
            let own =
                |it: &&Arc<Kept>| handle.everybodys || it.authorization != Authorization::Shared;
            handle.kept.iter().filter(own).map(|it| it.server.close())
        });
        join_all(closing).await;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    pub(crate) fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }
}

impl fmt::Debug for Toolkit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self
            .handle
            .shared
            .slots()
            .iter()
            .map(|slot| slot.id.as_str());
        f.debug_list().entries(servers).finish()
    }
}

/// Waits until one server is not starting any more, and no person is being asked to log in to it.
async fn settled(shared: &Shared, slot: &Slot) {
    let mut state = slot.state.subscribe();
    let asks = shared.may_log_in(slot);
    // The slot holds the sender, so this ends only by a change of state.
    let _ = state
        .wait_for(|state| match state.status {
            ServerStatus::Starting => false,
            ServerStatus::NeedsAuth { .. } => state.unanswered || !asks,
            _ => true,
        })
        .await;
}

/// Waits until one server is not starting any more.
async fn started(slot: &Slot) {
    let mut state = slot.state.subscribe();
    // The slot holds the sender, so this ends only by a change of state.
    let _ = state
        .wait_for(|state| state.status != ServerStatus::Starting)
        .await;
}

/// Says that a server has no login that could be made or ended here.
pub(crate) fn no_login() -> AuthError {
    AuthError::new(
        AuthErrorKind::Misconfigured,
        "it has no login that could be made here",
    )
    .with_mend("put its credentials into its entry in the configuration")
}
