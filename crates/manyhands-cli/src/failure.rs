//! How a command ends when it cannot do what it was asked: a text for people and an exit code for programs.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use manyhands::{AuthError, AuthErrorKind, CallError, ConfigError, ErrorKind, ErrorType};
use manyhands_config::edit::EditError;
use serde_json::{Value, json};

use crate::output;

/// A command's failure.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
    /// The failure in the one shape of our errors, where it was a call that failed.
    document: Option<Value>,
}

/// The tool said no.
pub(crate) const REFUSED: u8 = 1;
/// The command line or the configuration is wrong.
pub(crate) const USAGE: u8 = 2;
/// A server is unavailable, or did not answer in time.
pub(crate) const UNAVAILABLE: u8 = 3;
/// Credentials or permission are missing.
pub(crate) const UNAUTHORIZED: u8 = 4;

impl Failure {
    pub(crate) fn new(text: impl Into<String>, code: u8) -> Self {
        Self {
            text: text.into(),
            code,
            document: None,
        }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(text, USAGE)
    }

    /// Says first what was to be done.
    pub(crate) fn about(self, what: &str) -> Self {
        let text = format!("{what}: {}", self.text);
        Self { text, ..self }
    }

    /// Prints the text to stderr, for programs also as a document, and gives the exit code.
    pub(crate) fn report(self, json: bool) -> ExitCode {
        if json {
            output::json(
                &json!({"error": self.document.unwrap_or_else(|| json!({"message": self.text}))}),
            );
        } else {
            output::error(&self.text);
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(with_sources(&error))
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        Self::usage(with_sources(&error))
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let document = serde_json::to_value(&error).ok();
        Self {
            document,
            ..Self::new(with_sources(&error), exit_code(&error))
        }
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let code = match error.kind() {
            AuthErrorKind::Unavailable => UNAVAILABLE,
            AuthErrorKind::Misconfigured => USAGE,
            _ => UNAUTHORIZED,
        };
        let mend = error.mend().map(|mend| format!("; {mend}"));
        Self::new(
            format!("{}{}", error.cause(), mend.unwrap_or_default()),
            code,
        )
    }
}

/// The exit code that tells a failed call's class.
fn exit_code(error: &CallError) -> u8 {
    match (error.kind(), error.error_type()) {
        (ErrorKind::NotFound | ErrorKind::InvalidArguments | ErrorKind::Misconfigured, _) => USAGE,
        (_, ErrorType::Authorization) => UNAUTHORIZED,
        (ErrorKind::Refused | ErrorKind::InputRequired, _) => REFUSED,
        _ => UNAVAILABLE,
    }
}

/// "failed to .." with what lies beneath.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = format!("failed to {error}");
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!("\n  because: {inner}"));
        source = inner.source();
    }
    text
}
