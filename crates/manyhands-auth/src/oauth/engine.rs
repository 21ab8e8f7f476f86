//! rmcp's OAuth, one step at a time: where to log in, as whom, the way there, and the tokens in the end.
//!
//! What it would write to the log is left out, since that holds codes and tokens.

use std::sync::Arc;

use manyhands_core::{AuthError, AuthErrorKind};
use reqwest::Url;
use rmcp::transport::auth::{
    AuthError as Told, AuthorizationCallback, AuthorizationManager, AuthorizationMetadata,
    CredentialStore as _, InMemoryCredentialStore, OAuthClientConfig, OAuthTokenResponse,
    StoredCredentials,
};
use serde::Deserialize;
use serde_json::json;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::failure::{shown, sorted};
use super::http::Http;
use crate::store::{Login, Registration, Tokens, now};

/// As whom authorization servers know us, where they ask.
const CLIENT_NAME: &str = "Manyhands";
/// The permission to come again without the person.
const OFFLINE: &str = "offline_access";
/// The longest token that is taken, in bytes.
const MAX_TOKEN: usize = 64 * 1024;

/// One authorization server, as far as one resource needs it.
pub(super) struct Engine {
    pub(super) manager: AuthorizationManager,
    pub(super) metadata: AuthorizationMetadata,
    pub(super) http: Arc<Http>,
    pub(super) resource: Url,
    /// Whether the server says how to log in; else the oldest revision's way is taken as a guess.
    pub(super) published: bool,
}

impl Engine {
    /// Finds out where to log in; from what the server said when it refused, where it did.
    pub(super) async fn discover(
        resource: &Url,
        http: Arc<Http>,
        challenge: Option<&str>,
    ) -> Result<Self, AuthError> {
        http.begin();
        let client = http.clone();
        let found = muted(async {
            let manager =
                AuthorizationManager::new_with_oauth_http_client(resource.clone(), client).await;
            let mut manager = manager?;
            let found = manager.resolve_metadata_from_challenge(challenge).await?;
            manager.set_metadata(found.metadata.clone());
            Ok::<_, Told>((manager, found))
        });
        let (manager, found) = found.await.map_err(|told| sorted(&told, http.refusal()))?;
        Ok(Self {
            manager,
            published: found.source.is_discovered(),
            metadata: found.metadata,
            http,
            resource: resource.clone(),
        })
    }

    /// Who the authorization server is. Old ones do not say, and are known by their address.
    pub(super) fn issuer(&self) -> String {
        self.metadata
            .issuer
            .clone()
            .unwrap_or_else(|| self.metadata.token_endpoint.clone())
    }

    /// Whether the URL of a document counts as a client id.
    pub(super) fn takes_metadata_urls(&self) -> bool {
        let key = "client_id_metadata_document_supported";
        self.metadata
            .additional_fields
            .get(key)
            .is_some_and(|it| it == true)
    }

    /// Where tokens are given back, if anywhere.
    pub(super) fn revocation(&self) -> Option<String> {
        let url = self.metadata.additional_fields.get("revocation_endpoint")?;
        url.as_str().map(str::to_owned)
    }

    /// The permissions to ask for: those of the settings, else those that the server wants.
    pub(super) async fn scopes(&self, configured: &[String]) -> Vec<String> {
        if configured.is_empty() {
            return self.manager.select_initial_scopes(&[]).await;
        }
        let mut scopes = configured.to_vec();
        let offline = OFFLINE.to_owned();
        let supported = self.metadata.scopes_supported.iter().flatten();
        // Some servers give refresh tokens only to those who ask for this.
        if supported.into_iter().any(|it| *it == offline) && !scopes.contains(&offline) {
            scopes.push(offline);
        }
        scopes
    }

    /// Registers us.
    pub(super) async fn register(
        &mut self,
        redirect_uri: &str,
        scopes: &[String],
    ) -> Result<Registration, AuthError> {
        self.http.begin();
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let registered = muted(
            self.manager
                .register_client(CLIENT_NAME, redirect_uri, &scopes),
        )
        .await;
        let client = registered.map_err(|told| sorted(&told, self.http.refusal()))?;
        Ok(Registration {
            id: client.client_id,
            secret: client.client_secret,
            redirect_uri: redirect_uri.to_owned(),
            dynamic: true,
        })
    }

