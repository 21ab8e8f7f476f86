//! How a login is made: as which client, for which permissions, and over which redirect.

use std::path::PathBuf;

use manyhands_core::Secret;

use super::Assertions;

/// How we come by tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Grant {
    /// A person logs in with a browser.
    #[default]
    AuthorizationCode,
    /// We log in ourselves, with a client id and its secret, or its private key.
    ClientCredentials,
    /// We log in ourselves, with a signed token in which somebody else says who we are, such as a platform of its
    /// workloads.
    JwtBearer,
    /// An enterprise's identity provider vouches for the person.
    #[cfg(feature = "enterprise")]
    Enterprise,
}

/// How a login is made. Without settings, everything is found out from the server.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OAuthSettings {
    /// The id of a client that was registered by hand; by default one is registered, where the server lets us.
    pub client_id: Option<String>,
    /// The secret of that client, where it has one.
    pub client_secret: Option<Secret>,
    /// The private key of that client, which is used in place of a secret where nobody logs in.
    #[cfg(feature = "private-key-jwt")]
    pub signing_key: Option<super::SigningKey>,
    /// What says who we are, with [`Grant::JwtBearer`].
    pub assertions: Option<Assertions>,
    /// The identity provider that vouches for the person, with [`Grant::Enterprise`].
    #[cfg(feature = "enterprise")]
    pub enterprise: Option<super::Enterprise>,
    /// The authorization server that the login is made at; by default whichever the server names.
    ///
    /// Worth setting beside a secret: a server names whatever authorization server it likes, which gets the secret.
    pub issuer: Option<String>,
    /// The https URL of a document that describes our client, for servers that take it as a client id.
    pub client_metadata_url: Option<String>,
    /// The permissions to ask for; by default those that the server names.
    pub scopes: Vec<String>,
    /// How we come by tokens.
    pub grant: Grant,
    /// Where the browser is sent afterwards; by default a free port of this machine.
    ///
    /// For a loopback URL, we listen there. For any other, the person has to bring back the URL.
    pub redirect_uri: Option<String>,
    /// PEM files with authorities to trust beside the system's.
    pub ca: Vec<PathBuf>,
    /// Whose login it is, where there are several at one server.
    pub account: Option<String>,
    /// What a person does to log in, as a lowercase clause for the end of an error.
    pub mend: Option<String>,
}

impl OAuthSettings {
    /// Logs in as a client that was registered by hand.
    #[must_use]
    pub fn with_client(mut self, id: impl Into<String>, secret: Option<Secret>) -> Self {
        (self.client_id, self.client_secret) = (Some(id.into()), secret);
        self
    }

    /// Has a client log in by itself with its private key.
    #[cfg(feature = "private-key-jwt")]
    #[must_use]
    pub fn with_signing_key(mut self, key: super::SigningKey) -> Self {
        self.signing_key = Some(key);
        self
    }

    /// Logs in with signed tokens in which somebody else says who we are. They are sent only to whom they are addressed.
    #[must_use]
    pub fn with_assertions(mut self, assertions: Assertions) -> Self {
        (self.grant, self.assertions) = (Grant::JwtBearer, Some(assertions));
        self
    }

    /// Logs in by way of an enterprise's identity provider. The client has to be registered at the authorization server.
    #[cfg(feature = "enterprise")]
    #[must_use]
    pub fn with_enterprise(mut self, enterprise: super::Enterprise) -> Self {
        (self.grant, self.enterprise) = (Grant::Enterprise, Some(enterprise));
        self
    }

    /// Logs in at this authorization server and no other.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Names the document that describes our client.
    #[must_use]
    pub fn with_client_metadata_url(mut self, url: impl Into<String>) -> Self {
        self.client_metadata_url = Some(url.into());
        self
    }

    /// Sets the permissions to ask for.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how we come by tokens.
    #[must_use]
    pub fn with_grant(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// Sets where the browser is sent afterwards.
    #[must_use]
    pub fn with_redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(uri.into());
        self
    }

    /// Trusts the authorities in these PEM files beside the system's.
    #[must_use]
    pub fn with_ca(mut self, files: Vec<PathBuf>) -> Self {
        self.ca = files;
        self
    }

    /// Says whose login it is, where there are several at one server.
    #[must_use]
    pub fn with_account(mut self, account: Option<String>) -> Self {
        self.account = account;
        self
    }

    /// Says what a person does to log in, as a lowercase clause.
    #[must_use]
    pub fn with_mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}
