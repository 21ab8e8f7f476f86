//! What decides between tools that do the same, as it is written. It must not know any tool.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use manyhands_core::{Printable, clip, either, nearest};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

const TAG: &str = "tag:";
/// How all others are written.
const PLAIN: [(&str, Criterion); 4] = [
    ("order", Criterion::Order),
    ("cost", Criterion::Cost),
    ("latency", Criterion::Latency),
    ("success", Criterion::Success),
];

/// What decides which of several tools comes first. Written `order`, `tag:fast`, `cost`, `latency` or `success`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Criterion {
    /// The order in which the group has them. It always decides.
    Order,
    /// Whether the configuration gives it this tag. What a server says of its own tools does not count.
    Tag(String),
    /// What the configuration says that a call costs; what is not said counts as medium.
    Cost,
    /// How soon it answered of late. It decides only from 10 calls of each on, where half of the answers took a quarter
    /// and 20 ms less.
    Latency,
    /// How often it answered of late. It decides only from 10 calls of each on, where the rates differ by 5 % of all
    /// calls, and by more than chance would have it.
    Success,
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Tag(tag) = self {
            return write!(f, "{TAG}{tag}");
        }
        let plain = PLAIN.iter().find(|(_, it)| it == self);
        f.write_str(plain.map_or("", |(text, _)| text))
    }
}

impl FromStr for Criterion {
    type Err = UnknownCriterion;

    fn from_str(text: &str) -> Result<Self, UnknownCriterion> {
        if let Some(tag) = text.strip_prefix(TAG).filter(|it| !it.trim().is_empty()) {
            return Ok(Self::Tag(tag.trim().to_owned()));
        }
        let plain = PLAIN.iter().find(|(known, _)| *known == text);
        plain
            .map(|(_, it)| it.clone())
            .ok_or_else(|| UnknownCriterion {
                text: Printable(&clip(text, 80)).to_string(),
            })
    }
}

impl TryFrom<String> for Criterion {
    type Error = UnknownCriterion;

    fn try_from(text: String) -> Result<Self, UnknownCriterion> {
        text.parse()
    }
}

impl From<Criterion> for String {
    fn from(criterion: Criterion) -> Self {
        criterion.to_string()
    }
}

impl JsonSchema for Criterion {
    fn schema_name() -> Cow<'static, str> {
        "Criterion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "What decides between tools: \"order\", \"tag:fast\", \"cost\", \"latency\" or \"success\".",
            "pattern": "^(order|cost|latency|success|tag:.*\\S.*)$",
        })
    }
}

/// A text that is no [`Criterion`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{text}` as what decides between tools: {}", mend(text))]
pub struct UnknownCriterion {
    text: String,
}

fn mend(text: &str) -> String {
    let known = PLAIN.map(|(text, _)| text);
    let near = nearest(text, known);
    if near.is_empty() {
        let known = known.join("`, `");
        return format!("use `{known}`, or `tag:` with a tag");
    }
    format!("did you mean {}?", either(&near))
}
