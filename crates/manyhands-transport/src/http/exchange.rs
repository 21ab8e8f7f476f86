//! One request and its answer over HTTP: as JSON, as a stream of events, resumed where the stream broke off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use manyhands_core::{CallContext, Delivery, ListKind, Request};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use super::client::{Back, Client, SESSION_ID};
use super::failure::{HttpFailure, Status, wrong_content};
use super::sse::Events;
use crate::frames::MAX_MESSAGE;
use crate::link::Failure;
use crate::session::clock::Clock;
use crate::session::message::{self, RpcError};
use crate::session::pending::{Answer, Place};
use crate::session::{Outbound, Reverse, Session, Target, notification, usable};

/// How often a stream that breaks off without its answer is resumed.
const MAX_RESUMPTIONS: u32 = 3;
/// How long to wait before that, where the server does not say; twice as long each time.
const RESUME_AFTER: Duration = Duration::from_secs(1);
/// The shortest wait that is taken from a server.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// How long a cancellation may take to be delivered.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
pub(super) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

impl Client {
    pub(crate) async fn exchange(
        self: &Arc<Self>,
        session: &Arc<Session>,
        outbound: &Outbound<'_>,
        clock: &Arc<Clock>,
    ) -> Result<Answer, Failure> {
        let used = self.session();
        let first = self.once(session, outbound, clock).await;
        match (&first, used) {
            (Err(Failure::Http(HttpFailure::Status(status))), Some(used))
                if lost_session(status) && !matches!(outbound.target, Target::Protocol(..)) =>
            {
                // The server turned it away unseen, so it may be sent again.
                let renewed = clock.run(self.renew(session, &used)).await;
                renewed.map_err(|end| Failure::Elapsed(end, Delivery::Rejected))??;
                match self.once(session, outbound, clock).await {
                    Err(Failure::Http(HttpFailure::Status(status))) if lost_session(&status) => {
                        Err(Failure::Http(HttpFailure::SessionLost))
                    }
                    second => second,
                }
            }
            (Ok(Answer::Error(error)), _)
                if error.code == -32_020 && outbound.arguments().is_some() =>
            {
                // The tool's schema has changed since it was listed.
                self.list_anew(session, clock).await?;
                self.once(session, outbound, clock).await
            }
            _ => first,
        }
    }

    async fn once(
        self: &Arc<Self>,
        session: &Arc<Session>,
        outbound: &Outbound<'_>,
        clock: &Arc<Clock>,
    ) -> Result<Answer, Failure> {
        let listener = outbound.context.listener.as_ref();
        let Some(mut place) = session.pending.place(clock, listener, outbound.is_work()) else {
            return Err(Failure::Closed(Delivery::NotSent));
        };
        let sent = AtomicBool::new(false);
        let _cancel = Cancel {
            client: self,
            session,
            id: place.id,
            known: outbound.method() != "initialize",
            sent: &sent,
        };
        let exchange = async {
            let Ok(_turn) = self.turns.acquire().await else {
                return Err(Failure::Closed(Delivery::NotSent));
            };
            self.answer(session, outbound, &mut place, &sent).await
        };
        let result = clock.run(exchange).await;
        match result {
            Ok(result) => {
                sent.store(false, Ordering::Relaxed);
                result
            }
            Err(end) => {
                place.elapsed();
                let delivery = match sent.load(Ordering::Relaxed) {
                    true => Delivery::Unknown,
                    false => Delivery::NotSent,
                };
                Err(Failure::Elapsed(end, delivery))
            }
        }
    }

    /// Sends the request and reads whatever comes until the answer is there, on this stream or on another.
    async fn answer(
        self: &Arc<Self>,
        session: &Arc<Session>,
        outbound: &Outbound<'_>,
        place: &mut Place,
        sent: &AtomicBool,
    ) -> Result<Answer, Failure> {
        let id = place.id;
        let body = outbound.body(id, outbound.speaks(session));
        let request = self.post(outbound, session, body);
        let reading = async {
            let response = self.sender.send_noting(request, sent).await;
            let response = response.map_err(Failure::Http)?;
            if outbound.method() == "initialize" {
                self.set_session(response.headers().get(SESSION_ID).cloned());
            }
            self.read(session, id, response).await
        };
        let mut reading = std::pin::pin!(reading);
        let answer = tokio::select! {
            biased;
            outcome = place.outcome() => outcome.transpose()?,
            ended = &mut reading => match place.answered() {
                Some(outcome) => Some(outcome?),
                None => match ended? {
                    Some(answer) => Some(answer),
                    None => return Err(Failure::Http(HttpFailure::Silent(
                        "its answer ended before it said anything of use",
                    ))),
                },
            },
        };
        let answer = answer.ok_or(Failure::Closed(Delivery::Unknown))?;
        if let (
            Answer::Result(page),
            Target::Request(Request::List {
                kind: ListKind::Tools,
                ..
            }),
        ) = (&answer, outbound.target)
        {
            self.learn(page.get());
        }
        Ok(answer)
    }

