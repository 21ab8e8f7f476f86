//! Texts with secrets in them, made fit to be shown.

use manyhands_core::{Secret, ServerId};
use serde_json::Value;

use super::taken::take_all;

/// What stands where a secret was.
const HIDDEN: &str = "[hidden]";

/// The secrets of one document, to be taken out of whatever is shown of it.
#[derive(Debug, Default)]
pub struct Hidden(Vec<Secret>);

impl Hidden {
    /// Looks for secrets everywhere in `document`, as other parts of a file may have some too.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        let Ok(id) = ServerId::parse("it") else {
            return Self::default();
        };
        let mut document = document.clone();
        let found = take_all(&id, &mut document);
        let mut secrets: Vec<Secret> = found.into_iter().collect();
        // Where one is part of another, the whole is replaced first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self(secrets)
    }

    /// The text with no secret in it, be it written plainly or as in JSON.
    #[must_use]
    pub fn conceal(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in self.0.iter().map(Secret::expose) {
            let quoted = Value::from(secret).to_string();
            let escaped = quoted.trim_matches('"');
            for form in [secret, escaped] {
                if !form.is_empty() && shown.contains(form) {
                    shown = shown.replace(form, HIDDEN);
                }
            }
        }
        shown
    }
}
