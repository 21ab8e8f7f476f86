//! From an open link to an agreement: which protocol version the server speaks, and how it introduces itself.
//!
//! Under [`Protocol::Auto`](crate::Protocol::Auto) a server is asked by `server/discover` first. One that answers with
//! an error, or not at all for a while, is greeted by `initialize` on the same link; one that ends, or that is confused
//! by having been asked, is greeted on a fresh link by `initialize` alone.

use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{CallContext, CapabilityKind, ServerInfo};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::http::failure::{HttpFailure, Status};
use crate::link::{Failure, Link};
use crate::session::clock::Clock;
use crate::session::message::RpcError;
use crate::session::pending::Answer;
use crate::session::{
    Agreed, Dialect, LATEST_LEGACY, MODERN, OLDEST_TO_NEWEST, Outbound, Session, Target,
    introduction, is_modern,
};

/// How long a server may leave `server/discover` unanswered before it is greeted by `initialize` as well.
///
/// Legacy servers that ignore what they do not know cost this once; a server that is still booting costs nothing, since
/// both wait for it in its input.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a server is greeted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting<'a> {
    /// Both ways, the newest first.
    Either,
    /// By `server/discover` only.
    Discover,
    /// By `initialize` only, with this version.
    Initialize(&'a str),
}

/// Why a greeting came to nothing.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The link or the server failed; where `elsewhere`, a fresh link and another greeting may do better.
    Failed { failure: Failure, elsewhere: bool },
    /// It speaks versions, as printable text, of which we speak none.
    NoCommonVersion(String),
    /// What it answered is no introduction.
    NotMcp(String),
}

/// What the server said of itself, and in which version.
#[derive(Debug)]
pub(crate) struct Introduction {
    pub(crate) info: ServerInfo,
    /// What we said in `initialize`, which a new session needs again.
    pub(crate) hello: Option<Map<String, Value>>,
}

/// Greets a server, and agrees on a version.
pub(crate) async fn greet(
    session: &Arc<Session>,
    link: &Link,
    greeting: Greeting<'_>,
) -> Result<Introduction, Refusal> {
    let greeter = Greeter { session, link };
    match greeting {
        Greeting::Discover => match greeter.discover(None).await {
            Discovered::Agreed(introduction) => Ok(introduction),
            Discovered::Legacy(versions) => Err(Refusal::NoCommonVersion(versions)),
            Discovered::Refused(error) => Err(failed(Failure::Rpc(error), false)),
            Discovered::Silent => Err(Refusal::NotMcp("it does not answer".to_owned())),
            Discovered::Failed(failure) => Err(failed(failure, false)),
        },
        Greeting::Initialize(version) => greeter.initialize(version).await,
        Greeting::Either => greeter.either().await,
    }
}

fn failed(failure: Failure, elsewhere: bool) -> Refusal {
    Refusal::Failed { failure, elsewhere }
}

/// How `server/discover` ended.
enum Discovered {
    Agreed(Introduction),
    /// It speaks only versions with a handshake, such as these.
    Legacy(String),
    Refused(RpcError),
    Silent,
    Failed(Failure),
}

struct Greeter<'a> {
    session: &'a Arc<Session>,
    link: &'a Link,
}

