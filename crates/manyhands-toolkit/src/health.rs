//! Whether a connected server is well: asked now and then where nothing else tells, told where that changes, and acted on
//! where a connection is dead. It must not know what a server offers, nor who reads what it finds.
//!
//! Silence is evidence only where the server has nothing else to do. While it may be at work on a call it is not asked, and
//! the call's own time decides.

mod judgement;
mod pace;

use std::mem::discriminant;
use std::time::Duration;

use fastrand::Rng;
use manyhands_core::{Arguments, Call, Effect, Request};
use manyhands_resilience::BreakerLayer;
use manyhands_routing::Route;
use manyhands_transport::{Connection, Phase, Supervised};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::settings::{ProbeSettings, Probing};
use judgement::{Judgement, judge};
use pace::Pace;

/// After how many failures in a row a server is told to be unwell.
const FAILURES: u32 = 3;

/// What is known of a server's health.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    pub(crate) last: Option<Probed>,
    pub(crate) finding: Finding,
}

/// How the last probe ended.
#[derive(Debug, Clone)]
pub(crate) struct Probed {
    pub(crate) at: Instant,
    pub(crate) took: Duration,
    /// Why it failed, where it did.
    pub(crate) cause: Option<String>,
}

/// What the probes so far come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Finding {
    #[default]
    Well,
    Unwell {
        cause: String,
        mend: String,
    },
    Unauthorized {
        cause: String,
        mend: Option<String>,
    },
}

/// A server whose health is followed, for as long as this is kept.
pub(crate) struct Followed {
    health: watch::Receiver<Health>,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl Followed {
    /// Follows the server at the end of a route, with waits by `jitter`. `restarts` says whether a dead connection is to be
    /// replaced. Each of several replicas is asked; what is found of one is for its breaker, and says nothing of the whole.
    pub(crate) fn new(route: &Route, probing: &Probing, restarts: bool, jitter: &mut Rng) -> Self {
        let (of_whole, health) = watch::channel(Health::default());
        let replicas = route.server().iter().cloned().enumerate();
        let is_one = route.server().len() == 1;
        let tasks = replicas.map(|(replica, server)| {
            let prober = Prober {
                route: route.clone(),
                replica,
                server,
                probing: probing.clone(),
                restarts,
                jitter: jitter.fork(),
                told: match is_one {
                    true => of_whole.clone(),
                    false => watch::Sender::default(),
                },
            };
            AbortOnDropHandle::new(tokio::spawn(prober.run()))
        });
        Self {
            health,
            _tasks: tasks.collect(),
        }
    }

    pub(crate) fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }
}

/// Waits until another finding is there. Cancel safe.
pub(crate) async fn next(health: &mut Option<watch::Receiver<Health>>) -> Finding {
    if let Some(health) = health
        && health.changed().await.is_ok()
    {
        return health.borrow_and_update().finding.clone();
    }
    std::future::pending().await
}

struct Prober {
    route: Route,
    /// Which of the server's replicas it asks.
    replica: usize,
    server: Supervised,
    probing: Probing,
    restarts: bool,
    jitter: Rng,
    told: watch::Sender<Health>,
}

impl Prober {
    /// Asks as long as there is a connection, and never for one: what is idle stays so.
    async fn run(mut self) {
        let mut phases = self.server.phases();
        let mut phase = phases.next().await;
        while let Some(now) = phase {
            phase = match now {
                Phase::Up(connection) => tokio::select! {
                    // A connection that was ended on purpose answers nothing, which is no failure.
                    biased;
                    next = phases.next() => next,
                    () = self.follow(&connection) => phases.next().await,
                },
                _ => phases.next().await,
            };
        }
    }

