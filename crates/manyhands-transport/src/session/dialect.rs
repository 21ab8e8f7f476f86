//! The protocol version that both sides speak, and what it makes every request carry.

use serde_json::{Map, Value, json};

/// The version without a handshake.
pub(crate) const MODERN: &str = "2026-07-28";
/// The last version with one.
pub(crate) const LATEST_LEGACY: &str = "2025-11-25";
/// Every version that we speak.
pub(crate) const OLDEST_TO_NEWEST: [&str; 5] = [
    "2024-11-05",
    "2025-03-26",
    "2025-06-18",
    LATEST_LEGACY,
    MODERN,
];

/// The extension by which a server answers a call with a task.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// How requests are written for one server.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    pub(crate) version: String,
    /// The entries of `_meta` that every request carries, without the braces; empty in legacy versions.
    pub(crate) meta: String,
}

impl Dialect {
    pub(crate) fn new(version: &str, capabilities: &Map<String, Value>) -> Self {
        let meta = if is_modern(version) {
            let mut capabilities = capabilities.clone();
            capabilities.insert("extensions".to_owned(), json!({TASKS: {}}));
            let entries = json!({
                "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientInfo": introduction(),
                "io.modelcontextprotocol/clientCapabilities": capabilities,
            })
            .to_string();
            entries
                .trim_start_matches('{')
                .strip_suffix('}')
                .unwrap_or_default()
                .to_owned()
        } else {
            String::new()
        };
        Self {
            version: version.to_owned(),
            meta,
        }
    }

    pub(crate) fn is_modern(&self) -> bool {
        !self.meta.is_empty()
    }
}

/// Versions are dates, so later ones compare as larger.
pub(crate) fn is_modern(version: &str) -> bool {
    version >= MODERN
}

/// Who we are, in the protocol's form.
pub(crate) fn introduction() -> Value {
    json!({"name": "manyhands", "version": env!("CARGO_PKG_VERSION")})
}
