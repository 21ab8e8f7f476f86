//! Clients, codes and tokens: what an authorization server has issued, and what of it is good still.

use std::time::Duration;

use tokio::time::Instant;

use super::kept::{Kept, random};

/// A client that is known.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    /// The way to authenticate that it was registered with.
    pub(super) method: Option<String>,
}

/// What a person, or a client for itself, was granted.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) client: String,
    pub(crate) subject: String,
    pub(crate) resource: Option<String>,
    pub(crate) scope: Vec<String>,
    /// All that comes of one authorization has one number.
    pub(super) family: usize,
}

/// A code, until it is used.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) challenge: String,
    pub(super) redirect_uri: String,
    pub(super) used: bool,
}

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// Which one it is of all that were issued, from 0.
    pub(crate) number: usize,
    pub(crate) grant: Grant,
    expires: Option<Instant>,
    refused: bool,
}

/// A refresh token.
#[derive(Debug, Clone)]
pub(super) struct Refresh {
    pub(super) grant: Grant,
    pub(super) used: bool,
    pub(super) revoked: bool,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(super) clients: Kept<Client>,
    pub(super) codes: Kept<Code>,
    pub(super) refresh: Kept<Refresh>,
    access: Kept<Access>,
    issued: usize,
    families: usize,
}

impl State {
    /// A number for a new authorization.
    pub(super) fn family(&mut self) -> usize {
        self.families += 1;
        self.families
    }

    /// Issues an access token.
    pub(super) fn issue(&mut self, grant: Grant, lives: Option<u64>) -> String {
        let number = self.issued;
        self.issued += 1;
        let token = random(&format!("access-{number}"));
        // A lifetime beyond what the clock can tell is one without an end.
        let expires = lives.and_then(|it| Instant::now().checked_add(Duration::from_secs(it)));
        let access = Access {
            number,
            grant,
            expires,
            refused: false,
        };
        self.access.insert(&token, access);
        token
    }

    /// Issues a refresh token.
    pub(super) fn issue_refresh(&mut self, grant: Grant) -> String {
        let token = random("refresh");
        let refresh = Refresh {
            grant,
            used: false,
            revoked: false,
        };
        self.refresh.insert(&token, refresh);
        token
    }

    /// What an access token is good for, if it is.
    pub(super) fn access(&self, token: &str) -> Option<Access> {
        let access = self.access.get(token)?;
        let expired = access.expires.is_some_and(|at| at <= Instant::now());
        (!access.refused && !expired).then(|| access.clone())
    }

    pub(super) fn expire_access_tokens(&mut self) {
        self.access.each(|access| access.refused = true);
    }

    pub(super) fn revoke_refresh_tokens(&mut self) {
        self.refresh.each(|refresh| refresh.revoked = true);
    }

    /// Revokes one token of this client, and with a refresh token all that came of it.
    pub(super) fn revoke(&mut self, token: &str, client: &str) {
        let refresh = self.refresh.get(token);
        let family = refresh.filter(|it| it.grant.client == client);
        if let Some(family) = family.map(|it| it.grant.family) {
            self.revoke_family(family);
        }
        if let Some(access) = self.access.get_mut(token)
            && access.grant.client == client
        {
            access.refused = true;
        }
    }

    /// Revokes all that came of one authorization.
    pub(super) fn revoke_family(&mut self, family: usize) {
        let its = |grant: &Grant| grant.family == family;
        self.refresh.each(|it| it.revoked |= its(&it.grant));
        self.access.each(|it| it.refused |= its(&it.grant));
    }
}
