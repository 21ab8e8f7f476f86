//! What was asked of an authorization server, and every secret that went through it.

use std::collections::{BTreeSet, VecDeque};

use super::form::Fields;
use crate::http::Request;

/// How many requests are kept, of how many bytes each: the oldest are forgotten first.
const KEPT_REQUESTS: usize = 1_024;
const KEPT_BODY: usize = 64 * 1024;
/// How many secrets are kept.
const KEPT_SECRETS: usize = 16_384;
/// The fields whose values are secret.
const SECRET: [&str; 5] = [
    "code",
    "code_verifier",
    "refresh_token",
    "client_secret",
    "token",
];

/// How often an authorization server has done each thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Metadata were asked for, at the place where they are, whether they were given or not.
    pub metadata: usize,
    /// Clients were taken in.
    pub registrations: usize,
    /// Codes were issued.
    pub authorizations: usize,
    /// Tokens were issued for codes.
    pub codes: usize,
    /// Tokens were issued for refresh tokens.
    pub refreshes: usize,
    /// Tokens were asked for refresh tokens, whether they were issued or not.
    pub refresh_attempts: usize,
    /// Tokens were issued for clients themselves.
    pub client_credentials: usize,
    /// Revocations were taken, of tokens that were known or not.
    pub revocations: usize,
}

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// The method of HTTP.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The fields of the query, and then those of the form, in their order.
    pub fields: Vec<(String, String)>,
    /// The headers, by names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body as text, 64 KiB of it at most.
    pub body: String,
}

impl Seen {
    /// The first field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The first header of this name, in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(super) counts: Counts,
    requests: VecDeque<Seen>,
    secrets: VecDeque<String>,
    known: BTreeSet<String>,
}

impl Log {
    pub(crate) fn seen(&mut self, request: &Request, fields: &Fields) {
        for (_, value) in fields
            .iter()
            .filter(|(name, _)| SECRET.contains(&name.as_str()))
        {
            self.secret(value);
        }
        let body = request.body.get(..KEPT_BODY).unwrap_or(&request.body);
        self.requests.push_back(Seen {
            method: request.method.clone(),
            path: request.split().0.to_owned(),
            fields: fields.clone().into_pairs(),
            headers: request.headers.0.clone(),
            body: String::from_utf8_lossy(body).into_owned(),
        });
        if self.requests.len() > KEPT_REQUESTS {
            self.requests.pop_front();
        }
    }

    /// Remembers a secret, once.
    pub(crate) fn secret(&mut self, secret: &str) {
        if secret.is_empty() || !self.known.insert(secret.to_owned()) {
            return;
        }
        self.secrets.push_back(secret.to_owned());
        if self.secrets.len() > KEPT_SECRETS
            && let Some(forgotten) = self.secrets.pop_front()
        {
            self.known.remove(&forgotten);
        }
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn secrets(&self) -> Vec<String> {
        self.secrets.iter().cloned().collect()
    }
}
