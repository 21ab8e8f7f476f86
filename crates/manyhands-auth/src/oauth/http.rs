//! Speaks to authorization servers: bounded, encrypted but on this machine, and never to addresses that lie further
//! inside than the server that named them.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use manyhands_core::{AuthError, AuthErrorKind, Printable, Secret, clip};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};
use rmcp::transport::auth::{
    OAuthHttpClient, OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRedirectPolicy,
    OAuthHttpRequest,
};
use serde::Deserialize;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a name may take to be looked up.
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);
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

type Answer = http::Response<Vec<u8>>;

/// How far inside a network an address lies; the order matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Public,
    Private,
    Loopback,
    /// Never a place for an authorization server: link-local, metadata services, multicast.
    Nowhere,
}

impl Reach {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(ip) if ip.is_loopback() => Self::Loopback,
            IpAddr::V4(ip) if ip.is_private() => Self::Private,
            // Carrier-grade NAT, RFC 6598.
            IpAddr::V4(ip) if ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64 => Self::Private,
            IpAddr::V4(ip)
                if ip.is_link_local()
                    || ip.is_multicast()
                    || ip.is_broadcast()
                    || ip.octets()[0] == 0 =>
            {
                Self::Nowhere
            }
            IpAddr::V6(ip) if ip.is_loopback() => Self::Loopback,
            IpAddr::V6(ip) if ip.is_unique_local() => Self::Private,
            IpAddr::V6(ip)
                if ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified() =>
            {
                Self::Nowhere
            }
            _ => Self::Public,
        }
    }

    /// Whether something that lies here may send us there.
    fn allows(self, address: IpAddr) -> bool {
        let there = Self::of(address);
        there != Self::Nowhere && there <= self
    }
}

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

    /// Sends a form, and gives back the status.
    pub(super) async fn post_form(
        &self,
        url: &str,
        form: String,
    ) -> Result<u16, OAuthHttpClientError> {
        let request = http::Request::post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into_bytes())?;
        Ok(self.send(request, &self.stopping).await?.status().as_u16())
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

/// Why a request is not made at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum Forbidden {
    #[error("{0} would be asked unencrypted")]
    Unencrypted(String),
    #[error("{0} lies further inside the network than the server that named it")]
    Inside(String),
    #[error("it is no http or https URL")]
    NotHttp,
}

#[derive(Debug, thiserror::Error)]
#[error("the answer is over 1 MiB")]
struct TooLarge;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each is replaced as a whole, so a panic elsewhere leaves them as they were.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check(url: &Url, resource: &Url, reach: Reach) -> Result<(), Forbidden> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let address = host_address(url);
    match url.scheme() {
        "https" => {}
        // The resource itself was checked by whoever configured it.
        "http"
            if address.is_some_and(|it| it.is_loopback()) || url.origin() == resource.origin() => {}
        "http" => return Err(Forbidden::Unencrypted(host)),
        _ => return Err(Forbidden::NotHttp),
    }
    match address {
        Some(address) if !reach.allows(address) => Err(Forbidden::Inside(host)),
        _ => Ok(()),
    }
}

/// The address that a URL names without a name.
fn host_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let name = host.strip_suffix('.').unwrap_or(host);
    if name == "localhost" || name.ends_with(".localhost") {
        return Some(IpAddr::from([127, 0, 0, 1]));
    }
    name.trim_matches(['[', ']']).parse().ok()
}

/// How far inside the server itself lies. One whose name nobody here knows is reached through a proxy, from outside.
async fn reach(resource: &Url) -> Reach {
    if let Some(address) = host_address(resource) {
        return Reach::of(address).min(Reach::Loopback);
    }
    let (Some(host), Some(port)) = (resource.host_str(), resource.port_or_known_default()) else {
        return Reach::Public;
    };
    match timeout(LOOKUP_LIMIT, lookup_host((host, port))).await {
        Ok(Ok(found)) => found
            .map(|it| Reach::of(it.ip()))
            .max()
            .unwrap_or(Reach::Public)
            .min(Reach::Loopback),
        _ => Reach::Public,
    }
}

/// Looks names up, and leaves out addresses that lie too far inside.
struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = timeout(LOOKUP_LIMIT, lookup_host((name.as_str(), 0))).await??;
            let allowed: Vec<SocketAddr> = found.filter(|it| reach.allows(it.ip())).collect();
            if allowed.is_empty() {
                let forbidden = Forbidden::Inside(name.as_str().to_owned());
                return Err(Box::new(forbidden) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(url: &str, resource: &str, reach: Reach) -> bool {
        check(
            &Url::parse(url).unwrap(),
            &Url::parse(resource).unwrap(),
            reach,
        )
        .is_ok()
    }

    #[test]
    fn nobody_is_sent_further_inside_than_the_server_itself() {
        let public = "https://mcp.example/mcp";
        for (url, reach, allowed) in [
            ("https://login.example/token", Reach::Public, true),
            ("https://93.184.216.34/token", Reach::Public, true),
            ("https://10.0.0.9/token", Reach::Public, false),
            ("https://10.0.0.9/token", Reach::Private, true),
            ("https://100.64.0.1/token", Reach::Public, false),
            ("https://127.0.0.1/token", Reach::Private, false),
            ("https://localhost/token", Reach::Private, false),
            ("https://[::ffff:127.0.0.1]/token", Reach::Private, false),
            ("https://127.0.0.1/token", Reach::Loopback, true),
            ("https://169.254.169.254/latest", Reach::Loopback, false),
            ("https://[fe80::1]/", Reach::Loopback, false),
            ("https://[fd00::1]/", Reach::Public, false),
            ("https://0.0.0.0/", Reach::Loopback, false),
        ] {
            assert_eq!(checked(url, public, reach), allowed, "{url} from {reach:?}");
        }
    }

    #[test]
    fn nothing_is_sent_unencrypted_to_another_machine() {
        let loopback = "http://127.0.0.1:1/mcp";
        assert!(checked(
            "http://127.0.0.1:2/token",
            loopback,
            Reach::Loopback
        ));
        assert!(checked(
            "http://localhost:2/token",
            loopback,
            Reach::Loopback
        ));
        assert!(!checked(
            "http://login.example/token",
            loopback,
            Reach::Loopback
        ));
        assert!(!checked("file:///etc/passwd", loopback, Reach::Loopback));
        // Who allowed plain http for the server itself allowed it for its own login too.
        assert!(checked(
            "http://mcp.corp/token",
            "http://mcp.corp/mcp",
            Reach::Private
        ));
        assert!(!checked(
            "http://mcp.corp:81/token",
            "http://mcp.corp/mcp",
            Reach::Private
        ));
    }
}
