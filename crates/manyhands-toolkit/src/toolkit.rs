//! The handle that an agent holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures_util::future::join_all;
use manyhands_core::{
    AuthError, AuthErrorKind, CapabilityKind, Credentials, LoginPrompt, Principal, ServerId,
    nearest,
};
use manyhands_registry::{Catalogue, PinReport};
use manyhands_resilience::Summary;
use manyhands_transport::Phase;
use serde_json::Value;
use tokio::time::timeout_at;

use crate::ask::Ask;
use crate::builder::Member;
use crate::changes::Changes;
use crate::membership::Membership;
use crate::memory::Memory;
use crate::pins::PinError;
use crate::recipe::Recipe;
use crate::report::{Report, ServerStatus};
use crate::shared::{Shared, Slot};

/// Many servers as one toolkit. Clones share it; dropping the last one ends every server it started.
#[derive(Clone)]
pub struct Toolkit {
    everybodys: Arc<Membership>,
    /// The servers as they are used here, as of this generation of the recipe.
    own: Arc<Membership>,
    generation: u64,
    /// On whose behalf it is used.
    principal: Option<Principal>,
}

impl Toolkit {
    pub(crate) fn new(recipe: &Arc<Recipe>) -> Self {
        let everybodys = Membership::new(recipe, None);
        Self {
            generation: everybodys.recipe.generation(),
            own: everybodys.clone(),
            everybodys,
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
        Self {
            everybodys: self.everybodys.clone(),
            generation: self.everybodys.recipe.generation(),
            own: self.everybodys.view(principal),
            principal: Some(principal.clone()),
        }
    }

    /// Adds a server while the toolkit is in use, for all principals, and starts it unless it is lazy. One that has the
    /// name of an earlier one takes its place. Needs a Tokio runtime.
    ///
    /// What it offers is in the catalogue once it is ready, which [`changes`](Self::changes) tells. Names of a server
    /// whose place it takes stay until then, and calls to them wait for it.
    ///
    /// ```
    /// # use manyhands_core::ServerId;
    /// # use manyhands_testkit::ScriptedServer;
    /// # use manyhands_toolkit::{Builder, Member};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let weather = ScriptedServer::new("weather").tool("today", |_| serde_json::json!({"content": []}));
    /// let kit = Builder::default().connect().await?;
    /// let id = ServerId::parse("weather")?;
    /// kit.add_server(Member::new(id.clone(), weather.connector()));
    /// kit.call("weather.today", serde_json::json!({})).await?; // waits for its start
    /// assert!(kit.remove_server(&id));
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_server(&self, member: Member) {
        self.everybodys.recipe.add(member);
    }

    /// Removes a server while the toolkit is in use, for all principals; says whether there was one. Needs a Tokio
    /// runtime.
    ///
    /// Its names are gone at once. Calls that were sent to it finish, and calls that were not end as `NotSent`; then it
    /// is ended.
    #[expect(
        clippy::must_use_candidate,
        reason = "whoever wants it gone need not know whether it was there"
    )]
    pub fn remove_server(&self, server: &ServerId) -> bool {
        self.everybodys.recipe.remove(server)
    }

    /// Has a person log in to a server, by `prompt`, then connects it anew.
    ///
    /// # Errors
    /// [`AuthError`] when there is no such server, when it has no login that could be made here, when the person
    /// declined, or when the login failed.
    pub async fn login(&self, server: &ServerId, prompt: LoginPrompt) -> Result<(), AuthError> {
        let slot = self.slot(server)?;
        self.shared().log_in_by(&slot, prompt).await
    }

    /// Ends the login at a server, and says whether there was one. A connection that it has goes on until it ends.
    ///
    /// # Errors
    /// [`AuthError`] when there is no such server, when it has no login that could be ended here, or when the login
    /// cannot be forgotten.
    pub async fn logout(&self, server: &ServerId) -> Result<bool, AuthError> {
        let slot = self.slot(server)?;
        let Some(credentials) = &slot.credentials else {
            return Err(no_login());
        };
        let was_in = credentials.logout().await?;
        slot.memory.iter().for_each(Memory::forget);
        Ok(was_in)
    }

    /// What gives the credentials of one account of a server, to log in and out with.
    ///
    /// # Errors
    /// [`AuthError`] when there is no such account, or when it has no login.
    pub fn account(&self, server: &ServerId, account: &str) -> Result<Credentials, AuthError> {
        self.everybodys
            .recipe
            .of_account(server, account)
            .ok_or_else(|| {
                let cause = format!("{server} has no account {account:?} with a login");
                AuthError::new(AuthErrorKind::Misconfigured, cause)
                    .with_mend("look at `manyhands.accounts` in its entry")
            })
    }

    fn slot(&self, server: &ServerId) -> Result<Arc<Slot>, AuthError> {
        let shared = self.shared();
        shared.slot(server).ok_or_else(|| {
            let slots = shared.slots();
            let near = nearest(server.as_str(), slots.iter().map(|it| it.id.as_str()));
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
        self.shared().report()
    }

    /// The servers whose tools models are not shown now, since these are down and `whenDown` is "hide".
    #[must_use]
    pub fn hidden_servers(&self) -> BTreeSet<ServerId> {
        self.shared().hidden()
    }

    /// How fast and how reliable tools, prompts and resources were of late, by their names across all servers: the last 64
    /// calls of each that came to its server, for up to 4,096 of them. All principals' calls are counted together.
    ///
    /// ```no_run
    /// # fn example(kit: &manyhands_toolkit::Toolkit) {
    /// for (name, summary) in kit.statistics() {
    ///     println!("{name}: {:?} at the most for half of its {} calls", summary.p50, summary.calls);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn statistics(&self) -> BTreeMap<String, Summary> {
        self.everybodys.recipe.figures.statistics.summaries()
    }

    /// What all servers offer now. The snapshot does not change; ask again for a newer one.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.shared().catalogue.load_full()
    }

    /// What tools are now beside what they were when they were approved, which they are when they are first seen; see
    /// [`Settings::pins`](crate::Settings::pins). Those of a principal are compared with everybody's pins.
    #[must_use]
    pub fn pin_report(&self) -> PinReport {
        let shared = self.shared();
        shared.pins.report(&shared.catalogue.load())
    }

    /// Approves these changed or new tools as a report shows them, for everybody, and in the file with the pins where there is
    /// one. What a server has made of them since is not approved with it. It blocks for as long as the disk takes.
    ///
    /// ```no_run
    /// # fn example(kit: &manyhands_toolkit::Toolkit) -> Result<(), manyhands_toolkit::PinError> {
    /// let report = kit.pin_report();
    /// for change in &report.changed {
    ///     println!("{change}");
    /// }
    /// kit.approve_tools(&report, &["slack.search_messages"])
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PinError`] where the report has no such tool, or where the file cannot be used; then nothing is approved.
    pub fn approve_tools(&self, report: &PinReport, names: &[&str]) -> Result<(), PinError> {
        self.shared().pins.approve(report, names)
    }

    /// Changes of servers and catalogue from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes(self.shared().changes.subscribe())
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

    /// Asks for the values of a prompt's argument that begin with `value`. `settled` is a JSON object of the arguments that
    /// have their values already.
    pub fn complete_prompt(
        &self,
        name: impl Into<String>,
        (argument, value): (&str, &str),
        settled: impl Into<Value>,
    ) -> Ask {
        self.get_prompt(name, settled)
            .completing(argument.to_owned(), value.to_owned())
    }

    /// Asks for the values that begin with `value` of an argument of a resource template, which is named by its URI
    /// template across all servers, such as `files+file:///{path}`.
    pub fn complete_resource(
        &self,
        template: impl Into<String>,
        (argument, value): (&str, &str),
        settled: impl Into<Value>,
    ) -> Ask {
        let (kind, template) = (CapabilityKind::Resource, template.into());
        Ask::new(self.clone(), kind, template, settled.into())
            .completing(argument.to_owned(), value.to_owned())
    }

    /// Waits until no required server is starting any more, nor waits for a person who is being asked to log in; and
    /// for the others until the grace is over.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; servers go on starting.
    pub async fn settle(&self) {
        let shared = self.shared();
        let slots = shared.slots();
        let grace = self.everybodys.recipe.settings.grace.0;
        join_all(slots.iter().map(async |slot| {
            if slot.settings.required {
                settled(&shared, slot).await;
            } else {
                // Servers that take longer are found in the catalogue once they are there.
                let _ = timeout_at(slot.since + grace, started(slot)).await;
            }
        }))
        .await;
    }

    /// Waits until no server is starting any more: each is ready, has failed, or waits for its first use. One that
    /// failed may become ready later, which [`changes`](Self::changes) tells.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; servers go on starting.
    pub async fn all_started(&self) {
        join_all(self.shared().slots().iter().map(|slot| started(slot))).await;
    }

    /// Starts every server that was never asked what it offers, as a call to it would: those that are started lazily,
    /// and those that failed and are not started again by themselves any more. Waits for none of them.
    pub fn start_all(&self) {
        self.start_servers(|slot| !slot.is_introduced());
    }

    /// Starts these servers, as a call to them would, and waits for none of them.
    pub(crate) fn start_servers(&self, which: impl Fn(&Slot) -> bool) {
        let shared = self.shared();
        for slot in shared.slots().iter().filter(|slot| which(slot)) {
            if let Some(server) = shared.router.supervised(&slot.id) {
                server.start();
                if matches!(server.phase(), Phase::Starting { .. }) {
                    shared.starting(slot);
                }
            }
        }
    }

    /// Ends every server: says goodbye, then kills what does not go. Takes 5 s at most. The toolkit of a principal ends
    /// only those that are not shared by all; the toolkit that all share ends those of the principals too.
    pub async fn close(&self) {
        self.membership().close().await;
    }

    /// The servers as they are used here; found anew where some came or went that principals use each in their own way.
    fn membership(&self) -> Arc<Membership> {
        match &self.principal {
            Some(principal) if self.generation != self.everybodys.recipe.generation() => {
                self.everybodys.view(principal)
            }
            _ => self.own.clone(),
        }
    }

    /// Remembers how calls went, now and then.
    pub(crate) fn called(&self) {
        let everybodys = &self.everybodys;
        let figures = &everybodys.recipe.figures;
        figures.keep_now_and_then(|| everybodys.shared.catalogue.load_full());
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.membership().shared.clone()
    }

    pub(crate) fn recipe(&self) -> &Recipe {
        &self.everybodys.recipe
    }

    pub(crate) fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }
}

impl fmt::Debug for Toolkit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = self.shared().slots();
        let servers = slots.iter().map(|slot| slot.id.as_str());
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
pub(crate) async fn started(slot: &Slot) {
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
