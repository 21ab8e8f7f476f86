//! Joins our framing to rmcp: bytes below, rmcp's typed messages above.
//!
//! What does not parse is counted and skipped here, so that a server which logs
//! to stdout stays connected and `doctor` can tell.

use std::io;

use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use rmcp::RoleClient;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};

use crate::diagnostics::Diagnostics;
use crate::frames::Frame;
use crate::wire::{Incoming, Outgoing};

/// The messages that rmcp reads. It ends with the wire, or at the first read error.
pub(crate) fn incoming(
    frames: Incoming,
    diagnostics: Diagnostics,
) -> impl Stream<Item = RxJsonRpcMessage<RoleClient>> + Send + Unpin + 'static {
    let messages = frames
        .take_while(|frame| std::future::ready(frame.is_ok()))
        .filter_map(move |frame| {
            std::future::ready(frame.ok().and_then(|f| parse(f, &diagnostics)))
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

fn parse(frame: Frame, diagnostics: &Diagnostics) -> Option<RxJsonRpcMessage<RoleClient>> {
    let Frame::Message(bytes) = frame else {
        diagnostics.oversized();
        return None;
    };
    let line = bytes.trim_ascii();
    if line.is_empty() {
        return None;
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
        );
        assert_eq!(messages.collect::<Vec<_>>().await.len(), 1);
        assert_eq!(diagnostics.snapshot().stray_lines, 3);
    }
}
