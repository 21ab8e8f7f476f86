//! One conversation among many: which servers and tools it is about, and what its model was shown. It must not know how
//! a model is asked.

mod problem;
mod profile;
mod scope;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use manyhands_core::{ServerId, clip, nearest};
use manyhands_registry::{Query, Selection, ServerFit, ToolEntry};
use serde_json::Value;

pub use self::problem::ProfileProblem;
pub use self::profile::Profile;
pub(crate) use self::scope::Scope;

use crate::ask::Ask;
use crate::select::Select;
use crate::toolkit::{Toolkit, started};

/// How many conversations are remembered; the one that was not used for longest is forgotten.
const MAX_CONVERSATIONS: usize = 1_024;

/// The toolkit as one conversation uses it. Handles of one conversation share what is enabled in it.
///
/// While nothing is enabled, it is about all servers. What is enabled is a choice of what is to the point, and no
/// permission: conversations beyond 1,024 are forgotten, and begin anew.
///
/// ```no_run
/// # async fn example(kit: manyhands_toolkit::Toolkit) -> Result<(), Box<dyn std::error::Error>> {
/// use manyhands_registry::ModelApi;
///
/// let talk = kit.conversation("c-17").enable("finance")?; // its servers start now
/// talk.ready().await;
/// let tools = talk.select("what did we invoice in March?").for_model(ModelApi::Anthropic);
/// let reply = talk.call("ledger.search", serde_json::json!({"month": "2026-03"})).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Conversation {
    kit: Toolkit,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    profiles: BTreeSet<String>,
    servers: BTreeSet<ServerId>,
    shown: Option<Selection>,
}

impl Toolkit {
    /// One conversation, by any name that the caller has for it. It begins with the first use of its name; the same name
    /// is another conversation for another principal.
    #[must_use]
    pub fn conversation(&self, id: &str) -> Conversation {
        let principal = self.principal().map(|it| it.id().to_owned());
        let key = (principal, id.to_owned());
        Conversation {
            state: self.recipe().conversations().of(key),
            kit: self.clone(),
        }
    }

    /// A conversation that nobody else can find.
    pub(crate) fn aside(&self) -> Conversation {
        Conversation {
            kit: self.clone(),
            state: Arc::default(),
        }
    }

    /// The profiles that there are, by name.
    pub fn profiles(&self) -> impl Iterator<Item = (&str, &Profile)> {
        let profiles = &self.recipe().settings.profiles;
        profiles.iter().map(|(name, it)| (name.as_str(), it))
    }
}

impl Conversation {
    /// Makes it about a profile too, and starts the servers of that which are not running yet. What it names and is not
    /// there is told to the log, here and in [`ready`](Self::ready); see [`Toolkit::profile_problems`].
    ///
    /// # Errors
    /// [`UnknownProfile`] with the nearest name.
    pub fn enable(self, profile: &str) -> Result<Self, UnknownProfile> {
        let profiles = &self.kit.recipe().settings.profiles;
        if !profiles.contains_key(profile) {
            let near = nearest(profile, profiles.keys().map(String::as_str));
            return Err(UnknownProfile {
                name: clip(profile, 64).into_owned(),
                nearest: near.first().map(|it| (*it).to_owned()),
            });
        }
        self.state().profiles.insert(profile.to_owned());
        self.start();
        self.tell_of_problems();
        Ok(self)
    }

    /// Makes it about these servers too, and starts those that are not running yet.
    #[must_use]
    pub fn enable_servers(self, servers: impl IntoIterator<Item = ServerId>) -> Self {
        self.state().servers.extend(servers);
        self.start();
        self
    }

    /// Makes it about the servers that fit `query`, and starts those that are not running yet; says which and why.
    ///
    /// It goes by what is known of servers that were never started in this program, so that only those start that are
    /// wanted; see [`Toolkit::servers_for`].
    pub fn enable_for(&self, query: impl Into<Query>) -> Vec<ServerFit> {
        let fits = self.kit.servers_for(query);
        let servers = fits.iter().map(|it| it.server.clone());
        drop(self.clone().enable_servers(servers));
        fits
    }

