//! One `GET` as a browser sends it, and the parts of a URL. It follows nothing.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::head::{Response, read_response};

/// How long a page may take in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The parts of a URL that say where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) scheme: &'a str,
    /// Without a port, and with the brackets of an IPv6 address.
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
    /// The path and the query, which may be empty.
    pub(crate) target: &'a str,
}

impl<'a> Place<'a> {
    /// Takes a URL apart; none where it has no host, or a port that is no number.
    pub(crate) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (authority, None),
        };
        (!host.is_empty()).then_some(Self {
            scheme,
            host,
            port,
            target,
        })
    }

    /// Whether only this machine can be meant.
    pub(crate) fn is_loopback(&self) -> bool {
        matches!(self.host, "127.0.0.1" | "[::1]" | "localhost")
    }
}

/// Gets a page of this machine, with more headers where they are given.
///
/// # Errors
/// Fails for a URL of any other machine, and where no answer comes in time.
pub(crate) async fn get(url: &str, headers: &str) -> io::Result<Response> {
    let place = Place::of(url).filter(|it| it.scheme == "http" && it.is_loopback());
    let Some(place) = place else {
        let message = "only pages of this machine are visited";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    };
    let exchanged = tokio::time::timeout(PATIENCE, exchange(place, headers));
    exchanged.await.map_err(io::Error::from)?
}

async fn exchange(place: Place<'_>, headers: &str) -> io::Result<Response> {
    let host = place.host.trim_matches(['[', ']']);
    let port = place.port.unwrap_or(80);
    let mut stream = TcpStream::connect((host, port)).await?;
    let target = place.target.split('#').next().unwrap_or_default();
    let slash = if target.starts_with('/') { "" } else { "/" };
    let request = format!(
        "GET {slash}{target} HTTP/1.1\r\nhost: {}:{port}\r\n{headers}connection: close\r\n\r\n",
        place.host
    );
    stream.write_all(request.as_bytes()).await?;
    read_response(BufReader::new(stream)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, expected) in [
            (
                "http://127.0.0.1:80/a?b",
                Some(("127.0.0.1", Some(80), "/a?b")),
            ),
            ("http://[::1]", Some(("[::1]", None, ""))),
            ("http://[::1]:9?x", Some(("[::1]", Some(9), "?x"))),
            (
                "https://example.com/c:d",
                Some(("example.com", None, "/c:d")),
            ),
            ("http://h:port/", None),
            ("http:///a", None),
            ("a", None),
        ] {
            let place = Place::of(url).map(|it| (it.host, it.port, it.target));
            assert_eq!(place, expected, "{url}");
        }
    }

    #[tokio::test]
    async fn other_machines_are_not_visited() {
        for url in ["http://127.0.0.1.example/", "https://127.0.0.1/", "x"] {
            let error = get(url, "").await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{url}");
        }
    }
}