    /// Reads a response to its end. What belongs to a request goes to its place; an error without an id comes back.
    async fn read(
        self: &Arc<Self>,
        session: &Arc<Session>,
        id: u64,
        mut response: Response,
    ) -> Result<Option<Answer>, Failure> {
        let status = response.status();
        if !status.is_success() {
            return self.refused(session, id, response).await;
        }
        let reverse: Arc<dyn Reverse> = Arc::new(Back {
            client: self.clone(),
            session: session.clone(),
        });
        let kind = content_type(response.headers());
        if kind.starts_with("text/event-stream") {
            return self.events(session, id, response, &reverse).await;
        }
        if status == StatusCode::ACCEPTED || status == StatusCode::NO_CONTENT {
            return Err(Failure::Http(HttpFailure::Silent(
                "it took the request and gave no answer",
            )));
        }
        let body = whole(&mut response, MAX_MESSAGE).await?;
        // Some servers name another kind, or none, and mean JSON.
        if (kind.contains("json") || answers(&body, id))
            && session.receive(&body, Some(id), &reverse)
        {
            // Where it was this request's, its place has it by now.
            let why = "its answer is to another request";
            return Err(Failure::Unusable(why.to_owned()));
        }
        if let Some(error) = bare_error(&body) {
            return Ok(Some(Answer::Error(error)));
        }
        Err(Failure::Http(if body.trim_ascii().is_empty() {
            HttpFailure::Silent("its answer is empty")
        } else {
            let encoding = response.headers().get(CONTENT_ENCODING);
            let encoding = encoding.and_then(|it| it.to_str().ok());
            HttpFailure::Content(wrong_content(&kind, encoding, &body))
        }))
    }

    /// A status other than success: often a JSON-RPC error all the same.
    async fn refused(
        &self,
        session: &Arc<Session>,
        id: u64,
        response: Response,
    ) -> Result<Option<Answer>, Failure> {
        let (status, body) = self.sender.refusal(response).await;
        if status.speaks_for_itself() || (session.dialect().is_some() && lost_session(&status)) {
            return Err(Failure::Http(HttpFailure::Status(status)));
        }
        let mut answer = None;
        message::read(&body, |message| {
            if let message::Message::Answer(answered, result) = message
                && answered == id
            {
                answer = Some(match result {
                    Ok(result) => usable(result),
                    Err(error) => Answer::Error(error),
                });
            }
        });
        match answer.or_else(|| bare_error(&body).map(Answer::Error)) {
            Some(Answer::Error(error)) => Ok(Some(Answer::Error(RpcError {
                retry_after: status.retry_after,
                ..error
            }))),
            Some(answer) => Ok(Some(answer)),
            None => Err(Failure::Http(HttpFailure::Status(status))),
        }
    }

    /// Follows a stream of events, and takes it up again where it broke off, as long as the server says where that was.
    async fn events(
        self: &Arc<Self>,
        session: &Arc<Session>,
        id: u64,
        mut response: Response,
        reverse: &Arc<dyn Reverse>,
    ) -> Result<Option<Answer>, Failure> {
        let mut events = Events::new(MAX_MESSAGE);
        let mut resumptions = 0;
        loop {
            let ended = follow(&mut events, &mut response, |event| {
                session.receive(event, Some(id), reverse);
            });
            let ended = ended.await;
            if matches!(ended, Err(Failure::Unusable(_))) {
                return ended.map(|()| None);
            }
            // Streams are resumed in legacy versions only, and only where the server marked a place.
            let resumable = session.is_legacy();
            let Some(last) = events
                .last_id
                .clone()
                .filter(|it| resumable && !it.is_empty())
            else {
                return ended.map(|()| None);
            };
            if resumptions == MAX_RESUMPTIONS {
                return Err(ended_early());
            }
            let pause = events.retry.unwrap_or(RESUME_AFTER).max(SHORTEST_PAUSE);
            sleep(pause * 2_u32.pow(resumptions)).await;
            resumptions += 1;
            let place = HeaderValue::from_str(&last).map_err(|_| ended_early())?;
            let request = self
                .plain(Method::GET, session, true)
                .header(ACCEPT, EVENT_STREAM)
                .header(LAST_EVENT_ID, place);
            response = self.sender.send(request).await.map_err(resuming)?;
            let streams = content_type(response.headers()).starts_with("text/event-stream");
            if !response.status().is_success() || !streams {
                return Err(ended_early());
            }
            let (last_id, retry) = (events.last_id.take(), events.retry);
            events = Events::new(MAX_MESSAGE);
            (events.last_id, events.retry) = (last_id, retry);
        }
    }

