//! Servers whose bytes are odd.

use manyhands::{Delivery, ErrorKind};

use crate::hostile::row::{Row, memory};

pub(in crate::hostile) const ROWS: &[Row] = &[
    memory(&["carriage-returns"]),
    memory(&["byte-order-mark"]),
    memory(&["invalid-utf8"]).replies("ba\u{fffd}"),
    memory(&["batches"]),
    memory(&["pretty-prints"]).refused("within 20s"),
    memory(&["drips=10"]),
    memory(&["drips=200"]).times_out("within 5s"),
    memory(&["endless-line"]).malformed("over 16 MiB"),
    memory(&["half-answer"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "closed while the call was under way",
    ),
    memory(&["closes-output"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "closed while the call was under way",
    ),
    memory(&["stops-reading"]).times_out("no answer within 5s"),
];
