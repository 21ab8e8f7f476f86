//! Servers that are odd from the first word on.

use crate::hostile::row::{Row, child, memory};

pub(in crate::hostile) const ROWS: &[Row] = &[
    memory(&["closes-on-discover"]),
    memory(&["hangs-on-discover"]),
    memory(&["boots-slowly=11000"]),
    memory(&["boots-slowly=11000", "modern-only"]),
    memory(&["boots-slowly=30000"]).refused("did not answer the handshake within 20s"),
    child(&["boots-slowly=1000"]),
    child(&["closes-on-discover"]),
    child(&["modern-only"]),
    memory(&["speaks-version"]).refused("only 2099-01-01"),
    memory(&["speaks-version", "modern-only"]).refused("protocol version"),
    memory(&["speaks-version=2024-11-05"]),
    memory(&["speaks-version="]).refused("no protocol version that we know"),
    memory(&["no-server-info"]),
    memory(&["no-server-info", "modern-only"]),
    memory(&["empty-server-version"]),
    memory(&["no-capabilities"]),
    memory(&["odd-capabilities"]),
    memory(&["announces-nothing"]),
    memory(&["refuses-listen", "modern-only"]),
    memory(&["null-handshake"]).refused("handshake"),
    memory(&["notifies-first"]),
    memory(&["asks-first"]),
];
