//! What is odd about the bytes that carry messages.

use std::time::Duration;

use bytes::Bytes;

use super::switch::family;

family! {
    /// What is odd about the bytes that carry messages.
    WireFault as "Wire" {
        /// Ends lines as Windows does.
        CarriageReturns: "carriage-returns",
        /// Writes a byte order mark before the first message.
        ByteOrderMark: "byte-order-mark",
        /// Writes a byte into answers to tool calls that no UTF-8 has.
        InvalidUtf8: "invalid-utf8",
        /// Writes each message as a list of one, as JSON-RPC had batches once.
        Batches: "batches",
        /// Writes each message over several lines.
        PrettyPrints: "pretty-prints",
        /// Writes answers to tool calls one byte at a time, with this long between them. Only on a byte stream.
        Drips(Duration = Duration::from_millis(100)): "drips",
        /// Answers tool calls with this many bytes of a line that never ends.
        EndlessLine(usize = 64 * 1024 * 1024_usize): "endless-line",
        /// Writes half of the answer to a tool call, and closes its output.
        HalfAnswer: "half-answer",
        /// Closes its output when a tool is called, and reads on.
        ClosesOutput: "closes-output",
        /// Reads nothing more once it has listed its tools.
        StopsReading: "stops-reading",
    }
}

impl WireFault {
    /// The bytes that are written for a message.
    pub(crate) fn spoil(&self, message: Bytes, is_first: bool) -> Bytes {
        match self {
            Self::CarriageReturns => [&message[..], b"\r"].concat().into(),
            Self::ByteOrderMark if is_first => ["\u{feff}".as_bytes(), &message].concat().into(),
            Self::Batches => [&b"["[..], &message, b"]"].concat().into(),
            Self::PrettyPrints => {
                let value = serde_json::from_slice::<serde_json::Value>(&message);
                value.map_or(message, |value| format!("{value:#}").into())
            }
            _ => message,
        }
    }
}
