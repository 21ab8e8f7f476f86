//! Speaks to authorization servers, within bounds, and only where requests may go.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::reach::{Forbidden, Reach, Resolver, check, host_address, reach};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use manyhands_core::{AuthError, AuthErrorKind, Printable, Secret, clip};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};
use rmcp::transport::auth::{
    OAuthHttpClient, OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRedirectPolicy,
    OAuthHttpRequest,
};
use serde::Deserialize;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The largest answer, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// The shortest text that counts as a secret where servers repeat it.
const SECRET: usize = 6;
/// How many secrets are watched for.
const MAX_HIDDEN: usize = 32;
/// The longest wait that a server may ask for: an hour.
const MAX_WAIT: u64 = 3600;

pub(super) type Answer = http::Response<Vec<u8>>;

/// An HTTP client for the authorization of one server.
pub(super) struct Http {
    following: Client,
    stopping: Client,
    resource: Url,
    reach: Reach,
    refusal: Mutex<Option<Refusal>>,
    /// What no text of a server is shown with.
    hidden: Mutex<Vec<Secret>>,
}

/// An answer that is no success, as far as it tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// The error code of RFC 6749, section 5.2.
    pub(super) error: String,
    /// What it says of it, printable and short.
    pub(super) description: String,
}

impl Http {
    /// A client for what `resource` needs; `ca` names PEM files with authorities to trust beside the system's.
    pub(super) async fn new(resource: &Url, ca: &[PathBuf]) -> Result<Arc<Self>, AuthError> {
        let reach = reach(resource).await;
        let certificates = certificates(ca)?;
        let local = host_address(resource).is_some_and(|it| it.is_loopback());
        let build = |policy: Policy| {
            let mut builder = Client::builder()
                .connect_timeout(CONNECT_LIMIT)
                .timeout(REQUEST_LIMIT)
                .redirect(policy)
                .dns_resolver(Arc::new(Resolver(reach)))
                .user_agent(concat!("manyhands/", env!("CARGO_PKG_VERSION")));
            for certificate in certificates.clone() {
                builder = builder.add_root_certificate(certificate);
            }
            if local {
                builder = builder.no_proxy();
            }
            let misfit = |_| {
                let cause = "the HTTP client for its login cannot be set up";
                AuthError::new(AuthErrorKind::Misconfigured, cause)
                    .with_mend("check the machine's TLS certificates and proxy settings")
            };
            builder.build().map_err(misfit)
        };
        let origin = resource.clone();
        let following = Policy::custom(move |attempt| {
            if attempt.previous().len() > MAX_REDIRECTS
                || check(attempt.url(), &origin, reach).is_err()
            {
                attempt.stop()
            } else {
                attempt.follow()
            }
        });
        Ok(Arc::new(Self {
            following: build(following)?,
            stopping: build(Policy::none())?,
            resource: resource.clone(),
            reach,
            refusal: Mutex::default(),
            hidden: Mutex::default(),
        }))
    }

    /// What the last answer that was no success said.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        lock(&self.refusal).clone()
    }

    /// Forgets what was answered so far.
    pub(super) fn begin(&self) {
        *lock(&self.refusal) = None;
    }

    /// Shows no text of a server that repeats one of these.
    pub(super) fn hide<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let mut hidden = lock(&self.hidden);
        hidden.truncate(MAX_HIDDEN);
        for secret in secrets {
            if !hidden.iter().any(|it| it.expose() == secret) {
                hidden.insert(0, Secret::new(secret));
            }
        }
    }

    /// Whether requests may go to `url`.
    pub(super) fn check(&self, url: &Url) -> Result<(), Forbidden> {
        check(url, &self.resource, self.reach)
    }

    /// Sends a form.
    pub(super) async fn post_form(
        &self,
        url: &str,
        form: String,
    ) -> Result<Answer, OAuthHttpClientError> {
        let request = http::Request::post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into_bytes())?;
        self.send(request, &self.stopping).await
    }

    async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        client: &Client,
    ) -> Result<Answer, OAuthHttpClientError> {
        let sent = request.body().clone();
        let request = reqwest::Request::try_from(request)?;
        self.check(request.url())?;
        let mut response = client
            .execute(request)
            .await
            .map_err(reqwest::Error::without_url)?;
        let mut answer = http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let kind = response.headers().get(CONTENT_TYPE);
        // A stream of events is a server that takes anybody: it never ends, and says nothing of logins.
        let streams = kind.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"));
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(reqwest::Error::without_url)?
            .filter(|_| !streams)
        {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Box::new(TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        let answer = answer.body(body)?;
        if !answer.status().is_success() {
            let mut refusal = Refusal::read(&answer);
            for text in [&mut refusal.error, &mut refusal.description] {
                if self.repeats(text, &sent) {
                    text.clear();
                }
            }
            *lock(&self.refusal) = Some(refusal);
        }
        Ok(answer)
    }
}

impl Http {
    /// Whether a text quotes something secret, of the form that was sent or of what is known.
    fn repeats(&self, text: &str, sent: &[u8]) -> bool {
        let quotes = |secret: &str| secret.len() >= SECRET && text.contains(secret);
        let mut form = Url::parse("form:").ok();
        if let Some(form) = &mut form {
            form.set_query(std::str::from_utf8(sent).ok());
        }
        let sent = form.iter().flat_map(|form| form.query_pairs());
        let public = [
            "grant_type",
            "resource",
            "redirect_uri",
            "scope",
            "client_assertion_type",
        ];
        let mut sent = sent.filter(|(name, _)| !public.contains(&name.as_ref()));
        sent.any(|(_, value)| quotes(&value))
            || lock(&self.hidden).iter().any(|it| quotes(it.expose()))
    }
}

impl OAuthHttpClient for Http {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        let client = match request.redirect_policy {
            OAuthHttpRedirectPolicy::Stop => &self.stopping,
            _ => &self.following,
        };
        Box::pin(self.send(request.request, client))
    }
}

impl Refusal {
    fn read(answer: &Answer) -> Self {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Body {
            error: String,
            error_description: String,
        }
        let body: Body = serde_json::from_slice(answer.body()).unwrap_or_default();
        let wait = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|it| it.to_str().ok()?.trim().parse().ok());
        Self {
            status: answer.status().as_u16(),
            retry_after: wait.map(|seconds: u64| Duration::from_secs(seconds.min(MAX_WAIT))),
            error: Printable(&clip(&body.error, 60)).to_string(),
            description: Printable(&clip(&body.error_description, 160)).to_string(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the answer is over 1 MiB")]
struct TooLarge;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each is replaced as a whole, so a panic elsewhere leaves them as they were.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn certificates(files: &[PathBuf]) -> Result<Vec<Certificate>, AuthError> {
    let mut found = Vec::new();
    for path in files {
        let misfit = |why: &dyn std::fmt::Display| {
            let cause = format!(
                "the certificates in {} cannot be used: {why}",
                path.display()
            );
            AuthError::new(AuthErrorKind::Misconfigured, cause)
                .with_mend("give a PEM file in `tls.ca`")
        };
        let text = std::fs::read(path).map_err(|error| misfit(&error))?;
        found.extend(Certificate::from_pem_bundle(&text).map_err(|error| misfit(&error))?);
    }
    Ok(found)
}
