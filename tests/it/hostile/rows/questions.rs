//! Servers that ask, where nobody here can answer.

use manyhands::{Delivery, ErrorKind};

use crate::hostile::row::{Row, memory};

pub(in crate::hostile) const ROWS: &[Row] = &[
    memory(&["asks-to-sample"]),
    memory(&["asks-for-roots"]),
    memory(&["pings"]),
    memory(&["asks-for-the-unknown"]),
    memory(&["needs-input", "modern-only"]),
    memory(&["needs-input-forever", "modern-only"]).fails(
        ErrorKind::InputRequired,
        Delivery::Unknown,
        "wanted input 10 times",
    ),
    memory(&["needs-state-forever", "modern-only"]).fails(
        ErrorKind::InputRequired,
        Delivery::Unknown,
        "wanted to be called again 10 times",
    ),
    memory(&["asks-back", "modern-only"]),
];
