//! rmcp's OAuth, one step at a time: where to log in, as whom, the way there, and the tokens in the end.
//!
//! What it would write to the log is left out, since that holds codes and tokens.

use std::sync::Arc;

use manyhands_core::{AuthError, AuthErrorKind, Secret};
use reqwest::Url;
use rmcp::transport::auth::{
    AuthError as Told, AuthorizationCallback, AuthorizationManager, AuthorizationMetadata,
    ClientCredentialsConfig, CredentialStore as _, InMemoryCredentialStore, OAuthClientConfig,
    OAuthTokenResponse, StoredCredentials,
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
/// The longest token that is taken, in bytes.
const MAX_TOKEN: usize = 64 * 1024;

/// How a client shows that it is the one it says, where nobody logs in.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    Secret(&'a Secret),
    #[cfg(feature = "private-key-jwt")]
    Key(&'a super::SigningKey),
}

impl Proof<'_> {
    /// The authorization server says that it does not take this.
    fn misfit(self) -> AuthError {
        let (what, mend) = match self {
            Self::Secret(_) => ("secrets", "give the client a private key"),
            #[cfg(feature = "private-key-jwt")]
            Self::Key(_) => ("keys of this kind", "give the client a secret"),
        };
        let cause = format!("its authorization server takes no {what} of clients");
        AuthError::new(AuthErrorKind::Misconfigured, cause)
            .with_mend(format!("{mend}, or ask whoever runs the server"))
    }
}

/// One authorization server, as far as one resource needs it.
pub(super) struct Engine {
    manager: AuthorizationManager,
    metadata: AuthorizationMetadata,
    http: Arc<Http>,
    resource: Url,
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
        let offline = "offline_access".to_owned();
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
        let checked =
            checked.and_then(|it| self.http.check(&it).map_err(|error| error.to_string()));
        checked.map_err(|why| {
            let cause = format!("the page for its login cannot be opened: {}", shown(&why));
            AuthError::new(AuthErrorKind::Misconfigured, cause)
                .with_mend("ask whoever runs the server")
        })?;
        Ok(url)
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

    /// Logs in as a client, without a person.
    pub(super) async fn client_credentials(
        mut self,
        id: &str,
        proof: Proof<'_>,
        scopes: &[String],
    ) -> Result<Tokens, AuthError> {
        self.http.begin();
        let config = self.credentials(id, proof, scopes);
        let fits = self.manager.validate_client_credentials_metadata(&config);
        fits.map_err(|_| proof.misfit())?;
        let configured = self.manager.configure_client_credentials(&config);
        configured.map_err(|told| sorted(&told, None))?;
        let (engine, exchanged) = self.exchange_credentials(config).await?;
        let response = exchanged.map_err(|told| sorted(&told, engine.http.refusal()))?;
        let mut tokens = engine.tokens(&response, None).await?;
        if tokens.scopes.is_empty() {
            // An answer that names none gave all that were asked for.
            tokens.scopes = scopes.to_vec();
        }
        Ok(tokens)
    }

    #[cfg(not(feature = "private-key-jwt"))]
    async fn exchange_credentials(
        self,
        config: ClientCredentialsConfig,
    ) -> Result<(Self, Result<OAuthTokenResponse, Told>), AuthError> {
        let exchanged = muted(self.manager.exchange_client_credentials(&config)).await;
        Ok((self, exchanged))
    }

    /// With keys, the future that rmcp 3.9 gives has to stay on one thread, which tasks do not.
    #[cfg(feature = "private-key-jwt")]
    async fn exchange_credentials(
        self,
        config: ClientCredentialsConfig,
    ) -> Result<(Self, Result<OAuthTokenResponse, Told>), AuthError> {
        let runtime = tokio::runtime::Handle::current();
        let exchanging = tokio::task::spawn_blocking(move || {
            let exchange = muted(self.manager.exchange_client_credentials(&config));
            let exchanged = runtime.block_on(exchange);
            (self, exchanged)
        });
        exchanging.await.map_err(|_| unusable())
    }

    fn credentials(
        &self,
        id: &str,
        proof: Proof<'_>,
        scopes: &[String],
    ) -> ClientCredentialsConfig {
        let (client_id, scopes) = (id.to_owned(), scopes.to_vec());
        let resource = Some(self.resource.to_string());
        match proof {
            Proof::Secret(secret) => {
                self.http.hide([secret.expose()]);
                ClientCredentialsConfig::ClientSecret {
                    client_id,
                    client_secret: secret.expose().to_owned(),
                    scopes,
                    resource,
                }
            }
            #[cfg(feature = "private-key-jwt")]
            Proof::Key(key) => ClientCredentialsConfig::PrivateKeyJwt {
                client_id,
                signing_key: key.pem().expose().as_bytes().to_vec(),
                signing_algorithm: key.algorithm(),
                token_endpoint_audience: None,
                scopes,
                resource,
            },
        }
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

    async fn tokens(
        &self,
        response: &OAuthTokenResponse,
        old: Option<&Tokens>,
    ) -> Result<Tokens, AuthError> {
        #[derive(Deserialize)]
        struct Response {
            access_token: String,
            refresh_token: Option<String>,
            expires_in: Option<u64>,
        }
        let response = serde_json::to_value(response).map_err(|_| unusable())?;
        let response: Response = serde_json::from_value(response).map_err(|_| unusable())?;
        let fits = |token: &str| {
            token.len() <= MAX_TOKEN && token.bytes().all(|byte| (0x21..0x7f).contains(&byte))
        };
        if response.access_token.is_empty() || !fits(&response.access_token) {
            return Err(unusable());
        }
        let mut scopes = self.manager.get_current_scopes().await;
        if let (true, Some(old)) = (scopes.is_empty(), old) {
            scopes.clone_from(&old.scopes);
        }
        let received_at = now();
        Ok(Tokens {
            access: response.access_token,
            refresh: response.refresh_token.filter(|it| it.len() <= MAX_TOKEN),
            scopes,
            received_at,
            expires_at: response
                .expires_in
                .map(|seconds| received_at.saturating_add(seconds)),
        })
    }
}

fn unusable() -> AuthError {
    AuthError::new(
        AuthErrorKind::Unavailable,
        "its authorization server gave a token that cannot be used",
    )
    .with_mend("ask whoever runs the server")
}

/// Runs rmcp's code without its log.
fn muted<F: Future>(work: F) -> impl Future<Output = F::Output> {
    work.with_subscriber(NoSubscriber::default())
}
