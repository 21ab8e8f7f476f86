//! What servers do wrong every day.

use manyhands::{Delivery, ErrorKind};

use crate::hostile::row::{Row, memory};

pub(in crate::hostile) const ROWS: &[Row] = &[
    memory(&["never-answers-handshake"]).refused("did not answer the handshake within 20s"),
    memory(&["closes-at-handshake"]).refused("closed during the handshake"),
    memory(&["refuses-handshake=-32000:set API_KEY"]).refused("error -32000: set API_KEY"),
    memory(&["closes-on-call"]).fails(
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
        "closed while the call was under way",
    ),
    memory(&["hangs-on-call"]).times_out("no answer within 5s"),
    memory(&["hangs-on-list"]).unlisted("no answer within"),
    memory(&["fails-list"])
        .unlisted("its tools cannot be listed: the server answered with error -32603"),
    memory(&["fails-list=prompts"]).noticed("prompts"),
    memory(&["fails-call=-32050"]).fails(ErrorKind::Refused, Delivery::Unknown, "-32050"),
    memory(&["chatter-on-stdout"]),
    memory(&["wrong-id"]).times_out("no usable answer within 5s"),
    memory(&["endless-pages"]).noticed("stopped reading its tools after 200 pages"),
    memory(&["repeats-cursor"]).noticed("a cursor that comes again"),
    memory(&["oversized-reply"]).malformed("over 16 MiB"),
    memory(&["garbage-reply"]).times_out("not MCP"),
    memory(&["deep-reply"]).malformed("nested"),
    memory(&["answers-in-reverse=1000"]).times_out("no answer within 5s"),
    memory(&["modern-only"]),
    memory(&["asks-back"]),
];
