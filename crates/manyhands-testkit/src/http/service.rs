//! Whole answers to whole requests, for servers beside the scripted one. It knows no MCP.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::body::{Head, whole};
use super::head::{self, Request};
use crate::session::After;

/// What a request is answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Whole(Head, Bytes),
    /// Nothing, until the client has left.
    Silent,
    /// The end of the connection.
    Hangup,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let head = Head::new(status).typed("application/json");
        Self::Whole(head, body.to_string().into())
    }

    pub(crate) fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self::Whole(Head::new(status).typed("text/plain"), body.into())
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        match self {
            Self::Whole(head, body) => Self::Whole(head.header(name, value), body),
            other => other,
        }
    }
}

/// Answers requests, each by itself.
pub(crate) trait Serves: Send + Sync + 'static {
    fn answer(&self, request: Request) -> impl Future<Output = Answer> + Send;
}

/// May answer a request in place of a server that stands behind it.
#[derive(Clone)]
pub(crate) struct Guard(Arc<Ask>);

type Ask = dyn Fn(&Request) -> Option<Answer> + Send + Sync;

impl Guard {
    pub(crate) fn new(ask: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub(super) fn ask(&self, request: &Request) -> Option<Answer> {
        (self.0)(request)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

/// Serves all who connect, until it is dropped.
pub(crate) async fn serve(listener: TcpListener, server: Arc<impl Serves>) {
    accept(listener, |stream| {
        let server = server.clone();
        async move {
            // Without it each answer would wait for an acknowledgement; that it fails changes no
            // answer. What goes wrong with a connection ends it, and there is nobody to tell.
            let _ = stream.set_nodelay(true);
            let _ = converse(stream, &*server).await;
        }
    })
    .await;
}

/// Takes in connections, each with a task of its own, until it is dropped.
pub(crate) async fn accept<F>(listener: TcpListener, converse: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream));
                }
                Err(_) => return,
            },
            _ = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Answers one request after the other, until either side closes the connection.
async fn converse(stream: TcpStream, server: &impl Serves) -> io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    while let Some(request) = head::read(&mut input).await? {
        // What can be done at once is done, even for a client that has said its last word.
        let answer = tokio::select! {
            biased;
            answer = server.answer(request) => answer,
            () = gone(&mut input) => break,
        };
        if give(answer, &mut input, &mut output).await? == After::Close {
            break;
        }
    }
    Ok(())
}

/// Writes an answer, or does what it says in place of one.
pub(super) async fn give(
    answer: Answer,
    input: &mut BufReader<OwnedReadHalf>,
    output: &mut OwnedWriteHalf,
) -> io::Result<After> {
    match answer {
        Answer::Whole(head, body) => {
            whole(output, &head, &body).await?;
            Ok(After::Continue)
        }
        Answer::Silent => {
            gone(input).await;
            Ok(After::Close)
        }
        Answer::Hangup => Ok(After::Close),
    }
}

/// Waits until the client has left. What it sends meanwhile stays where it is.
pub(super) async fn gone(input: &mut BufReader<OwnedReadHalf>) {
    match input.fill_buf().await {
        Ok([]) | Err(_) => {}
        Ok(_) => std::future::pending().await,
    }
}
