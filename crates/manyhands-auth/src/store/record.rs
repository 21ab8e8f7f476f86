//! What is kept of one login, and under which key.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Whose login at which resource: never is one principal's used for another, or at another resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The URL of the server, as configured, without user info, query and fragment.
    pub(crate) resource: String,
    /// Which account at the server; none for the only one.
    pub(crate) account: Option<String>,
}

impl Key {
    /// A name for it that fits a file name and says nothing: 32 hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        let account = self.account.as_deref().unwrap_or_default();
        let hash = Sha256::digest(format!("{}\n{account}", self.resource));
        hash.iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// One login: which client we are to which authorization server, and what it gave us.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    /// The authorization server; credentials are never used at another.
    pub(crate) issuer: String,
    pub(crate) client: Registration,
    /// None once a login has ended; the registration is still good for the next.
    pub(crate) tokens: Option<Tokens>,
}

/// A client as the authorization server knows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uri: String,
    /// Whether we registered it ourselves.
    pub(crate) dynamic: bool,
}

/// What an authorization server gave us.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) scopes: Vec<String>,
    /// In seconds since 1970.
    pub(crate) received_at: u64,
    /// In seconds since 1970; none where the server did not say.
    pub(crate) expires_at: Option<u64>,
}

impl Login {
    pub(crate) fn summary(&self, key: &Key, place: Place) -> LoginSummary {
        let tokens = self.tokens.as_ref();
        LoginSummary {
            resource: key.resource.clone(),
            account: key.account.clone(),
            issuer: self.issuer.clone(),
            client: self.client.id.clone(),
            scopes: tokens.map(|it| it.scopes.clone()).unwrap_or_default(),
            logged_in: tokens.is_some(),
            expires_at: tokens.and_then(|it| it.expires_at),
            refreshable: tokens.is_some_and(|it| it.refresh.is_some()),
            place,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.tokens.as_ref().map(|_| "[hidden]");
        f.debug_struct("Login")
            .field("issuer", &self.issuer)
            .field("client", &self.client.id)
            .field("tokens", &tokens)
            .finish()
    }
}

/// What is known of a login without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LoginSummary {
    /// The URL of the server.
    pub resource: String,
    /// Which account at the server; none for the only one.
    pub account: Option<String>,
    /// The authorization server.
    pub issuer: String,
    /// As which client we are known there.
    pub client: String,
    /// What the login allows, as far as the authorization server says.
    pub scopes: Vec<String>,
    /// Whether there are tokens; without, only the registration is left.
    pub logged_in: bool,
    /// When the access token ends, in seconds since 1970, where that is known.
    pub expires_at: Option<u64>,
    /// Whether it is renewed without a person.
    pub refreshable: bool,
    /// Where the secret part is kept.
    pub place: Place,
}

/// Where the secret part of a login is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Place {
    /// In this process.
    Memory,
    /// In a file that only its owner can read.
    File,
    /// In the keyring of the operating system.
    Keyring,
}

impl LoginSummary {
    pub(super) fn is_of(&self, key: &Key) -> bool {
        (&self.resource, &self.account) == (&key.resource, &key.account)
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
