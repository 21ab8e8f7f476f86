//! The protocol over one connection, however its bytes travel: requests find their answers, what the server tells
//! reaches whoever listens, and what it asks is answered.
//!
//! It knows no pipes and no HTTP; a [`Link`](crate::link::Link) carries its messages.

pub(crate) mod clock;
mod dialect;
pub(crate) mod message;
mod outbound;
pub(crate) mod outbox;
pub(crate) mod pending;
mod questions;
pub(crate) mod rounds;
mod tasks;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use manyhands_core::{CallEvent, CapabilityKind, ListKind, ServerId};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, broadcast};

use crate::diagnostics::Diagnostics;
use crate::input::Input;
use crate::link::Failure;
pub(crate) use dialect::{
    Dialect, LATEST_LEGACY, MODERN, OLDEST_TO_NEWEST, introduction, is_modern,
};
use message::{Message, nested_too_deep};
pub(crate) use outbound::{Outbound, Round, Target, notification};
use pending::{Answer, Pending};
pub(crate) use questions::Reverse;

/// How many events are kept for a listener that is behind; older ones are lost to it.
const KEPT_EVENTS: usize = 64;
/// How many questions of one server are answered at once.
const MAX_QUESTIONS: usize = 16;

/// What a server tells outside of any call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// One of its lists may hold something else now.
    ListChanged(ListKind),
    /// It tells of no changes of its lists, although it said that it would.
    NoNews,
    /// A resource has other content now.
    ResourceUpdated {
        /// The resource, in the server's own names.
        uri: String,
    },
    /// It wrote a line for a log.
    Log(CallEvent),
}

/// What the handshake brought.
#[derive(Debug)]
pub(crate) struct Agreed {
    pub(crate) dialect: Dialect,
    pub(crate) announces: Vec<CapabilityKind>,
}

/// One connection's share of the protocol.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) server: ServerId,
    pub(crate) pending: Arc<Pending>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) input: Input,
    events: broadcast::Sender<ServerEvent>,
    agreed: OnceLock<Agreed>,
    questions: Arc<Semaphore>,
    /// Whether it refused to tell of what it said that it tells of.
    no_news: AtomicBool,
}

impl Session {
    pub(crate) fn new(server: ServerId, input: Input, diagnostics: Diagnostics) -> Self {
        Self {
            server,
            pending: Arc::default(),
            diagnostics,
            input,
            events: broadcast::channel(KEPT_EVENTS).0,
            agreed: OnceLock::new(),
            questions: Arc::new(Semaphore::new(MAX_QUESTIONS)),
            no_news: AtomicBool::new(false),
        }
    }

    /// The protocol version agreed on; none during the handshake.
    pub(crate) fn dialect(&self) -> Option<&Dialect> {
        self.agreed.get().map(|agreed| &agreed.dialect)
    }

    /// Whether the version without a handshake was agreed on.
    pub(crate) fn is_modern(&self) -> bool {
        self.dialect().is_some_and(Dialect::is_modern)
    }

    /// Whether a version with a handshake was agreed on.
    pub(crate) fn is_legacy(&self) -> bool {
        self.dialect().is_some_and(|dialect| !dialect.is_modern())
    }

    pub(crate) fn tells_news(&self) -> bool {
        !self.no_news.load(Ordering::Acquire)
    }

    /// The kinds of capability whose changes the server announces.
    pub(crate) fn announces(&self) -> &[CapabilityKind] {
        self.agreed
            .get()
            .map_or(&[], |agreed| agreed.announces.as_slice())
    }

