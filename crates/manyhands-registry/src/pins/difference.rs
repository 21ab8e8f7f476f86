//! What changed between two definitions of a tool, as people read it: which parameters came and went, and which texts say
//! something else.
//!
//! It must not know when a change matters.

use std::collections::BTreeSet;
use std::fmt;

use manyhands_core::{Printable, clip};
use serde_json::{Map, Value};

use super::canonical::canonical;
use crate::place::Place;

/// How many differences are kept.
const MAX_DIFFERENCES: usize = 50;
/// How much of a text is shown, and how much of it before the first change, in bytes.
const MAX_SHOWN: usize = 400;
const BEFORE: usize = 40;

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    place: String,
    kind: DifferenceKind,
    old: Option<String>,
    new: Option<String>,
}

/// In which way something is not as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one.
    Changed,
    /// It has to be given now.
    MadeRequired,
    /// It need not be given any more.
    MadeOptional,
}

impl Difference {
    /// What it is about, such as `description`, `parameter to` or `parameter to: type`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// In which way it is not as it was.
    #[must_use]
    pub fn kind(&self) -> DifferenceKind {
        self.kind
    }

    /// What it was: a text as it is, anything else as JSON.
    #[must_use]
    pub fn before(&self) -> Option<&str> {
        self.old.as_deref()
    }

    /// What it is.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.new.as_deref()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Printable(&clip(&self.place, 200)))?;
        match (self.kind, self.before(), self.after()) {
            (DifferenceKind::MadeRequired, ..) => f.write_str(" is required now"),
            (DifferenceKind::MadeOptional, ..) => f.write_str(" is optional now"),
            (_, None, None) => f.write_str(" is another one, and too long to be shown"),
            (_, None, Some(new)) => write!(f, " is new: {}", shown(new, 0)),
            (_, Some(old), None) => write!(f, " is gone: {}", shown(old, 0)),
            (_, Some(old), Some(new)) => {
                let same = same_start(old, new);
                write!(f, ": {} -> {}", shown(old, same), shown(new, same))
            }
        }
    }
}

/// A text in quotes around what is not the same in it, with its line breaks to be seen.
fn shown(text: &str, same: usize) -> String {
    let start = text.floor_char_boundary(same.saturating_sub(BEFORE));
    // A short start is shown whole: cutting it would save nothing.
    let start = if start <= BEFORE { 0 } else { start };
    let (_, rest) = text.split_at(start);
    let cut = if start > 0 { "…" } else { "" };
    let lines = clip(rest, MAX_SHOWN).replace('\n', "\\n");
    format!("\"{cut}{}\"", Printable(&lines))
}

fn same_start(a: &str, b: &str) -> usize {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    same.map(|(a, _)| a.len_utf8()).sum()
}

/// What is not the same in two definitions, and how much more there is. What is not known is too long.
pub(super) fn differences(then: Option<&Value>, now: Option<&Value>) -> (Vec<Difference>, usize) {
    let mut found = Found::default();
    match (then, now) {
        (Some(then), Some(now)) => found.compare(&Place::Root, then, now),
        _ => found.push("definition".to_owned(), DifferenceKind::Changed, None, None),
    }
    (found.differences, found.more)
}

#[derive(Default)]
struct Found {
    differences: Vec<Difference>,
    more: usize,
}

impl Found {
    fn push(
        &mut self,
        place: String,
        kind: DifferenceKind,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        if self.differences.len() == MAX_DIFFERENCES {
            self.more += 1;
            return;
        }
        self.differences.push(Difference {
            place,
            kind,
            old: old.map(text),
            new: new.map(text),
        });
    }

    fn compare(&mut self, place: &Place<'_>, then: &Value, now: &Value) {
        match (then, now) {
            (Value::Object(then), Value::Object(now)) => self.compare_fields(place, then, now),
            (then, now) if canonical(then) != canonical(now) => {
                self.push(
                    place.words(),
                    DifferenceKind::Changed,
                    Some(then),
                    Some(now),
                );
            }
            _ => {}
        }
    }

    fn compare_fields(
        &mut self,
        place: &Place<'_>,
        then: &Map<String, Value>,
        now: &Map<String, Value>,
    ) {
        let fresh = now.keys().filter(|it| !then.contains_key(*it));
        for key in then.keys().chain(fresh) {
            let inner = Place::Inside(place, key);
            match (then.get(key), now.get(key)) {
                (then, now) if key == "required" && is_other_names(then, now) => {
                    self.compare_required(place, &names(then), &names(now));
                }
                (Some(then), Some(now)) => self.compare(&inner, then, now),
                (None, now) => self.push(inner.words(), DifferenceKind::Added, None, now),
                (then, None) => self.push(inner.words(), DifferenceKind::Removed, then, None),
            }
        }
    }

    fn compare_required(&mut self, place: &Place<'_>, then: &BTreeSet<&str>, now: &BTreeSet<&str>) {
        let properties = Place::Inside(place, "properties");
        let changes = [
            (DifferenceKind::MadeRequired, now.difference(then)),
            (DifferenceKind::MadeOptional, then.difference(now)),
        ];
        for (kind, names) in changes {
            for name in names {
                self.push(Place::Inside(&properties, name).words(), kind, None, None);
            }
        }
    }
}

/// Whether these may be what a schema requires, and are not the same names in another order.
fn is_other_names(then: Option<&Value>, now: Option<&Value>) -> bool {
    is_names(then) && is_names(now) && names(then) != names(now)
}

fn is_names(value: Option<&Value>) -> bool {
    value.is_none_or(|it| {
        it.as_array()
            .is_some_and(|all| all.iter().all(Value::is_string))
    })
}

fn names(value: Option<&Value>) -> BTreeSet<&str> {
    let all = value.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_str).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => canonical(other),
    }
}
