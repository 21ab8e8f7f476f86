//! Why an authorization server does not do as asked, in the form of OAuth.

use serde_json::json;

use crate::http::Answer;

/// An error of OAuth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

impl Refusal {
    pub(super) fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    pub(super) fn grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    pub(super) fn client(description: &'static str) -> Self {
        Self::new("invalid_client", description)
    }

    pub(super) fn answer(&self) -> Answer {
        let body = json!({"error": self.error, "error_description": self.description});
        if self.error == "invalid_client" {
            let answer = Answer::json(401, &body);
            return answer.header("www-authenticate", "Basic realm=\"testkit\"");
        }
        Answer::json(400, &body)
    }
}
