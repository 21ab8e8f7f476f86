//! From a connector to a connection: opened, greeted, and opened anew where another greeting may do better.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::connection::{Connection, Parts};
use crate::connector::{ConnectOptions, Connector, Opened, Protocol};
use crate::diagnostics::Diagnostics;
use crate::error::{ConnectError, ConnectErrorKind, OpenError};
use crate::explain;
use crate::handshake::{Greeting, Introduction, Refusal, greet};
use crate::http::client::Client;
use crate::http::failure::{HttpFailure, Status};
use crate::http::{HttpSettings, legacy, standing};
use crate::link::{Failure, Link};
use crate::pipe::{Pipe, Pump};
use crate::session::{LATEST_LEGACY, OLDEST_TO_NEWEST, Session, is_modern, notification};
use crate::wire::{Keeper, Wire};

/// How long a child that closed its pipes may take to end, so that the error can tell how.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// How long a server that does not speak streamable HTTP may take to show that it speaks what came before.
const OLDER_LIMIT: Duration = Duration::from_secs(10);

/// An open link, and what must live as long as it does.
struct Attempt {
    session: Arc<Session>,
    link: Link,
    pump: Option<Pump>,
    keeper: Keeper,
}

/// Why an attempt came to nothing.
enum Ended {
    Reason(OpenError),
    /// A fresh link and `initialize` may do better.
    Elsewhere(OpenError),
    /// It may know only the HTTP transport that came before this one.
    Older(OpenError),
}

impl From<OpenError> for Ended {
    fn from(reason: OpenError) -> Self {
        Self::Reason(reason)
    }
}

/// Connects. Each opened link has the start limit for itself, which begins once the spawn permit is there.
pub(crate) async fn connect(
    connector: &Connector,
    options: ConnectOptions,
) -> Result<Connection, ConnectError> {
    let mut seen = Diagnostics::default();
    let connecting = async {
        let connector = prepared(connector, &options).await?;
        greetings(&connector, &options, &mut seen).await
    };
    match connecting.await {
        Ok(connection) => Ok(connection),
        Err(reason) => Err(ConnectError::new(options.server, reason, seen.snapshot())),
    }
}

/// The connector that is really opened, found out within the start limit.
async fn prepared(connector: &Connector, options: &ConnectOptions) -> Result<Connector, OpenError> {
    let limit = options.start_limit;
    match timeout(limit, connector.ready()).await {
        Ok(ready) => ready,
        Err(_) => Err(OpenError::new(
            ConnectErrorKind::TimedOut,
            format!("what its settings refer to was not found out within {limit:?}"),
        )
        .with_mend("look at where its secrets are kept")),
    }
}

async fn greetings(
    connector: &Connector,
    options: &ConnectOptions,
    seen: &mut Diagnostics,
) -> Result<Connection, OpenError> {
    let known = connector
        .known_version()
        .or_else(|| options.known_version.clone());
    let known = known.filter(|_| options.protocol == Protocol::Auto);
    if let Some(version) = &known {
        match attempt(connector, options, greeting_for(version)?, seen).await {
            Ok(connection) => return Ok(connection),
            Err(Ended::Reason(reason)) if !may_have_changed(&reason) => return Err(reason),
            // Servers crash, and one that did once need not be asked anew what it speaks.
            Err(Ended::Reason(reason))
                if reason.kind() == ConnectErrorKind::Exited && connector.doubt() =>
            {
                return Err(reason);
            }
            // It may have been updated meanwhile.
            Err(_) => connector.remember(None),
        }
    }
    let greeting = match &options.protocol {
        Protocol::Auto if connector.predates_discovery() => Greeting::Initialize(LATEST_LEGACY),
        Protocol::Auto => Greeting::Either,
        Protocol::Version(version) => greeting_for(version)?,
    };
    match attempt(connector, options, greeting, seen).await {
        Ok(connection) => Ok(connection),
        Err(Ended::Reason(reason) | Ended::Older(reason)) => Err(reason),
        Err(Ended::Elsewhere(first)) => {
            let last = Greeting::Initialize(LATEST_LEGACY);
            match attempt(connector, options, last, seen).await {
                Ok(connection) => Ok(connection),
                // A server that speaks neither is best described by its answer to the simpler greeting.
                Err(Ended::Reason(reason) | Ended::Older(reason)) => Err(reason),
                Err(Ended::Elsewhere(_)) => Err(first),
            }
        }
    }
}

fn greeting_for(version: &str) -> Result<Greeting<'_>, OpenError> {
    if !OLDEST_TO_NEWEST.contains(&version) {
        let shown = manyhands_core::clip(version, 40);
        let cause = format!("the protocol version {shown:?} in its settings is not known");
        return Err(
            OpenError::new(ConnectErrorKind::Settings, cause).with_mend(format!(
                "use \"auto\" or one of {}",
                OLDEST_TO_NEWEST.join(", ")
            )),
        );
    }
    Ok(if is_modern(version) {
        Greeting::Discover
    } else {
        Greeting::Initialize(version)
    })
}

/// Whether a failure may come from a version that the server no longer speaks.
fn may_have_changed(reason: &OpenError) -> bool {
    use ConnectErrorKind::{Exited, HttpStatus, Incompatible, NotMcp};
    matches!(reason.kind(), Exited | HttpStatus | Incompatible | NotMcp)
}

