//! What hostile servers do, family by family.

pub(super) mod answers;
pub(super) mod floods;
pub(super) mod handshakes;
pub(super) mod http;
pub(super) mod lists;
pub(super) mod processes;
pub(super) mod questions;
pub(super) mod texts;
pub(super) mod usual;
pub(super) mod wires;

use super::row::Row;

/// All rows, in the order of the table.
pub(super) fn all() -> Vec<Row> {
    let families = [
        usual::ROWS,
        handshakes::ROWS,
        lists::ROWS,
        answers::ROWS,
        texts::ROWS,
        floods::ROWS,
        questions::ROWS,
        wires::ROWS,
        processes::ROWS,
        http::ROWS,
    ];
    families.concat()
}
