//! Drives one cell: one call, through the facade, to a server with the fault, on a paused clock.

use std::net::SocketAddr;
use std::time::Duration;

use manyhands::{
    Builder, CallError, Connector, Group, HttpSettings, LoginStore, Member, OAuthSettings, Reach,
    Reply, RetrySettings, ServerSettings, Settings, Toolkit,
};
use manyhands_testkit::oauth::{AuthServer, Protected};
use manyhands_testkit::{Fault, HttpOptions, HttpServer, ScriptedServer};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::clock::tick;
use super::rows::{Case, Hint, Kind, Lasts, Mode, Over, Strike};
use crate::logins::{Person, reach_of};
use crate::servers::{id, text};

/// How long a call may take in total, and how long it may go without an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(7);
const SILENCE: Duration = Duration::from_secs(2);
/// By how much the clock is moved on at once where sockets are.
pub(super) const STEP: Duration = Duration::from_millis(20);
/// How often a call is sent at the most, and the longest waits between.
pub(super) const ATTEMPTS: usize = 3;
const BACKOFF: Duration = Duration::from_secs(2);
const MAX_BACKOFF: Duration = Duration::from_secs(4);
/// How long a fault stays that passes.
const PASSING: Duration = Duration::from_secs(1);
/// How long a fault has before the call is made, where it comes before it.
const BEFORE: Duration = Duration::from_secs(1);
/// How long is looked for what comes after the end.
const AFTER: Duration = Duration::from_secs(5);
/// How long anything may take that has no deadline of its own.
const END: Duration = Duration::from_secs(120);
/// Where all random numbers begin.
const SEED: u64 = 1;
/// What the call is answered.
pub(super) const ANSWER: &str = r#"{"n":7}"#;

/// What came of one case.
#[derive(Debug)]
pub(super) struct Cell {
    /// How often servers began to act on the call.
    pub(super) executed: usize,
    pub(super) outcome: Result<Reply, CallError>,
    pub(super) took: Duration,
}

pub(super) fn drive(case: &Case) -> Cell {
    // What the library draws, it draws on this thread.
    fastrand::seed(SEED);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let cell = runtime.block_on(async {
        if case.row.over == Over::Http {
            tokio::spawn(tick(STEP));
        }
        one(case).await
    });
    runtime.shutdown_background();
    cell
}

async fn one(case: &Case) -> Cell {
    let mut world = World::start(case).await;
    let kit = timeout(END, world.kit(case).connect());
    let kit = kit.await.unwrap().unwrap();
    world.strike(case);
    sleep(BEFORE).await;
    let begin = Instant::now();
    let call = call(&kit, case.kind.hint);
    let calm = async {
        sleep(PASSING).await;
        if case.lasts == Lasts::ASecond {
            world.heal().await;
        }
    };
    let ended = async { (call.await, begin.elapsed()) };
    let ((outcome, took), ()) = tokio::join!(ended, calm);
    // What is sent late counts too.
    sleep(AFTER).await;
    let executed = world.executed();
    // Closing has its own limits, and tests.
    let _ = timeout(END, kit.close()).await;
    Cell {
        executed,
        outcome,
        took,
    }
}

async fn call(kit: &Toolkit, hint: Hint) -> Result<Reply, CallError> {
    let name = format!("s.{}", tool_name(hint));
    let ended = timeout(END, kit.call(name, json!({"n": 7})).into_future()).await;
    ended.expect("every call ends")
}

/// The server with the fault, how it is reached, and one beside it that offers the same and is well.
struct World {
    server: ScriptedServer,
    spare: ScriptedServer,
    http: Option<HttpServer>,
    /// The server behind a login, and the one who gives the tokens.
    login: Option<(AuthServer, Protected)>,
    /// Where nobody listens any more.
    address: Option<SocketAddr>,
}

