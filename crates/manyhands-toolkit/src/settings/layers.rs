//! What can be set of the layers around a server's calls, by methods, and what the layers are made of then.

use std::time::Duration;

use manyhands_core::{Effect, HumanDuration};
use manyhands_resilience::{
    BalanceBy, BalanceSettings, BreakerSettings, BulkheadSettings, ChaosSettings, CoalesceSettings,
    DeadlineSettings, HedgeSettings, RateLimitSettings, RetrySettings, StackSettings,
};
use manyhands_routing::LayerSettings;

use super::ServerSettings;

impl ServerSettings {
    /// Sets how long one attempt may take once the server is up, whatever progress it shows.
    #[must_use]
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(HumanDuration(limit));
        self
    }

    /// Sets when a call that failed is sent again; none for never.
    #[must_use]
    pub fn retry(mut self, settings: impl Into<Option<RetrySettings>>) -> Self {
        self.retry = settings.into();
        self
    }

    /// Sets when a call that changes nothing and takes long is sent a second time; none for never.
    #[must_use]
    pub fn hedge(mut self, settings: impl Into<Option<HedgeSettings>>) -> Self {
        self.hedge = settings.into();
        self
    }

    /// Sets by what replicas are compared, where there are several.
    #[must_use]
    pub fn balance(mut self, by: BalanceBy) -> Self {
        self.balance = by;
        self
    }

    /// Has the calls of one principal stay with the replica that answered them last.
    #[must_use]
    pub fn sticky(mut self) -> Self {
        self.sticky = true;
        self
    }

    /// Sets when the server is left alone because its calls fail; none for never.
    #[must_use]
    pub fn breaker(mut self, settings: impl Into<Option<BreakerSettings>>) -> Self {
        self.breaker = settings.into();
        self
    }

    /// Leaves each tool alone on its own rather than the whole server.
    #[must_use]
    pub fn breaker_per_tool(mut self) -> Self {
        self.breaker_per_tool = true;
        self
    }

    /// Sets how many calls run at the server at once, and how many wait; none for any number.
    #[must_use]
    pub fn bulkhead(mut self, settings: impl Into<Option<BulkheadSettings>>) -> Self {
        self.bulkhead = settings.into();
        self
    }

    /// Sets how many calls may be made in how much time; none for any number.
    #[must_use]
    pub fn rate_limit(mut self, settings: impl Into<Option<RateLimitSettings>>) -> Self {
        self.rate_limit = settings.into();
        self
    }

    /// Has identical calls that change nothing share one while it is under way; none for each on its own.
    #[must_use]
    pub fn coalesce(mut self, settings: impl Into<Option<CoalesceSettings>>) -> Self {
        self.coalesce = settings.into();
        self
    }

    /// Has faults made on purpose.
    #[must_use]
    pub fn chaos(mut self, settings: impl Into<Option<ChaosSettings>>) -> Self {
        self.chaos = settings.into();
        self
    }

    /// Takes the server's own word for what may be sent twice.
    #[must_use]
    pub fn trust_annotations(mut self) -> Self {
        self.trust_annotations = true;
        self
    }

    /// Says what a call of one tool does to the world, by the tool's name on the server, whatever the server says.
    #[must_use]
    pub fn tool_effect(mut self, tool: impl Into<String>, effect: Effect) -> Self {
        self.tools.entry(tool.into()).or_default().effect = Some(effect);
        self
    }

    /// What the layers around the server's calls are made of.
    pub(crate) fn layers(&self) -> LayerSettings {
        // Each call brings its own limit in total, as its tool or its caller has it.
        let deadline = DeadlineSettings::default()
            .with_total(None)
            .with_attempt(self.attempt_timeout.map(Duration::from));
        let balance = BalanceSettings::default()
            .with_by(self.balance)
            .with_sticky(self.sticky);
        let mut stack = StackSettings::default()
            .with_deadline(deadline)
            .with_retry(self.retry.clone())
            .with_hedge(self.hedge.clone())
            .with_balance(balance)
            .with_breaker(self.breaker.clone())
            .with_bulkhead(self.bulkhead.clone())
            .with_rate_limit(self.rate_limit.clone())
            .with_chaos(self.chaos.clone());
        stack.breaker_per_tool = self.breaker_per_tool;
        LayerSettings::default()
            .with_stack(stack)
            .with_coalesce(self.coalesce.clone())
    }
}
