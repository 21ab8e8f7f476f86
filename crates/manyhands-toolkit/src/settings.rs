//! What can be set for a toolkit and for each of its servers.

mod instances;
mod layers;
mod or_false;
mod probe;

use std::collections::BTreeMap;
use std::time::Duration;

use manyhands_core::{Effect, HumanDuration};
use manyhands_discovery::Manifest;
use manyhands_registry::{Group, Groups, Overlays, ToolOverlay};
use manyhands_resilience::{
    BalanceBy, BreakerSettings, BulkheadSettings, ChaosSettings, CoalesceSettings, HedgeSettings,
    MAX_REPLICAS, RateLimitSettings, RetrySettings,
};
use manyhands_routing::{Limit, Limits};
use manyhands_transport::{Protocol, Restart, Supervision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use or_false::OrFalse;
pub use probe::{ProbeSettings, Probing};

use crate::conversation::Profile;
use crate::groups;
use crate::memory::is_young;
use crate::pins::Pinning;
use crate::validation::Validate;

/// What `protocol` says where the version is to be found out.
const AUTO: &str = "auto";

/// Settings of the whole toolkit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Settings {
    /// How long connecting waits for servers that are not required; they go on starting after it. Default: 2s.
    pub grace: HumanDuration,
    /// For how many sets of credentials connections are kept, beside the one that everybody shares. Default: 64.
    pub max_authorizations: usize,
    /// Named sets of servers, tools and tags, that a conversation is made to be about. Default: none.
    pub profiles: BTreeMap<String, Profile>,
    /// What is made of a tool that is no longer what it was when it was approved, which it is when it is first seen.
    /// Default: "warn" where a file with pins is there already, else "off".
    pub pins: Option<Pinning>,
    /// Tools that do the same, in groups: one of each is put forward, and the others stand in for it where it cannot be
    /// used. Default: none.
    #[serde(deserialize_with = "groups::checked")]
    pub groups: Groups,
    /// What models are shown of the tools of a server that cannot be used. Default: "tell".
    pub when_down: WhenDown,
}

/// What models are shown of the tools of a server that cannot be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum WhenDown {
    /// They stay in all lists as they are, so that prompts stay cached; what a model searches or calls says that they cannot
    /// be used, until when, and what can.
    #[default]
    Tell,
    /// They are left out of lists and choices until the server is back, or until a call would try it again.
    Hide,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            grace: HumanDuration(Duration::from_secs(2)),
            max_authorizations: 64,
            profiles: BTreeMap::new(),
            pins: None,
            groups: Groups::default(),
            when_down: WhenDown::default(),
        }
    }
}

impl Settings {
    /// Sets a named set of servers, tools and tags.
    #[must_use]
    pub fn with_profile(mut self, name: impl Into<String>, profile: Profile) -> Self {
        self.profiles.insert(name.into(), profile);
        self
    }

    /// Declares a group of tools that do the same.
    #[must_use]
    pub fn with_group(mut self, name: impl Into<String>, group: Group) -> Self {
        self.groups.0.insert(name.into(), group);
        self
    }

    /// Sets what models are shown of the tools of a server that cannot be used.
    #[must_use]
    pub fn with_when_down(mut self, when_down: WhenDown) -> Self {
        self.when_down = when_down;
        self
    }

    /// The keys under which it says otherwise than `other`, as they are written, by name.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let fields = |it: &Self| match serde_json::to_value(it) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        let other = fields(other);
        let own = fields(self).into_iter();
        let differing = own.filter(|(key, value)| other.get(key) != Some(value));
        let mut keys: Vec<String> = differing.map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys
    }

    /// Sets what is made of a tool that is no longer what it was when it was approved.
    #[must_use]
    pub fn with_pins(mut self, pins: Pinning) -> Self {
        self.pins = Some(pins);
        self
    }
}