    /// The page where a person logs in.
    pub(super) async fn login_url(
        &mut self,
        client: &Registration,
        scopes: &[String],
    ) -> Result<String, AuthError> {
        self.become_client(client)?;
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let url = muted(self.manager.get_authorization_url(&scopes)).await;
        let url = url.map_err(|told| sorted(&told, None))?;
        let checked = Url::parse(&url).map_err(|error| error.to_string());
        let checked = checked.and_then(|it| {
            self.http
                .check(&it)
                .map_err(|error| error.to_string())
                .map(|()| it)
        });
        let mut url = checked.map_err(|why| {
            let cause = format!("the page for its login cannot be opened: {}", shown(&why));
            AuthError::new(AuthErrorKind::Misconfigured, cause)
                .with_mend("ask whoever runs the server")
        })?;
        if scopes.contains(&OFFLINE) {
            // OpenID Connect Core, section 11: without it there is no refresh token, and nobody says so.
            url.query_pairs_mut().append_pair("prompt", "consent");
        }
        Ok(url.into())
    }

    /// Takes the code out of the URL that the browser was sent to, and turns it into tokens.
    pub(super) async fn exchange(&self, redirected: &str) -> Result<Tokens, AuthError> {
        self.http.begin();
        let exchanged = muted(async {
            let callback = AuthorizationCallback::from_redirect_url(redirected)?;
            let issuer = callback.issuer.as_deref();
            let (code, state) = (&callback.code, &callback.csrf_token);
            self.manager
                .exchange_code_for_token_with_issuer(code, state, issuer)
                .await
        });
        let response = exchanged
            .await
            .map_err(|told| sorted(&told, self.http.refusal()))?;
        self.tokens(&response, None).await
    }

    /// Renews tokens.
    pub(super) async fn refresh(&mut self, login: &Login) -> Result<Tokens, AuthError> {
        let old = login.tokens.as_ref();
        let Some((old, refresh)) = old.and_then(|it| Some((it, it.refresh.as_ref()?))) else {
            return Err(AuthError::new(
                AuthErrorKind::LoginNeeded,
                "its login has ended",
            ));
        };
        self.become_client(&login.client)?;
        let response =
            json!({"access_token": old.access, "refresh_token": refresh, "token_type": "bearer"});
        let response: OAuthTokenResponse =
            serde_json::from_value(response).map_err(|_| unusable())?;
        let stored = StoredCredentials::new(
            login.client.id.clone(),
            Some(response),
            old.scopes.clone(),
            Some(old.received_at),
        );
        let store = InMemoryCredentialStore::new();
        store.save(stored).await.map_err(|_| unusable())?;
        self.manager.set_credential_store(store);
        self.http.begin();
        self.http.hide([refresh.as_str(), &old.access]);
        let renewed = muted(self.manager.refresh_token()).await;
        let response = renewed.map_err(|told| sorted(&told, self.http.refusal()))?;
        self.tokens(&response, Some(old)).await
    }

    fn become_client(&mut self, client: &Registration) -> Result<(), AuthError> {
        let mut config = OAuthClientConfig::new(&client.id, &client.redirect_uri);
        if let Some(secret) = &client.secret {
            self.http.hide([secret.as_str()]);
            config = config.with_client_secret(secret);
        }
        self.manager
            .configure_client(config)
            .map_err(|told| sorted(&told, None))
    }

    /// The tokens in an answer; what it leaves out is as it was.
    pub(super) async fn tokens(
        &self,
        response: &OAuthTokenResponse,
        old: Option<&Tokens>,
    ) -> Result<Tokens, AuthError> {
        let response = serde_json::to_value(response).map_err(|_| unusable())?;
        let response: Given = serde_json::from_value(response).map_err(|_| unusable())?;
        let mut scopes = self.manager.get_current_scopes().await;
        if let (true, Some(old)) = (scopes.is_empty(), old) {
            scopes.clone_from(&old.scopes);
        }
        response.tokens(scopes)
    }
}

/// What an authorization server gives.
#[derive(Deserialize)]
pub(super) struct Given {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    pub(super) expires_in: Option<u64>,
    pub(super) scope: Option<String>,
}

impl Given {
    pub(super) fn tokens(self, scopes: Vec<String>) -> Result<Tokens, AuthError> {
        let fits = |token: &str| {
            token.len() <= MAX_TOKEN && token.bytes().all(|byte| (0x21..0x7f).contains(&byte))
        };
        if self.access_token.is_empty() || !fits(&self.access_token) {
            return Err(unusable());
        }
        let received_at = now();
        let end = |seconds| received_at.saturating_add(seconds);
        Ok(Tokens {
            access: self.access_token,
            refresh: self.refresh_token.filter(|it| it.len() <= MAX_TOKEN),
            scopes,
            received_at,
            expires_at: self.expires_in.map(end),
        })
    }
}

pub(super) fn unusable() -> AuthError {
    AuthError::new(
        AuthErrorKind::Unavailable,
        "its authorization server gave a token that cannot be used",
    )
    .with_mend("ask whoever runs the server")
}

/// Runs rmcp's code without its log.
pub(super) fn muted<F: Future>(work: F) -> impl Future<Output = F::Output> {
    work.with_subscriber(NoSubscriber::default())
}