impl Greeter<'_> {
    async fn either(&self) -> Result<Introduction, Refusal> {
        let silent = match self.discover(Some(PATIENCE)).await {
            Discovered::Agreed(introduction) => return Ok(introduction),
            Discovered::Legacy(_) | Discovered::Refused(_) => false,
            Discovered::Silent => true,
            Discovered::Failed(failure) if is_final(&failure) => {
                return Err(failed(failure, false));
            }
            Discovered::Failed(failure) => match (self.link, failure) {
                // Each HTTP request stands alone, so that the next one may well succeed.
                (Link::Http(_), _) => false,
                (Link::Pipe(_), failure) => return Err(failed(failure, true)),
            },
        };
        match self.initialize(LATEST_LEGACY).await {
            Err(Refusal::Failed {
                failure: Failure::Rpc(error),
                ..
            }) if silent || error.is_modern() => {
                // It was only slow, and knows nothing but the new way.
                match self.discover(None).await {
                    Discovered::Agreed(introduction) => Ok(introduction),
                    _ => Err(failed(Failure::Rpc(error), true)),
                }
            }
            Err(Refusal::Failed { failure, .. }) => {
                let elsewhere = matches!(self.link, Link::Pipe(_)) && !is_final(&failure);
                Err(failed(failure, elsewhere))
            }
            other => other,
        }
    }

    async fn discover(&self, patience: Option<Duration>) -> Discovered {
        let capabilities = self.session.input.capabilities();
        let dialect = Dialect::new(MODERN, &capabilities);
        let params = Map::new();
        let clock = patience.map_or_else(Clock::endless, |it| Clock::new(it, it));
        let clock = Arc::new(clock);
        // A server may turn the first request away to tell which versions it speaks.
        for attempt in 0..2 {
            let asked = self.ask("server/discover", &params, Some(&dialect), &clock);
            match asked.await {
                Ok(Answer::Result(result)) => return self.discovered(&result, dialect),
                Ok(Answer::Error(error)) => match supported(&error) {
                    Some(versions) if versions.iter().any(|it| it == MODERN) && attempt == 0 => {}
                    Some(versions) if versions.iter().all(|it| !is_modern(it)) => {
                        return Discovered::Legacy(shown(&versions));
                    }
                    _ => return Discovered::Refused(error),
                },
                Ok(Answer::Unusable(_)) => {
                    return Discovered::Legacy(String::new());
                }
                Err(Failure::Elapsed(..)) => return Discovered::Silent,
                Err(failure) => return Discovered::Failed(failure),
            }
        }
        Discovered::Silent
    }

    fn discovered(&self, result: &RawValue, dialect: Dialect) -> Discovered {
        let result: Value = serde_json::from_str(result.get()).unwrap_or_default();
        let versions = result.get("supportedVersions").and_then(Value::as_array);
        let versions: Vec<String> = versions
            .into_iter()
            .flatten()
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect();
        if !versions.iter().any(|it| it == MODERN) {
            return Discovered::Legacy(shown(&versions));
        }
        Discovered::Agreed(self.agree(dialect, &result, None))
    }

    async fn initialize(&self, version: &str) -> Result<Introduction, Refusal> {
        let hello = Map::from_iter([
            ("protocolVersion".to_owned(), version.into()),
            (
                "capabilities".to_owned(),
                self.session.input.capabilities().into(),
            ),
            ("clientInfo".to_owned(), introduction()),
        ]);
        let clock = Arc::new(Clock::endless());
        let result = match self.ask("initialize", &hello, None, &clock).await {
            Ok(Answer::Result(result)) => result,
            Ok(Answer::Error(error)) => return Err(failed(Failure::Rpc(error), false)),
            Ok(Answer::Unusable(why)) => return Err(Refusal::NotMcp(why)),
            Err(failure) => return Err(failed(failure, false)),
        };
        let result: Value = serde_json::from_str(result.get()).unwrap_or_default();
        let Some(agreed) = result.get("protocolVersion").and_then(Value::as_str) else {
            return Err(Refusal::NotMcp(
                "its introduction names no protocol version".to_owned(),
            ));
        };
        if !OLDEST_TO_NEWEST.contains(&agreed) {
            return Err(Refusal::NoCommonVersion(shown(&[agreed.to_owned()])));
        }
        let dialect = Dialect::new(agreed, &self.session.input.capabilities());
        Ok(self.agree(dialect, &result, Some(hello)))
    }

    fn agree(
        &self,
        dialect: Dialect,
        result: &Value,
        hello: Option<Map<String, Value>>,
    ) -> Introduction {
        let info = ServerInfo::read(&dialect.version, result);
        self.session.agree(Agreed {
            dialect,
            announces: announces(result),
        });
        Introduction { info, hello }
    }

    async fn ask(
        &self,
        method: &'static str,
        params: &Map<String, Value>,
        dialect: Option<&Dialect>,
        clock: &Arc<Clock>,
    ) -> Result<Answer, Failure> {
        let context = CallContext::default();
        let outbound = Outbound {
            target: Target::Protocol(method, params),
            context: &context,
            round: None,
            dialect,
        };
        self.link.exchange(self.session, &outbound, clock).await
    }
}

/// Whether no other greeting would fare better.
fn is_final(failure: &Failure) -> bool {
    match failure {
        Failure::Http(HttpFailure::Unreachable(_) | HttpFailure::Tls(_)) => true,
        Failure::Http(HttpFailure::Status(Status {
            code, retry_after, ..
        })) => matches!(code, 300..=399 | 401 | 403 | 429) || retry_after.is_some(),
        _ => false,
    }
}

/// The versions that an error of 2026-07-28 lists.
fn supported(error: &RpcError) -> Option<Vec<String>> {
    let list = error.data.get("supported")?.as_array()?;
    let known = error.code == -32_022;
    known.then(|| {
        list.iter()
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect()
    })
}

fn shown(versions: &[String]) -> String {
    let list = versions
        .iter()
        .take(8)
        .map(|it| manyhands_core::clip(it, 20));
    let list: Vec<String> = list
        .map(|it| manyhands_core::Printable(&it).to_string())
        .collect();
    list.join(", ")
}

/// The kinds of capability whose changes the server says it announces.
fn announces(result: &Value) -> Vec<CapabilityKind> {
    let kinds = [
        ("tools", CapabilityKind::Tool),
        ("prompts", CapabilityKind::Prompt),
        ("resources", CapabilityKind::Resource),
    ];
    let says = |name: &str| {
        let path = format!("/capabilities/{name}/listChanged");
        result.pointer(&path) == Some(&json!(true))
    };
    kinds
        .into_iter()
        .filter_map(|(name, kind)| says(name).then_some(kind))
        .collect()
}
