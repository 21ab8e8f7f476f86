//! How a secret is named: the source, and the key under which the source keeps it.

use std::fmt;

use manyhands_core::{Printable, clip};

use super::error::{SecretError, SecretErrorKind};

/// The longest reference, in bytes. It may be a whole command line.
const MAX_LENGTH: usize = 4096;

/// How much of a key is shown, in bytes.
const MAX_SHOWN: usize = 200;

/// Names a secret without being one: `keyring:slack/token`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretReference {
    source: String,
    key: String,
}

impl SecretReference {
    /// Takes apart `SOURCE:KEY`.
    ///
    /// # Errors
    /// [`SecretErrorKind::Misconfigured`] when it has no such form.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let refuse = |cause: &str| {
            let mend = "write it as SOURCE:KEY, as in keyring:slack/token";
            Err(SecretError::new(SecretErrorKind::Misconfigured, cause).with_mend(mend))
        };
        if text.len() > MAX_LENGTH {
            return refuse("the reference is longer than 4096 bytes");
        }
        let Some((source, key)) = text.split_once(':') else {
            return refuse("the reference names no source");
        };
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if source.is_empty() || !source.chars().all(legal) {
            return refuse(
                "the name of a source is made of small letters, digits and dashes, and this one is not",
            );
        }
        if key.trim().is_empty() {
            return refuse("the reference names no key");
        }
        if key.contains(char::is_control) {
            return refuse("the key holds a control character");
        }
        Ok(Self {
            source: source.to_owned(),
            key: key.to_owned(),
        })
    }

    /// The name of the source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What the source calls the secret.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}",
            self.source,
            Printable(&clip(&self.key, MAX_SHOWN))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_a_source_and_a_key() {
        for (text, source, key) in [
            ("keyring:slack/token", "keyring", "slack/token"),
            (r"file:C:\keys\a", "file", r"C:\keys\a"),
            (
                "command:op read 'op://a b'",
                "command",
                "op read 'op://a b'",
            ),
            ("my-vault2:x", "my-vault2", "x"),
        ] {
            let reference = SecretReference::parse(text).unwrap();
            assert_eq!((reference.source(), reference.key()), (source, key));
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_without_being_shown() {
        let long = format!("env:{}", "x".repeat(MAX_LENGTH));
        for bad in [
            "",
            "canary",
            ":canary",
            "keyring:",
            "env: ",
            "Canary:x",
            "a b:canary",
            "env:canary\n",
            &long,
        ] {
            let error = SecretReference::parse(bad).unwrap_err();
            assert_eq!(error.kind(), SecretErrorKind::Misconfigured, "{bad}");
            assert!(!error.to_string().to_lowercase().contains("canary"));
        }
    }
}
