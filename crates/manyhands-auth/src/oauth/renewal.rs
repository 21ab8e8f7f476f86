//! Getting the next token: one task for all who need it, and across processes one after the other.

use std::sync::Arc;

use manyhands_core::{AuthError, AuthErrorKind, Secret};
use reqwest::Url;

use super::engine::Engine;
use super::failure::shown;
use super::live::{Live, header};
use super::{Grant, Inner, MOVED};
use crate::store::{Login, Registration, Tokens};

/// How often a login is looked at anew after somebody else changed it meanwhile.
const MAX_ROUNDS: usize = 3;

impl Inner {
    /// A token that is not `stale`: that of another task or process where there is one, else a new one.
    pub(super) async fn renewed(
        self: &Arc<Self>,
        stale: Option<&Secret>,
    ) -> Result<Arc<Live>, AuthError> {
        if let Some(live) = self.live.load_full()
            && Some(&live.header) != stale
            && !live.is_over()
        {
            return Ok(live);
        }
        if let Some(error) = self.told_again() {
            return Err(error);
        }
        match stale {
            Some(stale) => self.renew(stale).await,
            None => self.renew(&Secret::default()).await,
        }
    }

    /// Begins to get another token than `stale`, or joins whoever does. It goes on when nobody waits any more.
    pub(super) fn renew(
        self: &Arc<Self>,
        stale: &Secret,
    ) -> impl Future<Output = Result<Arc<Live>, AuthError>> + use<> {
        let (inner, stale) = (self.clone(), stale.clone());
        self.renewing.join(move || async move {
            let result = inner.next(&stale).await;
            match result {
                Ok(tokens) => Ok(inner.adopt(tokens)),
                Err(error) => {
                    if error.kind() == AuthErrorKind::LoginNeeded {
                        inner.live.store(None);
                    }
                    inner.fail(&error);
                    Err(error)
                }
            }
        })
    }

    async fn next(&self, stale: &Secret) -> Result<Live, AuthError> {
        if self.settings.grant != Grant::AuthorizationCode {
            return self.by_ourselves().await.map(|tokens| {
                let mut live = Live::new(&tokens);
                live.renewable = true;
                live
            });
        }
        let _turn = self.store.turn(&self.key).await?;
        for _ in 0..MAX_ROUNDS {
            let login = self.store.load(&self.key).await?;
            let Some((login, tokens)) = login
                .as_ref()
                .and_then(|it| Some((it, it.tokens.as_ref()?)))
            else {
                return Err(self.nobody().await);
            };
            if header(&tokens.access) != *stale {
                // Another process was faster, or a person has logged in.
                let theirs = Live::new(tokens);
                if !theirs.is_over() {
                    return Ok(theirs);
                }
            }
            if let Some(live) = self.refresh(login).await? {
                return Ok(live);
            }
        }
        Err(AuthError::new(
            AuthErrorKind::Unavailable,
            "its login changes faster than it can be renewed",
        )
        .with_mend("try again"))
    }