/// Settings of one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Whether connecting fails as a whole when this server does. Default: false.
    pub required: bool,
    /// How long a call may go without an answer or a sign of progress; each attempt anew, and so does the wait for the
    /// server's start. Default: 30s.
    pub timeout: HumanDuration,
    /// How long a call may take in total, whatever progress it shows: all attempts, the waits between them and for the
    /// server's start included. Default: 10m.
    pub total_timeout: HumanDuration,
    /// How long one attempt may take once the server is up, whatever progress it shows. Default: what is left of
    /// `totalTimeout`.
    pub attempt_timeout: Option<HumanDuration>,
    /// What is said of single tools, by their names on the server, and their limits where they differ from the server's.
    pub tools: BTreeMap<String, ToolSettings>,
    /// What all its tools are about; further tags of a tool stand beside these. Default: none.
    pub tags: Vec<String>,
    /// The protocol version that is spoken with the server, such as "2025-11-25". Default: "auto", the newest of both.
    pub protocol: String,
    /// How long the server may take from its start to the end of the handshake. Default: 60s.
    pub start_timeout: HumanDuration,
    /// How many times the server is started, to share its calls. Each has a state of its own, so that it suits servers
    /// that keep none between calls. From 1 to 64. Default: 1.
    #[serde(deserialize_with = "instances::deserialize")]
    #[schemars(range(min = 1, max = 64))]
    pub instances: usize,
    /// By what replicas are compared, where there are several: two are drawn for a call, and the one with less takes it.
    /// Default: `least_loaded`.
    pub balance: BalanceBy,
    /// Whether the calls of one principal stay with the replica that answered them last, while that is up and has no more
    /// than twice the load of another one. Who names no principal is one. Default: false.
    pub sticky: bool,
    /// How the server is started again when it fails; false for never. Default: 10 times within 5m.
    #[serde(with = "or_false")]
    #[schemars(with = "OrFalse<RestartSettings>")]
    pub restart: Option<RestartSettings>,
    /// How the server is asked whether it is well while nobody calls it; false for never. One that is not running is not
    /// asked. Default: every 30s where it is a child process or behind a socket; never over HTTP.
    #[schemars(with = "Option<OrFalse<ProbeSettings>>")]
    pub probe: Probing,
    /// When a call that failed is sent again, where that cannot do anything twice; false for never. Default: 3 attempts.
    #[serde(with = "or_false")]
    #[schemars(with = "OrFalse<RetrySettings>")]
    pub retry: Option<RetrySettings>,
    /// When a call that changes nothing and takes long is sent a second time, to another replica where there is one; false
    /// for never. Default: false.
    #[serde(with = "or_false")]
    #[schemars(with = "OrFalse<HedgeSettings>")]
    pub hedge: Option<HedgeSettings>,
    /// When the server is left alone for a while because its calls fail; false for never. Default: after 5 failures in a
    /// row.
    #[serde(with = "or_false")]
    #[schemars(with = "OrFalse<BreakerSettings>")]
    pub breaker: Option<BreakerSettings>,
    /// Whether each tool is left alone on its own rather than the whole server. Default: false.
    pub breaker_per_tool: bool,
    /// How many calls run at the server at once, and how many wait; false for any number. Default: 64, and 256 more wait.
    #[serde(with = "or_false")]
    #[schemars(with = "OrFalse<BulkheadSettings>")]
    pub bulkhead: Option<BulkheadSettings>,
    /// How many calls may be made in how much time; false for any number. Default: false.
    #[serde(with = "or_false")]
    #[schemars(with = "OrFalse<RateLimitSettings>")]
    pub rate_limit: Option<RateLimitSettings>,
    /// Whether identical calls that change nothing share one while it is under way; false for each on its own. A call may
    /// then be answered with what was read before it was made. Default: false.
    #[serde(with = "or_false")]
    #[schemars(with = "OrFalse<CoalesceSettings>")]
    pub coalesce: Option<CoalesceSettings>,
    /// Faults made on purpose, to try an agent with; false for none. Default: false.
    #[serde(with = "or_false")]
    #[schemars(with = "OrFalse<ChaosSettings>")]
    pub chaos: Option<ChaosSettings>,
    /// Whether the server's own word is taken for what may be sent twice: `readOnlyHint` and `idempotentHint` of its tools.
    /// Default: false.
    pub trust_annotations: bool,
    /// Whether the server is started by the first call that names it. Until then its tools are unknown. Default: false.
    pub lazy: bool,
    /// What is made of arguments and results that do not fit a tool's schemas. Default: "warn", which sends no such
    /// arguments and hands such results on.
    pub validate: Validate,
    /// How long nobody must have called the server for it to be stopped; the next call starts it again. Default: never.
    pub idle_stop: Option<HumanDuration>,
    /// For how long what the server said of its tools at an earlier start stands in for asking it, so that it is started
    /// by its first call; later it is asked in the background. "0s" asks at every start. Default: 1d.
    pub cache_for: HumanDuration,
    /// What models are shown of its tools while it cannot be used. Default: as the whole toolkit has it.
    pub when_down: Option<WhenDown>,
}

