//! Logins that an enterprise manages: its identity provider vouches for the person to the authorization server of each
//! server that it approves, and nobody is asked again.

use manyhands_core::{AuthError, AuthErrorKind, Secret};
use oauth2::ClientSecret;
use reqwest::Url;
use rmcp::transport::auth::enterprise::{
    EmaAccessToken, EmaAuthorizationServer, EmaClientAuthentication, EmaError, EmaExchangeRequest,
    EmaExchangeStage,
};

use super::engine::{Engine, Given, muted};
use super::failure::shown;
use super::http::Http;
use super::{Assertions, Inner};
use crate::store::Tokens;

/// An enterprise's identity provider, and who we are to it.
#[derive(Debug, Clone)]
pub struct Enterprise {
    issuer: String,
    token_endpoint: String,
    client_id: String,
    client_secret: Option<Secret>,
    identity: Assertions,
}

impl Enterprise {
    /// The identity provider `issuer`, which knows us as `client_id`. `identity` gives the ID token of the person, as the
    /// provider issued it for this client.
    pub fn new(
        issuer: impl Into<String>,
        token_endpoint: impl Into<String>,
        client_id: impl Into<String>,
        identity: Assertions,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            token_endpoint: token_endpoint.into(),
            client_id: client_id.into(),
            client_secret: None,
            identity,
        }
    }

    /// Sets the secret of our client at the identity provider.
    #[must_use]
    pub fn with_client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }
}

impl Inner {
    /// Gets a token on the word of the identity provider.
    pub(super) async fn by_enterprise(
        &self,
        engine: &Engine,
        scopes: &[String],
    ) -> Result<Tokens, AuthError> {
        let settings = &self.settings;
        let (Some(enterprise), Some(id)) = (&settings.enterprise, &settings.client_id) else {
            let cause = "it is to be logged in to by way of an enterprise, and has no client id";
            return Err(AuthError::new(AuthErrorKind::Misconfigured, cause)
                .with_mend("set `clientId` in `manyhands.oauth`"));
        };
        // Who configured the provider may have it anywhere; it is not the server that sends us there.
        let endpoint = Url::parse(&enterprise.token_endpoint).map_err(|_| {
            let cause = "the token endpoint of the identity provider is no URL";
            AuthError::new(AuthErrorKind::Misconfigured, cause).with_mend("check its settings")
        })?;
        let http = Http::new(&endpoint, &settings.ca).await?;
        let identity = enterprise.identity.next().await?;
        let provider = EmaAuthorizationServer::new(
            &enterprise.issuer,
            &enterprise.token_endpoint,
            &enterprise.client_id,
        );
        let provider =
            provider.with_client_authentication(by_secret(enterprise.client_secret.as_ref(), true));
        let (resource, server) = engine.approved(id, settings.client_secret.as_ref());
        let request =
            EmaExchangeRequest::new_with_id_token(provider, server, &resource, identity.expose())
                .with_scopes(scopes);
        let exchanged = muted(request.exchange(&*http, &*engine.http)).await;
        given(&exchanged.map_err(|told| sorted(&told))?)
    }
}

impl Engine {
    /// The server as it names itself, and its authorization server with our client there.
    fn approved(&self, id: &str, secret: Option<&Secret>) -> (String, EmaAuthorizationServer) {
        let methods = self
            .metadata
            .additional_fields
            .get("token_endpoint_auth_methods_supported");
        let methods = methods.and_then(|it| it.as_array());
        let takes = |name: &str| methods.is_some_and(|all| all.iter().any(|it| it == name));
        let basic = takes("client_secret_basic") || !takes("client_secret_post");
        let server = EmaAuthorizationServer::new(self.issuer(), &self.metadata.token_endpoint, id);
        let server = server.with_client_authentication(by_secret(secret, basic));
        (self.resource.to_string(), server)
    }
}

fn by_secret(secret: Option<&Secret>, basic: bool) -> EmaClientAuthentication {
    match secret.map(|it| ClientSecret::new(it.expose().to_owned())) {
        Some(secret) if basic => EmaClientAuthentication::ClientSecretBasic(secret),
        Some(secret) => EmaClientAuthentication::ClientSecretPost(secret),
        None => EmaClientAuthentication::None,
    }
}

fn given(token: &EmaAccessToken) -> Result<Tokens, AuthError> {
    let given = Given {
        access_token: token.access_token.secret().clone(),
        refresh_token: None,
        expires_in: token.expires_in.map(|it| it.as_secs()),
        scope: None,
    };
    given.tokens(token.scopes.iter().cloned().collect())
}

/// What the exchange says, whose texts hold nothing of what servers say.
fn sorted(told: &EmaError) -> AuthError {
    let place = |stage: &EmaExchangeStage| match stage {
        EmaExchangeStage::IdentityProvider => "the identity provider",
        _ => "its authorization server",
    };
    let misfit = |cause: String| {
        AuthError::new(AuthErrorKind::Misconfigured, cause)
            .with_mend("check the settings of the identity provider, or ask whoever runs it")
    };
    match told {
        EmaError::RequestFailed(stage) => AuthError::new(
            AuthErrorKind::Unavailable,
            format!("{} gave no usable answer", place(stage)),
        )
        .with_mend("try again later"),
        EmaError::OAuthRejected { stage, status, .. } if *status >= 500 => AuthError::new(
            AuthErrorKind::Unavailable,
            format!("{} gives no tokens now (HTTP {status})", place(stage)),
        )
        .with_mend("try again later"),
        EmaError::OAuthRejected { stage, code, .. } => {
            misfit(format!("{} gave no token ({code})", place(stage)))
        }
        EmaError::InvalidGrant(stage) => {
            misfit(format!("{} gave no token (invalid_grant)", place(stage)))
        }
        EmaError::InsufficientUserAuthentication(stage) => misfit(format!(
            "{} wants the person to log in to it anew",
            place(stage)
        )),
        other => misfit(format!(
            "what the identity provider vouches for cannot be used ({})",
            shown(&other.to_string())
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_who_gave_no_token_and_why() {
        use EmaExchangeStage::{IdentityProvider, ResourceAuthorizationServer};
        for (told, cause, kind) in [
            (
                EmaError::RequestFailed(IdentityProvider),
                "the identity provider gave no usable answer",
                AuthErrorKind::Unavailable,
            ),
            (
                EmaError::InvalidGrant(ResourceAuthorizationServer),
                "its authorization server gave no token (invalid_grant)",
                AuthErrorKind::Misconfigured,
            ),
            (
                EmaError::InsufficientUserAuthentication(IdentityProvider),
                "the identity provider wants the person to log in to it anew",
                AuthErrorKind::Misconfigured,
            ),
        ] {
            let error = sorted(&told);
            assert_eq!((error.cause(), error.kind()), (cause, kind));
        }
    }
}