    /// Renews a login; none when it was changed meanwhile by somebody who did not wait for the turn.
    async fn refresh(&self, login: &Login) -> Result<Option<Live>, AuthError> {
        if login.tokens.as_ref().is_none_or(|it| it.refresh.is_none()) {
            return Err(self.login_needed("its login has expired"));
        }
        let mut engine = self.engine.lock().await;
        let found = match engine.take() {
            Some(found) => found,
            None => self.discover().await?,
        };
        let found = engine.insert(found);
        if found.issuer() != login.issuer {
            return Err(self.login_needed(MOVED));
        }
        match found.refresh(login).await {
            Ok(tokens) => {
                let next = Login {
                    tokens: Some(tokens.clone()),
                    ..login.clone()
                };
                match self.store.swap(&self.key, Some(login), Some(&next)).await {
                    Ok(true) => Ok(Some(Live::new(&tokens))),
                    Ok(false) => Ok(None),
                    // The token is good all the same; it only dies with this process.
                    Err(error) => {
                        tracing::warn!(%error, "a renewed login could not be kept");
                        Ok(Some(Live::new(&tokens)))
                    }
                }
            }
            Err(error) if error.kind() == AuthErrorKind::LoginNeeded => {
                // Nobody should try this refresh token again. The registration stays good.
                let ended = Login {
                    tokens: None,
                    ..login.clone()
                };
                match self.store.swap(&self.key, Some(login), Some(&ended)).await {
                    Ok(false) => Ok(None),
                    _ => Err(self.login_needed(error.cause())),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the server names another authorization server by now than the one that the login is from.
    pub(super) async fn has_moved(&self) -> Result<bool, AuthError> {
        let Some(login) = self.store.load(&self.key).await? else {
            return Ok(false);
        };
        let found = self.discover().await?;
        let moved = found.issuer() != login.issuer;
        *self.engine.lock().await = Some(found);
        Ok(moved)
    }

    /// Finds out where to log in.
    pub(super) async fn discover(&self) -> Result<Engine, AuthError> {
        let challenge = self.state().challenge.clone();
        let found =
            Engine::discover(&self.resource, self.http().await?, challenge.as_deref()).await?;
        match &self.settings.issuer {
            Some(wanted) if *wanted != found.issuer() => {
                let named = shown(&found.issuer());
                let cause = format!(
                    "the server names the authorization server {named}, and its settings another"
                );
                Err(AuthError::new(AuthErrorKind::Misconfigured, cause)
                    .with_mend("do not log in; ask whoever runs the server"))
            }
            _ => Ok(found),
        }
    }

    /// Says that nobody is logged in, and whether logging in would help.
    async fn nobody(&self) -> AuthError {
        const CAUSE: &str = "nobody is logged in";
        const NONE: &str = "there are none";
        let hinted = self
            .state()
            .challenge
            .as_ref()
            .is_some_and(|it| it.contains("resource_metadata"));
        if hinted {
            return self.login_needed(CAUSE);
        }
        let mut known = self.engine.lock().await;
        let found = match known.take() {
            Some(found) => Ok(found),
            None => self.discover().await,
        };
        match found.map(|it| known.insert(it).published) {
            Ok(true) => self.login_needed(CAUSE),
            // A server that says nothing of logins most likely takes a key.
            Ok(false) => self.no_oauth(NONE),
            Err(error) => {
                tracing::debug!(%error, "whether the server takes logins could not be found out");
                self.no_oauth(NONE)
            }
        }
    }

    /// Adds the permissions that the server asked for, and those that the login has.
    pub(super) fn add_wanted(&self, scopes: &mut Vec<String>) {
        let live = self.live.load_full();
        let held = live.iter().flat_map(|it| it.scopes.iter().cloned());
        let wanted: Vec<String> = held.chain(self.state().wanted.iter().cloned()).collect();
        for scope in wanted {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
    }

    /// Gives tokens back and forgets the login.
    pub(super) async fn logout(&self) -> Result<bool, AuthError> {
        let _turn = self.store.turn(&self.key).await?;
        let login = match self.store.load(&self.key).await {
            Ok(Some(login)) => login,
            Ok(None) => return Ok(false),
            Err(error) => {
                tracing::warn!(%error, "a login that cannot be read is forgotten, and not given back");
                self.store.replace(&self.key, None).await?;
                return Ok(true);
            }
        };
        if let Some(tokens) = &login.tokens
            && let Err(error) = self.revoke(&login.client, &login.issuer, tokens).await
        {
            tracing::info!(%error, "the authorization server did not take the tokens back");
        }
        self.store.replace(&self.key, None).await?;
        self.live.store(None);
        self.state().failed = None;
        Ok(login.tokens.is_some())
    }

    async fn revoke(
        &self,
        client: &Registration,
        issuer: &str,
        tokens: &Tokens,
    ) -> Result<(), AuthError> {
        let engine = self.discover().await?;
        let Some(endpoint) = engine.revocation().filter(|_| engine.issuer() == issuer) else {
            return Ok(());
        };
        // Taking back the refresh token ends the whole login.
        let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
        let mut form = Url::parse("form:").map_err(|_| self.login_needed("unreachable"))?;
        form.query_pairs_mut()
            .append_pair("token", token)
            .append_pair("client_id", &client.id)
            .extend_pairs(client.secret.iter().map(|it| ("client_secret", it)));
        let http = self.http().await?;
        let posted = http
            .post_form(&endpoint, form.query().unwrap_or_default().to_owned())
            .await;
        match posted {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(AuthError::new(
                AuthErrorKind::Unavailable,
                format!("HTTP {}", answer.status().as_u16()),
            )),
            Err(error) => Err(AuthError::new(
                AuthErrorKind::Unavailable,
                shown(&error.to_string()),
            )),
        }
    }
}
