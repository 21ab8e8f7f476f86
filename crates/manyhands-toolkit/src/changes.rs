//! What changes in a toolkit, as it happens.

use std::sync::Arc;

use manyhands_core::ServerId;
use manyhands_registry::Diff;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::report::ServerStatus;

/// How many changes a slow reader may lag behind before the oldest are skipped.
pub(crate) const KEPT: usize = 256;

/// One server's state or offer changed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Change {
    /// The server.
    pub server: ServerId,
    /// Its state now.
    pub status: ServerStatus,
    /// The catalogue's generation now.
    pub generation: u64,
    /// What changed in the catalogue; empty when only the state did.
    pub diff: Arc<Diff>,
}

/// Changes of a toolkit from now on.
#[derive(Debug)]
pub struct Changes(pub(crate) broadcast::Receiver<Change>);

impl Changes {
    /// Waits for the next change; none once the toolkit is gone.
    ///
    /// A reader that lags more than 256 changes behind misses the oldest ones: the
    /// generation tells, and the report and catalogue hold what is true now.
    ///
    /// # Cancel safety
    /// Dropping the future loses no change.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            match self.0.recv().await {
                Ok(change) => return Some(change),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