    /// Speaks this version from now on.
    pub(crate) fn agree(&self, agreed: Agreed) {
        // A second agreement cannot come: there is one handshake per session.
        let _ = self.agreed.set(agreed);
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<ServerEvent> {
        self.events.subscribe()
    }

    /// Tells everyone who listens; that may be nobody.
    pub(crate) fn tell(&self, event: ServerEvent) {
        if event == ServerEvent::NoNews {
            // Whoever listens from now on only has to know it too.
            self.no_news.store(true, Ordering::Release);
        }
        let _ = self.events.send(event);
    }

    /// Takes in what the server sent; `false` when it is not MCP. `about` is the request on whose own stream it came,
    /// where there is one.
    pub(crate) fn receive(
        self: &Arc<Self>,
        bytes: &[u8],
        about: Option<u64>,
        reverse: &Arc<dyn Reverse>,
    ) -> bool {
        message::read(bytes, |message| match message {
            Message::Answer(id, Ok(result)) => self.answered(id, usable(result)),
            Message::Answer(id, Err(error)) => self.answered(id, Answer::Error(error)),
            Message::Empty(id) => {
                let why = "its answer holds neither a result nor an error";
                self.answered(id, Answer::Unusable(why.to_owned()));
            }
            Message::Notification { method, params } => self.told(&method, params, about),
            Message::Question { id, method, params } => {
                self.asked(id, &method, params, about, reverse);
            }
        })
    }

    /// A message is too long to be kept, of which these are the edges that have come; if they name its request, that
    /// one ends now.
    pub(crate) fn too_long(&self, head: &[u8], tail: &[u8]) {
        if let Some(id) = message::id_at_the_edge(head, tail) {
            self.pending
                .answer(id, Answer::Unusable(message::TOO_LONG.to_owned()));
        }
    }

    fn answered(&self, id: u64, answer: Answer) {
        if !self.pending.answer(id, answer) {
            self.diagnostics.unasked();
        }
    }

    fn told(&self, method: &str, params: Option<&RawValue>, about: Option<u64>) {
        let params: Value = params
            .and_then(|params| serde_json::from_str(params.get()).ok())
            .unwrap_or_default();
        match method {
            "notifications/progress" => self.progress(&params),
            "notifications/message" => {
                let event = log_line(&params);
                self.pending.tell(about, &event);
                self.tell(ServerEvent::Log(event));
            }
            "notifications/tools/list_changed" => {
                self.tell(ServerEvent::ListChanged(ListKind::Tools));
            }
            "notifications/prompts/list_changed" => {
                self.tell(ServerEvent::ListChanged(ListKind::Prompts));
            }
            "notifications/resources/list_changed" => {
                self.tell(ServerEvent::ListChanged(ListKind::Resources));
                self.tell(ServerEvent::ListChanged(ListKind::ResourceTemplates));
            }
            "notifications/resources/updated" => {
                if let Some(uri) = params.get("uri").and_then(Value::as_str) {
                    let uri = uri.to_owned();
                    self.tell(ServerEvent::ResourceUpdated { uri });
                }
            }
            // A server may end a subscription so; its request is then over.
            "notifications/cancelled" => {
                if let Some(id) = params.get("requestId").and_then(Value::as_u64) {
                    let ended = Failure::Cancelled("the server cancelled the call".to_owned());
                    self.pending.fail(id, ended);
                }
            }
            other => tracing::trace!(method = other, "notification without a use here"),
        }
    }

    fn progress(&self, params: &Value) {
        let token = params.get("progressToken");
        let token = token.and_then(|token| match token {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        });
        let Some(id) = token else { return };
        let number = |field| params.get(field).and_then(Value::as_f64);
        let message = params.get("message").and_then(Value::as_str);
        let event = CallEvent::Progress {
            progress: number("progress").unwrap_or_default(),
            total: number("total"),
            message: message.map(str::to_owned),
        };
        self.pending.progress(id, event);
    }
}

fn log_line(params: &Value) -> CallEvent {
    let text = |field| params.get(field).and_then(Value::as_str).map(str::to_owned);
    CallEvent::Log {
        level: text("level").unwrap_or_else(|| "info".to_owned()),
        logger: text("logger"),
        data: params.get("data").cloned().unwrap_or_default(),
    }
}

/// A result that everyone above can read, or why it cannot be.
pub(crate) fn usable(result: &RawValue) -> Answer {
    if !result.get().starts_with('{') {
        return Answer::Unusable("its result is not a JSON object".to_owned());
    }
    if nested_too_deep(result.get().as_bytes()) {
        return Answer::Unusable("its result is nested deeper than 126 levels".to_owned());
    }
    Answer::Result(result.to_owned())
}
