//! One hostile server among good ones: whatever it does, they answer as ever, and what is asked of
//! it ends in time with an outcome that says why.
//!
//! Each row of [`rows`] is one switch of `manyhands-testkit` (see `manyhands-testkit faults`), how
//! its server is reached, and what should come of it.

mod check;
mod row;
mod rows;
mod run;
mod table;

use crate::document;
use row::Row;

/// Runs rows, and ends the test with all that is wrong about any of them.
fn try_out(rows: &[Row], seen: &[run::Seen]) {
    let mut wrong = Vec::new();
    for (row, seen) in rows.iter().zip(seen) {
        let found = check::differences(row, seen);
        if !found.is_empty() {
            wrong.push(format!("{row}: {}", found.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

macro_rules! families {
    ($($family:ident),+) => {
        $( #[test]
        fn $family() {
            try_out(rows::$family::ROWS, seen::$family());
        } )+

        /// What was seen of each family's rows, which are run once for all tests here.
        mod seen {
            use std::sync::OnceLock;
            use super::{rows, run};

            $( pub(super) fn $family() -> &'static [run::Seen] {
                static SEEN: OnceLock<Vec<run::Seen>> = OnceLock::new();
                SEEN.get_or_init(|| run::all(rows::$family::ROWS))
            } )+
        }

        /// All rows in the order of the table, each with what was seen of it.
        fn all_seen() -> impl Iterator<Item = (&'static Row, &'static run::Seen)> {
            let pairs = [$( (rows::$family::ROWS, seen::$family()) ),+];
            pairs.into_iter().flat_map(|(rows, seen)| rows.iter().zip(seen))
        }
    };
}

families![
    usual, handshakes, lists, answers, texts, floods, questions, wires, processes, http
];

/// Every switch has a row, so that nothing the testkit can do goes untried.
#[test]
fn every_switch_has_a_row() {
    let rows = rows::all();
    let tried = |name: &str| {
        let mut switches = rows.iter().flat_map(|row| row.switches);
        switches.any(|switch| switch.split('=').next() == Some(name))
    };
    let missing: Vec<&str> = manyhands_testkit::Fault::switches()
        .map(|switch| switch.name)
        .filter(|name| !tried(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The table in `docs/reliability.md` is what the rows give; `UPDATE_DOCS=1` writes it.
#[test]
fn the_table_is_fresh() {
    document::keep_fresh("reliability.md", "hostile", &table::markdown(all_seen()));
}
