//! How a server of secrets behaves, as plain values.

use std::collections::BTreeSet;
use std::time::Duration;

/// How a [`VaultServer`](super::VaultServer) behaves; by default well. The fields are the setters,
/// as in [`Behavior`](crate::oauth::Behavior).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct VaultBehavior {
    /// Where the key-value engine is, without slashes at its ends; `secret` by default.
    pub mount: String,
    /// The namespace that all of this is in, which requests have to name; none by default.
    pub namespace: Option<String>,
    /// Where applications log in; `approle` by default.
    pub app_role_mount: String,
    /// Where pods log in; `kubernetes` by default.
    pub kubernetes_mount: String,
    /// Whether it is sealed: it answers nothing then. Off by default.
    pub sealed: bool,
    /// The paths of secrets that no token may read.
    pub denied: BTreeSet<String>,
    /// How long tokens live that are got by logging in, in seconds; an hour by default.
    pub lease: u64,
    /// Whether these tokens can be renewed. On by default.
    pub renewable: bool,
    /// How long answers take.
    pub delay: Duration,
}

impl Default for VaultBehavior {
    fn default() -> Self {
        Self {
            mount: "secret".to_owned(),
            namespace: None,
            app_role_mount: "approle".to_owned(),
            kubernetes_mount: "kubernetes".to_owned(),
            sealed: false,
            denied: BTreeSet::new(),
            lease: 3_600,
            renewable: true,
            delay: Duration::ZERO,
        }
    }
}
