//! A server that answers from a tape, whoever asks and under whatever ids.

mod difference;
mod scenes;

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use manyhands_core::clip;
use manyhands_transport::Connector;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::rpc::{self, Answer, INVALID_REQUEST, METHOD_NOT_FOUND, Message, Request};
use crate::tape::Tape;
use crate::{lines, secrets};
use scenes::{Group, Scene};

/// Answers as the server on a tape did, at once. Clones are cheap.
///
/// A request finds its answer by its method and its params without `_meta`, with secrets hidden as
/// the tape has them; `initialize` and `server/discover` by the method alone if need be, since
/// clients change their version. Each connection begins at the tape's beginning: the same request
/// gets the recorded answers in their order, and then the last one again and again. Where the
/// tape has no answer, none is given. What the server told while it worked on a request comes
/// before the answer, progress under the asker's token; what it asked is not asked again.
///
/// Any other request is refused with -32601 and a message that says what differs; only a
/// `ping` is always answered.
///
/// A tape of one connection is what it takes: where several were recorded into one at the same
/// time, ids say too little about which answer belongs where.
#[derive(Debug, Clone)]
pub struct Replay(Arc<[Group]>);

impl Replay {
    /// A server that answers from this tape.
    #[must_use]
    pub fn of(tape: &Tape) -> Self {
        Self(scenes::read(tape).into())
    }

    /// Serves one client over a byte stream, in lines of JSON, until the client closes it.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn serve(&self, io: impl AsyncRead + AsyncWrite) {
        let (read, write) = tokio::io::split(io);
        self.serve_messages(lines::incoming(read), lines::outgoing(write))
            .await;
    }

    /// Serves one client over whole messages, until they end.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn serve_messages(
        &self,
        incoming: impl Stream<Item = io::Result<Bytes>>,
        outgoing: impl Sink<Bytes, Error = io::Error>,
    ) {
        let mut incoming = pin!(incoming);
        let mut outgoing = pin!(outgoing);
        let mut asked = HashMap::new();
        while let Some(Ok(message)) = incoming.next().await {
            for answer in self.answers(&message, &mut asked) {
                if outgoing.send(answer).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Reaches this server within the process.
    #[must_use]
    pub fn connector(&self) -> Connector {
        let server = self.clone();
        Connector::in_process(move |io| {
            let server = server.clone();
            async move { server.serve(io).await }
        })
    }

    /// What goes out for one message. `asked` counts how often each group was asked for.
    fn answers(&self, message: &[u8], asked: &mut HashMap<usize, usize>) -> Vec<Bytes> {
        let text = String::from_utf8_lossy(message);
        match rpc::read(secrets::hide(&text).as_bytes()) {
            Some(Message::Request(request)) => match self.find(&request) {
                Some((index, group)) => {
                    let times = asked.entry(index).or_insert(0);
                    let scene = group.scene(*times);
                    *times += 1;
                    scene.map_or_else(Vec::new, |scene| {
                        play(scene, &request).into_iter().map(Into::into).collect()
                    })
                }
                None => self.refuse(&request).render(&request.id),
            },
            Some(Message::Invalid) => {
                let answer = Answer::error(INVALID_REQUEST, "not a JSON-RPC request");
                answer.render(&Value::Null)
            }
            // The tape already has what came of a notification or an answer.
            Some(Message::Notification { .. } | Message::Response { .. }) | None => Vec::new(),
        }
    }

    fn find(&self, request: &Request) -> Option<(usize, &Group)> {
        let params = scenes::essence(&request.params);
        let groups = || self.of_method(&request.method);
        let exact = groups().find(|(_, group)| group.params == params);
        let is_handshake = matches!(request.method.as_str(), "initialize" | "server/discover");
        exact.or_else(|| groups().next().filter(|_| is_handshake))
    }

    fn of_method(&self, method: &str) -> impl Iterator<Item = (usize, &Group)> {
        let groups = self.0.iter().enumerate();
        groups.filter(move |(_, group)| group.method == method)
    }

    fn refuse(&self, request: &Request) -> Answer {
        let method = &request.method;
        if method == "ping" {
            return Answer::Result(json!({}));
        }
        let params = scenes::essence(&request.params);
        let differences = self.of_method(method);
        let nearest = differences
            .map(|(_, group)| difference::between(&group.params, &params))
            .min_by_key(|difference| difference.count);
        let why = nearest.map_or_else(
            || format!("the tape has {}", self.methods()),
            |difference| difference.first,
        );
        Answer::error(
            METHOD_NOT_FOUND,
            format!("no {method:?} like this on the tape: {why}"),
        )
    }

    /// The methods on the tape, in the order of their first use.
    fn methods(&self) -> String {
        let mut methods: Vec<&str> = Vec::new();
        for group in self.0.iter() {
            if !methods.contains(&group.method.as_str()) {
                methods.push(&group.method);
            }
        }
        if methods.is_empty() {
            return "no request at all".to_owned();
        }
        clip(&methods.join(", "), 500).into_owned()
    }
}

/// A scene's messages, made out to who asked.
fn play(scene: &Scene, request: &Request) -> Vec<String> {
    let Some((field, answer)) = &scene.answer else {
        return Vec::new();
    };
    let token = request.params.pointer("/_meta/progressToken");
    let told = scene.told.iter();
    let mut messages: Vec<String> = told.filter_map(|told| told.to(token)).collect();
    let id = &request.id;
    messages.push(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"{field}":{answer}}}"#
    ));
    messages
}
