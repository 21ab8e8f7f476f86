//! Descriptions that say what to do with another server's tools, or claim their place.
//!
//! It must not know what else is wrong with a text.

use serde_json::Value;

use super::names::Names;
use super::words::Words;
use crate::shard::ToolEntry;

/// Words that tell a model what to do, where they stand near a tool's name.
const TELLING: [&str; 27] = [
    "before",
    "after",
    "instead",
    "when",
    "whenever",
    "prior",
    "using",
    "use",
    "uses",
    "call",
    "calls",
    "calling",
    "invoke",
    "run",
    "must",
    "always",
    "never",
    "not",
    "don't",
    "avoid",
    "replace",
    "replaces",
    "override",
    "overrides",
    "prefer",
    "than",
    "every",
];
/// How many words before and behind the name are looked at.
const BEFORE: usize = 6;
const AFTER: usize = 4;

const OTHERS: &[&str] = &[
    "other", "others", "another", "any", "all", "old", "older", "original", "previous", "standard",
    "default", "built-in", "builtin", "existing",
];
/// How tools say that they are to be used in another one's place.
const CLAIMS: [&[&[&str]]; 5] = [
    &[&["instead"], &["of"], OTHERS],
    &[
        &[
            "replaces",
            "supersedes",
            "replacing",
            "replacement",
            "overrides",
        ],
        OTHERS,
    ],
    &[
        &["prefer", "preferred", "use", "call"],
        &["this"],
        &["over", "rather", "instead"],
    ],
    &[
        &["always", "only", "must"],
        &["use", "call", "prefer", "choose"],
        &["this"],
    ],
    &[
        &["not", "never", "don't", "avoid"],
        &["use", "call", "using", "calling"],
        OTHERS,
    ],
];
const GAP: usize = 3;

/// Where a text claims the place of a tool of the same name.
pub(super) fn claim(words: &Words) -> Option<usize> {
    let found = CLAIMS.iter().find_map(|it| words.find(it, GAP));
    found.map(|it| words.place(it))
}

/// Where a text says what to do with another server's tools, and with whose.
pub(super) fn find(words: &Words, tool: &ToolEntry, names: &Names<'_>) -> Option<(usize, String)> {
    let of_server = |at: usize| {
        let is_meant = [
            words.get(at + 1),
            at.checked_sub(1).map_or("", |it| words.get(it)),
        ]
        .iter()
        .any(|it| matches!(*it, "server" | "server's" | "tool" | "tools" | "mcp"));
        names.server(words.get(at), tool).filter(|_| is_meant)
    };
    (0..words.len()).find_map(|at| {
        let other = match names.mentioned(words.get(at), tool) {
            Some(other) if !has_key(&tool.definition().input_schema, other.name().name()) => {
                other.name().to_string()
            }
            _ => of_server(at)?.to_string(),
        };
        let is_told = words
            .around(at, BEFORE, AFTER)
            .any(|it| TELLING.contains(&it));
        is_told.then(|| (words.place(at), other))
    })
}

/// Whether a name is that of one of the tool's own parameters, at any depth.
fn has_key(schema: &serde_json::Map<String, Value>, name: &str) -> bool {
    schema
        .iter()
        .any(|(key, value)| key == name || value_has_key(value, name))
}

fn value_has_key(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(fields) => has_key(fields, name),
        Value::Array(items) => items.iter().any(|it| value_has_key(it, name)),
        _ => false,
    }
}
