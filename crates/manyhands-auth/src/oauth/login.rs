//! A person logs in: the page, the way back from it, and the tokens in the end.

use std::sync::Arc;
use std::time::Duration;

use manyhands_core::{
    AuthError, AuthErrorKind, LoginAnswer, LoginPage, LoginPrompt, Printable, Secret, clip,
};
use reqwest::Url;
use tokio::time::timeout;

use super::engine::Engine;
use super::failure::shown;
use super::live::Live;
use super::loopback::{Loopback, Visit};
use super::{Grant, Inner};
use crate::store::{Login, Registration, Tokens};

/// How long a person may take.
const LOGIN_LIMIT: Duration = Duration::from_secs(600);

impl Inner {
    /// Logs in with the help of a person.
    pub(super) async fn log_in(self: Arc<Self>, prompt: LoginPrompt) -> Result<(), AuthError> {
        if self.settings.grant != Grant::AuthorizationCode {
            self.state().failed = None;
            let stale = self.live.load_full().map(|it| it.header.clone());
            return self.renewed(stale.as_ref()).await.map(drop);
        }
        match timeout(LOGIN_LIMIT, self.with_person(&prompt)).await {
            Ok(result) => result,
            Err(_) => Err(self.login_needed(format!("nobody logged in within {LOGIN_LIMIT:?}"))),
        }
    }

    async fn with_person(&self, prompt: &LoginPrompt) -> Result<(), AuthError> {
        let mut engine = self.discover().await?;
        // A login that cannot be read any more is no reason against another.
        let known = self.store.load(&self.key).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the last login cannot be read, and is replaced");
            None
        });
        self.stays_where_it_was(known.as_ref(), &engine.issuer())?;
        let known = known
            .map(|it| (it.client, it.issuer))
            .filter(|(client, issuer)| {
                // What one authorization server knows of us is nobody else's business.
                client.dynamic && *issuer == engine.issuer()
            });
        let known = known.map(|(client, _)| client);
        let configured = self.settings.redirect_uri.as_deref();
        let loopback = Loopback::bind(
            configured,
            known.as_ref().map(|it| it.redirect_uri.as_str()),
        )
        .await?;
        let redirect_uri = match (&loopback, configured) {
            (Some(loopback), _) => loopback.uri.clone(),
            (None, uri) => uri.unwrap_or_default().to_owned(),
        };
        let mut scopes = engine.scopes(&self.settings.scopes).await;
        self.add_wanted(&mut scopes);
        let client = self
            .client(&mut engine, known, &redirect_uri, &scopes)
            .await?;
        let url = engine.login_url(&client, &scopes).await?;
        let (redirected, visit) = self.redirected(&url, loopback.as_ref(), prompt).await?;
        let result = self.finish(&engine, client, &redirected).await;
        if let Some(visit) = visit {
            visit.answer(result.as_ref().map(drop)).await;
        }
        result
    }

    /// Refuses to take a client that was registered by hand, and its secret, to another authorization server.
    fn stays_where_it_was(&self, known: Option<&Login>, issuer: &str) -> Result<(), AuthError> {
        let own = |it: &&Login| self.settings.client_id.as_ref() == Some(&it.client.id);
        match known.filter(own) {
            Some(login) if login.issuer != issuer => {
                let cause = format!(
                    "the server has moved to the authorization server {}, which is not the one of its client id",
                    shown(issuer)
                );
                Err(AuthError::new(AuthErrorKind::Misconfigured, cause).with_mend(
                    "register a client there, and put its id into `manyhands.oauth.clientId`; if it is known there \
                     by the same id, log out first",
                ))
            }
            _ => Ok(()),
        }
    }

    /// As whom we come: as registered by hand, by a document, or by ourselves, now or earlier.
    async fn client(
        &self,
        engine: &mut Engine,
        known: Option<Registration>,
        redirect_uri: &str,
        scopes: &[String],
    ) -> Result<Registration, AuthError> {
        let registered = |id: &str, secret: Option<&Secret>| Registration {
            id: id.to_owned(),
            secret: secret.map(|it| it.expose().to_owned()),
            redirect_uri: redirect_uri.to_owned(),
            dynamic: false,
        };
        if let Some(id) = &self.settings.client_id {
            return Ok(registered(id, self.settings.client_secret.as_ref()));
        }
        if let Some(url) = &self.settings.client_metadata_url
            && engine.takes_metadata_urls()
        {
            return Ok(registered(url, None));
        }
        match known.filter(|it| it.redirect_uri == redirect_uri) {
            Some(known) => Ok(known),
            None => match engine.register(redirect_uri, scopes).await {
                Err(error) if !engine.published && error.kind() == AuthErrorKind::Misconfigured => {
                    Err(self.no_oauth("the server says nothing of logins"))
                }
                registered => registered,
            },
        }
    }

    /// Shows the page, and waits until the browser comes back or the person brings its URL.
    async fn redirected(
        &self,
        url: &str,
        loopback: Option<&Loopback>,
        prompt: &LoginPrompt,
    ) -> Result<(Secret, Option<Visit>), AuthError> {
        let state = parameter(url, "state").unwrap_or_default();
        let arrival = async {
            match loopback {
                Some(loopback) => loopback.visit(&state).await,
                None => std::future::pending().await,
            }
        };
        let shown = prompt.show(LoginPage::new(url, loopback.is_some()));
        let mut arrival = std::pin::pin!(arrival);
        let answer = tokio::select! {
            visit = &mut arrival => return Ok((visit.url.clone(), Some(visit))),
            answer = shown => answer,
        };
        match answer {
            LoginAnswer::Redirected(url) => Ok((whole(&url), None)),
            LoginAnswer::Opened if loopback.is_some() => {
                let visit = arrival.await;
                Ok((visit.url.clone(), Some(visit)))
            }
            LoginAnswer::Opened => {
                Err(self.login_needed("nobody brought back where the browser was sent to"))
            }
            _ => Err(self.login_needed("the login was declined")),
        }
    }

    /// Turns the code into tokens, and keeps them.
    async fn finish(
        &self,
        engine: &Engine,
        client: Registration,
        redirected: &Secret,
    ) -> Result<(), AuthError> {
        if let Some(error) = parameter(redirected.expose(), "error") {
            let why = parameter(redirected.expose(), "error_description").unwrap_or_default();
            let told = if why.is_empty() {
                error
            } else {
                format!("{error}: {why}")
            };
            let told = Printable(&clip(&told, 200)).to_string();
            return Err(self.login_needed(format!(
                "the authorization server refused the login ({told})"
            )));
        }
        let tokens = engine.exchange(redirected.expose()).await?;
        self.keep(engine.issuer(), client, tokens).await
    }

    async fn keep(
        &self,
        issuer: String,
        client: Registration,
        tokens: Tokens,
    ) -> Result<(), AuthError> {
        let login = Login {
            issuer,
            client,
            tokens: Some(tokens.clone()),
        };
        // From here on there is a login, also where it cannot be kept.
        self.adopt(Live::new(&tokens));
        let _turn = self.store.turn(&self.key).await?;
        self.store.replace(&self.key, Some(&login)).await
    }
}

/// The URL in what a person brought, who may have brought only what follows the question mark.
fn whole(brought: &Secret) -> Secret {
    let text = brought.expose().trim();
    if Url::parse(text).is_ok() {
        return Secret::new(text);
    }
    Secret::new(format!(
        "http://localhost/?{}",
        text.trim_start_matches('?')
    ))
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