/// Settings of one tool of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ToolSettings {
    /// How long a call may go without an answer or a sign of progress. Default: the server's.
    pub timeout: Option<HumanDuration>,
    /// How long a call may take in total, whatever progress it shows. Default: the server's.
    pub total_timeout: Option<HumanDuration>,
    /// What a call of it does to the world, whatever its server says: "readOnly" and "idempotent" may be sent twice,
    /// "unknown" may not. Default: unknown, or the server's word where `trustAnnotations` is set.
    pub effect: Option<Effect>,
    /// What is said of it in place of its server, or beside it.
    #[serde(flatten)]
    pub overlay: ToolOverlay,
}

/// How a server that failed is started again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RestartSettings {
    /// How many restarts there may be within `within`; after that, a call 5m later tries once more. Default: 10.
    pub attempts: u32,
    /// The time over which restarts are counted; it slides. Default: 5m.
    pub within: HumanDuration,
    /// The longest wait before the first restart; it doubles each time. Default: 500ms.
    pub backoff: HumanDuration,
    /// The longest wait before any restart. Default: 1m.
    pub max_backoff: HumanDuration,
}

impl Default for RestartSettings {
    fn default() -> Self {
        let restart = Restart::default();
        Self {
            attempts: restart.attempts,
            within: HumanDuration(restart.within),
            backoff: HumanDuration(restart.backoff),
            max_backoff: HumanDuration(restart.max_backoff),
        }
    }
}

impl RestartSettings {
    /// Sets how many restarts there may be within which time.
    #[must_use]
    pub fn with_budget(mut self, attempts: u32, within: Duration) -> Self {
        (self.attempts, self.within) = (attempts, HumanDuration(within));
        self
    }

