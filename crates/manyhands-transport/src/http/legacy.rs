//! The HTTP transport of 2024-11-05: a stream of events brings what the server says, and each message to it is a POST
//! to an address that the stream's first event names.
//!
//! To the session it is one more pair of streams; how far each POST got is told all the same.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream, sink, stream};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, Url};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::exchange::EVENT_STREAM;
use super::failure::{HttpFailure, Status, deepest, shown, wrong_content};
use super::sender::{Sender, beginning};
use super::settings::{HttpSettings, bare};
use super::sse::{Event, Events, TooLong};
use crate::error::{ConnectErrorKind, OpenError};
use crate::explain;
use crate::frames::{Frame, MAX_MESSAGE};
use crate::link::Failure;
use crate::wire::{Arrival, Wire};

/// How many POSTs may be under way at once.
const MAX_POSTS: usize = 64;
/// How long the next message waits for the one before it. Most servers answer a POST at once; some only when the work
/// is done, and must not hold up what comes after.
const IN_ORDER: Duration = Duration::from_millis(500);
/// How long a POST may take: longer than most calls, whose own clocks end them.
const POST_LIMIT: Duration = Duration::from_secs(300);
/// The longest address for messages.
const MAX_ENDPOINT: usize = 8 * 1024;

/// Opens the stream and learns where messages go.
pub(crate) async fn open(settings: &HttpSettings) -> Result<Wire, OpenError> {
    let url = settings.checked_url()?;
    let sender = Sender::new(settings)?;
    let headers = settings.header_map()?;
    let shown_url = settings.shown_url();
    let explained = |failure| explain::of_http(&failure, &shown_url);

    let request = sender.request(Method::GET, url).headers(headers.clone());
    let sent = sender.send(request.header(ACCEPT, EVENT_STREAM)).await;
    let response = sent.map_err(explained)?;
    if !response.status().is_success() {
        return Err(explained(HttpFailure::Status(
            sender.refusal(response).await.0,
        )));
    }
    let kind = response.headers().get(CONTENT_TYPE).cloned();
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    if !kind.starts_with("text/event-stream") {
        return Err(explained(HttpFailure::Content(wrong_content(
            &kind,
            None,
            &[],
        ))));
    }
    let mut source = Source {
        events: Events::new(MAX_MESSAGE),
        response,
    };
    let url = loop {
        match source.next().await {
            Some(Ok(Ok(event))) if event.kind == "endpoint" => {
                break endpoint(source.response.url(), &event.data)?;
            }
            Some(Ok(_)) => {}
            Some(Err(how)) => return Err(explained(HttpFailure::Broken(how))),
            None => {
                const EARLY: &str = "its stream of events ended before it said where messages go";
                return Err(explained(HttpFailure::Silent(EARLY)));
            }
        }
    };
    let (failures, undelivered) = mpsc::channel(MAX_POSTS);
    let posts = Posts {
        sender,
        url,
        headers,
        failures,
    };
    Ok(Wire::from_arrivals(
        incoming(source, undelivered),
        outgoing(Arc::new(posts)),
    ))
}

/// Where messages go: on the same origin, since they carry the credentials of the settings.
fn endpoint(stream: &Url, data: &[u8]) -> Result<Url, OpenError> {
    let refuse = |cause: String| {
        OpenError::new(ConnectErrorKind::Incompatible, cause).with_mend(
            "correct the server's own settings, often its public URL, or those of the proxy before it",
        )
    };
    let text = std::str::from_utf8(data).ok().map(str::trim);
    let text = text.filter(|text| !text.is_empty() && text.len() <= MAX_ENDPOINT);
    let Some(mut url) = text.and_then(|text| stream.join(text).ok()) else {
        return Err(refuse(
            "the address that it gives for messages is no URL".to_owned(),
        ));
    };
    if url.origin() != stream.origin() {
        return Err(refuse(format!(
            "it wants messages sent to {}, which is another origin than that of {}",
            shown(&bare(&url)),
            bare(stream)
        )));
    }
    // Neither fails for a URL that has a host, as the stream's has.
    let _ = url.set_username(stream.username());
    let _ = url.set_password(stream.password());
    url.set_fragment(None);
    Ok(url)
}

/// The stream of events.
struct Source {
    events: Events,
    response: Response,
}

impl Source {
    /// The next event; none when the stream has ended, and a text when it broke off. Cancel safe.
    async fn next(&mut self) -> Option<Result<Result<Event, TooLong>, String>> {
        loop {
            if let Some(event) = self.events.next() {
                return Some(Ok(event));
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.events.feed(&bytes),
                Ok(None) => return None,
                Err(error) => return Some(Err(deepest(&error))),
            }
        }
    }

    /// The next message.
    async fn frame(&mut self) -> Option<io::Result<Frame>> {
        loop {
            return Some(match self.next().await? {
                Ok(Ok(event)) if matches!(event.kind.as_str(), "" | "message") => {
                    Ok(Frame::Message(event.data.into()))
                }
                Ok(Ok(_)) => continue,
                // What was too long is gone, and with it the id that it may have answered.
                Ok(Err(TooLong)) => Ok(Frame::oversized(&[])),
                Err(how) => Err(io::Error::other(how)),
            });
        }
    }
}

