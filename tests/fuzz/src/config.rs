//! Bytes of an `mcp.json`: read or refused, and no value that was filled in is shown.
//!
//! References are filled from a table here and never from the environment. An `envFile` is read from wherever the
//! input says, as it would be for a user.

use std::collections::BTreeMap;

use manyhands_config::{Config, Source, json_schema};
use serde_json::Value;

use crate::{Taken, assert_printable};

/// What nobody must see.
const CANARY: &str = "Kx9-canary-wQ2";

pub(crate) fn run(data: &[u8]) -> Taken {
    let Ok(text) = std::str::from_utf8(data) else {
        return Taken::Refused;
    };
    // An input that says it itself gives nothing away.
    if text.contains("canary") {
        return Taken::Refused;
    }
    let variables = BTreeMap::from(
        ["A", "TOKEN", "MANYHANDS_INPUT_X"].map(|name| (name.to_owned(), CANARY.to_owned())),
    );
    let source = Source::new("mcp.json", env!("CARGO_MANIFEST_DIR"));
    let shown = match Config::<Value, Value>::from_json(text, &source, &variables) {
        Ok(config) => {
            let warnings = config.warnings.iter().map(ToString::to_string);
            let errors = config
                .servers
                .iter()
                .filter_map(|server| server.definition.as_ref().err().map(ToString::to_string));
            let told: Vec<String> = warnings.chain(errors).collect();
            told.iter().for_each(|text| assert_printable(text));
            format!("{told:?} {config:?}")
        }
        Err(error) => {
            assert_printable(&error.to_string());
            format!("{error} {error:?}")
        }
    };
    assert!(
        !shown.contains(CANARY),
        "a value that was filled in is shown"
    );
    let _: fn() -> Value = json_schema::<Value, Value, Value>;
    Taken::Read
}
