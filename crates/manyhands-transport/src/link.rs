//! Joins our framing to rmcp: bytes below, rmcp's typed messages above.
//!
//! What does not parse is counted and skipped here, so that a server which logs
//! to stdout stays connected and `doctor` can tell.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use manyhands_core::model::{CustomResult, JsonRpcMessage, RequestId, ServerResult};
use rmcp::RoleClient;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::diagnostics::Diagnostics;
use crate::frames::Frame;
use crate::wire::{Incoming, Outgoing};

/// The messages that rmcp reads. It ends with the wire, or at the first read error.
///
/// Once the handshake is over, a result is for us alone, and reaches us through rmcp as the text that the server
/// sent: a `CustomResult` that holds one string.
pub(crate) fn incoming(
    frames: Incoming,
    diagnostics: Diagnostics,
    shaken: Arc<AtomicBool>,
) -> impl Stream<Item = RxJsonRpcMessage<RoleClient>> + Send + Unpin + 'static {
    let messages = frames
        .take_while(|frame| std::future::ready(frame.is_ok()))
        .filter_map(move |frame| {
            std::future::ready(frame.ok().and_then(|f| parse(f, &diagnostics, &shaken)))
        });
    Box::pin(messages)
}

/// Where rmcp writes.
pub(crate) fn outgoing(
    wire: Outgoing,
) -> impl Sink<TxJsonRpcMessage<RoleClient>, Error = io::Error> + Send + Unpin + 'static {
    Box::pin(
        wire.with(|message: TxJsonRpcMessage<RoleClient>| async move {
            Ok::<_, io::Error>(Bytes::from(serde_json::to_vec(&message)?))
        }),
    )
}

/// A message, as far as it tells whether it is a result.
#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<RequestId>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    method: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// A result and its id; none for any other message, and for what only looks like a result.
fn result(line: &[u8]) -> Option<RxJsonRpcMessage<RoleClient>> {
    let Envelope {
        id: Some(id),
        result: Some(result),
        method: None,
        error: None,
    } = serde_json::from_slice(line).ok()?
    else {
        return None;
    };
    if nested_too_deep(result.get().as_bytes()) {
        return None;
    }
    let text = Value::String(result.get().to_owned());
    let result = ServerResult::CustomResult(CustomResult(text));
    Some(JsonRpcMessage::response(result, id))
}

/// Whether `serde_json`, whose limit is 128, would refuse to read it: nobody above could see what it says.
fn nested_too_deep(json: &[u8]) -> bool {
    const LIMIT: usize = 126;
    let opens = |byte: &u8| matches!(byte, b'[' | b'{');
    if json.iter().filter(|byte| opens(byte)).count() <= LIMIT {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > LIMIT {
            return true;
        }
    }
    false
}

fn parse(
    frame: Frame,
    diagnostics: &Diagnostics,
    shaken: &AtomicBool,
) -> Option<RxJsonRpcMessage<RoleClient>> {
    let Frame::Message(bytes) = frame else {
        diagnostics.oversized();
        return None;
    };
    let line = bytes.trim_ascii();
    if line.is_empty() {
        return None;
    }
    if shaken.load(Ordering::Relaxed) {
        let result = result(line);
        if result.is_some() {
            return result;
        }
    }
    let message = serde_json::from_slice(line);
    if message.is_err() {
        diagnostics.stray(line);
    }
    message.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_not_mcp_is_counted_and_skipped() {
        let lines = [
            "Server ready",
            "",
            r#"{"level":30,"msg":"json, but a log line"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
            "\u{feff}",
        ];
        let frames = lines.map(|line| Ok(Frame::Message(Bytes::from_static(line.as_bytes()))));
        let diagnostics = Diagnostics::default();
        let messages = incoming(
            Box::pin(futures_util::stream::iter(frames)),
            diagnostics.clone(),
            Arc::default(),
        );
        assert_eq!(messages.collect::<Vec<_>>().await.len(), 1);
        assert_eq!(diagnostics.snapshot().stray_lines, 3);
    }

    #[test]
    fn a_result_is_kept_as_its_text_once_the_handshake_is_over() {
        let line = br#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"x-new": 1.50}}"#;
        let parsed = |shaken| {
            let frame = Frame::Message(Bytes::from_static(line));
            match parse(frame, &Diagnostics::default(), &AtomicBool::new(shaken)) {
                Some(JsonRpcMessage::Response(response)) => response.result,
                other => panic!("{other:?}"),
            }
        };
        let ServerResult::CustomResult(CustomResult(text)) = parsed(true) else {
            panic!("rmcp has decoded it");
        };
        assert_eq!(text, r#"{"content":[],"x-new": 1.50}"#);
        assert!(matches!(parsed(false), ServerResult::CallToolResult(_)));
    }

    #[test]
    fn what_is_no_result_goes_to_rmcp_as_before() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"both"}}"#,
        ] {
            assert!(result(line.as_bytes()).is_none(), "{line}");
        }
    }

    #[test]
    fn depth_is_counted_outside_of_texts() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!nested_too_deep(nested(126).as_bytes()));
        assert!(serde_json::from_str::<Value>(&nested(126)).is_ok());
        assert!(nested_too_deep(nested(127).as_bytes()));
        assert!(!nested_too_deep(
            format!(r#"["\"{}"]"#, "[".repeat(500)).as_bytes()
        ));
        assert!(!nested_too_deep(
            format!("[{}1]", "[],".repeat(500)).as_bytes()
        ));
    }
}
