//! What toolkits are made of: the servers, and one connection for each server and each set of credentials that somebody
//! uses.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use fastrand::Rng;
use manyhands_core::{Credentials, Principal, ServerId};
use manyhands_discovery::{Manifest, ManifestFolder};
use manyhands_registry::LockFile;
use manyhands_routing::{Layers, Replicas, Route};
use manyhands_transport::{ConnectOptions, Connector, Input, Supervised};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use crate::builder::{Member, Plan};
use crate::conversation::Conversations;
use crate::figures::Figures;
use crate::groups::Declared;
use crate::health::Followed;
use crate::membership::{Authorizations, Membership};
use crate::memory::Memory;
use crate::pins::Pins;
use crate::reach::Authorization;
use crate::select::Choosing;
use crate::settings::Settings;

/// The servers of a toolkit and all views of it.
pub(crate) struct Recipe {
    census: Mutex<Census>,
    pub(crate) settings: Settings,
    pub(crate) input: Input,
    pub(crate) choosing: Choosing,
    conversations: Mutex<Conversations>,
    /// Where servers are remembered over the end of the program.
    pub(crate) manifests: Option<ManifestFolder>,
    /// What goes around the way to each server.
    layers: Layers,
    /// How fast and how reliable the tools of all servers were of late.
    pub(crate) figures: Figures,
    pub(crate) groups: Arc<Declared>,
    pub(crate) pins: Arc<Pins>,
    _following: Option<AbortOnDropHandle<()>>,
    spawn_permits: Arc<Semaphore>,
    /// Connections that are in use, by what they may do.
    in_use: Mutex<HashMap<(ServerId, Authorization), Weak<Kept>>>,
    /// Counts the servers that came since the start and that principals use in ways of their own.
    generation: AtomicU64,
    /// Servers that were removed, and end with the calls that they still answer.
    leaving: Mutex<Vec<(Replicas, AbortOnDropHandle<()>)>>,
}

/// Which servers there are, and who has to be told when that changes.
#[derive(Default)]
pub(crate) struct Census {
    pub(crate) members: Vec<Member>,
    told: Vec<Weak<Membership>>,
}

impl Census {
    pub(crate) fn enrol(&mut self, membership: &Arc<Membership>) {
        self.told.retain(|it| it.strong_count() > 0);
        self.told.push(Arc::downgrade(membership));
    }

    fn told(&self) -> impl Iterator<Item = Arc<Membership>> {
        self.told.iter().filter_map(Weak::upgrade)
    }
}

/// One server as it is kept connected under one authorization.
pub(crate) struct Kept {
    pub(crate) authorization: Authorization,
    pub(crate) server: Replicas,
    /// The way to it, which knows how its calls went for as long as this is kept.
    pub(crate) route: Route,
    /// Whether it is well.
    pub(crate) followed: Followed,
    pub(crate) credentials: Option<Credentials>,
    /// Where what it offers is remembered, and what was remembered when this was made.
    pub(crate) memory: Option<Memory>,
    pub(crate) remembered: Option<Manifest>,
}

impl Recipe {
    pub(crate) fn new(
        members: Vec<Member>,
        settings: Settings,
        input: Input,
        choosing: Choosing,
        manifests: Option<ManifestFolder>,
        layers: Layers,
        lock: Option<LockFile>,
    ) -> Arc<Self> {
        let pins = Pins::new(settings.pins, lock);
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let told = Vec::new();
        let figures = Figures::recall(manifests.as_ref());
        Arc::new(Self {
            census: Mutex::new(Census { members, told }),
            input,
            choosing,
            conversations: Mutex::default(),
            groups: Declared::new(&settings.groups, &figures.statistics),
            figures,
            settings,
            manifests,
            layers,
            _following: pins.follow(),
            pins,
            // Spawning is short work, but a hundred at once would starve each other.
            spawn_permits: Arc::new(Semaphore::new(2 * cores)),
            in_use: Mutex::default(),
            generation: AtomicU64::new(0),
            leaving: Mutex::default(),
        })
    }

    /// The conversations that are going on.
    pub(crate) fn conversations(&self) -> MutexGuard<'_, Conversations> {
        // One is put in or left out as a whole, so a panic elsewhere does no harm.
        let conversations = self.conversations.lock();
        conversations.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The servers, none of which comes or goes while it is held.
    pub(crate) fn census(&self) -> MutexGuard<'_, Census> {
        // A server is put in or taken out as a whole, so a panic elsewhere does no harm.
        self.census.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a server, in the place of the one of its name where there is one.
    pub(crate) fn add(&self, member: Member) {
        let mut census = self.census();
        let before = self.connections_of(&member.id);
        if !member.is_everybodys() {
            self.generation.fetch_add(1, Ordering::Release);
        }
        census.told().for_each(|it| it.take_in(&member));
        match census.members.iter_mut().find(|it| it.id == member.id) {
            Some(known) => *known = member,
            None => census.members.push(member),
        }
        self.retire(before);
    }

