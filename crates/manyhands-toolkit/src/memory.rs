//! What a server offered at an earlier start, and what is remembered of it for the next one.

use std::time::{Duration, SystemTime};

use manyhands_core::{Inventory, ServerId, ServerInfo};
use manyhands_discovery::{Manifest, ManifestFolder};
use manyhands_transport::{Connector, Fingerprint};
use tokio::task::spawn_blocking;

use crate::reach::Authorization;

/// Remembers one server, as it is reached under one authorization.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    folder: ManifestFolder,
    server: ServerId,
    fingerprint: Fingerprint,
    authorization: String,
}

impl Memory {
    /// None where a server cannot be told from another: one in this process, or of a transport of the user's own.
    pub(crate) fn new(
        folder: &ManifestFolder,
        server: &ServerId,
        connector: &Connector,
        authorization: &Authorization,
    ) -> Option<Self> {
        Some(Self {
            folder: folder.clone(),
            server: server.clone(),
            fingerprint: connector.fingerprint()?,
            authorization: match authorization {
                Authorization::Shared => "shared".to_owned(),
                Authorization::Account(name) => format!("account:{name}"),
                Authorization::Principal(id) => format!("principal:{id}"),
            },
        })
    }

    pub(crate) fn recall(&self) -> Option<Manifest> {
        let Self {
            server,
            fingerprint,
            authorization,
            ..
        } = self;
        self.folder.read(server, fingerprint, authorization)
    }

    /// Remembers what a server offers. It is done in the background: nobody waits for a disk.
    pub(crate) fn keep(&self, info: &ServerInfo, inventory: &Inventory) {
        let manifest = Manifest::new(info.clone(), inventory.clone());
        let Self {
            folder,
            server,
            fingerprint,
            authorization,
        } = self.clone();
        spawn_blocking(move || {
            if let Err(error) = folder.write(&server, &fingerprint, &authorization, &manifest) {
                tracing::warn!(%server, "what it offers is not remembered: failed to {error}");
            }
        });
    }

    pub(crate) fn forget(&self) {
        let Self {
            folder,
            server,
            fingerprint,
            authorization,
        } = self.clone();
        spawn_blocking(move || {
            if let Err(error) = folder.forget(&server, &fingerprint, &authorization) {
                tracing::warn!(%server, "what it offered is still remembered: failed to {error}");
            }
        });
    }
}

/// Whether what was learned then may still stand in for asking.
pub(crate) fn is_young(manifest: &Manifest, limit: Duration) -> bool {
    // A time that is yet to come is a clock that was set back, and says nothing.
    let age = SystemTime::now().duration_since(manifest.learned);
    age.is_ok_and(|age| age < limit)
}
