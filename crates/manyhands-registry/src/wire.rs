//! Names that every model API accepts, made from any server's names.
//!
//! A wire name is a pure function of server and name: adding a server never
//! renames another's tools. It is read back through the catalogue's table and
//! never by cutting it apart.

use manyhands_core::{ServerId, short_hash};

/// The longest name that all large model APIs accept, in bytes.
///
/// OpenAI documents `^[a-zA-Z0-9_-]{1,64}$` for function names; Anthropic allows 128.
const MAX: usize = 64;

/// The name under which a model sees `name` of `server`: `server__name` in `[A-Za-z0-9_-]`, at most
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
    let plain = format!("{server}__{name}");
    // "a_" + "b" and "a" + "_b" would read the same, so the first of them is marked as well, by a hash of its own.
    let ambiguous = server.as_str().ends_with('_');
    if !ambiguous && !name.is_empty() && plain.len() <= MAX && plain.bytes().all(is_safe) {
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
    head.truncate(MAX - hash.len() - 1);
    format!("{head}_{hash}")
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
                .all(|name| name.len() <= MAX && name.bytes().all(is_safe)),
            "{names:#?}"
        );
    }
}
