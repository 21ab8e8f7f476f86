//! One server's HTTP client: its pool, its session, and the way back to it.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use manyhands_core::Secret;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::headers::{self, HeaderParam};
use super::sender::Sender;
use crate::error::OpenError;
use crate::http::HttpSettings;
use crate::link::Failure;
use crate::session::pending::Answer;
use crate::session::{Outbound, Reverse, Session, notification};

/// How many requests to one server may be under way at once; more wait for their turn.
const MAX_REQUESTS: usize = 256;
/// How long a message that needs no answer may take to be delivered.
const NOTIFY_LIMIT: Duration = Duration::from_secs(5);
/// How long the goodbye to a session may take.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Speaks to one server.
#[derive(Debug)]
pub(crate) struct Client {
    pub(super) sender: Sender,
    url: Url,
    shown_url: String,
    headers: HeaderMap,
    pub(super) turns: Semaphore,
    state: Mutex<State>,
    /// Only one task makes a new session; the others wait for it.
    renewing: tokio::sync::Mutex<()>,
    /// The parameters of `initialize`, for a new session.
    hello: OnceLock<Map<String, Value>>,
    /// There is a new session, which needs a new stream.
    pub(super) renewed: Notify,
}

#[derive(Debug, Default)]
struct State {
    session: Option<HeaderValue>,
    params: HashMap<String, Vec<HeaderParam>>,
}

impl Client {
    pub(crate) fn new(settings: &HttpSettings) -> Result<Self, OpenError> {
        let url = settings.checked_url()?;
        Ok(Self {
            sender: Sender::new(settings)?,
            headers: settings.header_map()?,
            url,
            shown_url: settings.shown_url(),
            turns: Semaphore::new(MAX_REQUESTS),
            state: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
            hello: OnceLock::new(),
            renewed: Notify::new(),
        })
    }

    /// The URL without what may be secret in it.
    pub(crate) fn shown_url(&self) -> &str {
        &self.shown_url
    }

    /// What it sends as its `Authorization` now, where that is not one of its headers.
    pub(crate) async fn authorization(&self) -> Option<Secret> {
        self.sender.authorization().await
    }

    /// Keeps what `initialize` said, so that a lost session can be made anew.
    pub(crate) fn introduced(&self, hello: Map<String, Value>) {
        let _ = self.hello.set(hello);
    }

    pub(super) fn session(&self) -> Option<HeaderValue> {
        self.state().session.clone()
    }

    pub(super) fn set_session(&self, id: Option<HeaderValue>) {
        self.state().session = id;
    }

    /// Learns which parameters of which tools are repeated in headers.
    pub(super) fn learn(&self, page: &str) {
        let params = headers::of_page(page);
        if !params.is_empty() {
            self.state().params.extend(params);
        }
    }

    /// A request with everything that does not depend on the message; within the session, where there is one.
    pub(super) fn plain(&self, method: Method, session: &Session, within: bool) -> RequestBuilder {
        let mut headers = self.headers.clone();
        let version = session
            .dialect()
            .map(|it| HeaderValue::from_str(&it.version));
        if let Some(Ok(version)) = version {
            headers.insert(PROTOCOL_VERSION, version);
        }
        if let Some(id) = self.session().filter(|_| within) {
            headers.insert(SESSION_ID, id);
        }
        let request = self.sender.request(method, self.url.clone());
        request.headers(headers)
    }

    /// A request that carries one message.
    pub(super) fn post(
        &self,
        outbound: &Outbound<'_>,
        session: &Session,
        body: Vec<u8>,
    ) -> RequestBuilder {
        let mut headers = HeaderMap::new();
        for (name, value) in &outbound.context.headers {
            let name = HeaderName::try_from(name.as_str());
            let value = HeaderValue::try_from(value.expose());
            if let (Ok(name), Ok(mut value)) = (name, value) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        headers.insert(ACCEPT, BOTH);
        headers.insert(CONTENT_TYPE, JSON);
        if let Some(dialect) = outbound.speaks(session).filter(|it| it.is_modern()) {
            self.standard(outbound, &dialect.version, &mut headers);
        }
        let request = self.plain(Method::POST, session, outbound.method() != "initialize");
        request.headers(headers).body(body)
    }

    /// The headers that every request carries since 2026-07-28.
    fn standard(&self, outbound: &Outbound<'_>, version: &str, headers: &mut HeaderMap) {
        headers.insert(METHOD, HeaderValue::from_static(outbound.method()));
        if let Ok(version) = HeaderValue::from_str(version) {
            headers.insert(PROTOCOL_VERSION, version);
        }
        let Some(name) = outbound.name() else { return };
        if let Some(name) = headers::encode(name) {
            headers.insert(NAME, name);
        }
        if let Some(arguments) = outbound.arguments() {
            let state = self.state();
            if let Some(params) = state.params.get(name) {
                headers.extend(headers::of_arguments(params, arguments.as_object()));
            }
        }
    }

    /// Delivers a message that has no answer, or fails to.
    pub(crate) async fn notify(&self, session: &Session, message: Vec<u8>) {
        let request = self
            .plain(Method::POST, session, true)
            .header(ACCEPT, BOTH)
            .header(CONTENT_TYPE, JSON)
            .body(message);
        match timeout(NOTIFY_LIMIT, self.sender.send(request)).await {
            Ok(Ok(response)) if response.status().is_success() => {}
            Ok(Ok(response)) => {
                tracing::debug!(status = %response.status(), "a notification was refused");
            }
            Ok(Err(error)) => tracing::debug!(?error, "a notification was not delivered"),
            Err(_) => tracing::debug!("a notification was not taken in time"),
        }
    }

    /// Makes a new session in place of the one that the server no longer knows, unless somebody did meanwhile.
    pub(super) async fn renew(
        self: &Arc<Self>,
        session: &Arc<Session>,
        lost: &HeaderValue,
    ) -> Result<(), Failure> {
        let _turn = self.renewing.lock().await;
        if self.session().as_ref() != Some(lost) {
            return Ok(());
        }
        let Some(hello) = self.hello.get() else {
            return Err(Failure::Unusable(
                "its session cannot be renewed".to_owned(),
            ));
        };
        match self.introduce(session, hello).await? {
            Answer::Result(_) => {}
            Answer::Error(error) => return Err(Failure::Rpc(error)),
            Answer::Unusable(why) => return Err(Failure::Unusable(why)),
        }
        self.notify(
            session,
            notification("notifications/initialized", &json!({})),
        )
        .await;
        self.renewed.notify_one();
        Ok(())
    }

    /// Ends the session, if there is one.
    pub(crate) async fn goodbye(&self, session: &Session) {
        if self.session().is_some() {
            let request = self.plain(Method::DELETE, session, true);
            // Servers may forbid it, and then forget the session by themselves.
            let _ = timeout(GOODBYE, self.sender.send(request)).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Header values stay what they are after a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way back to a server over HTTP: each message is a request of its own.
pub(crate) struct Back {
    pub(crate) client: Arc<Client>,
    pub(crate) session: Arc<Session>,
}

impl Reverse for Back {
    fn send_back(self: Arc<Self>, message: Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.client.notify(&self.session, message.into()).await })
    }
}
