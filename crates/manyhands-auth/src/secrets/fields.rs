//! Secrets that are kept as several fields, of which one is meant.

use manyhands_core::{Printable, Secret, clip};
use serde_json::{Map, Value};

use super::error::{SecretError, SecretErrorKind};

/// How many fields are named to a person.
const MAX_FIELDS: usize = 10;

/// The text of a field, or of the only one where none is named.
pub(super) fn pick(
    fields: &Map<String, Value>,
    field: Option<&str>,
) -> Result<Secret, SecretError> {
    let missing = |cause: String| SecretError::new(SecretErrorKind::NotFound, cause);
    let misconfigured = |cause: String| SecretError::new(SecretErrorKind::Misconfigured, cause);
    let value = match field {
        Some(field) => fields.get(field).ok_or_else(|| {
            let field = Printable(&clip(field, 80)).to_string();
            missing(format!("it has no field `{field}`")).with_mend(known(fields))
        }),
        None if fields.len() > 1 => {
            let cause = format!("it has {} fields, and the key names none", fields.len());
            Err(misconfigured(cause).with_mend(format!("add `#FIELD`; {}", known(fields))))
        }
        None => fields
            .values()
            .next()
            .ok_or_else(|| missing("it has no fields".to_owned())),
    };
    match value? {
        Value::String(text) => Ok(Secret::new(text.as_str())),
        Value::Number(number) => Ok(Secret::new(number.to_string())),
        Value::Bool(flag) => Ok(Secret::new(flag.to_string())),
        _ => {
            Err(misconfigured("the field holds no text".to_owned())
                .with_mend("name a field that does"))
        }
    }
}

/// The names of some fields, which are no secret.
fn known(fields: &Map<String, Value>) -> String {
    let names = fields.keys().take(MAX_FIELDS);
    let names: Vec<_> = names
        .map(|name| Printable(&clip(name, 80)).to_string())
        .collect();
    format!("there are: {}", names.join(", "))
}
