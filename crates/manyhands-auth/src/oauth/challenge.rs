//! What a server wants when it refuses a request, from its `WWW-Authenticate` headers.

use manyhands_core::{Challenge, clip};

/// The longest challenge that is looked at, in bytes.
const MAX_HEADER: usize = 8 * 1024;
/// How many permissions one challenge may ask for.
const MAX_SCOPES: usize = 100;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Whether a token would do; a server that says nothing is taken to mean one.
    pub(super) bearer: bool,
    /// The challenge that tells most.
    pub(super) header: Option<String>,
    /// The permissions that it names.
    pub(super) scopes: Vec<String>,
}

impl Wanted {
    pub(super) fn read(challenge: &Challenge) -> Self {
        let headers = challenge
            .authenticate
            .iter()
            .filter(|it| it.len() <= MAX_HEADER);
        let bearers: Vec<&String> = headers.filter(|it| names_bearer(it)).collect();
        let tells = |name: &'static str| bearers.iter().find(|it| it.contains(name));
        let header = tells("resource_metadata")
            .or_else(|| tells("scope"))
            .or(bearers.first());
        let scopes = bearers.iter().find_map(|it| parameter(it, "scope"));
        Self {
            bearer: challenge.authenticate.is_empty() || !bearers.is_empty(),
            header: header.map(|it| (*it).clone()),
            scopes: scopes.map(|it| scopes_of(&it)).unwrap_or_default(),
        }
    }
}

fn scopes_of(text: &str) -> Vec<String> {
    let scopes = text.split_ascii_whitespace().take(MAX_SCOPES);
    scopes.map(|scope| clip(scope, 200).into_owned()).collect()
}

/// Whether one of the schemes in a header is `Bearer`. Several may share a header, separated by commas.
fn names_bearer(header: &str) -> bool {
    let mut parts = header.split(',').map(str::trim_start);
    parts.any(|part| {
        let scheme = part.split([' ', '\t']).next().unwrap_or_default();
        scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("dpop")
    })
}

/// The value of `name="value"` or `name=value`.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (before, after) = rest.split_once(name)?;
        rest = after;
        let begins = before.is_empty() || before.ends_with([' ', '\t', ',']);
        let Some(value) = after.trim_start().strip_prefix('=').filter(|_| begins) else {
            continue;
        };
        let value = value.trim_start();
        return Some(match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
            None => value
                .split([',', ' ', '\t'])
                .next()
                .unwrap_or_default()
                .to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(headers: &[&str]) -> Wanted {
        let headers = headers.iter().map(|it| (*it).to_owned()).collect();
        Wanted::read(&Challenge::new(401, headers, None))
    }

    #[test]
    fn the_challenge_that_tells_most_is_taken() {
        let found = wanted(&[
            "Basic realm=\"x\"",
            "Bearer",
            "bearer error=\"insufficient_scope\", scope=\"a b\", resource_metadata=\"https://a.example/prm\"",
        ]);
        assert!(found.bearer);
        assert!(found.header.unwrap().contains("resource_metadata"));
        assert_eq!(found.scopes, ["a", "b"]);
    }

    #[test]
    fn scopes_are_found_however_they_are_written() {
        for (header, scopes) in [
            ("Bearer scope=read", &["read"][..]),
            (
                "Bearer realm=\"scope\", scope = \"read  write\"",
                &["read", "write"],
            ),
            ("Bearer my_scope=\"no\"", &[]),
            ("Bearer scope=\"", &[]),
            ("Bearer scope", &[]),
        ] {
            assert_eq!(wanted(&[header]).scopes, scopes, "{header}");
        }
    }

    #[test]
    fn other_schemes_are_no_login() {
        assert!(!wanted(&["Basic realm=\"bearer\""]).bearer);
        assert!(!wanted(&["Negotiate"]).bearer);
        assert!(wanted(&["Basic realm=\"x\", Bearer realm=\"y\""]).bearer);
        assert!(wanted(&[]).bearer);
    }
}