/// Opens one link and greets the server on it.
async fn attempt(
    connector: &Connector,
    options: &ConnectOptions,
    greeting: Greeting<'_>,
    seen: &mut Diagnostics,
) -> Result<Connection, Ended> {
    let permit = match options.spawn_permits.clone().filter(|_| connector.spawns()) {
        // The semaphore is never closed; if it were, spawning unlimited is the lesser harm.
        Some(permits) => permits.acquire_owned().await.ok(),
        None => None,
    };
    let limit = options.start_limit;
    let starting = async {
        let opened = connector.open().await?;
        drop(permit);
        match opened {
            Opened::Wire(wire) => over_wire(wire, options, greeting, seen).await,
            Opened::Http(settings) => match over_http(&settings, options, greeting).await {
                Err(Ended::Older(reason)) => {
                    let wire = older(&settings, reason).await?;
                    wire.diagnostics.hide(settings.headers.values());
                    let greeting = match greeting {
                        Greeting::Initialize(_) => greeting,
                        _ => Greeting::Initialize(LATEST_LEGACY),
                    };
                    over_wire(wire, options, greeting, seen).await
                }
                ended => ended,
            },
        }
    };
    let (attempt, introduction) = match timeout(limit, starting).await {
        Ok(result) => result?,
        Err(_) => {
            return Err(explain::too_slow(limit, &seen.snapshot(), connector.spawns()).into());
        }
    };
    connector.remember(Some(&introduction.info.protocol));
    Ok(Connection::new(Parts {
        info: introduction.info,
        session: attempt.session,
        link: attempt.link,
        pump: attempt.pump,
        keeper: attempt.keeper,
    }))
}

async fn over_wire(
    wire: Wire,
    options: &ConnectOptions,
    greeting: Greeting<'_>,
    seen: &mut Diagnostics,
) -> Result<(Attempt, Introduction), Ended> {
    *seen = wire.diagnostics.clone();
    let session = Arc::new(Session::new(
        options.server.clone(),
        options.input.clone(),
        wire.diagnostics,
    ));
    let (pipe, pump) = Pipe::start(wire.incoming, wire.outgoing, &session);
    let link = Link::Pipe(pipe.clone());
    let mut keeper = wire.keeper;
    match greet(&session, &link, greeting).await {
        Ok(introduction) => {
            if introduction.hello.is_some() {
                pipe.notify(notification("notifications/initialized", &json!({})));
            }
            let attempt = Attempt {
                session,
                link,
                pump: Some(pump),
                keeper,
            };
            Ok((attempt, introduction))
        }
        Err(refusal) => {
            if let Keeper::Process(process) = &mut keeper
                && explain::is_closed(&refusal)
            {
                process.ended(EXIT_GRACE).await;
            }
            let child = matches!(keeper, Keeper::Process(_));
            let reason = explain::on_wire(&refusal, &seen.snapshot(), child);
            Err(ended(&refusal, reason))
        }
    }
}

async fn over_http(
    settings: &Arc<HttpSettings>,
    options: &ConnectOptions,
    greeting: Greeting<'_>,
) -> Result<(Attempt, Introduction), Ended> {
    let client = Arc::new(Client::new(settings)?);
    let diagnostics = Diagnostics::default();
    diagnostics.hide(settings.headers.values());
    let session = Arc::new(Session::new(
        options.server.clone(),
        options.input.clone(),
        diagnostics,
    ));
    let link = Link::Http(client.clone());
    let introduction = match greet(&session, &link, greeting).await {
        Ok(introduction) => introduction,
        Err(refusal) => {
            let reason = explain::over_http(&refusal, client.shown_url());
            return Err(
                if greeting != Greeting::Discover && may_be_older(&refusal) {
                    Ended::Older(reason)
                } else {
                    ended(&refusal, reason)
                },
            );
        }
    };
    let mut keeper = Keeper::Nothing;
    if let Some(hello) = &introduction.hello {
        client.introduced(hello.clone());
        client
            .notify(
                &session,
                notification("notifications/initialized", &json!({})),
            )
            .await;
        let (sender, opened) = oneshot::channel();
        let standing = tokio::spawn(client.clone().stand(session.clone(), sender));
        keeper = Keeper::Task(crate::wire::TaskGuard(standing.abort_handle()));
        // Servers may send a call's questions on this stream, and only while it is open.
        standing::opening(opened).await;
    }
    let attempt = Attempt {
        session,
        link,
        pump: None,
        keeper,
    };
    Ok((attempt, introduction))
}

/// Whether a server answered `initialize` as those do that know only the HTTP transport of 2024-11-05.
fn may_be_older(refusal: &Refusal) -> bool {
    let Refusal::Failed { failure, .. } = refusal else {
        return false;
    };
    // A server that answers with a JSON-RPC error has understood.
    matches!(
        failure,
        Failure::Http(HttpFailure::Status(Status {
            code: 400 | 404 | 405 | 406 | 415,
            ..
        }))
    )
}

/// Opens the event stream of 2024-11-05, where there is one; else the reason stands that streamable HTTP gave.
async fn older(settings: &HttpSettings, reason: OpenError) -> Result<Wire, OpenError> {
    match timeout(OLDER_LIMIT, legacy::open(settings)).await {
        Ok(Ok(wire)) => Ok(wire),
        // It got as far as an address for messages, so that this is what it speaks.
        Ok(Err(error)) if error.kind() == ConnectErrorKind::Incompatible => Err(error),
        _ => Err(reason),
    }
}

fn ended(refusal: &Refusal, reason: OpenError) -> Ended {
    match refusal {
        Refusal::Failed {
            elsewhere: true, ..
        } => Ended::Elsewhere(reason),
        _ => Ended::Reason(reason),
    }
}
