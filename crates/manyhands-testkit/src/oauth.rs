//! Servers for tests of a client that logs in: an authorization server, and MCP servers behind it.
//!
//! An [`AuthServer`] speaks OAuth 2.1 at a port of this machine. It approves of everything at once,
//! keeps to the rules that a client must keep to, and can be told to break those that servers
//! break: its [`Behavior`] at any time, and a [`Failure`] at a [`Moment`] for some times.
//! [`Protected`] is a [`ScriptedServer`](crate::ScriptedServer) that asks for its tokens.
//! [`visit`] does what the person does in a browser.
//!
//! Everything is plain HTTP on loopback. Nothing here knows any client; that of this workspace is
//! tested with it as anybody's can be.
//!
//! ```
//! use manyhands_testkit::oauth::{AuthServer, Protected};
//! use manyhands_testkit::ScriptedServer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let auth = AuthServer::start().await?;
//! let mcp = Protected::start(&ScriptedServer::new("s"), &auth).await?;
//!
//! let metadata = auth.metadata_url();
//! let page = manyhands_testkit::oauth::fetch(&metadata).await?;
//! assert!(page.body.contains(&auth.issuer()));
//! assert_eq!(manyhands_testkit::oauth::fetch(&mcp.url()).await?.status, 401);
//! assert_eq!((auth.counts().metadata, mcp.unauthorized()), (1, 1));
//! # Ok(())
//! # }
//! ```

mod authorize;
mod behavior;
mod browser;
mod credentials;
mod failure;
pub(crate) mod form;
pub(crate) mod kept;
pub(crate) mod log;
mod metadata;
mod protected;
mod refusal;
mod register;
mod shared;
mod state;
mod token;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

pub use behavior::{Behavior, MetadataPlace, RefreshTokens, Sent};
pub use browser::{Page, fetch, visit, visit_and_follow, visit_as};
pub use failure::{ALWAYS, Failure, Moment};
pub use log::{Counts, Seen};
pub use protected::{Call, Guarding, Protected, ResourceMetadata, ScopeHint};
pub(crate) use shared::Shared;

use crate::http::serve;
use state::Client;

/// An authorization server at a port of this machine, until its last clone is dropped.
///
/// Clones are the same server. Its time is the operating system's, so tests leave the clock
/// running. It keeps the last 4,096 of each thing that it issues.
#[derive(Clone)]
pub struct AuthServer {
    shared: Arc<Shared>,
    _serving: Arc<AbortOnDropHandle<()>>,
}

impl AuthServer {
    /// Serves at a free port of 127.0.0.1, without a flaw.
    ///
    /// # Errors
    /// Fails where no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Behavior::default()).await
    }

    /// Serves with this behaviour from the start.
    ///
    /// # Errors
    /// Fails where no port can be had.
    pub async fn start_with(behavior: Behavior) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let shared = Arc::new(Shared::new(listener.local_addr()?, behavior));
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self {
            shared,
            _serving: Arc::new(AbortOnDropHandle::new(serving)),
        })
    }

    /// Who it says it is, and what its metadata are found by.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.shared.issuer()
    }

    /// Where its metadata are.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        let behavior = self.shared.behavior();
        self.shared.url(&metadata::path(&behavior))
    }

    /// Where tokens are got.
    #[must_use]
    pub fn token_url(&self) -> String {
        self.shared.url(shared::TOKEN)
    }

    /// How it behaves now.
    #[must_use]
    pub fn behavior(&self) -> Behavior {
        self.shared.behavior()
    }

    /// Changes how it behaves from now on.
    pub fn change(&self, change: impl FnOnce(&mut Behavior)) {
        self.shared.change(change);
    }

    /// Fails at this moment in this way, as many times, in place of what was told before.
    pub fn fail(&self, moment: Moment, failure: Failure, times: usize) {
        self.shared.fail(moment, failure, times);
    }

    /// Takes back all that [`fail`](Self::fail) said.
    pub fn heal(&self) {
        self.shared.heal();
    }

    /// Knows this client beforehand, as a person would have registered it. One without a secret is
    /// public.
    pub fn add_client(&self, id: &str, secret: Option<&str>, redirect_uris: &[&str]) {
        self.shared.add_client(Client {
            id: id.to_owned(),
            secret: secret.map(str::to_owned),
            redirect_uris: redirect_uris.iter().map(|&uri| uri.to_owned()).collect(),
            method: None,
        });
    }

    /// Forgets all clients, as a server does that was set up anew.
    pub fn forget_clients(&self) {
        self.shared.state().clients.clear();
    }

    /// Refuses all access tokens issued so far from now on.
    pub fn expire_access_tokens(&self) {
        self.shared.state().expire_access_tokens();
    }

    /// Refuses all refresh tokens issued so far from now on.
    pub fn revoke_refresh_tokens(&self) {
        self.shared.state().revoke_refresh_tokens();
    }

    /// Issues an access token without being asked, for tests of the servers behind.
    #[must_use]
    pub fn issue(&self, subject: &str, resource: &str, scope: &str) -> String {
        self.shared.issue(subject, resource, scope)
    }

    /// What has been done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.log().counts.clone()
    }

    /// The requests so far, oldest first; the last 1,024 are kept.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.log().requests()
    }

    /// The requests so far whose path begins with this one.
    #[must_use]
    pub fn requests_to(&self, path: &str) -> Vec<Seen> {
        let mut requests = self.requests();
        requests.retain(|seen| seen.path.starts_with(path));
        requests
    }

    /// Every secret issued or received so far: codes, verifiers, tokens, client secrets, and these
    /// as `Basic` credentials. None of them may be in anything that a client writes for people. The
    /// last 16,384 are kept.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.shared.log().secrets()
    }

    /// Waits until `condition` holds, looking again with each request that was taken care of.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.shared.changes();
        while !condition(self) {
            // The sender lives as long as `self` does.
            let _ = changes.changed().await;
        }
    }

    /// What this access token is good for; none where it is refused.
    pub(crate) fn inspect(&self, token: &str) -> Option<state::Access> {
        self.shared.state().access(token)
    }
}

impl fmt::Debug for AuthServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthServer")
            .field("issuer", &self.issuer())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
