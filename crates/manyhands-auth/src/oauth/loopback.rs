//! Waits on this machine for a browser that comes back from a login.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use manyhands_core::{AuthError, AuthErrorKind, Secret};
use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The path that the browser is sent to, where the settings name none.
const PATH: &str = "/callback";
/// The longest request that is read, in bytes.
const MAX_REQUEST: usize = 32 * 1024;
/// How many connections are heard at once; browsers open some and say nothing on them.
const MAX_CONNECTIONS: usize = 32;
/// How long one of them may take to say what it wants.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);
/// How long a page may take to be delivered.
const PAGE_LIMIT: Duration = Duration::from_secs(5);

pub(super) struct Loopback {
    listener: TcpListener,
    path: String,
    pub(super) uri: String,
}

/// A browser that came back and waits for its page.
pub(super) struct Visit {
    pub(super) url: Secret,
    stream: TcpStream,
}

impl Loopback {
    /// Listens at `configured`, else where `preferred` was, else at any free port. None where the configured URL is
    /// not on this machine.
    pub(super) async fn bind(
        configured: Option<&str>,
        preferred: Option<&str>,
    ) -> Result<Option<Self>, AuthError> {
        if let Some(uri) = configured {
            let Some(place) = Place::of(uri) else {
                return Ok(None);
            };
            let listener = place.listen().await.map_err(|error| {
                let cause = format!("nobody can listen at its redirect URL {uri}: {error}");
                AuthError::new(AuthErrorKind::Misconfigured, cause)
                    .with_mend("free that port, or change `manyhands.oauth.redirectUri`")
            })?;
            return Self::at(listener, &place).map(Some);
        }
        if let Some(place) = preferred.and_then(Place::of)
            && let Ok(listener) = place.listen().await
        {
            return Self::at(listener, &place).map(Some);
        }
        let place = Place {
            host: "127.0.0.1".to_owned(),
            port: 0,
            path: PATH.to_owned(),
        };
        let listener = place
            .listen()
            .await
            .map_err(|error| cannot_listen(&error))?;
        Self::at(listener, &place).map(Some)
    }

    fn at(listener: TcpListener, place: &Place) -> Result<Self, AuthError> {
        let port = listener
            .local_addr()
            .map_err(|error| cannot_listen(&error))?
            .port();
        Ok(Self {
            listener,
            path: place.path.clone(),
            uri: format!("http://{}:{port}{}", place.host, place.path),
        })
    }

    /// Waits for the browser that carries `state`. Cancel safe.
    pub(super) async fn visit(&self, state: &str) -> Visit {
        let mut heard = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(visit) = heard.next() => {
                    if let Some(visit) = visit {
                        return visit;
                    }
                }
                accepted = self.listener.accept(), if heard.len() < MAX_CONNECTIONS => {
                    // An accept that fails is of a connection that has gone.
                    if let Ok((stream, _)) = accepted {
                        heard.push(async {
                            timeout(REQUEST_LIMIT, self.hear(stream, state)).await.ok().flatten()
                        });
                    }
                }
            }
        }
    }

    /// Reads one request, and answers it at once unless it is the one that is waited for.
    async fn hear(&self, mut stream: TcpStream, state: &str) -> Option<Visit> {
        let target = target(&mut stream).await?;
        let url = Url::parse(&self.uri).and_then(|it| it.join(&target)).ok()?;
        let known = url
            .query_pairs()
            .any(|(name, value)| name == "state" && value == state);
        if url.path() != self.path {
            page(&mut stream, "404 Not Found", "There is nothing here", "").await;
            return None;
        }
        if !known {
            let what =
                "This is not the login that is being waited for. Start it again from Manyhands.";
            page(&mut stream, "400 Bad Request", "Unknown login", what).await;
            return None;
        }
        let url = Secret::new(url);
        Some(Visit { url, stream })
    }
}

