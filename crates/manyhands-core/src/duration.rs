//! Durations as people write them in settings: `5s`, `250ms`, `1m 30s`.

use std::borrow::Cow;
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

#[cfg(test)]
mod tests {
    use super::*;

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
