//! A server of secrets that speaks as Vault does: the second version of its key-value engine.
//!
//! It was written from Vault's public API documentation and from errors that people have shown in
//! public; no real Vault could be had here to hold it against. The documentation tells the forms
//! and the statuses; the exact wording of errors changes between versions of Vault, and no client
//! should depend on it.
//!
//! What a test says by method is done at once; what a client may do is reading a secret, asking for
//! the mount of a path, logging in as an application or a pod, and asking for or renewing its token.
//!
//! ```
//! use manyhands_testkit::vault::VaultServer;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let vault = VaultServer::start().await?;
//! vault.put("github/bot", &json!({"token": "ghp_1"}));
//! let page = manyhands_testkit::oauth::fetch(&vault.secret_url("github/bot")).await?;
//! assert_eq!((page.status, page.body.as_str()), (403, r#"{"errors":["permission denied"]}"#));
//! # Ok(())
//! # }
//! ```

mod behavior;
mod login;
mod reading;
mod shared;
mod store;

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

pub use crate::oauth::{ALWAYS, Failure, Seen};
pub use behavior::VaultBehavior;

use crate::http::serve;
use shared::Shared;

/// A server of secrets at a port of this machine, until its last clone is dropped.
///
/// Clones are the same server. Its time is the operating system's, so tests leave the clock
/// running.
#[derive(Clone)]
pub struct VaultServer {
    shared: Arc<Shared>,
    _serving: Arc<AbortOnDropHandle<()>>,
}

impl VaultServer {
    /// Serves at a free port of 127.0.0.1.
    ///
    /// # Errors
    /// Fails where no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(VaultBehavior::default()).await
    }

    /// Serves with this behaviour from the start.
    ///
    /// # Errors
    /// Fails where no port can be had.
    pub async fn start_with(behavior: VaultBehavior) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let shared = Arc::new(Shared::new(listener.local_addr()?, behavior));
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self {
            shared,
            _serving: Arc::new(AbortOnDropHandle::new(serving)),
        })
    }

    /// Where it is, as `VAULT_ADDR` has it.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.url("")
    }

    /// Where a secret is read.
    #[must_use]
    pub fn secret_url(&self, path: &str) -> String {
        let mount = self.shared.behavior().mount;
        self.shared.url(&format!("/v1/{mount}/data/{path}"))
    }

    /// A token that may read everything and never ends, unless
    /// [`expire_tokens`](Self::expire_tokens) ends it.
    #[must_use]
    pub fn token(&self) -> String {
        self.shared.issue(None)
    }

    /// Stores a new version of a secret.
    pub fn put(&self, path: &str, data: &Value) {
        self.shared.put(path, data);
    }

    /// Deletes the newest version of a secret, as can be undone.
    pub fn delete(&self, path: &str) {
        self.shared.store().delete(path, false);
    }

    /// Deletes the newest version of a secret for good.
    pub fn destroy(&self, path: &str) {
        self.shared.store().delete(path, true);
    }

    /// Lets an application log in by these.
    pub fn add_app_role(&self, role_id: &str, secret_id: &str) {
        self.shared.add_app_role(role_id, secret_id);
    }

    /// Lets a pod log in to this role by the token of its service account.
    pub fn add_kubernetes_role(&self, role: &str, jwt: &str) {
        self.shared.add_kubernetes_role(role, jwt);
    }

    /// Refuses all tokens issued so far from now on.
    pub fn expire_tokens(&self) {
        self.shared.store().expire_tokens();
    }

    /// How it behaves now.
    #[must_use]
    pub fn behavior(&self) -> VaultBehavior {
        self.shared.behavior()
    }

    /// Changes how it behaves from now on.
    pub fn change(&self, change: impl FnOnce(&mut VaultBehavior)) {
        self.shared.change(change);
    }

    /// Fails so many times in this way, whatever is asked. Those failures that are OAuth's own have
    /// its form here too.
    pub fn fail(&self, failure: Failure, times: usize) {
        self.shared.fail(failure, times);
    }

    /// The requests so far, oldest first; the last 1,024 are kept.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.log().requests()
    }

    /// Every secret stored, issued or received so far. None of them may be in anything that a
    /// client writes for people. The last 16,384 are kept.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.shared.log().secrets()
    }
}

impl fmt::Debug for VaultServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultServer")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}