    /// Asks for the list of tools, so that the parameters which go into headers are known.
    async fn list_anew(
        self: &Arc<Self>,
        session: &Arc<Session>,
        clock: &Arc<Clock>,
    ) -> Result<(), Failure> {
        const MAX_PAGES: usize = 50;
        let context = CallContext::default();
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let kind = ListKind::Tools;
            let list = Request::List { kind, cursor };
            let outbound = Outbound {
                target: Target::Request(&list),
                context: &context,
                round: None,
                dialect: None,
            };
            let Answer::Result(page) = Box::pin(self.once(session, &outbound, clock)).await? else {
                return Ok(());
            };
            let page: Value = serde_json::from_str(page.get()).unwrap_or_default();
            match page.get("nextCursor").and_then(Value::as_str) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Sends `initialize`, without the ceremony around it.
    pub(super) async fn introduce(
        self: &Arc<Self>,
        session: &Arc<Session>,
        hello: &Map<String, Value>,
    ) -> Result<Answer, Failure> {
        let context = CallContext::default();
        let outbound = Outbound {
            target: Target::Protocol("initialize", hello),
            context: &context,
            round: None,
            dialect: None,
        };
        // The caller's clock is running around this one.
        Box::pin(self.once(session, &outbound, &Arc::new(Clock::endless()))).await
    }
}

/// Reads events until the stream ends, and hands on what they carry.
pub(super) async fn follow(
    events: &mut Events,
    response: &mut Response,
    mut each: impl FnMut(&[u8]),
) -> Result<(), Failure> {
    loop {
        while let Some(event) = events.next() {
            match event {
                Ok(event) if !event.data.is_empty() => each(&event.data),
                Ok(_) => {}
                Err(_) => {
                    return Err(Failure::Unusable(message::TOO_LONG.to_owned()));
                }
            }
        }
        match response.chunk().await {
            Ok(Some(bytes)) => events.feed(&bytes),
            Ok(None) => return Ok(()),
            Err(error) => {
                return Err(Failure::Http(HttpFailure::Broken(super::failure::deepest(
                    &error,
                ))));
            }
        }
    }
}

/// Whether a status says that the session is not known any more. Only of use where one was named.
fn lost_session(status: &Status) -> bool {
    let speaks_of_it = || status.text.to_ascii_lowercase().contains("session");
    status.code == 404 || (status.code == 400 && speaks_of_it())
}

fn answers(body: &[u8], id: u64) -> bool {
    let mut own = false;
    message::read(body, |message| {
        own |= matches!(message, message::Message::Answer(answered, _) if answered == id);
    });
    own
}

/// A JSON-RPC error that does not say whose it is, as servers give when they did not get as far as the id.
fn bare_error(body: &[u8]) -> Option<RpcError> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    error.get("code")?.as_i64()?;
    let raw = serde_json::value::to_raw_value(error).ok()?;
    Some(RpcError::read(&raw))
}

/// A body of at most so many bytes.
async fn whole(response: &mut Response, max: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) if body.len() + bytes.len() > max => {
                return Err(Failure::Unusable(message::TOO_LONG.to_owned()));
            }
            Ok(Some(bytes)) => body.extend_from_slice(&bytes),
            Ok(None) => return Ok(body),
            Err(error) => {
                return Err(Failure::Http(HttpFailure::Broken(super::failure::deepest(
                    &error,
                ))));
            }
        }
    }
}

/// A stream was not resumed; the request itself did get through.
fn resuming(failure: HttpFailure) -> Failure {
    Failure::Http(match failure {
        HttpFailure::Unreachable(how) => HttpFailure::Broken(how),
        HttpFailure::Tls(fault) => HttpFailure::Broken(fault.cause),
        HttpFailure::Credentials(error, _) => HttpFailure::Credentials(error, Delivery::Unknown),
        other => other,
    })
}

fn ended_early() -> Failure {
    Failure::Http(HttpFailure::Silent(
        "its stream of events ended without the answer",
    ))
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_ascii_lowercase()
}

/// Tells a legacy server that nobody waits for a request any more. Since 2026-07-28, closing the stream says so.
struct Cancel<'a> {
    client: &'a Arc<Client>,
    session: &'a Arc<Session>,
    id: u64,
    /// Whether the server knows requests of its kind by their id.
    known: bool,
    sent: &'a AtomicBool,
}

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        let legacy = self.session.is_legacy();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if !self.known || !self.sent.load(Ordering::Relaxed) || !legacy {
            return;
        }
        let (client, session) = (self.client.clone(), self.session.clone());
        let params = json!({"requestId": self.id, "reason": "the caller no longer waits"});
        runtime.spawn(async move {
            let message = notification("notifications/cancelled", &params);
            let _ = timeout(CANCEL_LIMIT, client.notify(&session, message)).await;
        });
    }
}
