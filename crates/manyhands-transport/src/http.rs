//! Servers at a URL, over streamable HTTP, on a pooled client.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use manyhands_core::Secret;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode, Url};
use rmcp::transport::common::client_side_sse::NeverRetry;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
};

use crate::error::{ConnectErrorKind, OpenError};

/// How long a TCP and TLS connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How many redirects are followed; each must stay on the same origin.
const MAX_REDIRECTS: usize = 5;
/// How many requests to one server may be under way at once.
///
/// rmcp's default of 16 lets a few slow tools hold up all others of their server.
const MAX_REQUESTS: usize = 256;

/// How to reach a server over streamable HTTP.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct HttpSettings {
    /// The endpoint, such as `https://example.com/mcp`.
    pub url: String,
    /// Headers that go with every request, such as `Authorization`.
    pub headers: BTreeMap<String, Secret>,
}

impl HttpSettings {
    /// Reaches the endpoint at `url` without further headers.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: BTreeMap::new(),
        }
    }

    /// Sends a header with every request.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// The URL without what may be secret in it: user info and query.
    pub(crate) fn shown_url(&self) -> String {
        match Url::parse(&self.url) {
            Ok(mut url) => {
                // Both fail only for URLs that cannot hold a user, which then hold none.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.set_query(None);
                url.into()
            }
            Err(_) => "the configured URL".to_owned(),
        }
    }

    pub(crate) fn transport(&self) -> Result<StreamableHttpClientTransport<Client>, OpenError> {
        self.check_url()?;
        let client = self
            .proxy_aware()
            .connect_timeout(CONNECT_LIMIT)
            .tcp_nodelay(true)
            .redirect(same_origin_only())
            .user_agent(concat!("manyhands/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                OpenError::new(
                    ConnectErrorKind::Settings,
                    "the HTTP client cannot be set up",
                )
                .with_mend("check the machine's TLS certificates and proxy settings")
                .with_source(error)
            })?;
        let mut config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str());
        config.max_concurrent_requests = MAX_REQUESTS;
        config.custom_headers = self.header_map()?;
        // rmcp's default reopens a closed stream at once and for ever.
        config.retry_config = Arc::new(NeverRetry::default());
        Ok(StreamableHttpClientTransport::with_client(client, config))
    }

    /// A client that asks no proxy for what runs on this machine.
    fn proxy_aware(&self) -> ClientBuilder {
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        if host == "localhost" || address.is_ok_and(|ip| ip.is_loopback()) {
            Client::builder().no_proxy()
        } else {
            Client::builder()
        }
    }

    fn check_url(&self) -> Result<(), OpenError> {
        let usable = Url::parse(&self.url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if usable {
            return Ok(());
        }
        Err(OpenError::new(
            ConnectErrorKind::Settings,
            "its URL is not an absolute http or https URL",
        )
        .with_mend("write it as `https://host/path`"))
    }

    fn header_map(&self) -> Result<HashMap<HeaderName, HeaderValue>, OpenError> {
        let parse = |(name, value): (&String, &Secret)| {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            let mut value = HeaderValue::try_from(value.expose()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        let mut headers = HashMap::new();
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
            .finish()
    }
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

    #[tokio::test]
    async fn illegal_settings_are_refused_with_a_reason() {
        let refused =
            |settings: HttpSettings| settings.transport().err().map(|error| error.to_string());
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
}
