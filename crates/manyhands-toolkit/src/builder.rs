//! Which servers a toolkit has, and how it starts.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use manyhands_core::{Call, CallError, Principal, Reply, ServerId, nearest};
use manyhands_discovery::{Manifest, ManifestFolder};
use manyhands_registry::{Embeddings, LockFile, TokenEstimator};
use manyhands_routing::{Down, Layers, ServerService};
use manyhands_transport::{Connector, Input, InputHandler};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::reach::{Account, Reach, Ways};
use crate::recipe::{Kept, Recipe};
use crate::report::{Report, ServerReport, ServerStatus};
use crate::select::Choosing;
use crate::settings::{ServerSettings, Settings};
use crate::shared::{Slot, State};
use crate::toolkit::Toolkit;

/// One server of a toolkit that is being built.
#[derive(Debug, Clone)]
pub struct Member {
    pub(crate) id: ServerId,
    title: Option<String>,
    pub(crate) settings: ServerSettings,
    pub(crate) plan: Plan,
}

#[derive(Debug, Clone)]
pub(crate) enum Plan {
    Connect(Ways),
    Broken { cause: String, mend: Option<String> },
    Disabled,
}

impl Member {
    /// A server that is reached by `reach`, most often a [`Connector`].
    pub fn new(id: ServerId, reach: impl Into<Reach>) -> Self {
        Self {
            id,
            title: None,
            settings: ServerSettings::default(),
            plan: Plan::Connect(Ways::new(reach.into())),
        }
    }

    /// A server that cannot even be tried. It appears in the report, as failed.
    pub fn broken(id: ServerId, cause: impl Into<String>, mend: Option<String>) -> Self {
        let plan = Plan::Broken {
            cause: cause.into(),
            mend,
        };
        Self {
            id,
            title: None,
            settings: ServerSettings::default(),
            plan,
        }
    }

    /// A server that is switched off. It appears in the report, as disabled.
    #[must_use]
    pub fn disabled(id: ServerId) -> Self {
        Self {
            id,
            title: None,
            settings: ServerSettings::default(),
            plan: Plan::Disabled,
        }
    }

    /// Adds credentials of their own for some principals. Among several accounts that fit, the one that names the
    /// principal wins, then the first that names one of its roles.
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        if let Plan::Connect(ways) = &mut self.plan {
            ways.add(account);
        }
        self
    }

    /// Has every principal that has no account use credentials of its own.
    #[must_use]
    pub fn per_principal(
        mut self,
        reach: impl Fn(&Principal) -> Reach + Send + Sync + 'static,
    ) -> Self {
        if let Plan::Connect(ways) = &mut self.plan {
            ways.per_principal(Arc::new(reach));
        }
        self
    }

    /// Keeps the name that people wrote, where the id is another one.
    #[must_use]
    pub fn with_title(mut self, title: Option<String>) -> Self {
        self.title = title;
        self
    }

    /// Replaces its settings.
    #[must_use]
    pub fn with_settings(mut self, settings: ServerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ServerId {
        &self.id
    }

    /// Its place in a toolkit, before anything is known of it.
    pub(crate) fn slot(&self, kept: Option<&Kept>) -> Slot {
        Slot {
            id: self.id.clone(),
            title: self.title.clone(),
            settings: self.settings.clone(),
            state: watch::Sender::new(self.first_state(kept.and_then(|it| it.remembered.as_ref()))),
            credentials: kept.and_then(|it| it.credentials.clone()),
            memory: kept.and_then(|it| it.memory.clone()),
            health: kept.map(|it| it.followed.health()),
            ask_again: Notify::new(),
            since: Instant::now(),
            offer: Mutex::default(),
            differing: Mutex::default(),
        }
    }

    /// Whether all principals use it under one authorization.
    pub(crate) fn is_everybodys(&self) -> bool {
        match &self.plan {
            Plan::Connect(ways) => ways.are_everybodys(),
            _ => true,
        }
    }

    /// Why it cannot be called, where it is not to be connected.
    pub(crate) fn down(&self) -> Down {
        match &self.plan {
            Plan::Broken { cause, mend } => Down::new(cause).with_mend(mend.clone()),
            _ => Down::new("its server is switched off in the configuration")
                .with_mend(Some("remove `disabled` there".to_owned())),
        }
        .misconfigured()
    }

    fn first_state(&self, remembered: Option<&Manifest>) -> State {
        let mut state = State::new(match &self.plan {
            Plan::Connect(_) if self.settings.starts_at_once(remembered) => ServerStatus::Starting,
            Plan::Connect(_) if remembered.is_some() => ServerStatus::Cached,
            Plan::Connect(_) => ServerStatus::Idle,
            Plan::Broken { cause, mend } => ServerStatus::Failed {
                cause: cause.clone(),
                mend: mend.clone(),
            },
            Plan::Disabled => ServerStatus::Disabled,
        });
        state.info = remembered.map(|it| it.info.clone());
        state.remembered = remembered.is_some();
        state
    }
}