impl Visit {
    /// Tells the person how the login ended.
    pub(super) async fn answer(mut self, result: Result<(), &AuthError>) {
        let (status, title, text) = match result {
            Ok(()) => (
                "200 OK",
                "You are logged in",
                "You can close this window.".to_owned(),
            ),
            Err(error) => (
                "400 Bad Request",
                "The login failed",
                format!("Because {}.", error.cause()),
            ),
        };
        page(&mut self.stream, status, title, &text).await;
    }
}

/// A URL of this machine that a browser can be sent to.
struct Place {
    host: String,
    port: u16,
    path: String,
}

impl Place {
    fn of(uri: &str) -> Option<Self> {
        let url = Url::parse(uri).ok().filter(|it| it.scheme() == "http")?;
        let host = url
            .host_str()
            .filter(|it| matches!(*it, "localhost" | "127.0.0.1" | "[::1]"))?;
        Some(Self {
            host: host.to_owned(),
            port: url.port_or_known_default()?,
            path: url.path().to_owned(),
        })
    }

    async fn listen(&self) -> std::io::Result<TcpListener> {
        TcpListener::bind((self.host.trim_matches(['[', ']']), self.port)).await
    }
}

fn cannot_listen(error: &std::io::Error) -> AuthError {
    AuthError::new(
        AuthErrorKind::Unavailable,
        format!("nobody can listen on this machine for the end of its login: {error}"),
    )
}

/// The target of a GET request, once its head has been read.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        if head.len() > MAX_REQUEST || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut words = head.lines().next()?.split(' ');
    let target = (words.next()? == "GET").then(|| words.next()).flatten()?;
    target.starts_with('/').then(|| target.to_owned())
}

async fn page(stream: &mut TcpStream, status: &str, title: &str, text: &str) {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    let body = format!(
        "<!doctype html><meta charset=utf-8><title>{title}</title>\
         <body style=\"font:18px/1.5 system-ui;margin:15vh auto;max-width:32em;padding:0 1em\">\
         <h1 style=\"font-size:1.4em\">{title}</h1><p>{escaped}"
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // A browser that has gone does not want it.
    let sent = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = timeout(PAGE_LIMIT, sent).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(uri: &str) -> String {
        let url = Url::parse(uri).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap()))
            .await
            .unwrap();
        let request = format!(
            "GET {}?{} HTTP/1.1\r\n\r\n",
            url.path(),
            url.query().unwrap_or_default()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn only_the_browser_with_the_right_state_counts() {
        let loopback = Loopback::bind(None, None).await.unwrap().unwrap();
        let uri = loopback.uri.clone();
        let waiting = tokio::spawn(async move {
            let visit = loopback.visit("s1").await;
            let url = visit.url.expose().to_owned();
            visit.answer(Ok(())).await;
            url
        });
        // Browsers open connections ahead, on which nothing is ever said.
        let port = Url::parse(&uri).unwrap().port().unwrap();
        let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        assert!(
            get(&uri.replace("callback", "favicon.ico"))
                .await
                .contains("404")
        );
        assert!(
            get(&format!("{uri}?code=a&state=s2"))
                .await
                .contains("Unknown login")
        );
        assert!(
            get(&format!("{uri}?code=a&state=s1"))
                .await
                .contains("You are logged in")
        );
        assert_eq!(waiting.await.unwrap(), format!("{uri}?code=a&state=s1"));
    }

    #[tokio::test]
    async fn a_redirect_elsewhere_is_not_listened_for() {
        for elsewhere in [
            "https://a.example/cb",
            "http://a.example:80/cb",
            "https://localhost/cb",
            "app:cb",
        ] {
            assert!(
                Loopback::bind(Some(elsewhere), None)
                    .await
                    .unwrap()
                    .is_none(),
                "{elsewhere}"
            );
        }
        let taken = Loopback::bind(None, None).await.unwrap().unwrap();
        assert!(Loopback::bind(Some(&taken.uri), None).await.is_err());
        let other = Loopback::bind(None, Some(&taken.uri))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(other.uri, taken.uri);
    }
}
