//! A scripted MCP server that wants the tokens of an authorization server.

mod guard;
mod guarding;
mod record;

use std::io;
use std::sync::Arc;

use super::AuthServer;
use crate::http::{Guard, HttpOptions, HttpServer};
use crate::server::ScriptedServer;
pub use guarding::{Guarding, ResourceMetadata, ScopeHint};
pub use record::Call;
use record::Gate;

/// A [`ScriptedServer`] at a URL, behind bearer tokens of an [`AuthServer`], until this is dropped.
///
/// Each `POST`, `GET` and `DELETE` needs a token that was issued for this URL. Who has none is told
/// where to get one.
#[derive(Debug)]
pub struct Protected {
    http: HttpServer,
    gate: Arc<Gate>,
}

impl Protected {
    /// Serves at a free port of 127.0.0.1, with sessions and event streams.
    ///
    /// # Errors
    /// Fails where no port can be had.
    pub async fn start(server: &ScriptedServer, auth: &AuthServer) -> io::Result<Self> {
        Self::start_with(server, auth, HttpOptions::default()).await
    }

    /// Serves as the options say.
    ///
    /// # Errors
    /// Fails where the address cannot be had.
    pub async fn start_with(
        server: &ScriptedServer,
        auth: &AuthServer,
        options: HttpOptions,
    ) -> io::Result<Self> {
        let gate = Arc::new(Gate::new(auth));
        let keeper = gate.clone();
        let guard = Guard::new(move |request| guard::ask(&keeper, request));
        let http = HttpServer::start_with(server, options.with_guard(guard)).await?;
        gate.is_at(http.url());
        Ok(Self { http, gate })
    }

    /// Where clients reach it, which is also the resource that tokens have to name.
    #[must_use]
    pub fn url(&self) -> String {
        self.http.url()
    }

    /// Where it says which authorization server it trusts.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        self.gate.metadata_url()
    }

    /// The server of HTTP in it, whose counts are of the requests that were let through.
    #[must_use]
    pub fn http(&self) -> &HttpServer {
        &self.http
    }

    /// Changes how it guards from now on.
    pub fn change(&self, change: impl FnOnce(&mut Guarding)) {
        self.gate.change(change);
    }

    /// Trusts this authorization server from now on, and no other.
    pub fn move_to(&self, auth: &AuthServer) {
        self.gate.move_to(auth);
    }

    /// The requests that were let through, oldest first; the last 4,096 are kept.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.gate.calls()
    }

    /// How many requests were answered 401.
    #[must_use]
    pub fn unauthorized(&self) -> usize {
        self.gate.seen().unauthorized
    }

    /// How many requests were answered 403.
    #[must_use]
    pub fn forbidden(&self) -> usize {
        self.gate.seen().forbidden
    }

    /// How often its metadata were asked for, whether they were given or not.
    #[must_use]
    pub fn metadata_requests(&self) -> usize {
        self.gate.seen().metadata
    }

    /// Waits until `condition` holds, looking again with each request that comes to the guard.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.gate.changes();
        while !condition(self) {
            // The sender lives as long as `self` does.
            let _ = changes.changed().await;
        }
    }
}