/// Collects servers, then starts them all at once.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    members: Vec<Member>,
    settings: Settings,
    input: Input,
    manifests: Option<ManifestFolder>,
    choosing: Choosing,
    layers: Layers,
    lock: Option<LockFile>,
    /// Names that were to be adjusted and that no server has.
    unknown: Vec<String>,
}

impl Builder {
    /// Adds a server with default settings.
    #[must_use]
    pub fn add(self, id: ServerId, connector: Connector) -> Self {
        self.member(Member::new(id, connector))
    }

    /// Adds a server. One that has the name of an earlier one takes its place.
    #[must_use]
    pub fn member(mut self, member: Member) -> Self {
        match self.members.iter_mut().find(|known| known.id == member.id) {
            Some(known) => *known = member,
            None => self.members.push(member),
        }
        self
    }

    /// Adjusts the settings of a server that is there already.
    ///
    /// A name that no server has makes [`connect`](Self::connect) an error.
    #[must_use]
    pub fn server(
        mut self,
        id: &str,
        adjust: impl FnOnce(ServerSettings) -> ServerSettings,
    ) -> Self {
        match self
            .members
            .iter_mut()
            .find(|member| member.id.as_str() == id)
        {
            Some(member) => member.settings = adjust(std::mem::take(&mut member.settings)),
            None => self.unknown.push(id.to_owned()),
        }
        self
    }

    /// Adjusts the settings of all servers that are there already.
    #[must_use]
    pub fn servers(mut self, adjust: impl Fn(ServerSettings) -> ServerSettings) -> Self {
        for member in &mut self.members {
            member.settings = adjust(std::mem::take(&mut member.settings));
        }
        self
    }

    /// Keeps only this server, so that no other is started.
    #[must_use]
    pub fn only(mut self, id: &ServerId) -> Self {
        self.members.retain(|member| member.id == *id);
        self
    }

    /// Keeps only this server, and those whose tools may stand in for `tool`, which are started where they have to.
    #[must_use]
    pub fn only_for(mut self, id: &ServerId, tool: &str) -> Self {
        let groups = &mut self.settings.groups;
        let group = groups.group_of(tool).map(|(name, _)| name.to_owned());
        // The others miss their servers, which nobody is to be told of.
        groups.0.retain(|name, _| group.as_ref() == Some(name));
        let stands_in = |member: &Member| {
            let mut tools = groups.0.values().flat_map(|group| &group.tools);
            tools.any(|it| it.tool.split_once('.').map(|it| it.0) == Some(member.id.as_str()))
        };
        self.members.retain(|it| it.id == *id || stands_in(it));
        for member in self.members.iter_mut().filter(|it| it.id != *id) {
            member.settings.lazy = true;
        }
        self
    }

