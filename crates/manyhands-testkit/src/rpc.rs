//! JSON-RPC as text: what comes in is sorted, what goes out is put into its envelope.
//!
//! It knows nothing of MCP's methods.

use bytes::Bytes;
use serde_json::{Value, json};

/// The request has no form that JSON-RPC knows.
pub(crate) const INVALID_REQUEST: i64 = -32_600;
/// No such method.
pub(crate) const METHOD_NOT_FOUND: i64 = -32_601;
/// No such name, or parameters that do not fit.
pub(crate) const INVALID_PARAMS: i64 = -32_602;

/// The server failed in a way of its own.
pub(crate) const INTERNAL_ERROR: i64 = -32_603;

/// A message from the peer.
#[derive(Debug)]
pub(crate) enum Message {
    Request(Request),
    Notification {
        method: String,
        params: Value,
    },
    /// An answer to what the server asked.
    Response {
        id: String,
    },
    Invalid,
}

/// A request from the peer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Value,
    pub(crate) method: String,
    pub(crate) params: Value,
    /// How long the message was, in bytes.
    pub(crate) size: usize,
}

/// What a request comes to.
#[derive(Debug)]
pub(crate) enum Answer {
    Result(Value),
    /// A result that is text already, because it nests too deeply or is none.
    Text(String),
    Error {
        code: i64,
        message: String,
        data: Option<Value>,
    },
    /// Whole messages, or what stands in their place.
    Raw(Vec<Bytes>),
    /// The envelope stops in the middle.
    Garbage,
    Silence,
    Close,
}

impl Answer {
    pub(crate) fn error(code: i64, message: impl Into<String>) -> Self {
        Self::Error {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// The messages that go out, if any do.
    pub(crate) fn render(self, id: &Value) -> Vec<Bytes> {
        let text = match self {
            Self::Result(result) => {
                json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
            }
            Self::Text(text) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{text}}}"#),
            Self::Error {
                code,
                message,
                data,
            } => {
                let mut error = json!({"code": code, "message": message});
                if let (Some(fields), Some(data)) = (error.as_object_mut(), data) {
                    fields.insert("data".to_owned(), data);
                }
                json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
            }
            Self::Garbage => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":["#),
            Self::Raw(messages) => return messages,
            Self::Silence | Self::Close => return Vec::new(),
        };
        vec![text.into()]
    }
}

/// Sorts one message; none where it is blank.
pub(crate) fn read(bytes: &[u8]) -> Option<Message> {
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return None;
    }
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(text) else {
        return Some(Message::Invalid);
    };
    let id = fields.remove("id");
    let params = fields.remove("params").unwrap_or_default();
    Some(match (fields.remove("method"), id) {
        (Some(Value::String(method)), Some(id)) => Message::Request(Request {
            id,
            method,
            params,
            size: text.len(),
        }),
        (Some(Value::String(method)), None) => Message::Notification { method, params },
        (None, Some(id)) => Message::Response { id: id.to_string() },
        _ => Message::Invalid,
    })
}
