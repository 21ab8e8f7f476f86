//! The stream on which a legacy server speaks without being asked: opened once, and opened anew by a policy that
//! cannot spin.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::client::{Back, Client};
use super::exchange::{EVENT_STREAM, LAST_EVENT_ID, follow};
use super::failure::Status;
use super::sse::Events;
use crate::backoff::Backoff;
use crate::frames::MAX_MESSAGE;
use crate::session::{Reverse, Session};
use crate::subscriptions::everything_changed;

/// How long a connection waits for the stream before it counts as ready without it.
const OPENING: Duration = Duration::from_secs(2);

/// How an attempt to open the stream ended.
enum Attempt {
    Open(Response),
    /// The server offers no such stream.
    Never,
    /// Later, after this long at least.
    Later(Option<Duration>),
    /// The session is gone; somebody will make a new one.
    SessionLost,
}

impl Client {
    /// Opens the stream, and keeps it open until the future is dropped or the server has none. `opened` is told once it
    /// is known which.
    pub(crate) async fn stand(self: Arc<Self>, session: Arc<Session>, opened: oneshot::Sender<()>) {
        let reverse: Arc<dyn Reverse> = Arc::new(Back {
            client: self.clone(),
            session: session.clone(),
        });
        let mut opened = Some(opened);
        let mut backoff = Backoff::default();
        let mut last_id: Option<String> = None;
        loop {
            let attempt = self.open(&session, last_id.as_deref()).await;
            let first = opened.take();
            let again = first.is_none();
            if let Some(opened) = first {
                // Nobody may wait for it any more.
                let _ = opened.send(());
            }
            let pause = match attempt {
                Attempt::Never => return,
                Attempt::SessionLost => {
                    last_id = None;
                    self.renewed.notified().await;
                    continue;
                }
                Attempt::Later(pause) => pause,
                Attempt::Open(mut response) => {
                    if again && last_id.is_none() {
                        // What was said meanwhile is lost.
                        everything_changed(&session);
                    }
                    let mut events = Events::new(MAX_MESSAGE);
                    backoff.begins();
                    let ended = follow(&mut events, &mut response, |event| {
                        session.receive(event, None, &reverse);
                    });
                    if let Err(failure) = ended.await {
                        tracing::debug!(?failure, "the stream of events broke off");
                    }
                    last_id = events.last_id.take().filter(|id| !id.is_empty());
                    events.retry
                }
            };
            sleep(backoff.next().max(pause.unwrap_or_default())).await;
        }
    }

    async fn open(&self, session: &Session, last_id: Option<&str>) -> Attempt {
        let mut request = self
            .plain(Method::GET, session, true)
            .header(ACCEPT, EVENT_STREAM);
        if let Some(id) = last_id.and_then(|id| HeaderValue::from_str(id).ok()) {
            request = request.header(LAST_EVENT_ID, id);
        }
        let Ok(response) = self.sender.send(request).await else {
            return Attempt::Later(None);
        };
        let status = response.status();
        let streams = || {
            let kind = response.headers().get(CONTENT_TYPE);
            kind.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
        };
        if status.is_success() {
            return if streams() {
                Attempt::Open(response)
            } else {
                Attempt::Never
            };
        }
        if status == StatusCode::NOT_FOUND && self.session().is_some() {
            return Attempt::SessionLost;
        }
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
            || status == StatusCode::TOO_MANY_REQUESTS
            || response.headers().contains_key(RETRY_AFTER)
        {
            let status = Status::read(status.as_u16(), response.headers(), &[]);
            return Attempt::Later(status.retry_after);
        }
        Attempt::Never
    }
}

/// Waits until it is known whether the stream is there, for a moment.
pub(crate) async fn opening(opened: oneshot::Receiver<()>) {
    let _ = timeout(OPENING, opened).await;
}
