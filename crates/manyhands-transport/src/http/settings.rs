//! How a server at a URL is reached.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::tls::TlsSettings;
use crate::error::{ConnectErrorKind, OpenError};
use manyhands_core::{Credentials, Secret, is_this_machine};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode, Url};

/// How long a TCP and TLS connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How many redirects are followed; each must stay on the same origin.
const MAX_REDIRECTS: usize = 5;
/// How long a connection may carry nothing before its other end is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How to reach a server over HTTP.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct HttpSettings {
    /// The endpoint, such as `https://example.com/mcp`.
    pub url: String,
    /// Headers that go with every request, such as `Authorization`.
    pub headers: BTreeMap<String, Secret>,
    /// The Unix socket to connect to in place of the URL's host; `@name` is one of Linux's abstract sockets.
    pub unix_socket: Option<PathBuf>,
    /// Whom to trust, and as whom to come.
    pub tls: TlsSettings,
    /// Whether messages may travel unencrypted to another machine.
    pub allow_plain_http: bool,
    /// Gives the header `Authorization` where `headers` does not; none by default.
    pub credentials: Option<Credentials>,
}

impl HttpSettings {
    /// Reaches the endpoint at `url` without further headers.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ..Self::default()
        }
    }

    /// Sends a header with every request.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Connects to this Unix socket in place of the URL's host.
    #[must_use]
    pub fn with_unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix_socket = Some(path.into());
        self
    }

    /// Sets whom to trust, and as whom to come.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsSettings) -> Self {
        self.tls = tls;
        self
    }

    /// Lets messages travel unencrypted to another machine.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    /// Asks `credentials` for the header `Authorization` of every request.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The URL without what may be secret in it.
    pub(super) fn shown_url(&self) -> String {
        let url = Url::parse(&self.url).map_or("the configured URL".to_owned(), |url| bare(&url));
        match &self.unix_socket {
            Some(path) => format!("{url} over the socket {path:?}"),
            None => url,
        }
    }

    /// The client that all requests to this server share.
    pub(super) fn client(&self) -> Result<Client, OpenError> {
        self.tls
            .apply(self.over_socket(self.proxy_aware())?)?
            .connect_timeout(CONNECT_LIMIT)
            .tcp_nodelay(true)
            .tcp_keepalive(KEEP_ALIVE)
            .redirect(same_origin_only())
            .user_agent(concat!("manyhands/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                self.tls.explain(&error).unwrap_or_else(|| {
                    OpenError::new(
                        ConnectErrorKind::Settings,
                        "the HTTP client cannot be set up",
                    )
                    .with_mend("check the machine's TLS certificates and proxy settings")
                    .with_source(error)
                })
            })
    }

    #[cfg(unix)]
    fn over_socket(&self, builder: ClientBuilder) -> Result<ClientBuilder, OpenError> {
        Ok(match &self.unix_socket {
            Some(path) => builder.unix_socket(crate::unix::real(path)),
            None => builder,
        })
    }

    #[cfg(not(unix))]
    fn over_socket(&self, builder: ClientBuilder) -> Result<ClientBuilder, OpenError> {
        match &self.unix_socket {
            Some(path) => Err(crate::unix::unsupported(path)),
            None => Ok(builder),
        }
    }

    /// A client that asks no proxy for what runs on this machine.
    fn proxy_aware(&self) -> ClientBuilder {
        let url = Url::parse(&self.url).ok();
        if url
            .as_ref()
            .and_then(Url::host_str)
            .is_some_and(is_this_machine)
        {
            Client::builder().no_proxy()
        } else {
            Client::builder()
        }
    }

    pub(super) fn checked_url(&self) -> Result<Url, OpenError> {
        let url = Url::parse(&self.url).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else {
            return Err(OpenError::new(
                ConnectErrorKind::Settings,
                "its URL is not an absolute http or https URL",
            )
            .with_mend("write it as `https://host/path`"));
        };
        let host = url.host_str().unwrap_or_default();
        let stays_here = self.unix_socket.is_some() || is_this_machine(host);
        if url.scheme() == "http" && !stays_here && !self.allow_plain_http {
            return Err(OpenError::new(
                ConnectErrorKind::Settings,
                format!("its URL would send everything to {host} unencrypted, credentials included"),
            )
            .with_mend("write it with https, or set `manyhands.allowPlainHttp` to true in its entry if you trust the whole way there"));
        }
        Ok(url)
    }

    pub(super) fn header_map(&self) -> Result<HeaderMap, OpenError> {
        let parse = |(name, value): (&String, &Secret)| {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            let mut value = HeaderValue::try_from(value.expose()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        let mut headers = HeaderMap::new();
        for header in &self.headers {
            let (name, value) = parse(header).ok_or_else(|| {
                let shown = manyhands_core::clip(header.0, 80);
                OpenError::new(
                    ConnectErrorKind::Settings,
                    format!("its header {shown:?} is not legal in HTTP"),
                )
                .with_mend(
                    "remove line breaks and other control characters from its name and value",
                )
            })?;
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

impl std::fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSettings")
            .field("url", &self.shown_url())
            .field("headers", &self.headers)
            .field("tls", &self.tls)
            .field("allow_plain_http", &self.allow_plain_http)
            .finish()
    }
}

/// A URL without what may be secret in it: user info, query and fragment.
pub(super) fn bare(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs that cannot hold a user, which then hold none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// Follows only redirects that keep the message and stay with the same origin.
///
/// Any other would lose the request's body, or show the session and the
/// headers, credentials among them, to another host.
fn same_origin_only() -> Policy {
    Policy::custom(|attempt| {
        let keeps_body = matches!(
            attempt.status(),
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        let first = attempt.previous().first();
        let same_origin = first.is_some_and(|url| url.origin() == attempt.url().origin());
        if keeps_body && same_origin && attempt.previous().len() <= MAX_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_headers_nor_what_is_secret_in_the_url() {
        let settings = HttpSettings::new("https://me:pw@example.com/mcp?key=k1")
            .with_header("Authorization", "Bearer t0k");
        let shown = format!("{settings:?}");
        assert!(shown.contains("https://example.com/mcp"), "{shown}");
        for secret in ["pw", "k1", "t0k"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn illegal_settings_are_refused_with_a_reason() {
        let refused = |settings: HttpSettings| {
            let client = crate::http::client::Client::new(&settings);
            client.err().map(|error| error.to_string())
        };
        assert_eq!(
            refused(HttpSettings::new("localhost:80/mcp")).unwrap(),
            "its URL is not an absolute http or https URL"
        );
        let header = HttpSettings::new("http://localhost/mcp").with_header("X-A", "a\nb");
        assert_eq!(
            refused(header).unwrap(),
            "its header \"X-A\" is not legal in HTTP"
        );
        assert_eq!(refused(HttpSettings::new("http://localhost/mcp")), None);
    }

    #[test]
    fn only_this_machine_is_spoken_to_unencrypted_unless_allowed() {
        let refused = |settings: HttpSettings| settings.checked_url().err();
        for here in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "127.0.0.1",
            "127.8.7.6",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            let found = refused(HttpSettings::new(format!("http://{here}:8080/mcp")));
            assert!(found.is_none(), "{here}: {found:?}");
        }
        for elsewhere in [
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "127.0.0.1.example.com",
            "10.0.0.1",
            "0.0.0.0",
            "128.0.0.1",
            "[::2]",
            "[fe80::1]",
        ] {
            let plain = format!("http://{elsewhere}/mcp?key=k1");
            let found = refused(HttpSettings::new(&plain)).unwrap();
            assert_eq!(
                found.to_string(),
                format!(
                    "its URL would send everything to {elsewhere} unencrypted, credentials included"
                )
            );
            assert!(found.mend().unwrap().contains("manyhands.allowPlainHttp"));
            for allowed in [
                HttpSettings::new(&plain).allow_plain_http(),
                HttpSettings::new(&plain).with_unix_socket("/s"),
                HttpSettings::new(plain.replacen("http", "https", 1)),
            ] {
                assert!(refused(allowed).is_none(), "{elsewhere}");
            }
        }
    }
}
