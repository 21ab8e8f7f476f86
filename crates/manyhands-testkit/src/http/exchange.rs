//! From a request of HTTP to the messages in it, and back.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::body::{Head, chunk, event, whole};
use super::head::{self, Request};
use super::service::{self, gone};
use super::{Shared, fault};
use crate::fault::{Fault, HttpFault, HttpMoment, OddSessionId};
use crate::outlet::{Frame, Outlet};
use crate::respond::UNSUPPORTED_VERSION;
use crate::session::{After, Session};

const SESSION: &str = "mcp-session-id";

/// One connection, with the request on it that is to be answered.
pub(super) struct Exchange<'a> {
    pub(super) shared: &'a Shared,
    pub(super) request: Request,
    pub(super) input: &'a mut BufReader<OwnedReadHalf>,
    pub(super) output: &'a mut OwnedWriteHalf,
}

/// Answers all requests of one connection.
pub(super) async fn all(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    while let Some(request) = head::read(&mut input).await? {
        let mut exchange = Exchange {
            shared,
            request,
            input: &mut input,
            output: &mut output,
        };
        if exchange.answer().await? == After::Close {
            break;
        }
    }
    // Dropped as one, it can be reset; the half that writes would take its leave first.
    drop(input.into_inner().reunite(output));
    Ok(())
}

impl Exchange<'_> {
    async fn answer(&mut self) -> io::Result<After> {
        let guard = self.shared.options.guard.as_ref();
        if let Some(answer) = guard.and_then(|guard| guard.ask(&self.request)) {
            return service::give(answer, self.input, self.output).await;
        }
        match self.request.method.as_str() {
            "POST" => self.post().await,
            "GET" => self.get().await,
            "DELETE" => self.delete().await,
            _ => self.plain(Head::new(405), "").await,
        }
    }

    async fn post(&mut self) -> io::Result<After> {
        self.shared.count(|counts| &counts.posts);
        let message: Value = serde_json::from_slice(&self.request.body).unwrap_or_default();
        let method = message.get("method").and_then(Value::as_str);
        let is_request = method.is_some() && message.get("id").is_some();
        let moment = HttpMoment::of(method, is_request);
        if let Some(after) = fault::instead(self, moment).await? {
            return Ok(after);
        }
        let session = match self.session(method == Some("initialize")) {
            Ok(session) => session,
            Err(status) => return self.refuse(status, "no such session").await,
        };
        let taken = session.1.take(&self.request.body);
        let Some((request, cancel)) = taken else {
            return self.plain(Head::new(202), "").await;
        };
        let (out, queued) = Outlet::new();
        let head = self.head(session.0.as_deref());
        let shared = self.shared;
        let work = session.1.work(request, cancel, out);
        let gone = gone(self.input);
        let reply = Reply {
            shared,
            moment,
            head,
            output: self.output,
        };
        tokio::select! {
            both = async { tokio::join!(work, reply.write(queued)) } => match both {
                (After::Close, _) => Ok(After::Close),
                (After::Continue, written) => written,
            },
            () = gone => {
                // Since 2026-07-28 this is how a call is cancelled.
                if shared.server.script().has(&Fault::ModernOnly) {
                    shared.server.record().was_cancelled();
                }
                Ok(After::Close)
            }
        }
    }

    /// The session that the request belongs to, with its name where the client is to be told of it.
    fn session(&self, starts: bool) -> Result<(Option<String>, Arc<Session>), u16> {
        let script = self.shared.server.script();
        if !self.shared.options.sessions || script.has(&Fault::ModernOnly) {
            return Ok((None, Arc::new(Session::new(&self.shared.server))));
        }
        let odd = script.find(|fault| match fault {
            Fault::Http(HttpFault::SessionId(odd)) => Some(*odd),
            _ => None,
        });
        if starts {
            let (name, session) = self.shared.sessions.start(&self.shared.server, odd);
            return Ok((Some(name), session));
        }
        let name = self.request.header(SESSION).ok_or(400_u16)?;
        let session = self.shared.sessions.find(name).ok_or(404_u16)?;
        let another = || format!("{name}-{}", self.shared.server.record().connections());
        let changing = odd == Some(OddSessionId::Changing);
        Ok((changing.then(another), session))
    }

    /// The stream of what the server says by itself.
    async fn get(&mut self) -> io::Result<After> {
        self.shared.count(|counts| &counts.gets);
        if self.shared.has(HttpFault::GetSilent) {
            return self.nothing().await;
        }
        let name = self.request.header(SESSION).unwrap_or_default();
        if !self.shared.options.sessions || self.shared.server.script().has(&Fault::ModernOnly) {
            return self.plain(Head::new(405), "").await;
        }
        if self.shared.sessions.find(name).is_none() {
            return self.refuse(404, "no such session").await;
        }
        let head = Head::new(200).typed("text/event-stream");
        let mut news = self.shared.server.news();
        fault::start_stream(self.output, &head).await?;
        if self.shared.has(HttpFault::GetEnds) || self.request.header("last-event-id").is_some() {
            chunk(self.output, b"").await?;
            return Ok(After::Continue);
        }
        loop {
            tokio::select! {
                told = news.recv() => if let Ok(told) = told {
                    chunk(self.output, &event(&told.to_string().into())).await?;
                },
                () = gone(self.input) => return Ok(After::Close),
            }
        }
    }

    async fn delete(&mut self) -> io::Result<After> {
        self.shared.count(|counts| &counts.deletes);
        if self.shared.has(HttpFault::DeleteSilent) {
            return self.nothing().await;
        }
        let name = self.request.header(SESSION);
        let status = match name.map(|name| self.shared.sessions.forget(name)) {
            Some(true) => 204,
            Some(false) => 404,
            None => 405,
        };
        self.plain(Head::new(status), "").await
    }

    /// Says nothing until the client has left.
    pub(super) async fn nothing(&mut self) -> io::Result<After> {
        gone(self.input).await;
        Ok(After::Close)
    }

    /// Answers with an error of JSON-RPC that belongs to no request.
    pub(super) async fn refuse(&mut self, status: u16, message: &str) -> io::Result<After> {
        let error = serde_json::json!({"jsonrpc": "2.0", "id": null,
            "error": {"code": -32_000, "message": message}});
        let head = Head::new(status).typed("application/json");
        self.plain(head, &error.to_string()).await
    }

    pub(super) async fn plain(&mut self, head: Head, body: &str) -> io::Result<After> {
        whole(self.output, &head, body.as_bytes()).await?;
        Ok(After::Continue)
    }

    /// Forgets the session that the request names, if it does.
    pub(super) fn forget_session(&self) {
        if let Some(name) = self.request.header(SESSION) {
            self.shared.sessions.forget(name);
        }
    }

    fn head(&self, session: Option<&str>) -> Head {
        let head = Head::new(200);
        match session {
            Some(name) => head.header(SESSION, name),
            None => head,
        }
    }
}

