//! What comes in thousands, or is too much in one.

use bytes::Bytes;
use manyhands_transport::MAX_MESSAGE;
use serde_json::{Value, json};

use super::switch::family;

/// How many there are by default.
const MANY: usize = 20_000;

family! {
    /// What comes in thousands before a tool call is answered, or before the handshake is.
    Flood as "Flood" {
        /// Tells of progress this many times.
        Progress(usize = MANY): "floods-progress",
        /// Logs this many messages.
        Logs(usize = MANY): "floods-logs",
        /// Says this many times that its tools have changed, which they have not.
        ListChanged(usize = MANY): "floods-list-changed",
        /// Sends this many notifications that nobody knows.
        Unknown(usize = MANY): "floods-unknown",
        /// Cancels this many requests that nobody made.
        Cancellations(usize = MANY): "floods-cancellations",
        /// Pings this many times, and waits for no answer.
        Pings(usize = MANY): "floods-pings",
        /// Asks this many times for a model's answer, and waits for none.
        Sampling(usize = MANY): "floods-sampling",
        /// Asks the user this many times, and waits for no answer.
        Elicitation(usize = MANY): "floods-elicitation",
        /// Asks this many times for the client's roots, and waits for no answer.
        Roots(usize = MANY): "floods-roots",
        /// Asks this many times for what nobody knows, and waits for no answer.
        UnknownRequests(usize = MANY): "floods-unknown-requests",
        /// Writes this many log lines to stdout.
        Strays(usize = MANY): "floods-strays",
        /// Logs this many messages before it answers the handshake.
        Early(usize = MANY): "floods-early",
        /// Tells once of progress, with lists nested this deep.
        Deep(usize = 1_000_usize): "floods-deep",
        /// Logs one message of this many bytes.
        Oversized(usize = MAX_MESSAGE): "floods-oversized",
    }
}

impl Flood {
    /// What is sent before the handshake is answered: the message, and how many times.
    pub(crate) fn early(&self) -> Option<(Bytes, usize)> {
        match self {
            Self::Early(count) => Some((log("early").to_string().into(), *count)),
            _ => None,
        }
    }

    /// What is sent before a call is answered, each one made from its number.
    pub(crate) fn during_call(&self, token: &Value, n: usize) -> Option<Bytes> {
        let method = |method: &str| json!({"jsonrpc": "2.0", "method": method});
        let ask = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": format!("flood-{n}"), "method": method, "params": params});
        let (count, message) = match self {
            Self::Progress(count) => (*count, progress(token, n)),
            Self::Logs(count) => (*count, log("again")),
            Self::ListChanged(count) => (*count, method("notifications/tools/list_changed")),
            Self::Unknown(count) => (*count, method("notifications/nobody/knows")),
            Self::Cancellations(count) => {
                let params = json!({"requestId": n + 1_000_000, "reason": "no reason"});
                let cancelled = "notifications/cancelled";
                (
                    *count,
                    json!({"jsonrpc": "2.0", "method": cancelled, "params": params}),
                )
            }
            Self::Pings(count) => (*count, ask("ping", json!({}))),
            Self::Sampling(count) => (*count, ask("sampling/createMessage", sampling())),
            Self::Elicitation(count) => (*count, ask("elicitation/create", elicitation())),
            Self::Roots(count) => (*count, ask("roots/list", json!({}))),
            Self::UnknownRequests(count) => (*count, ask("nobody/knows", json!({}))),
            Self::Strays(count) => {
                return (n < *count).then(|| Bytes::from_static(b"still working"));
            }
            Self::Deep(levels) => return (n == 0).then(|| deep(token, *levels)),
            Self::Oversized(bytes) => (
                1,
                log(&if n == 0 {
                    "x".repeat(*bytes)
                } else {
                    String::new()
                }),
            ),
            Self::Early(_) => return None,
        };
        (n < count).then(|| message.to_string().into())
    }
}

/// What a server may ask a model.
pub(super) fn sampling() -> Value {
    json!({"messages": [{"role": "user", "content": {"type": "text", "text": "Which one?"}}], "maxTokens": 10})
}

/// What a server may ask the user.
pub(super) fn elicitation() -> Value {
    json!({
        "message": "Which one?",
        "requestedSchema": {"type": "object", "properties": {"which": {"type": "string"}}},
    })
}

fn log(text: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/message",
        "params": {"level": "info", "data": text}})
}

fn progress(token: &Value, n: usize) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/progress",
        "params": {"progressToken": token, "progress": n + 1}})
}

fn deep(token: &Value, levels: usize) -> Bytes {
    let (open, close) = ("[".repeat(levels), "]".repeat(levels));
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1,"_meta":{{"deep":{open}{close}}}}}}}"#
    )
    .into()
}
