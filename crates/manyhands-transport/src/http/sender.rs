//! Sends requests with the credentials of the moment, and anew with better ones where the server refuses these.

use std::sync::atomic::{AtomicBool, Ordering};

use manyhands_core::{Challenge, Credentials, Delivery, Secret};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Request, RequestBuilder, Response, StatusCode, Url};

use super::failure::{HttpFailure, Status};
use super::settings::HttpSettings;
use crate::error::OpenError;
use crate::hidden::Hidden;

/// How often one request is sent: as it is, with a fresh token, and with further permissions.
const MAX_SENDS: usize = 3;
/// How much of the answer to a refused request is read, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// How many challenges of one answer are looked at.
const MAX_CHALLENGES: usize = 8;

/// One server's HTTP client and credentials.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    http: Client,
    credentials: Option<Credentials>,
    /// What is in its headers, which no text of a server is shown with.
    hidden: Hidden,
}

impl Sender {
    pub(super) fn new(settings: &HttpSettings) -> Result<Self, OpenError> {
        Ok(Self {
            http: settings.client()?,
            credentials: settings.credentials.clone(),
            hidden: Hidden::new(settings.headers.values()),
        })
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, HttpFailure> {
        self.send_noting(request, &AtomicBool::new(false)).await
    }

    /// Sends; `sent` says at any time whether the server may be acting on the request.
    pub(super) async fn send_noting(
        &self,
        request: RequestBuilder,
        sent: &AtomicBool,
    ) -> Result<Response, HttpFailure> {
        let request = request.build().map_err(failed)?;
        let Some(credentials) = &self.credentials else {
            return self.once(request, sent).await;
        };
        // Whoever sets the header for a single call means these credentials and no others.
        if request.headers().contains_key(AUTHORIZATION) {
            return self.once(request, sent).await;
        }
        // What is kept for another attempt would make the future of every call larger.
        Box::pin(self.authorized(request, credentials, sent)).await
    }

    /// Sends with the credentials of the moment, and again with what the server asks for beyond them.
    async fn authorized(
        &self,
        mut request: Request,
        credentials: &Credentials,
        sent: &AtomicBool,
    ) -> Result<Response, HttpFailure> {
        let refused = |error| HttpFailure::Credentials(error, Delivery::NotSent);
        for _ in 1..MAX_SENDS {
            let used = credentials.authorization().await.map_err(refused)?;
            let again = request.try_clone();
            authorize(&mut request, used.as_ref());
            let response = self.once(request, sent).await?;
            let (Some(challenge), Some(again)) = (challenge(&response, used), again) else {
                return Ok(response);
            };
            sent.store(false, Ordering::Relaxed);
            let (status, _) = self.refusal(response).await;
            let challenge = challenge.with_text(status.text);
            credentials
                .refused(challenge)
                .await
                .map_err(|error| HttpFailure::Credentials(error, Delivery::Rejected))?;
            request = again;
        }
        let last = credentials.authorization().await.map_err(refused)?;
        authorize(&mut request, last.as_ref());
        self.once(request, sent).await
    }

    /// What a response that is no success says, without the credentials that it may repeat; and how it says it.
    pub(super) async fn refusal(&self, mut response: Response) -> (Status, Vec<u8>) {
        let body = beginning(&mut response).await;
        let mut status = Status::read(response.status().as_u16(), response.headers(), &body);
        if !status.text.is_empty() {
            self.hidden.take_out_of(&mut status.text);
            Hidden::new(&self.authorization().await).take_out_of(&mut status.text);
        }
        (status, body)
    }

    /// What it sends as its `Authorization` now, where that is not one of its headers.
    pub(super) async fn authorization(&self) -> Option<Secret> {
        let credentials = self.credentials.as_ref()?;
        credentials.authorization().await.ok().flatten()
    }

    async fn once(&self, request: Request, sent: &AtomicBool) -> Result<Response, HttpFailure> {
        sent.store(true, Ordering::Relaxed);
        self.http.execute(request).await.map_err(failed)
    }
}

/// The beginning of a body, as far as it comes.
pub(super) async fn beginning(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < MAX_BODY {
        match response.chunk().await {
            Ok(Some(bytes)) => body.extend_from_slice(&bytes),
            _ => break,
        }
    }
    body
}

fn failed(error: reqwest::Error) -> HttpFailure {
    HttpFailure::of(&error.without_url())
}

fn authorize(request: &mut Request, value: Option<&Secret>) {
    let value = value.and_then(|it| HeaderValue::try_from(it.expose()).ok());
    if let Some(mut value) = value {
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

/// What the server wants in the way of credentials; none where that is not what it says.
fn challenge(response: &Response, used: Option<Secret>) -> Option<Challenge> {
    let authenticate = challenges(response.headers());
    let wanted = match response.status() {
        StatusCode::UNAUTHORIZED => true,
        // Any other 403 is not about credentials that could be had.
        StatusCode::FORBIDDEN => authenticate
            .iter()
            .any(|it| it.contains("insufficient_scope")),
        _ => false,
    };
    wanted.then(|| Challenge::new(response.status().as_u16(), authenticate, used))
}

fn challenges(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .take(MAX_CHALLENGES)
        .map(str::to_owned)
        .collect()
}
