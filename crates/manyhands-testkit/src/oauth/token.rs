//! Tokens for codes, for refresh tokens, and for clients themselves.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::behavior::{Behavior, RefreshTokens};
use super::form::Fields;
use super::refusal::Refusal;
use super::shared::Shared;
use super::state::{Client, Grant, State};
use super::{authorize, credentials};
use crate::http::{Answer, Request};

/// Answers a request for a token.
pub(super) fn token(shared: &Shared, request: &Request, fields: &Fields) -> Answer {
    match issue(shared, request, fields) {
        Ok(body) => Answer::json(200, &body)
            .header("cache-control", "no-store")
            .header("pragma", "no-cache"),
        Err(refusal) => refusal.answer(),
    }
}

fn issue(shared: &Shared, request: &Request, fields: &Fields) -> Result<Value, Refusal> {
    let client = credentials::client(shared, request, fields)?;
    let behavior = shared.behavior();
    let mut state = shared.state();
    let (grant, kind) = match fields.get("grant_type") {
        Some("authorization_code") => (for_code(&mut state, &client, fields)?, Kind::Code),
        Some("refresh_token") => (
            for_refresh(&mut state, &behavior, &client, fields)?,
            Kind::Refresh,
        ),
        Some("client_credentials") => {
            let grant = for_client(&mut state, &behavior, &client, fields)?;
            (grant, Kind::Client)
        }
        _ => {
            let description = "there is no such grant";
            return Err(Refusal::new("unsupported_grant_type", description));
        }
    };
    let issued = Issued::new(&mut state, &behavior, grant, kind);
    drop(state);
    let mut log = shared.log();
    log.secret(&issued.access);
    log.secret(issued.refresh.as_deref().unwrap_or_default());
    match kind {
        Kind::Code => log.counts.codes += 1,
        Kind::Refresh => log.counts.refreshes += 1,
        Kind::Client => log.counts.client_credentials += 1,
    }
    Ok(issued.body(&behavior))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Refresh,
    Client,
}

/// What a code was issued for. It is used up by the first who shows it, right or wrong.
fn for_code(state: &mut State, client: &Client, fields: &Fields) -> Result<Grant, Refusal> {
    let shown = fields.get("code").unwrap_or_default();
    let Some(code) = state.codes.get_mut(shown) else {
        return Err(Refusal::grant("there is no such code"));
    };
    let (code, used) = (code.clone(), std::mem::replace(&mut code.used, true));
    if used {
        state.revoke_family(code.grant.family);
        return Err(Refusal::grant("the code was used before"));
    }
    if code.grant.client != client.id {
        return Err(Refusal::grant("the code is another client's"));
    }
    if fields.get("redirect_uri") != Some(&code.redirect_uri) {
        return Err(Refusal::grant("the redirect URI is another one"));
    }
    let verifier = fields.get("code_verifier").unwrap_or_default();
    if !(43..=128).contains(&verifier.len()) || challenge(verifier) != code.challenge {
        return Err(Refusal::grant("the verifier does not fit the challenge"));
    }
    same_resource(&code.grant, fields)?;
    Ok(code.grant)
}

/// What a refresh token was issued for.
fn for_refresh(
    state: &mut State,
    behavior: &Behavior,
    client: &Client,
    fields: &Fields,
) -> Result<Grant, Refusal> {
    let shown = fields.get("refresh_token").unwrap_or_default();
    let Some(refresh) = state.refresh.get_mut(shown) else {
        return Err(Refusal::grant("there is no such refresh token"));
    };
    if refresh.grant.client != client.id {
        return Err(Refusal::grant("the refresh token is another client's"));
    }
    if refresh.revoked {
        return Err(Refusal::grant("the refresh token was revoked"));
    }
    let mut grant = refresh.grant.clone();
    if refresh.used {
        if behavior.reuse_revokes {
            state.revoke_family(grant.family);
        }
        return Err(Refusal::grant("the refresh token was used before"));
    }
    same_resource(&grant, fields)?;
    if let Some(scope) = fields.get("scope") {
        let asked: Vec<_> = scope.split_whitespace().map(str::to_owned).collect();
        if !asked.iter().all(|scope| grant.scope.contains(scope)) {
            let description = "this scope was not granted";
            return Err(Refusal::new("invalid_scope", description));
        }
        grant.scope = asked;
    }
    refresh.used = behavior.rotates;
    Ok(grant)
}

fn for_client(
    state: &mut State,
    behavior: &Behavior,
    client: &Client,
    fields: &Fields,
) -> Result<Grant, Refusal> {
    if client.secret.is_none() {
        let description = "the client has no secret";
        return Err(Refusal::new("unauthorized_client", description));
    }
    Ok(Grant {
        client: client.id.clone(),
        subject: client.id.clone(),
        resource: authorize::resource(behavior, fields)?,
        scope: authorize::scope(behavior, fields)?,
        family: state.family(),
    })
}

/// A token is for the resource that was authorized, which may be named again.
fn same_resource(grant: &Grant, fields: &Fields) -> Result<(), Refusal> {
    let named = fields.get("resource");
    if named.is_some() && named != grant.resource.as_deref() {
        let description = "the resource is another one";
        return Err(Refusal::new("invalid_target", description));
    }
    Ok(())
}

/// What is issued for a grant.
struct Issued {
    access: String,
    refresh: Option<String>,
    scope: Vec<String>,
}

impl Issued {
    fn new(state: &mut State, behavior: &Behavior, grant: Grant, kind: Kind) -> Self {
        let offline = grant.scope.iter().any(|scope| scope == "offline_access");
        let refreshes = match behavior.refresh_tokens {
            RefreshTokens::Always => true,
            RefreshTokens::WithOfflineAccess => offline,
            RefreshTokens::Never => false,
        };
        let is_new = kind == Kind::Code || (kind == Kind::Refresh && behavior.rotates);
        let refresh = (refreshes && is_new).then(|| state.issue_refresh(grant.clone()));
        let scope = grant.scope.clone();
        let access = state.issue(grant, behavior.expires_in);
        Self {
            access,
            refresh,
            scope,
        }
    }

    /// The answer that hands it over.
    fn body(&self, behavior: &Behavior) -> Value {
        let mut body = Map::new();
        let mut say = |key: &str, value: Value| drop(body.insert(key.to_owned(), value));
        say("access_token", self.access.clone().into());
        say("token_type", behavior.token_type.clone().into());
        if let Some(seconds) = behavior.expires_in {
            say("expires_in", seconds.into());
        }
        if let Some(refresh) = &self.refresh {
            say("refresh_token", refresh.clone().into());
        }
        if behavior.tells_scope && !self.scope.is_empty() {
            say("scope", self.scope.join(" ").into());
        }
        Value::Object(body)
    }
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(verifier), expected);
    }
}
