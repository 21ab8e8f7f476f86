//! `env:NAME`: a variable of this process.

use std::env::VarError;

use manyhands_core::{Printable, Secret, clip};

use super::error::{SecretError, SecretErrorKind};
use super::source::SecretSource;

/// Reads the variables of this process.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct EnvSource;

impl SecretSource for EnvSource {
    async fn read(&self, key: &str) -> Result<Secret, SecretError> {
        // The error for a value that is not UTF-8 holds the value, so it goes no further.
        std::env::var(key).map(Secret::new).map_err(|error| {
            let name = Printable(&clip(key, 80)).to_string();
            match error {
                VarError::NotPresent => {
                    let cause = format!("the variable `{name}` is not set");
                    SecretError::new(SecretErrorKind::NotFound, cause)
                        .with_mend("set it in the environment")
                }
                VarError::NotUnicode(_) => {
                    let cause = format!("the variable `{name}` is not text in UTF-8");
                    SecretError::new(SecretErrorKind::NotText, cause)
                }
            }
        })
    }
}
