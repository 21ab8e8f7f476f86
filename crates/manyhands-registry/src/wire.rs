//! Names that every model API accepts, made from any server's names.
//!
//! A wire name is a pure function of server and name: adding a server never
//! renames another's tools. It is read back through the catalogue's table and
//! never by cutting it apart.

use manyhands_core::{ServerId, short_hash};

/// Whose rules a name for a model has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ModelApi {
    /// OpenAI, and whoever speaks its API: letters, digits, `_` and `-`, at most 64. The narrowest of all, so that its
    /// names do everywhere.
    #[default]
    OpenAi,
    /// Anthropic: the same characters, at most 128 (`^[a-zA-Z0-9_-]{1,128}$`, as its errors have it).
    Anthropic,
    /// Gemini: the same characters beginning with a letter or `_`, at most 64. Its references differ in whether dots and
    /// colons are allowed too, so none are used.
    Gemini,
}

impl ModelApi {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// The longest name, in bytes.
    fn max(self) -> usize {
        match self {
            Self::OpenAi | Self::Gemini => 64,
            Self::Anthropic => 128,
        }
    }
}

/// The name under which any model sees `name` of `server`: `server__name` in `[A-Za-z0-9_-]`, at most
/// 64 bytes, with a short hash wherever anything was lost.
///
/// ```
/// use manyhands_core::ServerId;
/// use manyhands_registry::wire_name;
///
/// let git = ServerId::parse("git")?;
/// assert_eq!(wire_name(&git, "git_log"), "git__git_log");
/// assert!(wire_name(&git, "admin.log").starts_with("git__admin_log_"));
/// # Ok::<(), manyhands_core::InvalidServerId>(())
/// ```
#[must_use]
pub fn wire_name(server: &ServerId, name: &str) -> String {
    wire_name_for(ModelApi::default(), server, name)
}

/// The name under which models of one API see `name` of `server`.
#[must_use]
pub fn wire_name_for(api: ModelApi, server: &ServerId, name: &str) -> String {
    let max = api.max();
    let plain = format!("{server}__{name}");
    // "a_" + "b" and "a" + "_b" would read the same, so the first of them is marked as well, by a hash of its own.
    let ambiguous = server.as_str().ends_with('_');
    if !ambiguous && !name.is_empty() && plain.len() <= max && plain.bytes().all(is_safe) {
        return plain;
    }
    let hash = if ambiguous {
        short_hash(&format!("{server}\0{name}"))
    } else {
        short_hash(&plain)
    };
    let mut head: String = plain
        .chars()
        .map(|c| {
            if c.is_ascii() && is_safe(c as u8) {
                c
            } else {
                '_'
            }
        })
        .collect();
    head.truncate(max - hash.len() - 1);
    format!("{head}_{hash}")
}

/// The servers whose tools may have this name: no id holds `__`, and only one that ends in `_` can reach into it.
pub(crate) fn servers_in(wire: &str) -> [&str; 2] {
    let end = wire.find("__");
    let id = |end: Option<usize>| end.and_then(|end| wire.get(..end)).unwrap_or_default();
    [id(end), id(end.map(|end| end + 1))]
}

fn is_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn wire(server: &str, name: &str) -> String {
        wire_name(&ServerId::parse(server).unwrap(), name)
    }

    #[test]
    fn what_is_legal_stays_readable() {
        assert_eq!(wire("slack", "search_messages"), "slack__search_messages");
        assert_eq!(wire("s", "a-b__c"), "s__a-b__c");
    }

    #[test]
    fn what_is_lost_is_told_apart_by_a_hash() {
        let long = "x".repeat(4_096);
        let longer = format!("{long}y");
        let names = [
            wire("s", "a.b"),
            wire("s", "a/b"),
            wire("s", "a b"),
            wire("s", "a_b"),
            wire("s", ""),
            wire("s", "日本"),
            wire("s", "日木"),
            wire("s", &long),
            wire("s", &longer),
            wire("s", "\u{202e}"),
            wire("a_", "b"),
            wire("a", "_b"),
            wire("a_", "b.c"),
            wire("a", "_b.c"),
        ];
        let unique: HashSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{names:#?}");
        assert!(
            names
                .iter()
                .all(|name| name.len() <= 64 && name.bytes().all(is_safe)),
            "{names:#?}"
        );
    }

    #[test]
    fn each_api_gets_names_within_its_own_rules() {
        let server = ServerId::parse("s").unwrap();
        let odd = [
            "log",
            "a.b",
            "\u{202e}x",
            "",
            "1st",
            "х",
            &"y".repeat(100),
            &"z".repeat(4_096),
        ];
        for api in ModelApi::ALL {
            let names: HashSet<String> = odd
                .iter()
                .map(|name| wire_name_for(api, &server, name))
                .collect();
            assert_eq!(names.len(), odd.len(), "{names:#?}");
            let legal = |name: &String| {
                name.len() <= api.max()
                    && name.bytes().all(is_safe)
                    && name.starts_with(|c: char| c.is_ascii_alphabetic())
            };
            assert!(names.iter().all(legal), "{api:?}: {names:#?}");
        }
        // What fits is kept readable where there is room for it.
        let long = "y".repeat(100);
        assert_eq!(
            wire_name_for(ModelApi::Anthropic, &server, &long),
            format!("s__{long}")
        );
        assert_ne!(
            wire_name_for(ModelApi::OpenAi, &server, &long),
            format!("s__{long}")
        );
    }

    #[test]
    fn a_name_tells_which_servers_it_may_be_of() {
        assert_eq!(servers_in("git__log"), ["git", "git_"]);
        assert_eq!(servers_in("a___b"), ["a", "a_"]);
        assert_eq!(servers_in("git_log"), ["", ""]);
        assert_eq!(servers_in("é__x"), ["é", "é_"]);
    }
}