    /// Removes a server; says whether there was one.
    pub(crate) fn remove(&self, id: &ServerId) -> bool {
        let mut census = self.census();
        let Some(at) = census.members.iter().position(|it| it.id == *id) else {
            return false;
        };
        census.members.remove(at);
        let before = self.connections_of(id);
        census.told().for_each(|it| it.let_go(id));
        self.retire(before);
        true
    }

    /// Takes out all connections to one server, so that none is used anew.
    fn connections_of(&self, id: &ServerId) -> Vec<Replicas> {
        let mut in_use = self.in_use();
        let of_it = in_use.iter().filter(|((server, _), _)| server == id);
        let kept = of_it.filter_map(|(_, kept)| kept.upgrade());
        let servers = kept.map(|kept| kept.server.clone()).collect();
        in_use.retain(|(server, _), _| server != id);
        servers
    }

    /// Ends servers once the calls have ended that were sent to them.
    fn retire(&self, servers: Vec<Replicas>) {
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        leaving.retain(|(_, task)| !task.is_finished());
        leaving.extend(servers.into_iter().map(|server| {
            let leaves = server.clone();
            let task = tokio::spawn(async move { leaves.retire().await });
            (server, AbortOnDropHandle::new(task))
        }));
    }

    /// The servers that were removed and still answer.
    pub(crate) fn leaving(&self) -> Vec<Replicas> {
        let leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        leaving.iter().map(|(server, _)| server.clone()).collect()
    }

    /// Under which authorizations of its own a principal uses servers.
    pub(crate) fn authorizations(&self, principal: &Principal) -> Authorizations {
        let census = self.census();
        let own = census.members.iter().filter_map(|member| {
            let Plan::Connect(ways) = &member.plan else {
                return None;
            };
            let authorization = ways.authorization(Some(principal));
            let own = authorization != Authorization::Shared;
            own.then(|| (member.id.clone(), authorization))
        });
        own.collect()
    }

    /// The credentials of one account of a server; none where there is no such account, or where it takes no login.
    pub(crate) fn of_account(&self, server: &ServerId, account: &str) -> Option<Credentials> {
        let census = self.census();
        let member = census.members.iter().find(|it| it.id == *server)?;
        let Plan::Connect(ways) = &member.plan else {
            return None;
        };
        ways.account(account)?.credentials
    }

    /// The one connection to a server under the authorization of a principal; none where it is not to be connected.
    pub(crate) fn kept(&self, member: &Member, principal: Option<&Principal>) -> Option<Arc<Kept>> {
        let Plan::Connect(ways) = &member.plan else {
            return None;
        };
        let authorization = ways.authorization(principal);
        let mut in_use = self.in_use();
        let key = (member.id.clone(), authorization.clone());
        if let Some(kept) = in_use.get(&key).and_then(Weak::upgrade) {
            return Some(kept);
        }
        let reach = ways.reach(&authorization);
        let memory = self.manifests.as_ref();
        let memory =
            memory.and_then(|it| Memory::new(it, &member.id, &reach.connector, &authorization));
        let remembered = memory.as_ref().and_then(Memory::recall);
        let settings = &member.settings;
        let options = ConnectOptions::new(member.id.clone())
            .with_start_limit(settings.start_timeout.0)
            .with_protocol(settings.version())
            .with_known_version(remembered.as_ref().map(|it| it.info.protocol.clone()))
            .with_input(self.input.clone())
            .with_spawn_permits(self.spawn_permits.clone());
        let supervised = |connector: &Connector| {
            Supervised::new(connector.clone(), options.clone(), settings.supervision())
        };
        let mut connectors = reach.connectors(settings.instances);
        let first = connectors.next().unwrap_or(&reach.connector);
        let server = Replicas::from(supervised(first)).with_more(connectors.map(supervised));
        if settings.starts_at_once(remembered.as_ref()) {
            server.start();
        }
        let (limits, layers) = (settings.limits(), settings.layers());
        let route = Route::new(
            server.clone(),
            limits,
            &layers,
            &self.figures.statistics,
            &self.layers,
        );
        let restarts = settings.restart.is_some();
        let followed = Followed::new(&route, &settings.probe, restarts, &mut Rng::new());
        let kept = Arc::new(Kept {
            authorization,
            followed,
            server,
            route,
            credentials: reach.credentials,
            memory,
            remembered,
        });
        in_use.retain(|_, kept| kept.strong_count() > 0);
        in_use.insert(key, Arc::downgrade(&kept));
        Some(kept)
    }

    fn in_use(&self) -> MutexGuard<'_, HashMap<(ServerId, Authorization), Weak<Kept>>> {
        // An entry is put in or left out as a whole, so a panic elsewhere does no harm.
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
