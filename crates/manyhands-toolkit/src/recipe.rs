//! What toolkits are made of: one for everybody, and one for each set of credentials that somebody uses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use manyhands_core::{Credentials, Principal, ServerId};
use manyhands_routing::RouteState;
use manyhands_transport::{ConnectOptions, Input, Supervised};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::builder::{Member, Plan};
use crate::member::live;
use crate::reach::Authorization;
use crate::settings::Settings;
use crate::shared::Shared;

/// The servers of a toolkit and all views of it.
pub(crate) struct Recipe {
    members: Vec<Member>,
    pub(crate) settings: Settings,
    input: Input,
    spawn_permits: Arc<Semaphore>,
    /// Connections that are in use, by what they may do.
    in_use: Mutex<HashMap<(ServerId, Authorization), Weak<Kept>>>,
}

/// One connection of one server, under one authorization.
pub(crate) struct Kept {
    pub(crate) authorization: Authorization,
    pub(crate) server: Supervised,
    credentials: Option<Credentials>,
}

/// A toolkit's servers, as one principal uses them.
pub(crate) struct Made {
    pub(crate) shared: Arc<Shared>,
    /// What keeps the servers running.
    pub(crate) kept: Vec<Arc<Kept>>,
    pub(crate) tasks: Vec<AbortHandle>,
}

impl Recipe {
    pub(crate) fn new(members: Vec<Member>, settings: Settings, input: Input) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Arc::new(Self {
            members,
            settings,
            input,
            // Spawning is short work, but a hundred at once would starve each other.
            spawn_permits: Arc::new(Semaphore::new(2 * cores)),
            in_use: Mutex::default(),
        })
    }

    /// Under which authorization a principal uses each server.
    pub(crate) fn authorizations(&self, principal: &Principal) -> Vec<Authorization> {
        let members = self.members.iter();
        members
            .map(|member| match &member.plan {
                Plan::Connect(ways) => ways.authorization(Some(principal)),
                _ => Authorization::Shared,
            })
            .collect()
    }

    /// The credentials of one account of a server; none where there is no such account, or where it takes no login.
    pub(crate) fn of_account(&self, server: &ServerId, account: &str) -> Option<Credentials> {
        let member = self.members.iter().find(|it| it.id == *server)?;
        let Plan::Connect(ways) = &member.plan else {
            return None;
        };
        ways.account(account)?.credentials
    }

    /// Gets the servers going that are not going yet.
    pub(crate) fn make(&self, principal: Option<&Principal>) -> Made {
        let kept = self.members.iter().map(|it| self.kept(it, principal));
        let kept: Vec<Option<Arc<Kept>>> = kept.collect();
        let members = || self.members.iter().zip(&kept);
        let credentials = |kept: &Option<Arc<Kept>>| kept.as_ref()?.credentials.clone();
        let slots = members().map(|(member, kept)| member.slot(credentials(kept)));
        let shared = Arc::new(Shared::new(slots.collect(), self.input.clone()));
        for (member, kept) in members() {
            let state = match kept {
                Some(kept) => RouteState::Up(kept.server.clone(), member.settings.limits()),
                None => RouteState::Down(member.down()),
            };
            shared.router.set(member.id.clone(), state);
        }
        let follow = |kept: &Arc<Kept>| {
            tokio::spawn(live(shared.clone(), kept.server.clone())).abort_handle()
        };
        let kept: Vec<Arc<Kept>> = kept.into_iter().flatten().collect();
        Made {
            tasks: kept.iter().map(follow).collect(),
            shared,
            kept,
        }
    }

    /// The one connection to a server under the authorization of a principal; none where it is not to be connected.
    fn kept(&self, member: &Member, principal: Option<&Principal>) -> Option<Arc<Kept>> {
        let Plan::Connect(ways) = &member.plan else {
            return None;
        };
        let authorization = ways.authorization(principal);
        // An entry is put in or left out as a whole, so a panic elsewhere does no harm.
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (member.id.clone(), authorization.clone());
        if let Some(kept) = in_use.get(&key).and_then(Weak::upgrade) {
            return Some(kept);
        }
        let settings = &member.settings;
        let options = ConnectOptions::new(member.id.clone())
            .with_start_limit(settings.start_timeout.0)
            .with_protocol(settings.version())
            .with_input(self.input.clone())
            .with_spawn_permits(self.spawn_permits.clone());
        let reach = ways.reach(&authorization);
        let server = Supervised::new(reach.connector, options, settings.supervision());
        if !settings.lazy {
            server.start();
        }
        let kept = Arc::new(Kept {
            authorization,
            server,
            credentials: reach.credentials,
        });
        in_use.retain(|_, kept| kept.strong_count() > 0);
        in_use.insert(key, Arc::downgrade(&kept));
        Some(kept)
    }
}
