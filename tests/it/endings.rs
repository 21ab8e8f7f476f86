//! Every way in which a call can end, as it really ends: how it is sorted, whether it is sent again, whom it counts
//! against, and what a person is told to do. The tables in `docs/errors.md` are what comes of it.

mod drive;
mod rows;
mod table;

use manyhands_core::{CallError, Effect};
use serde_json::Value;

use crate::document;
use drive::{Ended, drive};

/// How long a text for people may be, in bytes.
const TEXT: usize = 2 * 1024;
const FIELDS: [&str; 9] = [
    "code",
    "message",
    "type",
    "server",
    "tool",
    "delivery",
    "retryable",
    "retry_after_ms",
    "trace_id",
];

/// The tables in `docs/errors.md` are what the rows give; `UPDATE_DOCS=1` writes them.
#[test]
fn the_tables_are_fresh_and_every_error_has_the_one_shape() {
    let sections: Vec<(&str, Vec<(&str, Ended)>)> = rows::SECTIONS
        .iter()
        .map(|(title, rows)| {
            (
                *title,
                rows.iter().map(|row| (row.what, drive(row))).collect(),
            )
        })
        .collect();
    let all = sections.iter().flat_map(|(_, ends)| ends);
    for (what, ended) in all {
        assert!(
            !ended.outcome.as_ref().is_ok_and(|reply| !reply.is_error()),
            "{what}: nothing failed"
        );
        if let Err(error) = &ended.outcome {
            assert_shape(what, error);
            // What a layer of ours turned away is left alone by that layer, and not by whoever called.
            if !error.is_exhausted() {
                assert_eq!(error.is_retryable(), ended.write_is_sent_again, "{what}");
                let read = error.clone().with_effect(Effect::ReadOnly);
                assert_eq!(read.is_retryable(), ended.read_is_sent_again, "{what}");
            }
        }
        assert!(
            !ended.write_is_sent_again || ended.read_is_sent_again,
            "{what}"
        );
    }
    document::keep_fresh("errors.md", "endings", &table::markdown(&sections));
}

fn assert_shape(what: &str, error: &CallError) {
    let json = serde_json::to_value(error).unwrap();
    let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(fields, FIELDS, "{what}");
    let field = |name: &str| json.get(name).and_then(Value::as_str);
    assert_eq!(field("code"), Some(error.kind().code()), "{what}");
    let message = field("message").unwrap();
    assert_eq!(message, format!("failed to {error}"), "{what}");
    assert!(message.len() < TEXT, "{what}: {message}");
    assert!(
        !message.chars().any(manyhands_core::is_unprintable),
        "{what}: {message}"
    );
    assert!(error.advice().is_some(), "{what}: nobody says what to do");
    assert!(field("server").is_some(), "{what}");
}
