//! Durations as people write them in settings, `5s`, `250ms`, `1m 30s`, and as they read them in sentences.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration in a settings file: a text such as `"5s"`, `"250ms"` or `"1m 30s"`.
///
/// A bare number is refused, since nobody can tell whether it means seconds or milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(pub Duration);

impl From<HumanDuration> for Duration {
    fn from(text: HumanDuration) -> Self {
        text.0
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(self.0))
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || {
            serde::de::Error::custom(
                "expected a duration with its unit, such as \"5s\" or \"250ms\"",
            )
        };
        let value = serde_json::Value::deserialize(deserializer)?;
        let parsed = value
            .as_str()
            .and_then(|text| humantime::parse_duration(text).ok());
        parsed.map(Self).ok_or_else(wrong)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A duration with its unit, such as \"5s\", \"250ms\" or \"1m 30s\".",
            "pattern": "^\\s*([0-9]+\\s*[a-zµ]+\\s*)+$",
        })
    }
}

/// A duration as machines read it, in whole milliseconds.
pub(crate) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Shows a duration as a sentence has it, as exactly as people care: `40 ms`, `2.1 s`, `12 s`, `5 min`.
#[derive(Debug, Clone, Copy)]
pub struct Rounded(pub Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_nanos().div_ceil(1_000_000);
        match millis {
            0..1_000 => write!(f, "{millis} ms"),
            1_000..10_000 => match (millis + 50) / 100 {
                tenths if tenths % 10 == 0 => write!(f, "{} s", tenths / 10),
                tenths => write!(f, "{}.{} s", tenths / 10, tenths % 10),
            },
            10_000..180_000 => write!(f, "{} s", (millis + 500) / 1_000),
            _ => write!(f, "{} min", (millis + 30_000) / 60_000),
        }
    }
}

/// What is handed on of a limit of which `left` is left: in whole milliseconds, since errors tell it, and the whole of it
/// where nobody noticed that any time has passed.
#[must_use]
pub fn handed_on(limit: Duration, left: Duration) -> Duration {
    const UNNOTICED: Duration = Duration::from_millis(1);
    if left < limit && limit - left < UNNOTICED {
        return limit;
    }
    Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_a_duration_as_people_say_it() {
        for (millis, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (2_130, "2.1 s"),
            (9_990, "10 s"),
            (12_400, "12 s"),
            (300_000, "5 min"),
        ] {
            assert_eq!(Rounded(Duration::from_millis(millis)).to_string(), text);
        }
        assert_eq!(Rounded(Duration::from_nanos(1)).to_string(), "1 ms");
        assert!(Rounded(Duration::MAX).to_string().ends_with(" min"));
    }

    #[test]
    fn what_is_left_of_a_limit_reads_well() {
        let limit = Duration::from_secs(5);
        let of = |used: u64| handed_on(limit, limit - Duration::from_micros(used));
        assert_eq!((of(0), of(999)), (limit, limit));
        assert_eq!(of(1_500), Duration::from_millis(4_998));
        assert_eq!(handed_on(Duration::ZERO, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn durations_need_a_unit() {
        let read = |text: &str| {
            serde_json::from_str::<HumanDuration>(text)
                .ok()
                .map(|it| it.0)
        };
        assert_eq!(read("\"250ms\""), Some(Duration::from_millis(250)));
        assert_eq!(read("\"1m 30s\""), Some(Duration::from_secs(90)));
        for wrong in ["5", "\"5\"", "\"soon\"", "null", "\"-1s\""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
