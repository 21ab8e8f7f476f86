//! How a replica is chosen, as it is set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a replica is chosen for a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BalanceSettings {
    /// By what the replicas are compared. Default: `least_loaded`.
    pub by: BalanceBy,
    /// Whether the calls of one principal stay with the replica that answered them last, while that has no more than twice
    /// the load of another one. Default: false.
    pub sticky: bool,
}

/// By what replicas are compared: the load of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BalanceBy {
    /// How many calls it has under way.
    #[default]
    LeastLoaded,
    /// The same, times how long its answers to calls of the same tool took of late: a slower one counts at once, and is
    /// forgotten over some 10 s.
    PeakEwma,
}

impl BalanceSettings {
    /// Sets by what the replicas are compared.
    #[must_use]
    pub fn with_by(mut self, by: BalanceBy) -> Self {
        self.by = by;
        self
    }

    /// Has the calls of one principal stay with the replica that answered them last.
    #[must_use]
    pub fn with_sticky(mut self, sticky: bool) -> Self {
        self.sticky = sticky;
        self
    }
}