    /// Follows one connection, until it is given up.
    async fn follow(&mut self, connection: &Connection) {
        let Some(settings) = self.probing.of(connection.is_one_stream()) else {
            return std::future::pending().await;
        };
        let every = settings.every.0;
        let mut pace = Pace::new(every, self.jitter.fork());
        let (mut failures, mut silences) = (0, 0);
        loop {
            // Calls say nothing about the one tool that is to be looked at.
            let any_answer = failures == 0 || settings.tool.is_none();
            let circuit = (self.breaker(), self.server.server());
            let due = pace.due(circuit, connection, any_answer, failures > 0);
            if due.await {
                (failures, silences) = (0, 0);
                self.tell(Finding::Well);
                pace.well();
                continue;
            }
            let proves = settings.tool.is_some() || failures > 0;
            let judgement = self.ask(connection, &settings, proves).await;
            pace.asked();
            match judgement {
                Judgement::Nothing { wait } => pace.wait(wait.unwrap_or(every)),
                Judgement::Well => {
                    (failures, silences) = (0, 0);
                    self.tell(Finding::Well);
                    pace.well();
                }
                Judgement::Unauthorized { cause, mend } => {
                    failures += 1;
                    self.tell(Finding::Unauthorized { cause, mend });
                    pace.wait(every);
                }
                Judgement::Unwell {
                    cause,
                    mend,
                    silent,
                    wait,
                } => {
                    failures += 1;
                    silences = if silent { silences + 1 } else { 0 };
                    pace.failed(failures, wait);
                    if failures < FAILURES {
                        continue;
                    }
                    let cause =
                        format!("it failed {failures} probes in a row (the last time: {cause})");
                    self.tell(Finding::Unwell {
                        cause: cause.clone(),
                        mend,
                    });
                    let is_dead = silences >= FAILURES && connection.is_one_stream();
                    if is_dead && self.restarts && !connection.is_at_work() {
                        connection.give_up(cause);
                        return;
                    }
                }
            }
        }
    }

    /// Asks once, and keeps how that ended.
    async fn ask(
        &self,
        connection: &Connection,
        settings: &ProbeSettings,
        proves: bool,
    ) -> Judgement {
        let limit = settings.timeout.0;
        let started = Instant::now();
        let call = self.call(settings);
        // What waits for a turn is no longer a look at how things are now.
        let asked = timeout(
            limit.saturating_mul(2),
            self.route.probe(connection, call, proves),
        );
        let mut judgement = match asked.await {
            Ok(outcome) => judge(&outcome, settings.tool.as_deref()),
            Err(_) => Judgement::Nothing { wait: None },
        };
        if let (Judgement::Unwell { silent, .. }, Some(_)) = (&mut judgement, &settings.tool)
            && *silent
        {
            // A tool may wait for something else, and its server be well.
            *silent = is_silent(connection, limit).await;
        }
        let last = Probed {
            at: started,
            took: started.elapsed(),
            cause: judgement.cause().map(str::to_owned),
        };
        self.told.send_if_modified(|health| {
            if !matches!(judgement, Judgement::Nothing { .. }) {
                health.last = Some(last);
            }
            false
        });
        judgement
    }

    fn breaker(&self) -> Option<&BreakerLayer> {
        self.route.breakers().get(self.replica)
    }

    fn call(&self, settings: &ProbeSettings) -> Call {
        let request = match &settings.tool {
            Some(tool) => Request::CallTool {
                name: tool.as_str().into(),
                arguments: Arguments::from_value(&settings.arguments.clone().into())
                    .unwrap_or_default(),
            },
            None => Request::Probe,
        };
        let mut call = Call::new(self.route.server().server().clone(), request);
        call.context = call
            .context
            .with_timeout(settings.timeout.0)
            .with_effect(Effect::ReadOnly);
        call.context.replica = Some(self.replica);
        call
    }

    /// Tells where it is of another kind than before: what is unwell for another reason by now still is.
    fn tell(&self, finding: Finding) {
        self.told.send_if_modified(|health| {
            let is_news = discriminant(&health.finding) != discriminant(&finding);
            if is_news {
                health.finding = finding;
            }
            is_news
        });
    }
}

/// Whether a server leaves even the least unanswered.
async fn is_silent(connection: &Connection, limit: Duration) -> bool {
    let context = manyhands_core::CallContext::default().with_timeout(limit);
    let answer = connection.request(Request::Probe, context).await;
    answer.is_err_and(|error| judgement::is_silence(&error))
}
