//! The replicas of one server, started, waited for and ended as one. It must not know which of them takes a call.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, select_ok};
use manyhands_core::{CallContext, CallError, Request, ServerId};
use manyhands_resilience::MAX_REPLICAS;
use manyhands_transport::{ConnectErrorKind, Connection, Phase, Supervised};
use tokio::time::Instant;

use crate::Followed;

/// The replicas of one server, of which each is kept connected by itself; most servers have one. All of them offer the
/// same. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Replicas {
    first: Supervised,
    more: Arc<[Supervised]>,
}

impl From<Supervised> for Replicas {
    fn from(first: Supervised) -> Self {
        let more = Arc::default();
        Self { first, more }
    }
}

impl Replicas {
    /// The same with further ones; those beyond [`MAX_REPLICAS`] are left out.
    #[must_use]
    pub fn with_more(mut self, more: impl IntoIterator<Item = Supervised>) -> Self {
        let all = self.more.iter().cloned().chain(more);
        self.more = all.take(MAX_REPLICAS - 1).collect();
        self
    }

    /// The server's name.
    #[must_use]
    pub fn server(&self) -> &ServerId {
        self.first.server()
    }

    /// The first of them.
    #[must_use]
    pub fn first(&self) -> &Supervised {
        &self.first
    }

    /// One of them, by its place from 0.
    #[must_use]
    pub fn get(&self, replica: usize) -> Option<&Supervised> {
        match replica.checked_sub(1) {
            None => Some(&self.first),
            Some(further) => self.more.get(further),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Supervised> {
        std::iter::once(&self.first).chain(&*self.more)
    }

    /// How many there are: one at least.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there always is one")]
    pub fn len(&self) -> usize {
        1 + self.more.len()
    }

    /// Whether a request would be sent at once by one of them.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.iter().any(Supervised::is_up)
    }

    /// Whether a call would start one of them.
    #[must_use]
    pub fn would_start(&self) -> bool {
        self.iter().any(Supervised::would_start)
    }

    /// When one of them last answered anything.
    #[must_use]
    pub fn last_answer(&self) -> Option<Instant> {
        self.iter().filter_map(Supervised::last_answer).max()
    }

    /// What the server is doing: what its first replica does that is up, or else the one that is nearest to it.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let all = self.iter().map(Supervised::phase);
        all.min_by_key(distance).unwrap_or(Phase::Closed)
    }

    /// What the server is doing from now on.
    #[must_use]
    pub fn follow(&self) -> Followed {
        Followed::new(self)
    }

    /// Starts them, as a call would.
    pub fn start(&self) {
        self.iter().for_each(Supervised::start);
    }

    /// Starts also those that have failed for good.
    pub fn retry(&self) {
        self.iter().for_each(Supervised::retry);
    }

    /// The connection of the first one that is up; see [`Supervised::connection`].
    ///
    /// # Errors
    /// [`CallError`] with `NotSent`: why the last of them is not up.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; the server goes on starting.
    pub async fn connection(&self, limit: Duration) -> Result<Connection, CallError> {
        let each = self.iter().map(|it| Box::pin(it.connection(limit)));
        select_ok(each).await.map(|(connection, _)| connection)
    }

    /// Waits until one of them can be sent `request`; see [`Supervised::wait_for_start`].
    ///
    /// # Errors
    /// [`CallError`] with `NotSent`: why the last of them is not up.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; the server goes on starting.
    pub async fn wait_for_start(
        &self,
        request: &Request,
        context: &CallContext,
    ) -> Result<(), CallError> {
        let each = self.iter();
        let each = each.map(|it| Box::pin(it.wait_for_start(request, context)));
        select_ok(each).await.map(drop)
    }

    /// Ends them for good once the calls that were sent have ended; see [`Supervised::retire`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves those as they are that still answer.
    pub async fn retire(&self) {
        join_all(self.iter().map(Supervised::retire)).await;
    }

    /// Ends them for good. Takes 5 s at most.
    pub async fn close(&self) {
        join_all(self.iter().map(Supervised::close)).await;
    }
}

/// How far from being up a replica is.
pub(crate) fn distance(phase: &Phase) -> u8 {
    match phase {
        Phase::Up(_) => 0,
        Phase::Starting { .. } => 1,
        // Others use the same credentials, so that what keeps this one from being up is what a person can mend for all.
        Phase::Failed { why, .. } if why.kind() == Some(ConnectErrorKind::Unauthorized) => 2,
        Phase::BackingOff { .. } => 3,
        Phase::Failed { .. } => 4,
        Phase::Idle => 5,
        _ => 6,
    }
}