    /// Makes it no longer about a profile; says whether it was. Servers go on running.
    #[expect(
        clippy::must_use_candidate,
        reason = "whoever wants it disabled need not know whether it was enabled"
    )]
    pub fn disable(&self, profile: &str) -> bool {
        self.state().profiles.remove(profile)
    }

    /// The names of the profiles that are enabled.
    #[must_use]
    pub fn enabled(&self) -> Vec<String> {
        self.state().profiles.iter().cloned().collect()
    }

    /// Waits until none of its servers is starting any more: each is ready, has failed, or waits for its first use.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; servers go on starting.
    pub async fn ready(&self) {
        let shared = self.kit.shared();
        let servers = self.scope().servers(&shared);
        let slots: Vec<_> = servers.iter().filter_map(|it| shared.slot(it)).collect();
        join_all(slots.iter().map(|slot| started(slot))).await;
        self.tell_of_problems();
    }

    /// Chooses among its tools. What was chosen in it before comes first, in its order, so that a model's prompt cache
    /// stays good; and then what its profiles always want.
    pub fn select(&self, query: impl Into<Query>) -> Select {
        let query = self.query(query.into());
        self.kit.select(query).told_to(self.clone())
    }

    /// A query as it is asked in it.
    pub(crate) fn query(&self, query: Query) -> Query {
        let scope = self.scope();
        let mut query = query.with_always_on(scope.always_on().cloned());
        if let Some(shown) = &self.state().shown {
            query = query.with_earlier(shown);
        }
        if scope.is_everything() {
            return query;
        }
        query.with_permit(move |tool| scope.allows(tool))
    }

    /// Begins choosing anew, for a model whose prompt begins anew.
    pub fn forget_shown(&self) {
        self.state().shown = None;
    }

    /// Calls one of its tools; see [`Toolkit::call`]. A tool of no profile that is enabled is not called.
    pub fn call(&self, name: impl Into<String>, arguments: impl Into<Value>) -> Ask {
        self.kit.call(name, arguments).within(self.scope())
    }

    /// Gets a prompt of one of its servers; see [`Toolkit::get_prompt`].
    pub fn get_prompt(&self, name: impl Into<String>, arguments: impl Into<Value>) -> Ask {
        self.kit.get_prompt(name, arguments).within(self.scope())
    }

    /// Reads a resource of one of its servers; see [`Toolkit::read_resource`].
    pub fn read_resource(&self, uri: impl Into<String>) -> Ask {
        self.kit.read_resource(uri).within(self.scope())
    }

    /// Completes an argument of a prompt of one of its servers; see [`Toolkit::complete_prompt`].
    pub fn complete_prompt(
        &self,
        name: impl Into<String>,
        argument: (&str, &str),
        settled: impl Into<Value>,
    ) -> Ask {
        let ask = self.kit.complete_prompt(name, argument, settled);
        ask.within(self.scope())
    }

    /// Completes an argument of a resource template of one of its servers; see [`Toolkit::complete_resource`].
    pub fn complete_resource(
        &self,
        template: impl Into<String>,
        argument: (&str, &str),
        settled: impl Into<Value>,
    ) -> Ask {
        let ask = self.kit.complete_resource(template, argument, settled);
        ask.within(self.scope())
    }

    /// A condition on tools: whether it is about them, as it is now.
    pub fn is_about(&self) -> impl Fn(&ToolEntry) -> bool + use<> {
        let scope = self.scope();
        move |tool| scope.allows(tool)
    }

    /// A condition on servers: whether it is about all that they offer, their prompts and resources too, as it is now.
    pub fn is_about_server(&self) -> impl Fn(&ServerId) -> bool + use<> {
        let scope = self.scope();
        move |server| scope.allows_server(server)
    }

    /// Starts every server that it is about and that was never asked what it offers; see [`Toolkit::start_all`].
    pub fn start_all(&self) {
        let servers = self.scope().servers(&self.kit.shared());
        self.kit
            .start_servers(|slot| servers.contains(&slot.id) && !slot.is_introduced());
    }

    /// The toolkit that it uses.
    #[must_use]
    pub fn toolkit(&self) -> &Toolkit {
        &self.kit
    }

    /// What it is about now.
    pub(crate) fn scope(&self) -> Scope {
        let state = self.state();
        let profiles = &self.kit.recipe().settings.profiles;
        let enabled = state.profiles.iter();
        let enabled = enabled.filter_map(|name| Some((name.as_str(), profiles.get(name)?)));
        Scope::new(enabled, &state.servers)
    }

    pub(crate) fn was_shown(&self, selection: &Selection) {
        self.state().shown = Some(selection.clone());
    }

    /// Tells once what is wrong with the profiles that are enabled.
    fn tell_of_problems(&self) {
        let recipe = self.kit.recipe();
        let profiles = &recipe.settings.profiles;
        for name in self.enabled() {
            let profile = profiles.get(&name);
            for problem in profile.map_or(Vec::new(), |it| self.kit.problems_of(&name, it)) {
                let text = problem.to_string();
                if recipe.conversations().told.insert(text.clone()) {
                    tracing::warn!("{text}");
                }
            }
        }
    }

    fn start(&self) {
        let servers = self.scope().servers(&self.kit.shared());
        self.kit.start_servers(|slot| servers.contains(&slot.id));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is changed in single steps, so a panic elsewhere does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Conversation")
            .field("profiles", &state.profiles)
            .field("servers", &state.servers)
            .finish_non_exhaustive()
    }
}

/// There is no profile of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownProfile {
    name: String,
    nearest: Option<String>,
}

impl fmt::Display for UnknownProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "enable the profile {:?}: there is none", self.name)?;
        match &self.nearest {
            Some(near) => write!(f, "; did you mean {near:?}?"),
            None => f.write_str(
                " of this name; name servers and tools under `profiles` in the configuration",
            ),
        }
    }
}

impl std::error::Error for UnknownProfile {}

/// Whose conversation it is, and its name.
type Key = (Option<String>, String);

/// The conversations that are going on.
#[derive(Default)]
pub(crate) struct Conversations {
    by_key: HashMap<Key, (u64, Arc<Mutex<State>>)>,
    uses: u64,
    /// What was told of profiles.
    told: BTreeSet<String>,
}

impl Conversations {
    fn of(&mut self, key: Key) -> Arc<Mutex<State>> {
        self.uses += 1;
        let entry = self.by_key.entry(key).or_default();
        entry.0 = self.uses;
        let state = entry.1.clone();
        if self.by_key.len() > MAX_CONVERSATIONS {
            let oldest = self.by_key.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.by_key.remove(&key);
            }
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conversation_that_was_not_used_for_longest_is_forgotten() {
        let mut conversations = Conversations::default();
        let key = |n: usize| (None, n.to_string());
        let first = conversations.of(key(0));
        for n in 1..MAX_CONVERSATIONS {
            conversations.of(key(n));
        }
        assert!(Arc::ptr_eq(&first, &conversations.of(key(0))));
        conversations.of(key(MAX_CONVERSATIONS));
        assert_eq!(conversations.by_key.len(), MAX_CONVERSATIONS);
        assert!(Arc::ptr_eq(&first, &conversations.of(key(0))));
        assert!(!conversations.by_key.contains_key(&key(1)));
    }
}
