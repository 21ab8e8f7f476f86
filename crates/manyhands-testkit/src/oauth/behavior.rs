//! What an authorization server does by the rules and what against them, as plain values.

use std::time::Duration;

/// How an [`AuthServer`](super::AuthServer) behaves; by default well, for public clients that
/// register themselves.
///
/// The fields are the setters: a running server is changed in place, by
/// [`change`](super::AuthServer::change), and a chain of setters would say each of them twice.
///
/// ```
/// # use manyhands_testkit::oauth::{AuthServer, Sent};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let auth = AuthServer::start().await?;
/// auth.change(|it| it.iss = Sent::Other("https://evil.example".to_owned()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Behavior {
    /// The path in the issuer, as `/tenant`; empty by default.
    pub issuer_path: String,
    /// Which well-known place has the metadata; that of RFC 8414 by default.
    pub metadata_place: MetadataPlace,
    /// An issuer that the metadata name in place of the right one.
    pub metadata_issuer: Option<String>,
    /// The methods of PKCE in the metadata, left out where there are none; `S256` by default.
    pub pkce_methods: Vec<String>,
    /// Whether the metadata promise `iss` in the answer to an authorization. On by default.
    pub iss_advertised: bool,
    /// The `iss` in the answer to an authorization.
    pub iss: Sent,
    /// The `state` in the answer to an authorization.
    pub state: Sent,
    /// Whether any `https` URL is taken for a client. The document there is not read, so any
    /// redirect URI is fine. Off by default.
    pub client_id_metadata_documents: bool,
    /// Whether clients can register themselves. On by default.
    pub registration: bool,
    /// The ways to authenticate that the metadata list, and that are taken.
    pub token_auth_methods: Vec<String>,
    /// The scopes that there are; with none, which is the default, any is taken and none listed.
    pub scopes_supported: Vec<String>,
    /// The scopes that are granted of those asked for; all by default.
    pub scopes_granted: Option<Vec<String>>,
    /// Whether token answers name the scope. On by default.
    pub tells_scope: bool,
    /// The type of tokens as it is told; `Bearer` by default.
    pub token_type: String,
    /// The lifetime of access tokens in seconds, which is told and kept to; without, they live for
    /// ever. An hour by default.
    pub expires_in: Option<u64>,
    /// When refresh tokens are issued; always by default.
    pub refresh_tokens: RefreshTokens,
    /// Whether a refresh token is good for one use only. On by default.
    pub rotates: bool,
    /// Whether an old refresh token that comes again also ends the new ones. Off by default.
    pub reuse_revokes: bool,
    /// Whether authorizations and client credentials have to name a resource. On by default.
    pub requires_resource: bool,
    /// The resources that there are; any by default.
    pub resources: Option<Vec<String>>,
    /// Whether the person says no. Off by default.
    pub denies: bool,
    /// Who the person is, unless [`visit_as`](super::visit_as) says so.
    pub person: String,
    /// How long token answers take, once their work is done.
    pub token_delay: Duration,
}

/// A value in the answer to an authorization.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Sent {
    /// As it should be.
    #[default]
    Right,
    /// This one.
    Other(String),
    /// Not there.
    Absent,
}

/// Which well-known place has the metadata. They differ where the issuer has a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MetadataPlace {
    /// `/.well-known/oauth-authorization-server`, before the issuer's path.
    #[default]
    OAuth,
    /// `/.well-known/openid-configuration`, before the issuer's path.
    OpenIdBefore,
    /// `/.well-known/openid-configuration`, after the issuer's path.
    OpenIdAfter,
}

/// When refresh tokens are issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RefreshTokens {
    /// With each authorization.
    #[default]
    Always,
    /// Where the scope `offline_access` was granted.
    WithOfflineAccess,
    /// Never, and the metadata do not list the grant.
    Never,
}

impl Default for Behavior {
    fn default() -> Self {
        let methods = ["none", "client_secret_basic", "client_secret_post"];
        Self {
            issuer_path: String::new(),
            metadata_place: MetadataPlace::default(),
            metadata_issuer: None,
            pkce_methods: vec!["S256".to_owned()],
            iss_advertised: true,
            iss: Sent::default(),
            state: Sent::default(),
            client_id_metadata_documents: false,
            registration: true,
            token_auth_methods: methods.map(str::to_owned).to_vec(),
            scopes_supported: Vec::new(),
            scopes_granted: None,
            tells_scope: true,
            token_type: "Bearer".to_owned(),
            expires_in: Some(3_600),
            refresh_tokens: RefreshTokens::default(),
            rotates: true,
            reuse_revokes: false,
            requires_resource: true,
            resources: None,
            denies: false,
            person: "person".to_owned(),
            token_delay: Duration::ZERO,
        }
    }
}

impl Sent {
    /// What is sent where this would be right.
    pub(super) fn of(&self, right: &str) -> Option<String> {
        match self {
            Self::Right => Some(right.to_owned()),
            Self::Other(other) => Some(other.clone()),
            Self::Absent => None,
        }
    }
}