    /// The names of the servers so far, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &ServerId> {
        self.members.iter().map(|member| &member.id)
    }

    /// Replaces the settings of the whole toolkit.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Has `handler` answer what servers ask: a person's input, a model's answer, roots. Without one, everything is
    /// declined.
    #[must_use]
    pub fn input(mut self, handler: impl InputHandler) -> Self {
        self.input = Input::new(handler);
        self
    }

    /// Remembers in `folder` what servers offer, so that the next start has it before any server is up. A server that
    /// is remembered is started by its first call; see [`ServerSettings::cache_for`]. Many programs may share a folder.
    /// Without one, nothing is written anywhere.
    ///
    /// It concerns servers that are reached by a command, a URL or a socket, and others by
    /// [`Connector::with_fingerprint`].
    #[must_use]
    pub fn remember_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.manifests = Some(ManifestFolder::new(folder));
        self
    }

    /// Has tools chosen by their meaning too; see [`Select::by_meaning`](crate::Select::by_meaning).
    #[must_use]
    pub fn embed_by(mut self, embeddings: Embeddings) -> Self {
        self.choosing.embeddings = Some(embeddings);
        self
    }

    /// Counts the tokens of tools with `estimator`, such as a model's own tokenizer, where they are to fit into a number of
    /// tokens; a quarter of the bytes of their definitions by default ([`estimate`](manyhands_registry::estimate)).
    ///
    /// A tool's definition is counted once for each model API, and it must be fast: some are counted while a choice waits.
    #[must_use]
    pub fn count_tokens_by(mut self, estimator: impl TokenEstimator) -> Self {
        self.choosing.index = self.choosing.index.with_estimator(estimator);
        self
    }

    /// Puts a layer of your own around the calls to each server: outside of retries and of all else that is done about
    /// failures, so that it sees each call once, as it was asked, and how it ended at last. Names are resolved and
    /// arguments are checked before it. The layer that is added first is outermost.
    ///
    /// It goes around each server and each authorization anew: what it makes a state of in [`Layer::layer`] belongs to one
    /// of them, and what all are to share it holds itself.
    ///
    /// ```
    /// # use manyhands_core::ServerId;
    /// # use manyhands_testkit::ScriptedServer;
    /// # use manyhands_toolkit::{Builder, ServerService};
    /// use tower::{Service as _, layer::layer_fn, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let weather = ScriptedServer::new("weather").tool("today", |_| serde_json::json!({"content": []}));
    /// let counted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    /// let counter = counted.clone();
    /// let counting = layer_fn(move |service: ServerService| {
    ///     let counter = counter.clone();
    ///     service_fn(move |call| {
    ///         counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    ///         service.clone().call(call)
    ///     })
    /// });
    /// let kit = Builder::default()
    ///     .add(ServerId::parse("weather")?, weather.connector())
    ///     .layer(counting)
    ///     .connect()
    ///     .await?;
    /// kit.call("weather.today", serde_json::json!({})).await?;
    /// assert_eq!(counted.load(std::sync::atomic::Ordering::Relaxed), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<ServerService> + Send + Sync + 'static,
        L::Service:
            Service<Call, Response = Reply, Error = CallError> + Clone + Send + Sync + 'static,
        <L::Service as Service<Call>>::Future: Send,
    {
        self.layers = self.layers.and(layer);
        self
    }

    /// Keeps in the file at `path` what tools were when they were first seen, so that a later change of them is found out;
    /// see [`Settings::pins`]. Many programs may share a file, and what one of them or a person changes in it counts for all
    /// within a second. Without one, tools are compared with what they were at the start of this program.
    ///
    /// Where the settings say nothing of pins, a file that is there is used and told of changes, and none is made.
    #[must_use]
    pub fn pins_in(mut self, path: impl Into<PathBuf>) -> Self {
        self.lock = Some(LockFile::new(path));
        self
    }

    /// Starts all servers that are neither lazy nor remembered, and returns at once. Needs a Tokio runtime.
    #[must_use]
    pub fn start(self) -> Toolkit {
        Toolkit::new(&Recipe::new(
            self.members,
            self.settings,
            self.input,
            self.choosing,
            self.manifests,
            self.layers,
            self.lock,
        ))
    }

    /// Starts all servers; waits for the required ones, and for the others as long as the grace lasts.
    ///
    /// # Errors
    /// [`StartError`] when a required server failed, or when a server was to be adjusted that is
    /// not there, and only then.
    pub async fn connect(self) -> Result<Toolkit, StartError> {
        if let Some(name) = self.unknown.first() {
            let near = nearest(name, self.ids().map(ServerId::as_str))
                .first()
                .map(|near| (*near).to_owned());
            return Err(StartError {
                problem: Problem::UnknownServer(name.clone(), near),
                report: Report::default(),
            });
        }
        let kit = self.start();
        kit.settle().await;
        let report = kit.report();
        let failed: Vec<String> = report
            .failures()
            .filter(|server| server.required)
            .map(told)
            .collect();
        if failed.is_empty() {
            Ok(kit)
        } else {
            Err(StartError {
                problem: Problem::Failed(failed),
                report,
            })
        }
    }
}

/// There is no toolkit: a required server failed, or a server was to be adjusted that is not there.
#[derive(Debug, thiserror::Error)]
#[error("start the toolkit: {problem}")]
pub struct StartError {
    problem: Problem,
    report: Report,
}

#[derive(Debug)]
enum Problem {
    Failed(Vec<String>),
    UnknownServer(String, Option<String>),
}

impl StartError {
    /// How each server was doing when it was given up; empty when none was started.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(servers) => f.write_str(&servers.join("; ")),
            Self::UnknownServer(name, None) => write!(f, "no server is named {name:?}"),
            Self::UnknownServer(name, Some(near)) => {
                write!(f, "no server is named {name:?}; did you mean {near:?}?")
            }
        }
    }
}

fn told(server: &ServerReport) -> String {
    format!("the required server {} failed: {server}", server.id)
}
