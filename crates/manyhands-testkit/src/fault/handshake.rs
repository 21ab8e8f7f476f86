//! What is odd about the handshake, in either protocol style.

use std::time::Duration;

use serde_json::{Value, json};

use super::switch::family;

family! {
    /// What is odd about the handshake.
    HandshakeFault as "Handshake" {
        /// Closes the connection at `server/discover`, as older servers exit at a request that they do not know; `initialize` on a new one is answered.
        ClosesOnDiscover: "closes-on-discover",
        /// Never answers `server/discover`, as servers do that ignore what they do not know.
        HangsOnDiscover: "hangs-on-discover",
        /// Reads nothing for this long, 11 s by default.
        BootsSlowly(Duration = Duration::from_secs(11)): "boots-slowly",
        /// Speaks this protocol version and no other, one that nobody knows by default.
        SpeaksVersion(String = "2099-01-01"): "speaks-version",
        /// Does not say who it is.
        NoServerInfo: "no-server-info",
        /// Has an empty version of its own.
        EmptyServerVersion: "empty-server-version",
        /// Leaves out its capabilities.
        NoCapabilities: "no-capabilities",
        /// Declares capabilities of the wrong types.
        OddCapabilities: "odd-capabilities",
        /// Tells of no changes: declares no `listChanged`.
        AnnouncesNothing: "announces-nothing",
        /// Declares that it tells of changes, and does not know the request by which one hears of them.
        RefusesListen: "refuses-listen",
        /// Answers the handshake with `"result": null`.
        NullHandshake: "null-handshake",
        /// Sends notifications before it answers the handshake.
        NotifiesFirst: "notifies-first",
        /// Asks for the client's roots before it answers the handshake, and waits for no answer.
        AsksFirst: "asks-first",
    }
}

impl HandshakeFault {
    /// Spoils the result of a handshake.
    pub(crate) fn spoil(&self, result: &mut Value) {
        let info = "/_meta/io.modelcontextprotocol~1serverInfo";
        match self {
            Self::SpeaksVersion(version) => {
                replace(result, "protocolVersion", || json!(version));
                replace(result, "supportedVersions", || json!([version]));
            }
            Self::NoServerInfo => {
                remove(result, "serverInfo");
                remove(result, "_meta");
            }
            Self::EmptyServerVersion => {
                for pointer in ["/serverInfo/version", &format!("{info}/version")] {
                    if let Some(version) = result.pointer_mut(pointer) {
                        *version = json!("");
                    }
                }
            }
            Self::NoCapabilities => remove(result, "capabilities"),
            Self::OddCapabilities => replace(
                result,
                "capabilities",
                || json!({"tools": true, "prompts": [], "resources": "yes", "logging": 1, "experimental": null}),
            ),
            Self::AnnouncesNothing => {
                let kinds = result
                    .get_mut("capabilities")
                    .and_then(Value::as_object_mut);
                let each = kinds.into_iter().flat_map(|kinds| kinds.values_mut());
                each.for_each(|kind| remove(kind, "listChanged"));
            }
            Self::NullHandshake => *result = Value::Null,
            _ => {}
        }
    }

    /// What is sent before the handshake is answered.
    pub(crate) fn first(&self) -> Vec<Value> {
        match self {
            Self::NotifiesFirst => vec![
                json!({"jsonrpc": "2.0", "method": "notifications/message",
                    "params": {"level": "info", "data": "starting"}}),
                json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}),
            ],
            Self::AsksFirst => {
                vec![json!({"jsonrpc": "2.0", "id": "roots", "method": "roots/list"})]
            }
            _ => Vec::new(),
        }
    }
}

fn replace(result: &mut Value, key: &str, with: impl Fn() -> Value) {
    if let Some(value) = result.get_mut(key) {
        *value = with();
    }
}

fn remove(result: &mut Value, key: &str) {
    if let Some(fields) = result.as_object_mut() {
        fields.shift_remove(key);
    }
}