impl World {
    async fn start(case: &Case) -> Self {
        let switches = match case.row.strike {
            Strike::Switches(switches) => switches,
            _ => &[],
        };
        let server = switches.iter().fold(healthy(), |server, switch| {
            server.fault(switch.parse::<Fault>().unwrap())
        });
        let (mut http, mut login) = (None, None);
        if let Strike::Expires = case.row.strike {
            let auth = AuthServer::start().await.unwrap();
            let guarded = Protected::start(&server, &auth).await.unwrap();
            login = Some((auth, guarded));
        } else if case.row.over == Over::Http {
            http = Some(HttpServer::start(&server).await.unwrap());
        }
        Self {
            server,
            spare: healthy(),
            http,
            login,
            address: None,
        }
    }

    fn kit(&self, case: &Case) -> Builder {
        let reach = match (&self.http, &self.login) {
            (Some(http), _) => Reach::new(Connector::http(HttpSettings::new(http.url()))),
            (None, Some((_, guarded))) => {
                let settings = OAuthSettings::default();
                reach_of(&guarded.url(), settings, &LoginStore::in_memory())
            }
            (None, None) => Reach::new(self.server.connector()),
        };
        let (kind, mode) = (case.kind, case.mode);
        let builder = Builder::default()
            .member(Member::new(id("s"), reach))
            .add(id("spare"), self.spare.connector())
            .server("s", |s| settings(s, kind, mode))
            .input(Person::default());
        if mode != Mode::Fallback {
            return builder;
        }
        let same = |tool: &str| Group::new([format!("s.{tool}"), format!("spare.{tool}")]);
        let tools = ["read", "put", "write"].into_iter();
        builder.settings(tools.fold(Settings::default(), |settings, tool| {
            settings.with_group(tool, same(tool))
        }))
    }

    /// Brings about what no switch does.
    fn strike(&mut self, case: &Case) {
        match case.row.strike {
            Strike::Switches(_) => {}
            Strike::Closes => self.server.stop(),
            Strike::Expires => {
                let (auth, _) = self.login.as_ref().unwrap();
                auth.expire_access_tokens();
            }
            Strike::Refuses => {
                let address = self.http.take().unwrap().address();
                self.address = Some(address);
            }
        }
    }

    async fn heal(&mut self) {
        self.server.heal();
        if let Some(address) = self.address.take() {
            let options = HttpOptions::default().with_address(address);
            let again = HttpServer::start_with(&self.server, options).await;
            self.http = Some(again.unwrap());
        }
    }

    fn executed(&self) -> usize {
        self.server.calls().len() + self.spare.calls().len()
    }
}

fn settings(server: ServerSettings, kind: Kind, mode: Mode) -> ServerSettings {
    let attempts = u32::try_from(ATTEMPTS).unwrap();
    let retry = RetrySettings::default()
        .with_attempts(attempts)
        .with_backoff(BACKOFF, MAX_BACKOFF);
    let server = server
        .timeout(SILENCE)
        .total_timeout(DEADLINE)
        .retry((mode != Mode::None).then_some(retry));
    if kind.trusted {
        server.trust_annotations()
    } else {
        server
    }
}

/// A server with a tool of each kind, each of which gives back what it was given.
fn healthy() -> ScriptedServer {
    let hints = [Hint::ReadOnly, Hint::Idempotent, Hint::Write];
    hints
        .into_iter()
        .fold(ScriptedServer::new("s"), |server, hint| {
            let tool = json!({
                "name": tool_name(hint),
                "inputSchema": {"type": "object"},
                "annotations": annotations(hint),
            });
            server.tool_definition(tool, |arguments| text(&arguments.to_string()))
        })
}

fn tool_name(hint: Hint) -> &'static str {
    match hint {
        Hint::ReadOnly => "read",
        Hint::Idempotent => "put",
        Hint::Write => "write",
    }
}

fn annotations(hint: Hint) -> Value {
    match hint {
        Hint::ReadOnly => json!({"readOnlyHint": true}),
        Hint::Idempotent => json!({"readOnlyHint": false, "idempotentHint": true}),
        Hint::Write => json!({"readOnlyHint": false, "idempotentHint": false}),
    }
}
