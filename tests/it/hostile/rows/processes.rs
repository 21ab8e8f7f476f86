//! What only processes can do.

use manyhands::{Delivery, ErrorKind};

use crate::hostile::row::{Row, child};

pub(in crate::hostile) const ROWS: &[Row] = &[
    // Whether it has ended by then is a matter of milliseconds.
    child(&["closes-output"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "while the call was under way",
    ),
    child(&["closes-output", "ignores-termination"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "the server closed its output while the call was under way",
    ),
    child(&["ignores-termination"]),
    child(&["stops-reading"]).times_out("no answer within"),
    child(&["stops-reading", "ignores-termination"]).times_out("no answer within"),
    child(&["hangs-on-call", "ignores-termination"]).times_out("no answer within"),
    child(&["floods-stderr"]),
    child(&["floods-strays=2000"]),
    child(&["leaves-child"]),
    child(&["leaves-escapee"]),
    child(&["closes-on-call", "exit-code"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "the server stopped (exit status: 3) while the call was under way",
    ),
    child(&["closes-at-handshake", "exit-code=4"])
        .refused("the server exited during the handshake (exit status: 4)")
        .tried_again(),
];
