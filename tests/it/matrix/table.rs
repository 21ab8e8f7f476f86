//! The cells as the table in `docs/reliability.md`.

use std::fmt::Write as _;

use manyhands::Delivery;

use super::drive::Cell;
use super::rows::{Case, Hint, Kind, Lasts, Mode, Over};
use crate::document::cell;

/// The groups of kinds, whose cells are the same within each.
const GROUPS: [&str; 3] = ["read", "idempotent", "write"];

/// What a kind is taken for: a hint that nobody trusts says nothing.
fn taken_for(kind: Kind) -> &'static str {
    match (kind.is_harmless_twice(), kind.hint) {
        (true, Hint::ReadOnly) => "read",
        (true, _) => "idempotent",
        (false, _) => "write",
    }
}

/// One line for each fault and how long it lasts.
pub(super) fn markdown(cases: &[Case], cells: &[Cell]) -> String {
    let columns = Kind::ALL.len() * Mode::ALL.len();
    let mut table = header();
    for (cases, cells) in cases.chunks(columns).zip(cells.chunks(columns)) {
        table.push_str(&line(cases, cells));
    }
    table
}

fn header() -> String {
    let (mut names, mut rule) = (
        "| fault | over | lasts |".to_owned(),
        "| --- | --- | --- |".to_owned(),
    );
    for group in GROUPS {
        for mode in Mode::ALL {
            let _infallible = write!(names, " {group}, {} |", mode.name());
            rule.push_str(" --- |");
        }
    }
    format!("{names}\n{rule}\n")
}

fn line(cases: &[Case], cells: &[Cell]) -> String {
    let first = cases.first().unwrap();
    let over = match first.row.over {
        Over::Pipe => "pipe",
        Over::Http => "HTTP",
    };
    let lasts = match first.lasts {
        Lasts::Once => "once",
        Lasts::ASecond => "1 s",
        Lasts::ForGood => "for good",
    };
    let mut line = format!("| {} | {over} | {lasts} |", cell(first.row.fault));
    for name in GROUPS {
        for mode in Mode::ALL {
            let _infallible = write!(line, " {} |", group(cases, cells, name, mode));
        }
    }
    line + "\n"
}

/// What is so of all kinds of a group: to call them one thing, they must have come to the same.
fn group(cases: &[Case], cells: &[Cell], name: &str, mode: Mode) -> String {
    let pairs = cases.iter().zip(cells);
    let of_group = pairs.filter(|(case, _)| taken_for(case.kind) == name && case.mode == mode);
    let mut shown: Vec<(String, &Case)> = of_group.map(|(case, it)| (show(it), case)).collect();
    let (first, _) = shown.pop().unwrap();
    for (other, case) in shown {
        assert_eq!(other, first, "{case} differs from others of its group");
    }
    first
}

/// How often it was done, how it ended, and when.
fn show(cell: &Cell) -> String {
    let ending = match &cell.outcome {
        Ok(_) => "answered".to_owned(),
        Err(error) => {
            let delivery = match error.delivery() {
                Delivery::NotSent => "not sent",
                Delivery::Rejected => "rejected",
                _ => "unknown",
            };
            format!("{} ({delivery})", error.kind().code())
        }
    };
    format!(
        "{}× {ending}, {:.1} s",
        cell.executed,
        cell.took.as_secs_f64()
    )
}