/// The answer to one `POST` on its way.
struct Reply<'a> {
    shared: &'a Shared,
    moment: HttpMoment,
    head: Head,
    output: &'a mut OwnedWriteHalf,
}

impl Reply<'_> {
    /// Writes what the server says until it has said all, as JSON where it is one message.
    async fn write(self, mut queued: mpsc::Receiver<Frame>) -> io::Result<After> {
        let Some(first) = queued.recv().await.map(Frame::into_bytes) else {
            // A server that stays silent has nothing to say, but the stream is open.
            return Ok(After::Close);
        };
        let form = |stream| fault::has_form(self.shared, self.moment, stream);
        let streams = (self.shared.options.event_streams || form(true)) && !form(false);
        if !streams && !says_more(&first) {
            let status = if is_wrong_version(&first) { 400 } else { 200 };
            let head = self.head.with_status(status).typed("application/json");
            return fault::body(self.shared, self.moment, self.output, head, &first).await;
        }
        let head = self.head.typed("text/event-stream");
        fault::start_stream(self.output, &head).await?;
        if let Some(after) = fault::stream(self.shared, self.moment, self.output).await? {
            return Ok(after);
        }
        chunk(self.output, &event(&first)).await?;
        while let Some(frame) = queued.recv().await {
            chunk(self.output, &event(&frame.into_bytes())).await?;
        }
        chunk(self.output, b"").await?;
        Ok(After::Continue)
    }
}

/// Whether a message comes before others: it is no answer.
fn says_more(message: &Bytes) -> bool {
    let message: Value = serde_json::from_slice(message).unwrap_or_default();
    message.get("method").is_some()
}

fn is_wrong_version(message: &Bytes) -> bool {
    let message: Value = serde_json::from_slice(message).unwrap_or_default();
    message.pointer("/error/code").and_then(Value::as_i64) == Some(UNSUPPORTED_VERSION)
}
