//! What can be set of how a server is asked whether it is well. It must not know who asks.

use std::time::Duration;

use manyhands_core::HumanDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::or_false;

/// No server is asked more often than this, however it is set.
const SOONEST: Duration = Duration::from_secs(1);
/// Nor is any wait longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The shortest time to answer in.
const QUICKEST: Duration = Duration::from_millis(10);

/// Whether a connected server is asked now and then whether it is well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Written>", into = "Option<Written>")]
#[non_exhaustive]
pub enum Probing {
    /// As its transport has it: with the default settings where all messages share one stream, such as a child process's,
    /// where it costs next to nothing; never over HTTP, where each may count against a limit, or be paid for.
    #[default]
    ByTransport,
    /// Never.
    Never,
    /// With these settings.
    Set(ProbeSettings),
}

/// How a connected server is asked whether it is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ProbeSettings {
    /// How long after its last answer, to whatever call, the server is asked; up to a quarter more, by chance. One that does
    /// not answer is asked again sooner. At least 1s, at most 1d. Default: 30s.
    pub every: HumanDuration,
    /// How long it may take to answer. Default: 5s.
    pub timeout: HumanDuration,
    /// The tool that is called in place of a `ping`, by its name on the server. Naming it says that it only reads. Default:
    /// none.
    pub tool: Option<String>,
    /// What the tool is called with. Default: nothing.
    pub arguments: Map<String, Value>,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            every: HumanDuration(Duration::from_secs(30)),
            timeout: HumanDuration(Duration::from_secs(5)),
            tool: None,
            arguments: Map::new(),
        }
    }
}

impl ProbeSettings {
    /// Sets how long after its last answer the server is asked.
    #[must_use]
    pub fn with_every(mut self, every: Duration) -> Self {
        self.every = HumanDuration(every);
        self
    }

    /// Sets how long it may take to answer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = HumanDuration(timeout);
        self
    }

    /// Calls a tool that only reads in place of a `ping`, by its name on the server.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Into<String>, arguments: Map<String, Value>) -> Self {
        (self.tool, self.arguments) = (Some(tool.into()), arguments);
        self
    }

    /// With times that can be reckoned with.
    fn bounded(mut self) -> Self {
        self.every = HumanDuration(self.every.0.clamp(SOONEST, LONGEST));
        self.timeout = HumanDuration(self.timeout.0.clamp(QUICKEST, LONGEST));
        self
    }
}

impl Probing {
    /// The settings that hold for a server; none where it is not asked.
    pub(crate) fn of(&self, is_one_stream: bool) -> Option<ProbeSettings> {
        match self {
            Self::ByTransport => is_one_stream.then(ProbeSettings::default),
            Self::Never => None,
            Self::Set(settings) => Some(settings.clone().bounded()),
        }
    }
}

/// As it is written: an object, or a flag.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Written(#[serde(with = "or_false")] Option<ProbeSettings>);

impl From<Option<Written>> for Probing {
    fn from(written: Option<Written>) -> Self {
        match written {
            None => Self::ByTransport,
            Some(Written(None)) => Self::Never,
            Some(Written(Some(settings))) => Self::Set(settings),
        }
    }
}

impl From<Probing> for Option<Written> {
    fn from(probing: Probing) -> Self {
        match probing {
            Probing::ByTransport => None,
            Probing::Never => Some(Written(None)),
            Probing::Set(settings) => Some(Written(Some(settings))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_flag_decides_for_every_transport_and_nothing_leaves_it_to_that() {
        let read = |value: Value| serde_json::from_value::<Probing>(value).unwrap();
        let asked = |value: Value| [true, false].map(|it| read(value.clone()).of(it).is_some());
        assert_eq!(asked(json!(null)), [true, false]);
        assert_eq!(asked(json!(true)), [true, true]);
        assert_eq!(asked(json!(false)), [false, false]);
        assert_eq!(asked(json!({"tool": "status"})), [true, true]);
        let error = serde_json::from_value::<Probing>(json!("often")).unwrap_err();
        assert!(error.to_string().contains("an object, or false"), "{error}");
    }

    #[test]
    fn no_time_is_too_short_or_too_long_to_reckon_with() {
        let set = |time| ProbeSettings::default().with_every(time).with_timeout(time);
        let held = |time| Probing::Set(set(time)).of(true).unwrap();
        let none = held(Duration::ZERO);
        assert_eq!((none.every.0, none.timeout.0), (SOONEST, QUICKEST));
        assert_eq!(held(Duration::MAX).every.0, LONGEST);
    }
}
