//! What a guarded server knows and what came to its gate.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, OnceLock};

use tokio::sync::watch;

use super::Guarding;
use crate::oauth::AuthServer;
use crate::record::lock;

/// How many calls are kept; the oldest are forgotten first.
const KEPT: usize = 4_096;

/// One request that was let through.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The method of JSON-RPC, or that of HTTP where it was no `POST`; empty for an answer.
    pub method: String,
    /// The tool that was called.
    pub tool: Option<String>,
    /// Which access token it was, of all that the authorization server has issued, from 0; none
    /// where none was shown and none needed.
    pub token: Option<usize>,
    /// The client that the token was issued to; empty without one.
    pub client: String,
    /// The person that the token stands for; empty without one.
    pub subject: String,
    /// The session that the request named.
    pub session: Option<String>,
}

/// What a server and its guard share.
#[derive(Debug)]
pub(super) struct Gate {
    url: OnceLock<String>,
    auth: Mutex<AuthServer>,
    guarding: Mutex<Guarding>,
    seen: Mutex<Passed>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
pub(super) struct Passed {
    calls: VecDeque<Call>,
    pub(super) unauthorized: usize,
    pub(super) forbidden: usize,
    pub(super) metadata: usize,
}

impl Gate {
    pub(super) fn new(auth: &AuthServer) -> Self {
        Self {
            url: OnceLock::new(),
            auth: Mutex::new(auth.clone()),
            guarding: Mutex::default(),
            seen: Mutex::default(),
            changes: watch::Sender::default(),
        }
    }

    /// Says where the server is, once that is known.
    pub(super) fn is_at(&self, url: String) {
        // It is said once, by the one who started the server.
        let _ = self.url.set(url);
    }

    /// Where the server is.
    pub(super) fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    /// Where challenges say that the metadata are.
    pub(super) fn metadata_url(&self) -> String {
        let origin = self.url().trim_end_matches("/mcp");
        format!("{origin}{}", super::guard::place(&self.guarding()))
    }

    pub(super) fn auth(&self) -> AuthServer {
        lock(&self.auth).clone()
    }

    pub(super) fn move_to(&self, auth: &AuthServer) {
        *lock(&self.auth) = auth.clone();
    }

    pub(super) fn guarding(&self) -> Guarding {
        lock(&self.guarding).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Guarding)) {
        change(&mut lock(&self.guarding));
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Passed> {
        lock(&self.seen)
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.seen().calls.iter().cloned().collect()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Passed)) {
        change(&mut self.seen());
        self.changes.send_replace(());
    }

    pub(super) fn let_through(&self, call: Call) {
        self.count(|seen| {
            seen.calls.push_back(call);
            if seen.calls.len() > KEPT {
                seen.calls.pop_front();
            }
        });
    }
}