    /// Sets the longest wait before the first restart, and before any.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, max: Duration) -> Self {
        (self.backoff, self.max_backoff) = (HumanDuration(first), HumanDuration(max));
        self
    }

    fn policy(&self) -> Restart {
        Restart::default()
            .with_budget(self.attempts, self.within.0)
            .with_backoff(self.backoff.0, self.max_backoff.0)
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            required: false,
            timeout: HumanDuration(Duration::from_secs(30)),
            total_timeout: HumanDuration(Duration::from_secs(600)),
            tools: BTreeMap::new(),
            tags: Vec::new(),
            protocol: AUTO.to_owned(),
            start_timeout: HumanDuration(Duration::from_secs(60)),
            attempt_timeout: None,
            instances: 1,
            balance: BalanceBy::default(),
            sticky: false,
            restart: Some(RestartSettings::default()),
            probe: Probing::default(),
            retry: Some(RetrySettings::default()),
            hedge: None,
            breaker: Some(BreakerSettings::default()),
            breaker_per_tool: false,
            bulkhead: Some(BulkheadSettings::default()),
            rate_limit: None,
            coalesce: None,
            chaos: None,
            trust_annotations: false,
            lazy: false,
            validate: Validate::default(),
            idle_stop: None,
            cache_for: HumanDuration(Duration::from_secs(24 * 3600)),
            when_down: None,
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

    /// Sets how long a call may go without an answer or a sign of progress.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = HumanDuration(limit);
        self
    }

    /// Sets how long a call may take in total, whatever progress it shows.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.total_timeout = HumanDuration(limit);
        self
    }

    /// Sets both limits of one tool, by its name on the server.
    #[must_use]
    pub fn tool_timeouts(
        mut self,
        tool: impl Into<String>,
        idle: Duration,
        total: Duration,
    ) -> Self {
        let settings = self.tools.entry(tool.into()).or_default();
        settings.timeout = Some(HumanDuration(idle));
        settings.total_timeout = Some(HumanDuration(total));
        self
    }

    /// Says something of one tool, by its name on the server, in place of the server or beside it.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>, overlay: ToolOverlay) -> Self {
        self.tools.entry(tool.into()).or_default().overlay = overlay;
        self
    }

    /// Sets tags of all its tools.
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the protocol version that is spoken with the server, such as `2025-11-25`, or `auto`.
    #[must_use]
    pub fn protocol(mut self, version: impl Into<String>) -> Self {
        self.protocol = version.into();
        self
    }

    /// Sets how long the server may take to start.
    #[must_use]
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.start_timeout = HumanDuration(limit);
        self
    }

    /// Sets how many times the server is started, to share its calls; from 1 to 64.
    #[must_use]
    pub fn instances(mut self, instances: usize) -> Self {
        self.instances = instances.clamp(1, MAX_REPLICAS);
        self
    }

    /// Sets how the server is started again when it fails.
    #[must_use]
    pub fn restart(mut self, settings: RestartSettings) -> Self {
        self.restart = Some(settings);
        self
    }

    /// Never starts the server again when it fails.
    #[must_use]
    pub fn no_restart(mut self) -> Self {
        self.restart = None;
        self
    }

    /// Sets how the server is asked whether it is well while nobody calls it; none for never.
    #[must_use]
    pub fn probe(mut self, settings: impl Into<Option<ProbeSettings>>) -> Self {
        self.probe = settings.into().map_or(Probing::Never, Probing::Set);
        self
    }

    /// Sets whether the server is started by the first call that names it.
    #[must_use]
    pub fn lazy(mut self, lazy: bool) -> Self {
        self.lazy = lazy;
        self
    }

    /// Sets what is made of arguments and results that do not fit a tool's schemas.
    #[must_use]
    pub fn validate(mut self, validate: Validate) -> Self {
        self.validate = validate;
        self
    }

    /// Sets for how long what the server said of its tools at an earlier start stands in for asking it.
    #[must_use]
    pub fn cache_for(mut self, limit: Duration) -> Self {
        self.cache_for = HumanDuration(limit);
        self
    }

    /// Stops the server when nobody has called it for so long; the next call starts it again.
    #[must_use]
    pub fn idle_stop(mut self, limit: Duration) -> Self {
        self.idle_stop = Some(HumanDuration(limit));
        self
    }

    /// Sets what models are shown of its tools while it cannot be used.
    #[must_use]
    pub fn when_down(mut self, when_down: WhenDown) -> Self {
        self.when_down = Some(when_down);
        self
    }

    pub(crate) fn version(&self) -> Protocol {
        if self.protocol == AUTO {
            Protocol::Auto
        } else {
            Protocol::Version(self.protocol.clone())
        }
    }

    /// Whether the server is started before anybody calls it, with what is remembered of it.
    pub(crate) fn starts_at_once(&self, remembered: Option<&Manifest>) -> bool {
        let stands_in = remembered.is_some_and(|it| is_young(it, self.cache_for.0));
        !self.lazy && (self.required || !stands_in)
    }

    pub(crate) fn limits(&self) -> Limits {
        let server = Limit {
            idle: self.timeout.0,
            total: self.total_timeout.0,
        };
        let tools = self.tools.iter().map(|(name, tool)| {
            let limit = Limit {
                idle: tool.timeout.unwrap_or(self.timeout).0,
                total: tool.total_timeout.unwrap_or(self.total_timeout).0,
            };
            (name.clone(), limit)
        });
        Limits::new(server).with_tools(tools)
    }

    pub(crate) fn overlays(&self) -> Overlays {
        let overlays = Overlays::default().with_tags(self.tags.iter().cloned());
        let tools = self.tools.iter();
        tools.fold(overlays, |overlays, (name, tool)| {
            overlays.with_tool(name, tool.overlay.clone())
        })
    }

    pub(crate) fn supervision(&self) -> Supervision {
        let restart = self.restart.as_ref();
        Supervision::default()
            .with_restart(restart.map_or_else(Restart::never, RestartSettings::policy))
            .with_idle_stop(self.idle_stop.map(|limit| limit.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn restart(settings: Value) -> Result<Restart, String> {
        let settings: ServerSettings =
            serde_json::from_value(settings).map_err(|error| error.to_string())?;
        Ok(settings.supervision().restart)
    }

    #[test]
    fn restarts_are_an_object_or_a_flag() {
        assert_eq!(restart(json!({})), Ok(Restart::default()));
        assert_eq!(restart(json!({"restart": true})), Ok(Restart::default()));
        assert_eq!(restart(json!({"restart": false})), Ok(Restart::never()));
        let written = json!({"attempts": 2, "within": "1m", "backoff": "1s", "maxBackoff": "5s"});
        let seconds = Duration::from_secs;
        let meant = Restart::default()
            .with_budget(2, seconds(60))
            .with_backoff(seconds(1), seconds(5));
        assert_eq!(restart(json!({"restart": written})), Ok(meant));
        let error = restart(json!({"restart": "never"})).unwrap_err();
        assert!(error.contains("expected an object, or false"), "{error}");
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        for settings in [
            ServerSettings::default(),
            ServerSettings::default()
                .no_restart()
                .lazy(true)
                .idle_stop(Duration::from_secs(90))
                .retry(None)
                .probe(None)
                .hedge(HedgeSettings::default())
                .balance(BalanceBy::PeakEwma)
                .sticky()
                .rate_limit(RateLimitSettings::default()),
        ] {
            let written = serde_json::to_value(&settings).unwrap();
            assert_eq!(
                serde_json::from_value::<ServerSettings>(written).unwrap(),
                settings
            );
        }
    }
}
