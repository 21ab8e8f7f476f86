//! What can be set for a toolkit and for each of its servers.

use std::time::Duration;

use manyhands_core::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the whole toolkit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Settings {
    /// How long connecting waits for servers that are not required; they go on starting after it. Default: 2s.
    pub grace: HumanDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            grace: HumanDuration(Duration::from_secs(2)),
        }
    }
}

/// Settings of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Whether connecting fails as a whole when this server does. Default: false.
    pub required: bool,
    /// How long a call may take in total. Default: 30s.
    pub timeout: HumanDuration,
    /// How long the server may take from its start to the end of the handshake. Default: 60s.
    pub start_timeout: HumanDuration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            required: false,
            timeout: HumanDuration(Duration::from_secs(30)),
            start_timeout: HumanDuration(Duration::from_secs(60)),
        }
    }
}

impl ServerSettings {
    /// Makes connecting fail as a whole when this server does.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Sets how long a call may take in total.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = HumanDuration(limit);
        self
    }

    /// Sets how long the server may take to start.
    #[must_use]
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.start_timeout = HumanDuration(limit);
        self
    }
}
