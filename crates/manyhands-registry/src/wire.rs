//! Names that every model API accepts, made from any server's names.
//!
//! A wire name is a pure function of server and name: adding a server never
//! renames another's tools. It is read back through the catalogue's table and
//! never by cutting it apart.

use manyhands_core::{ServerId, fingerprint};

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
    // "a_" + "b" and "a" + "_b" would read the same, so the first of them is marked as well, by a mark of its own length.
    let ambiguous = server.as_str().ends_with('_');
    let kept = !name.is_empty() && plain.len() <= max && plain.bytes().all(is_safe);
    // A name that looks marked is marked again: else one tool could be named as another one's mark.
    if kept && !ambiguous && !is_marked(name) {
        return plain;
    }
    let mark = mark(&plain, if ambiguous { LONG_MARK } else { MARK });
    let safe = |c: char| {
        if c.is_ascii() && is_safe(c as u8) {
            c
        } else {
            '_'
        }
    };
    let mut head: String = plain.chars().take(max).map(safe).collect();
    head.truncate(max - mark.len() - 1);
    format!("{head}_{mark}")
}

/// The characters of the hash in a name that lost something.
const MARK: usize = 8;
/// The characters of it where the server's id ends in `_`: no choice of names makes one of these equal to another
/// server's name.
const LONG_MARK: usize = 16;

/// A hash that never is a number: names that end in a date are common, and are not taken for marked ones.
fn mark(plain: &str, length: usize) -> String {
    let mut mark = fingerprint(&[plain.as_bytes()]);
    mark.truncate(length);
    if mark.bytes().all(|byte| byte.is_ascii_digit()) {
        mark.replace_range(..1, "a");
    }
    mark
}

/// Whether a name ends as if [`mark`] had been put there.
fn is_marked(name: &str) -> bool {
    name.rsplit_once('_').is_some_and(|(_, end)| {
        (end.len() == MARK || end.len() == LONG_MARK)
            && end
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && !end.bytes().all(|byte| byte.is_ascii_digit())
    })
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
mod tests;
