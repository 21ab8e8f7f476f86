//! Where a server is: a program to start, or an address to call.
//!
//! What is secret in an endpoint never shows: `Debug` gives keys without their
//! values, counts arguments, and shows a command as it was written.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::socket::{self, Socket};

/// Tells how one server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// A child process that speaks over its standard input and output.
    Stdio(StdioEndpoint),
    /// A server that speaks streamable HTTP.
    Http(HttpEndpoint),
    /// A server that speaks the HTTP transport of 2024-11-05: an event stream, and a POST per message.
    Sse(HttpEndpoint),
    /// A server that speaks newline-delimited JSON at a Unix socket.
    Unix(UnixEndpoint),
}

/// A program to start, with all references filled in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StdioEndpoint {
    /// The program, as a path or as a name that is looked up in `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// The variables it gets: those of the `envFile`, overruled by those of `env`.
    pub env: BTreeMap<String, String>,
    /// The absolute directory to start in, where the entry names one.
    pub cwd: Option<PathBuf>,
    /// The command and the directory before references were filled in, which is what may be shown.
    pub(crate) written: (String, Option<String>),
}

/// An address to call, with all references filled in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpEndpoint {
    /// The absolute `http` or `https` URL.
    pub url: String,
    /// The headers that go with every request.
    pub headers: BTreeMap<String, String>,
    /// The Unix socket to connect to in place of the URL's host, where the entry names one by `unix://`.
    pub unix_socket: Option<PathBuf>,
    /// The URL before references were filled in, of which a part may be shown.
    pub(crate) written: String,
}

/// A Unix socket to connect to, with all references filled in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnixEndpoint {
    /// The socket's absolute path, or `@name` for one of Linux's abstract sockets.
    pub path: PathBuf,
    /// The URL before references were filled in, which is what may be shown.
    pub(crate) written: String,
}

impl Endpoint {
    /// The same server at another URL. Headers go there too.
    ///
    /// # Errors
    /// What is wrong with the URL, as a clause.
    pub fn at(&self, url: &str) -> Result<Self, &'static str> {
        match (self, socket::parse(url).transpose()?) {
            (Self::Stdio(_), _) => Err("a server with a command has no URL"),
            (
                Self::Unix(_),
                Some(Socket {
                    path,
                    endpoint: None,
                }),
            ) => {
                let written = String::new();
                Ok(Self::Unix(UnixEndpoint { path, written }))
            }
            (Self::Unix(_), _) => Err("this does not name a socket, as the server's own URL does"),
            (Self::Http(remote), socket) => remote.at(url, socket).map(Self::Http),
            (Self::Sse(remote), socket) => remote.at(url, socket).map(Self::Sse),
        }
    }
}

impl HttpEndpoint {
    /// Calls what stands behind a URL, or behind the socket that it names.
    fn at(&self, url: &str, socket: Option<Socket>) -> Result<Self, &'static str> {
        let (url, unix_socket) = match socket {
            Some(Socket { path, endpoint }) => {
                let endpoint = endpoint.as_deref().unwrap_or("/");
                (format!("http://localhost{endpoint}"), Some(path))
            }
            None if is_http(url) => (url.to_owned(), None),
            None => return Err("this is not an absolute http or https URL"),
        };
        Ok(Self {
            url,
            headers: self.headers.clone(),
            unix_socket,
            // References are filled in already, so that nothing of it may be shown.
            written: String::new(),
        })
    }
}

impl fmt::Debug for StdioEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (command, cwd) = &self.written;
        f.debug_struct("StdioEndpoint")
            .field("command", command)
            .field("args", &format_args!("[{} hidden]", self.args.len()))
            .field("env", &Keys(&self.env))
            .field("cwd", cwd)
            .finish()
    }
}

impl fmt::Debug for HttpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpEndpoint")
            .field("url", &format_args!("{:?}", origin(&self.written)))
            .field("headers", &Keys(&self.headers))
            .finish()
    }
}

impl fmt::Debug for UnixEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixEndpoint").field(&self.written).finish()
    }
}

/// Shows which keys there are, and no value.
struct Keys<'a>(&'a BTreeMap<String, String>);

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Whether `url` is absolute, has a host, and is of a scheme that can be called.
pub(crate) fn is_http(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let (_, host) = authority(rest);
    let name = host.split(':').next().unwrap_or_default();
    known && !name.is_empty() && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// The scheme and host. Path, query and user part may all hold a key, so none of them is shown.
fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "…".to_owned();
    };
    let (before, host) = authority(rest);
    let user = if before.is_empty() { "" } else { "…@" };
    let path = if rest.len() > before.len() + host.len() {
        "/…"
    } else {
        ""
    };
    format!("{scheme}://{user}{host}{path}")
}

/// Splits off the user part, with its `@`, and the host with its port.
fn authority(rest: &str) -> (&str, &str) {
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at(end);
    authority
        .rfind('@')
        .map_or(("", authority), |at| authority.split_at(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_http_urls_are_urls() {
        for good in [
            "http://localhost:3000/mcp",
            "HTTPS://u:p@example.com?x",
            "http://[::1]/",
        ] {
            assert!(is_http(good), "{good}");
        }
        let bad = [
            "",
            "example.com/mcp",
            "/mcp",
            "ws://a",
            "http://",
            "http:///x",
            "http://:80/",
            "http://u@/",
            "http://a b",
        ];
        for bad in bad {
            assert!(!is_http(bad), "{bad}");
        }
    }

    #[test]
    fn a_server_is_at_another_url_with_its_headers_or_it_is_said_why_not() {
        let headers = BTreeMap::from([("X-Key".to_owned(), "canary".to_owned())]);
        let http = HttpEndpoint {
            url: "https://a.example/mcp".to_owned(),
            headers: headers.clone(),
            unix_socket: None,
            written: "https://a.example/mcp".to_owned(),
        };
        let at = |url| match Endpoint::Sse(http.clone()).at(url) {
            Ok(Endpoint::Sse(there)) => {
                assert_eq!(there.headers, headers);
                assert!(!format!("{there:?}").contains("canary"));
                (there.url, there.unix_socket)
            }
            other => panic!("{other:?}"),
        };
        let url = "https://canary.example/mcp";
        assert_eq!(at(url), (url.to_owned(), None));
        let local = "http://localhost/mcp".to_owned();
        assert_eq!(at("unix:///s#mcp"), (local, Some("/s".into())));
        let unix = Endpoint::Unix(UnixEndpoint {
            path: "/s".into(),
            written: String::new(),
        });
        assert!(matches!(unix.at("unix:///t"), Ok(Endpoint::Unix(it)) if it.path == *"/t"));
        for (endpoint, url) in [
            (&Endpoint::Http(http.clone()), "a.example/mcp"),
            (&Endpoint::Http(http.clone()), "unix:"),
            (&unix, "https://a.example"),
            (&unix, "unix:///t#/mcp"),
        ] {
            assert!(endpoint.at(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_origin_shows_neither_user_nor_path_nor_query() {
        assert_eq!(
            origin("https://me:canary@host:1/canary?k=canary"),
            "https://…@host:1/…"
        );
        assert_eq!(origin("https://host"), "https://host");
        assert_eq!(origin("https://host?canary"), "https://host/…");
        assert_eq!(origin("canary"), "…");
    }
}
