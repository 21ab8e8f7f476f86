//! Answers that an authorization server gives in place of its own, and when.

use serde_json::json;

use super::form::Fields;
use crate::http::{Answer, Head, Request};

/// For [`AuthServer::fail`](super::AuthServer::fail): until it is told otherwise.
pub const ALWAYS: usize = usize::MAX;

/// More than any metadata: clients should read no further than 1 MiB.
const OVERSIZED: usize = 1024 * 1024 + 64 * 1024;

/// What is asked of an authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Moment {
    /// Its metadata.
    Metadata,
    /// To take in a client.
    Registration,
    /// To let a person decide.
    Authorization,
    /// A token for a code.
    Code,
    /// A token for a refresh token.
    Refresh,
    /// A token for the client itself.
    ClientCredentials,
    /// To forget a token.
    Revocation,
}

/// An answer in place of the right one. Nothing is done then, but for [`Failure::Lost`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// This status, and a line of text.
    Status(u16),
    /// Status 503, with `Retry-After` in seconds.
    Unavailable(u64),
    /// Status 200, and a page for people.
    Garbage,
    /// Status 200, and JSON of more than 1 MiB.
    Oversized,
    /// A redirect to this URL.
    Redirect(String),
    /// Status 400, and this error in the form of OAuth, as `invalid_grant`.
    Error(String),
    /// As [`Failure::Error`], with a description that holds all that the client has sent, and
    /// escape sequences of terminals.
    Quoting(String),
    /// Nothing, until the client has left.
    Silent,
    /// The end of the connection, after all was done: what was issued is lost.
    Lost,
}

impl Failure {
    /// The answer to a request with these fields.
    pub(crate) fn answer(&self, request: &Request, fields: &Fields) -> Answer {
        match self {
            Self::Status(status) => Answer::text(*status, "as the test wants it"),
            Self::Unavailable(seconds) => {
                Answer::text(503, "back soon").header("retry-after", &seconds.to_string())
            }
            Self::Garbage => {
                let page = "<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>";
                Answer::Whole(Head::new(200).typed("text/html"), page.into())
            }
            Self::Oversized => Answer::json(200, &json!({"issuer": "x".repeat(OVERSIZED)})),
            Self::Redirect(location) => Answer::text(302, "").header("location", location),
            Self::Error(error) => {
                let description = "as the test wants it";
                Answer::json(
                    400,
                    &json!({"error": error, "error_description": description}),
                )
            }
            Self::Quoting(error) => Answer::json(400, &quoting(error, request, fields)),
            Self::Silent => Answer::Silent,
            Self::Lost => Answer::Hangup,
        }
    }
}

fn quoting(error: &str, request: &Request, fields: &Fields) -> serde_json::Value {
    let sent = fields.iter().map(|(name, value)| format!("{name}={value}"));
    let sent: Vec<_> = sent.collect();
    let credentials = request.header("authorization").unwrap_or_default();
    let body = String::from_utf8_lossy(&request.body);
    let description = format!(
        "\u{1b}[31mno\u{1b}[0m\u{7}\r\nlevel=info {} {credentials} {body} \u{202e}\u{1b}]0;title\u{7}",
        sent.join(" ")
    );
    json!({"error": error, "error_description": description, "error_uri": "\u{1b}[2Jhttp://x"})
}
