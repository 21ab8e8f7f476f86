//! What a configuration says of logins and accounts, and what the layers make of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use manyhands_auth::{Grant, OAuthSettings};
use manyhands_core::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// How to log in to a server at a URL: settings, or false for never.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected an object, or false for no login")]
#[non_exhaustive]
pub enum OAuthSection {
    /// Whether to log in at all; how is found out from the server.
    Flag(bool),
    /// How.
    Settings(OAuthObject),
}

impl Default for OAuthSection {
    fn default() -> Self {
        Self::Flag(true)
    }
}

/// How to log in to a server at a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "OAuth")]
#[non_exhaustive]
pub struct OAuthObject {
    /// The id of a client that was registered by hand. Default: one is registered, where the server lets us.
    pub client_id: Option<String>,
    /// The secret of that client. Default: none.
    pub client_secret: Option<Secret>,
    /// The one authorization server to log in at. Default: any that the server names.
    pub issuer: Option<String>,
    /// The https URL of a document that describes our client, for servers that take it as a client id. Default: none.
    pub client_metadata_url: Option<String>,
    /// The permissions to ask for. Default: those that the server names.
    pub scopes: Vec<String>,
    /// How we come by tokens. Default: `authorization_code`.
    pub grant: GrantSection,
    /// Where the browser is sent afterwards. Default: a free port of this machine.
    pub redirect_uri: Option<String>,
}

/// How we come by tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Grant")]
#[non_exhaustive]
pub enum GrantSection {
    /// A person logs in with a browser.
    #[default]
    AuthorizationCode,
    /// We log in ourselves, with the client id and its secret.
    ClientCredentials,
}

/// Credentials of their own for some principals of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(rename = "Account")]
#[non_exhaustive]
pub struct AccountSection {
    /// Who uses it, by name. Default: nobody.
    pub principals: Vec<String>,
    /// Who uses it, by role. Default: nobody.
    pub roles: Vec<String>,
    /// Headers that take the place of the server's own, or come beside them. Default: none.
    pub headers: BTreeMap<String, Secret>,
    /// Variables that a child process gets in place of the server's own, or beside them. Default: none.
    pub env: BTreeMap<String, Secret>,
    /// How to log in, where that differs from the server's own settings. Default: as the server's.
    pub oauth: Option<OAuthSection>,
}

impl OAuthSection {
    /// The settings for a login; none where there is to be none.
    pub(crate) fn settings(&self, ca: Vec<PathBuf>) -> Option<OAuthSettings> {
        let object = match self {
            Self::Flag(false) => return None,
            Self::Flag(true) => OAuthObject::default(),
            Self::Settings(object) => object.clone(),
        };
        let mut settings = OAuthSettings::default()
            .with_scopes(object.scopes)
            .with_ca(ca)
            .with_grant(match object.grant {
                GrantSection::AuthorizationCode => Grant::AuthorizationCode,
                GrantSection::ClientCredentials => Grant::ClientCredentials,
            });
        settings.client_id = object.client_id;
        settings.client_secret = object.client_secret;
        settings.issuer = object.issuer;
        settings.client_metadata_url = object.client_metadata_url;
        settings.redirect_uri = object.redirect_uri;
        Some(settings)
    }
}
