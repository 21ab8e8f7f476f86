//! Servers that talk too much.

use crate::hostile::row::{Row, memory};

pub(in crate::hostile) const ROWS: &[Row] = &[
    memory(&["floods-progress"]),
    memory(&["floods-logs=10000"]),
    memory(&["floods-list-changed=10000"]),
    memory(&["floods-unknown=10000"]),
    memory(&["floods-cancellations=10000"]),
    memory(&["floods-pings=2000"]),
    memory(&["floods-sampling=2000"]),
    memory(&["floods-elicitation=2000"]),
    memory(&["floods-roots=2000"]),
    memory(&["floods-unknown-requests=2000"]),
    memory(&["floods-sampling=2000", "modern-only"]),
    memory(&["floods-strays"]),
    memory(&["floods-early"]),
    memory(&["floods-deep"]),
    memory(&["floods-oversized"]),
    memory(&["floods-logs=10000", "hangs-on-list=resources"]),
];
