//! Every fault against every kind of call and every way of standing it: how often the server acted, how the call ended
//! and when. Whatever the fault, nothing that writes is done twice, no call outlives its deadline, and no outcome claims
//! more than is so. The table in `docs/reliability.md` is what comes of it.

mod clock;
mod drive;
mod rows;
mod table;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use manyhands::Delivery;

use crate::document;
use drive::{ATTEMPTS, Cell, DEADLINE, STEP};
use rows::{Case, Kind, Mode};

/// Cells are driven two at a time.
const WORKERS: usize = 2;

/// The table in `docs/reliability.md` is what the cells give; `UPDATE_DOCS=1` writes it.
#[test]
fn nothing_is_done_twice_whatever_the_fault() {
    let cases: Vec<Case> = rows::cases().collect();
    let cells = all(&cases);
    let pairs = || cases.iter().zip(&cells);
    let wrong: Vec<String> = pairs()
        .flat_map(|(case, cell)| {
            let found = broken(case, cell);
            found.map(move |rule| format!("{case}: {rule}: {cell:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    document::keep_fresh("reliability.md", "matrix", &table::markdown(&cases, &cells));
}

/// The promises that a cell breaks.
fn broken(case: &Case, cell: &Cell) -> impl Iterator<Item = &'static str> {
    let may_repeat = case.kind.is_harmless_twice() && case.mode != Mode::None;
    let most = match (may_repeat, case.mode) {
        (false, _) => 1,
        (true, Mode::Fallback) => 2 * ATTEMPTS,
        (true, _) => ATTEMPTS,
    };
    let answered = cell.outcome.as_ref().ok();
    let failed = cell.outcome.as_ref().err();
    let denies = failed.is_some_and(|error| error.delivery() != Delivery::Unknown);
    let rules = [
        ("it was done too often", cell.executed > most),
        ("it ended too late", cell.took > DEADLINE + STEP),
        (
            "it was answered by something else",
            answered.is_some_and(|reply| reply.text() != drive::ANSWER || cell.executed == 0),
        ),
        (
            "it is said not to have been acted on",
            denies && cell.executed > 0,
        ),
    ];
    let broken = rules.into_iter().filter(|(_, is_broken)| *is_broken);
    broken.map(|(rule, _)| rule)
}

/// Drives all cases, and gives their cells in the same order.
fn all(cases: &[Case]) -> Vec<Cell> {
    let next = AtomicUsize::new(0);
    let cells = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(index) else { break };
            let cell = drive::drive(case);
            cells.lock().unwrap().push((index, cell));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    let mut cells = cells.into_inner().unwrap();
    cells.sort_by_key(|(index, _)| *index);
    cells.into_iter().map(|(_, cell)| cell).collect()
}

/// What a kind of call does to the world is what policy or a trusted server says of it, and nothing else.
#[test]
fn only_trusted_hints_make_a_call_harmless() {
    let harmless: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| kind.is_harmless_twice())
        .collect();
    assert!(harmless.iter().all(|kind| kind.trusted));
    assert_eq!(harmless.len(), 2);
}
