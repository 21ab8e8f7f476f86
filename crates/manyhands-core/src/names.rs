//! Who is meant: servers, and what they offer, under names that never clash.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::hash::short_hash;

/// The longest server id, in bytes.
const MAX_ID: usize = 32;

/// Names one server within a toolkit: `[A-Za-z][A-Za-z0-9_-]{0,31}` without `__`.
///
/// The double underscore is kept free because it separates server and tool in
/// the names that model APIs see.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerId(Arc<str>);

impl ServerId {
    /// Checks `text` and makes it an id.
    ///
    /// # Errors
    /// [`InvalidServerId`] when `text` does not have the form above.
    pub fn parse(text: &str) -> Result<Self, InvalidServerId> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let legal = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if starts_well && legal && text.len() <= MAX_ID && !text.contains("__") {
            Ok(Self(text.into()))
        } else {
            Err(InvalidServerId {
                text: crate::clip(text, 80).into_owned(),
            })
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Maps by id are asked with a text, which need not be an id.
impl Borrow<str> for ServerId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ServerId {
    type Error = InvalidServerId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ServerId> for String {
    fn from(id: ServerId) -> Self {
        id.0.as_ref().into()
    }
}

/// A text that cannot be a [`ServerId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "read {text:?} as a server id: it must begin with a letter, hold only letters, digits, `-` and \
     single `_`, and be at most 32 characters long"
)]
pub struct InvalidServerId {
    text: String,
}

/// Names a tool or prompt across all servers, written `server.name`.
///
/// A server id holds no dot, so the text is read back by cutting at the first
/// dot, whatever the server calls its tools.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct QualifiedName {
    server: ServerId,
    name: Arc<str>,
}

impl QualifiedName {
    /// Puts together the server and the name that this server gave.
    #[must_use]
    pub fn new(server: ServerId, name: impl Into<Arc<str>>) -> Self {
        Self {
            server,
            name: name.into(),
        }
    }

    /// Reads `server.name`.
    ///
    /// # Errors
    /// [`InvalidName`] when there is no dot, nothing behind it, or no server's name before it.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let parts = text.split_once('.').filter(|(_, name)| !name.is_empty());
        let parts = parts.and_then(|(server, name)| Some((ServerId::parse(server).ok()?, name)));
        let (server, name) = parts.ok_or_else(|| InvalidName {
            text: text.to_owned(),
        })?;
        Ok(Self::new(server, name))
    }

    /// The server that offers it.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        &self.server
    }

    /// The name on that server, as the server wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.server, self.name)
    }
}

