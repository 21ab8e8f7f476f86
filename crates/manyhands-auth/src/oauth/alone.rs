//! Logins without a person: a client that shows who it is, or that somebody else vouches for.

use manyhands_core::{AuthError, AuthErrorKind, Secret};
use reqwest::Url;
use rmcp::transport::auth::{AuthError as Told, ClientCredentialsConfig, OAuthTokenResponse};

use super::assertion::addressed;
use super::engine::{Engine, Given, muted, unusable};
use super::failure::{sorted, token};
use super::{Grant, Inner};
use crate::store::Tokens;

/// What asks for a token on the word of somebody else (RFC 7523).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Asks for tokens that outlive a person's presence, and is of no use where there is none.
const OFFLINE: &str = "offline_access";

impl Inner {
    /// Gets a token without a person.
    pub(super) async fn by_ourselves(&self) -> Result<Tokens, AuthError> {
        let engine = self.discover().await?;
        let mut scopes = engine.scopes(&self.settings.scopes).await;
        self.add_wanted(&mut scopes);
        scopes.retain(|it| it != OFFLINE || self.settings.scopes.contains(it));
        let tokens = match self.settings.grant {
            Grant::JwtBearer => self.by_assertion(&engine, &scopes).await,
            #[cfg(feature = "enterprise")]
            Grant::Enterprise => self.by_enterprise(&engine, &scopes).await,
            _ => self.by_client(engine, &scopes).await,
        };
        tokens.map_err(without_person)
    }

    async fn by_client(&self, engine: Engine, scopes: &[String]) -> Result<Tokens, AuthError> {
        let misfit = |cause: &str| {
            AuthError::new(AuthErrorKind::Misconfigured, cause)
                .with_mend("set `clientId` and `clientSecret` in `manyhands.oauth`")
        };
        let id = self.settings.client_id.as_deref();
        let id =
            id.ok_or_else(|| misfit("it is to be logged in to as a client, and has no client id"))?;
        let proof = self.proof().ok_or_else(|| {
            misfit("it is to be logged in to as a client, and has no client secret")
        })?;
        engine.client_credentials(id, proof, scopes).await
    }

    async fn by_assertion(&self, engine: &Engine, scopes: &[String]) -> Result<Tokens, AuthError> {
        let assertions = self.settings.assertions.as_ref().ok_or_else(|| {
            let cause = "nothing says who we are at its authorization server";
            AuthError::new(AuthErrorKind::Misconfigured, cause)
                .with_mend("set where the assertions come from")
        })?;
        let assertion = assertions.next().await?;
        let settings = &self.settings;
        let client = (
            settings.client_id.as_deref(),
            settings.client_secret.as_ref(),
        );
        engine.jwt_bearer(client, &assertion, scopes).await
    }

    /// How the client shows who it is: by its key where it has one, since that is never sent.
    fn proof(&self) -> Option<Proof<'_>> {
        #[cfg(feature = "private-key-jwt")]
        if let Some(key) = &self.settings.signing_key {
            return Some(Proof::Key(key));
        }
        self.settings.client_secret.as_ref().map(Proof::Secret)
    }
}

/// No login of a person helps where none is asked for.
fn without_person(error: AuthError) -> AuthError {
    match error.kind() {
        AuthErrorKind::LoginNeeded => AuthError::new(AuthErrorKind::Misconfigured, error.cause())
            .with_mend("check what it is logged in with"),
        _ => error,
    }
}

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

impl Engine {
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

    /// Exchanges what somebody else says of us for a token.
    async fn jwt_bearer(
        &self,
        (id, secret): (Option<&str>, Option<&Secret>),
        assertion: &Secret,
        scopes: &[String],
    ) -> Result<Tokens, AuthError> {
        addressed(assertion, &self.issuer())?;
        self.http.hide([assertion.expose()]);
        self.http.begin();
        let mut form = Url::parse("form:").map_err(|_| unusable())?;
        form.query_pairs_mut()
            .append_pair("grant_type", JWT_BEARER)
            .append_pair("assertion", assertion.expose())
            .append_pair("resource", self.resource.as_str())
            .extend_pairs(id.map(|it| ("client_id", it)))
            .extend_pairs(secret.map(|it| ("client_secret", it.expose())));
        if !scopes.is_empty() {
            form.query_pairs_mut()
                .append_pair("scope", &scopes.join(" "));
        }
        let form = form.query().unwrap_or_default().to_owned();
        let posted = self.http.post_form(&self.metadata.token_endpoint, form);
        let answer = posted.await.map_err(|_| token(None))?;
        if !answer.status().is_success() {
            return Err(token(self.http.refusal()));
        }
        let given: Given = serde_json::from_slice(answer.body()).map_err(|_| unusable())?;
        // An answer that names none gave all that were asked for.
        let granted = match given.scope.as_deref().unwrap_or_default() {
            "" => scopes.to_vec(),
            named => named.split_ascii_whitespace().map(str::to_owned).collect(),
        };
        given.tokens(granted)
    }
}
