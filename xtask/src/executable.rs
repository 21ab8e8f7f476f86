//! Where cargo puts what it builds, which a setting of the user may move. It must not know what is built.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::workspace::text;

/// Where cargo put the program of this name, by cargo's own messages, one JSON object a line.
pub(crate) fn executable(messages: &str, name: &str) -> Result<PathBuf> {
    let path = |message: Value| {
        let target = text(message.get("target")?, "name").ok()?;
        (target == name).then(|| text(&message, "executable").ok())?
    };
    messages
        .lines()
        .filter_map(|line| path(serde_json::from_str(line).ok()?))
        .next()
        .map(PathBuf::from)
        .with_context(|| format!("cargo does not say where it put `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = r#"{"reason":"compiler-artifact","target":{"name":"manyhands","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"manyhands","kind":["bin"]},"executable":"/t/debug/manyhands"}
{"reason":"build-finished","success":true}"#;

    #[test]
    fn a_program_is_found_beside_the_library_of_the_same_name() {
        assert_eq!(
            executable(MESSAGES, "manyhands").unwrap(),
            PathBuf::from("/t/debug/manyhands")
        );
    }

    #[test]
    fn a_program_that_was_not_built_is_an_error() {
        for messages in [MESSAGES, "", "no JSON"] {
            let error = executable(messages, "config-schema").unwrap_err();
            assert_eq!(
                error.to_string(),
                "cargo does not say where it put `config-schema`"
            );
        }
    }
}