/// What the server says, and which of our messages did not reach it.
fn incoming(
    source: Source,
    undelivered: mpsc::Receiver<Arrival>,
) -> impl Stream<Item = io::Result<Arrival>> + Send + 'static {
    let state = Some((source, undelivered));
    stream::unfold(state, |state| async {
        let (mut source, mut undelivered) = state?;
        tokio::select! {
            biased;
            frame = source.frame() => {
                Some((frame?.map(Arrival::Frame), Some((source, undelivered))))
            }
            Some(arrival) = undelivered.recv() => {
                let over = matches!(&arrival, Arrival::Undelivered { failure, .. } if forgotten(failure));
                Some((Ok(arrival), (!over).then_some((source, undelivered))))
            }
        }
    })
}

/// Whether the server no longer knows the stream, so that nothing can be sent to it any more.
fn forgotten(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Http(HttpFailure::Status(Status {
            code: 404 | 410,
            ..
        }))
    )
}

/// Sends messages in order, as far as the server answers in time. It is ready for the next one only then, so that what
/// still waits can be taken back.
fn outgoing(posts: Arc<Posts>) -> impl Sink<Bytes, Error = io::Error> + Send + 'static {
    let state = (posts, JoinSet::new());
    sink::unfold(state, |(posts, mut under_way), message| async move {
        while under_way.try_join_next().is_some() {}
        while under_way.len() >= MAX_POSTS {
            under_way.join_next().await;
        }
        let (done, answered) = oneshot::channel();
        under_way.spawn(posts.clone().post(message, done));
        let _ = timeout(IN_ORDER, answered).await;
        Ok((posts, under_way))
    })
}

/// What all POSTs share.
struct Posts {
    sender: Sender,
    url: Url,
    headers: HeaderMap,
    failures: mpsc::Sender<Arrival>,
}

impl Posts {
    /// Sends one message, and tells when it did not arrive. Dropping `_done` says that it is answered.
    async fn post(self: Arc<Self>, message: Bytes, _done: oneshot::Sender<()>) {
        let Ok(Err(failure)) = timeout(POST_LIMIT, self.send(message.clone())).await else {
            return;
        };
        match request_id(&message) {
            Some(id) => {
                let failure = Failure::Http(failure);
                let undelivered = Arrival::Undelivered { id, failure };
                // When nobody reads any more, everybody knows already that the connection has ended.
                let _ = self.failures.send(undelivered).await;
            }
            None => tracing::debug!(?failure, "a message without an answer was not delivered"),
        }
    }

    async fn send(&self, message: Bytes) -> Result<(), HttpFailure> {
        let request = self.sender.request(Method::POST, self.url.clone());
        let request = request
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(message);
        let mut response = self.sender.send(request).await?;
        if response.status().is_success() {
            // Read to its end, the connection can be used again.
            beginning(&mut response).await;
            return Ok(());
        }
        Err(HttpFailure::Status(self.sender.refusal(response).await.0))
    }
}

/// The id of one of our requests; none for what has no answer.
fn request_id(message: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Head {
        id: u64,
        #[serde(rename = "method")]
        _method: IgnoredAny,
    }
    let head: Head = serde_json::from_slice(message).ok()?;
    Some(head.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(stream: &str, data: &str) -> Result<String, String> {
        let stream = Url::parse(stream).unwrap();
        endpoint(&stream, data.as_bytes())
            .map(String::from)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn messages_go_to_the_same_origin_only() {
        let stream = "https://me:pw@a.example/x/sse?key=k1";
        for (data, expected) in [
            (
                "/messages?session=1",
                "https://me:pw@a.example/messages?session=1",
            ),
            ("messages", "https://me:pw@a.example/x/messages"),
            ("?session=1", "https://me:pw@a.example/x/sse?session=1"),
            (
                " https://a.example:443/m#top\n",
                "https://me:pw@a.example/m",
            ),
            ("https://you:x@a.example/m", "https://me:pw@a.example/m"),
        ] {
            assert_eq!(joined(stream, data).as_deref(), Ok(expected));
        }
        for elsewhere in [
            "https://b.example/m",
            "//b.example/m",
            "http://a.example/m",
            "https://a.example:8443/m",
            "https://a.example@b.example/m",
            "https:\\\\b.example\\m",
            "data:text/plain,x",
            "file:///etc/passwd",
        ] {
            let found = joined(stream, elsewhere).unwrap_err();
            assert!(
                found.contains("another origin than that of https://a.example/x/sse"),
                "{found}"
            );
            assert!(!found.contains("pw") && !found.contains("k1"), "{found}");
        }
        for odd in ["", " ", "https://[", &"x".repeat(MAX_ENDPOINT + 1)] {
            let found = joined(stream, odd).unwrap_err();
            assert_eq!(found, "the address that it gives for messages is no URL");
        }
    }

    #[test]
    fn only_requests_of_ours_have_an_id_that_counts() {
        let id = |message: &str| request_id(message.as_bytes());
        assert_eq!(
            id(r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{}}"#),
            Some(7)
        );
        assert_eq!(id(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#), None);
        assert_eq!(id(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#), None);
    }
}