impl TryFrom<String> for QualifiedName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for QualifiedName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that cannot be a [`QualifiedName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as a name: expected server.name, such as slack.search_messages")]
pub struct InvalidName {
    text: String,
}

/// Gives each configuration key its server id, in the keys' order.
///
/// A key that is a legal id stays as it is. Any other key becomes a slug of
/// itself. Where two ids would differ by nothing, or by case only, the earlier
/// legal key keeps the plain form and the other gets a suffix that is a hash of
/// its own key: adding a server at the end never renames the ones before it.
///
/// ```
/// let ids = manyhands_core::assign_ids(["slack", "My Server", "my-server"]);
/// assert_eq!(ids[0].as_str(), "slack");
/// assert_eq!(ids[2].as_str(), "my-server");
/// assert!(ids[1].as_str().starts_with("my-server-"));
/// ```
pub fn assign_ids<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<ServerId> {
    let keys: Vec<&str> = keys.into_iter().collect();
    let mut ids: Vec<Option<ServerId>> = vec![None; keys.len()];
    let mut taken = HashSet::new();
    for (key, id) in keys.iter().zip(&mut ids) {
        *id = ServerId::parse(key)
            .ok()
            .filter(|id| taken.insert(id.as_str().to_ascii_lowercase()));
    }
    keys.iter()
        .zip(ids)
        .map(|(key, id)| id.unwrap_or_else(|| slug_id(key, &mut taken)))
        .collect()
}

/// Makes an id of a key that is none, or that another key already has.
fn slug_id(key: &str, taken: &mut HashSet<String>) -> ServerId {
    let slug = slug(key);
    let nothing_left = slug.is_empty();
    let plain = if nothing_left {
        "server".to_owned()
    } else {
        slug
    };
    // A key can be repeated word for word, so the hash takes in a count as well.
    let salted = (0_u32..).map(|n| {
        if n == 0 {
            key.to_owned()
        } else {
            format!("{key}#{n}")
        }
    });
    let suffixed = salted.map(|text| {
        let head: String = plain.chars().take(MAX_ID - 9).collect();
        format!(
            "{}-{}",
            head.trim_end_matches(['-', '_']),
            short_hash(&text)
        )
    });
    std::iter::once(plain.clone())
        .filter(|_| !nothing_left)
        .chain(suffixed)
        .find_map(|text| {
            let id = ServerId::parse(&text).ok()?;
            taken.insert(text.to_ascii_lowercase()).then_some(id)
        })
        .expect("an unlimited supply of suffixes holds one that is free")
}

/// Reduces a key to lowercase ASCII letters and digits joined by single hyphens.
fn slug(key: &str) -> String {
    let mut out = String::new();
    for c in key.chars().take(256) {
        let kept = c.is_ascii_alphanumeric() || c == '_';
        if kept && !(c == '_' && out.ends_with('_')) {
            out.push(c.to_ascii_lowercase());
        } else if !kept && !out.ends_with(['-', '_']) {
            out.push('-');
        }
    }
    let out = out.trim_matches(['-', '_']);
    let needs_letter = out.starts_with(|c: char| c.is_ascii_digit());
    let mut id = if needs_letter {
        format!("server-{out}")
    } else {
        out.to_owned()
    };
    id.truncate(MAX_ID);
    id.truncate(id.trim_end_matches(['-', '_']).len());
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(keys: &[&str]) -> Vec<String> {
        assign_ids(keys.iter().copied())
            .into_iter()
            .map(String::from)
            .collect()
    }

    #[test]
    fn a_name_is_read_back_by_its_first_dot() {
        let name = QualifiedName::parse("git.admin.log").unwrap();
        assert_eq!((name.server().as_str(), name.name()), ("git", "admin.log"));
        assert_eq!(name.to_string(), "git.admin.log");
        for bad in ["", "git", "git.", ".log", "a__b.log"] {
            assert!(QualifiedName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn legal_ids_parse_and_others_do_not() {
        for good in ["a", "Slack", "my_server-2", &"x".repeat(32)] {
            assert!(ServerId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1st",
            "a__b",
            "a.b",
            "a b",
            "_a",
            "日本",
            &"x".repeat(33),
        ] {
            assert!(ServerId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_that_fits_stays_as_it_is() {
        assert_eq!(ids(&["git", "GitHub_2"]), ["git", "GitHub_2"]);
    }

    #[test]
    fn other_keys_become_stable_slugs() {
        assert_eq!(ids(&["鸣潮 MCP Server"]), ["mcp-server"]);
        assert_eq!(
            ids(&["@modelcontextprotocol/server-git"]),
            ["modelcontextprotocol-server-git"]
        );
        assert_eq!(ids(&["3d tools"]), ["server-3d-tools"]);
        assert_eq!(ids(&["a__b"]), ["a_b"]);
        assert_eq!(ids(&["日本"]), [format!("server-{}", short_hash("日本"))]);
    }

    #[test]
    fn ids_that_differ_only_by_case_clash() {
        let got = ids(&["Slack", "slack"]);
        assert_eq!(got[0], "Slack");
        assert_eq!(got[1], format!("slack-{}", short_hash("slack")));
    }

    #[test]
    fn every_id_is_legal_and_unique_for_hostile_keys() {
        let long = "x".repeat(4_096);
        let keys = [
            "", "", " ", "\u{202e}", "a b", "a-b", "A B", &long, &long, "__", "-", "💥",
        ];
        let got = ids(&keys);
        let unique: HashSet<_> = got.iter().map(|id| id.to_ascii_lowercase()).collect();
        assert_eq!(unique.len(), keys.len());
        assert!(got.iter().all(|id| ServerId::parse(id).is_ok()), "{got:?}");
    }

    #[test]
    fn adding_a_server_at_the_end_renames_no_other() {
        let before = ids(&["My Server", "git"]);
        assert_eq!(before, ids(&["My Server", "git", "my server"])[..2]);
    }
}
