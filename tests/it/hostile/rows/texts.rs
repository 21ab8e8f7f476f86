//! Servers that mean to do something to a terminal, a reader or a memory with their texts.

use manyhands::{Delivery, ErrorKind};

use crate::hostile::row::{Row, child, memory};

const fn error(switches: &'static [&'static str]) -> Row {
    memory(switches).fails(ErrorKind::Refused, Delivery::Unknown, "error -32603: ")
}

pub(in crate::hostile) const ROWS: &[Row] = &[
    memory(&["text-in-name=huge"]),
    memory(&["text-in-name=escapes"]),
    memory(&["text-in-name=controls"]),
    memory(&["text-in-name=bidi"]),
    memory(&["text-in-instructions=huge"]),
    memory(&["text-in-instructions=escapes"]),
    memory(&["text-in-tool-name=huge"]).noticed("over 1024 bytes"),
    memory(&["text-in-tool-name=escapes"]).tools(3),
    memory(&["text-in-tool-name=controls"]).tools(3),
    memory(&["text-in-tool-name=bidi"]).tools(3),
    memory(&["text-in-title=huge"]).noticed("title"),
    memory(&["text-in-title=escapes"]),
    memory(&["text-in-description=huge"]).noticed("description"),
    memory(&["text-in-description=escapes"]),
    memory(&["text-in-description=bidi"]),
    memory(&["text-in-cursor=huge"]).noticed("stopped reading its tools"),
    memory(&["text-in-cursor=controls"]).noticed("a cursor that comes again"),
    memory(&["text-in-list-error=huge"]).unlisted("its tools cannot be listed"),
    memory(&["text-in-list-error=escapes"]).unlisted("its tools cannot be listed"),
    memory(&["text-in-refusal=huge"]).refused("refused the handshake"),
    memory(&["text-in-refusal=escapes"]).refused("refused the handshake"),
    memory(&["text-in-refusal=bidi"]).refused("refused the handshake"),
    error(&["text-in-error=huge"]),
    error(&["text-in-error=escapes"]),
    error(&["text-in-error=controls"]),
    error(&["text-in-error=bidi"]),
    memory(&["text-in-reply=huge"]).replies("xxx"),
    memory(&["text-in-reply=escapes"]).replies("a"),
    memory(&["text-in-progress=huge"]),
    memory(&["text-in-progress=escapes"]),
    memory(&["text-in-log=huge"]),
    memory(&["text-in-log=escapes"]),
    memory(&["text-in-stdout=huge"]),
    memory(&["text-in-stdout=escapes"]),
    memory(&["text-in-stdout=bidi"]),
    child(&["text-in-stderr=huge"]),
    child(&["text-in-stderr=escapes"]),
    child(&["text-in-stderr=bidi", "closes-at-handshake"]).refused("exited during the handshake"),
];
