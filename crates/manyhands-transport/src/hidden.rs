//! Values that no text of a server is shown with: many a server repeats in an error the key that it was given. It must not know
//! what they are for.

use manyhands_core::Secret;
use serde_json::Value;

/// The shortest value that counts as a secret: shorter ones are too likely to be part of an ordinary word.
const SECRET: usize = 6;

/// Values that must not be shown, whatever a server says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hidden(Vec<Secret>);

impl Hidden {
    /// Hides each value, and of `Bearer abcdef` the token alone too.
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = &'a Secret>) -> Self {
        let parts = values.into_iter().flat_map(|value| {
            let text = value.expose();
            let token = text.split_once(' ').map(|(_, token)| token);
            [Some(text), token].into_iter().flatten()
        });
        let secrets = parts.filter(|it| it.len() >= SECRET).map(Secret::new);
        Self(secrets.collect())
    }

    /// Takes them out of a text.
    pub(crate) fn take_out_of(&self, text: &mut String) {
        for secret in &self.0 {
            if text.contains(secret.expose()) {
                *text = text.replace(secret.expose(), "[hidden]");
            }
        }
    }

    /// Takes them out of every text in a value.
    pub(crate) fn take_out_of_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.take_out_of(text),
            Value::Array(items) => items.iter_mut().for_each(|it| self.take_out_of_value(it)),
            Value::Object(fields) => fields
                .values_mut()
                .for_each(|it| self.take_out_of_value(it)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_and_its_token_are_taken_out_wherever_they_stand() {
        let hidden = Hidden::new(&["Bearer canary-5f2b".into(), "short".into()]);
        let mut value = json!({"a": ["canary-5f2b?", {"b": "Bearer canary-5f2b"}], "c": "shorter"});
        hidden.take_out_of_value(&mut value);
        assert_eq!(
            value,
            json!({"a": ["[hidden]?", {"b": "[hidden]"}], "c": "shorter"})
        );
    }
}
