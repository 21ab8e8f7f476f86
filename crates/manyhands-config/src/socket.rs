//! Sockets, as URLs name them: `unix:///path/to.sock`, and `unix:///path/to.sock#/mcp` as VS Code writes the path of
//! the HTTP endpoint behind one.

use std::path::PathBuf;

/// A Unix socket, and what is asked for there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Socket {
    pub(crate) path: PathBuf,
    /// The path of the HTTP endpoint, where the URL has one.
    pub(crate) endpoint: Option<String>,
}

/// Reads a URL of the scheme `unix`; none where it has another, and a fault's text where it names no socket.
pub(crate) fn parse(url: &str) -> Option<Result<Socket, &'static str>> {
    let (scheme, rest) = url.split_once(':')?;
    scheme
        .eq_ignore_ascii_case("unix")
        .then(|| named(rest.strip_prefix("//").unwrap_or(rest)))
}

fn named(rest: &str) -> Result<Socket, &'static str> {
    let (path, endpoint) = match rest.split_once('#') {
        Some((path, endpoint)) => (path, Some(endpoint)),
        None => (rest, None),
    };
    let whole = path.starts_with('/') || path.starts_with('@');
    if !whole || path.len() < 2 {
        return Err("this does not name a socket by an absolute path");
    }
    let path = decoded(path).ok_or("this has an escape that is none")?;
    let endpoint = endpoint.map(|it| format!("/{}", it.trim_start_matches('/')));
    if endpoint
        .as_ref()
        .is_some_and(|it| it.contains(|c: char| c.is_whitespace() || c.is_control()))
    {
        return Err("this has white space in the path behind the socket");
    }
    let path = PathBuf::from(path);
    Ok(Socket { path, endpoint })
}

/// The text with `%20` and the like as what they stand for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        plain.push(u8::try_from(high * 16 + low).ok()?);
    }
    let plain = String::from_utf8(plain).ok()?;
    (!plain.contains('\0')).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_read_as_vs_code_and_others_write_them() {
        for (url, path, endpoint) in [
            ("unix:///run/a.sock", "/run/a.sock", None),
            ("UNIX:/run/a.sock", "/run/a.sock", None),
            ("unix:///run/a.sock#/mcp/x", "/run/a.sock", Some("/mcp/x")),
            ("unix:///run/a.sock#mcp", "/run/a.sock", Some("/mcp")),
            ("unix:///run/a.sock#", "/run/a.sock", Some("/")),
            ("unix:///run/my%20%C3%BC.sock", "/run/my ü.sock", None),
            ("unix://@egress", "@egress", None),
        ] {
            let expected = Socket {
                path: path.into(),
                endpoint: endpoint.map(str::to_owned),
            };
            assert_eq!(parse(url), Some(Ok(expected)), "{url}");
        }
        for bad in [
            "unix:",
            "unix://",
            "unix:///",
            "unix://@",
            "unix://run/a.sock",
            "unix:a",
            "unix:///a%2",
            "unix:///a%zz",
            "unix:///a%00",
            "unix:///a%FF",
            "unix:///a#/b c",
        ] {
            assert!(
                matches!(parse(bad), Some(Err(_))),
                "{bad}: {:?}",
                parse(bad)
            );
        }
        for other in ["https://a.example/mcp", "unixoid:///a", "/run/a.sock", ""] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
