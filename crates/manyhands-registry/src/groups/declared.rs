//! Groups as the configuration declares them, in brief or in full. It must not know which tools there are.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::criterion::Criterion;

/// Groups of tools that do the same, by the names that the configuration gives them.
///
/// # Examples
/// A group is a list of names, the preferred one first; or an object that says more of it:
/// ```
/// use manyhands_registry::Groups;
///
/// let groups: Groups = serde_json::from_str(r#"{
///     "search-docs": ["notion.search", "confluence.search"],
///     "search-web": {
///         "tools": ["brave.search", {"tool": "exa.find", "arguments": "{q: .query, count: .limit}"}],
///         "prefer": ["success", "cost", "order"]
///     }
/// }"#)?;
/// # let names: Vec<&String> = groups.0.keys().collect();
/// # assert_eq!(names, ["search-docs", "search-web"]);
/// # assert_eq!(groups.0["search-web"].prefer.len(), 3);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(description = "Groups of tools that do the same, by name.")]
pub struct Groups(pub BTreeMap<String, Group>);

/// Tools that do the same, of which one is put forward, and the others stand in for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written<Vec<GroupMember>, GroupObject>")]
#[non_exhaustive]
pub struct Group {
    /// The tools, two at least.
    pub tools: Vec<GroupMember>,
    /// What decides which of them comes first; what comes later here decides only where the earlier does not. Empty is
    /// the order in `tools`.
    pub prefer: Vec<Criterion>,
    /// Whether the others stand in for a tool that cannot be used, beside being put forward in its place.
    pub fallback: bool,
}

impl Default for Group {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl Groups {
    /// The group that a tool is in, by its name across all servers; where several have it, the first by name.
    #[must_use]
    pub fn group_of(&self, tool: &str) -> Option<(&str, &Group)> {
        let has = |group: &Group| group.tools.iter().any(|it| it.tool == tool);
        let mut groups = self.0.iter();
        let found = groups.find(|(_, group)| has(group));
        found.map(|(name, group)| (name.as_str(), group))
    }
}

impl Group {
    /// A group of tools in this order, by their names across all servers.
    #[must_use]
    pub fn new(tools: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tools = tools.into_iter().map(|tool| GroupMember::new(tool.into()));
        Self::of(tools.collect())
    }

    pub(super) fn of(tools: Vec<GroupMember>) -> Self {
        Self {
            tools,
            prefer: Vec::new(),
            fallback: true,
        }
    }

    /// Has these decide which tool comes first.
    #[must_use]
    pub fn with_prefer(mut self, prefer: impl IntoIterator<Item = Criterion>) -> Self {
        self.prefer = prefer.into_iter().collect();
        self
    }

    /// Adds a tool, behind those that are there.
    #[must_use]
    pub fn with_tool(mut self, member: GroupMember) -> Self {
        self.tools.push(member);
        self
    }

    /// Has no tool stand in for another: one of them is put forward, and that is all.
    #[must_use]
    pub fn without_fallback(mut self) -> Self {
        self.fallback = false;
        self
    }
}

/// One tool of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written<String, MemberObject>")]
#[non_exhaustive]
pub struct GroupMember {
    /// Its name across all servers.
    pub tool: String,
    /// A jq program that makes its arguments of those for the first tool of the group; none where they are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

impl GroupMember {
    /// A tool by its name across all servers, which takes the same arguments as the first one of its group.
    #[must_use]
    pub fn new(tool: impl Into<String>) -> Self {
        Self {
            tool: tool.into(),
            arguments: None,
        }
    }

    /// Makes its arguments by this jq program of those for the first tool of the group.
    #[must_use]
    pub fn with_arguments(mut self, program: impl Into<String>) -> Self {
        self.arguments = Some(program.into());
        self
    }
}

/// A group in full.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct GroupObject {
    /// The tools, two at least, by their names: "notion.search".
    tools: Vec<GroupMember>,
    /// What decides which of them comes first, the most important first. Default: ["order"].
    #[serde(default)]
    prefer: Vec<Criterion>,
    /// Whether the others stand in for a tool that cannot be used. Default: true.
    #[serde(default = "yes")]
    fallback: bool,
}

fn yes() -> bool {
    true
}

/// A group's tool in full.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct MemberObject {
    /// Its name across all servers, such as "confluence.search".
    tool: String,
    /// A jq program that makes its arguments of those for the first tool of the group, such as "{cql: .query}". Default:
    /// they are the same.
    #[serde(default)]
    arguments: Option<String>,
}

impl From<Written<Vec<GroupMember>, GroupObject>> for Group {
    fn from(written: Written<Vec<GroupMember>, GroupObject>) -> Self {
        match written {
            Written::Brief(tools) => Self::of(tools),
            Written::Full(GroupObject {
                tools,
                prefer,
                fallback,
            }) => Self {
                tools,
                prefer,
                fallback,
            },
        }
    }
}

impl From<Written<String, MemberObject>> for GroupMember {
    fn from(written: Written<String, MemberObject>) -> Self {
        match written {
            Written::Brief(tool) => Self::new(tool),
            Written::Full(MemberObject { tool, arguments }) => Self { tool, arguments },
        }
    }
}

/// What may be written in brief, as a text or a list, or in full, as an object.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Written<B, F> {
    Brief(B),
    Full(F),
}

// Derived, it would tell of no form why it does not fit.
impl<'de, B: Deserialize<'de>, F: Deserialize<'de>> Deserialize<'de> for Written<B, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherForm(PhantomData))
    }
}

struct EitherForm<B, F>(PhantomData<(B, F)>);

impl<'de, B: Deserialize<'de>, F: Deserialize<'de>> Visitor<'de> for EitherForm<B, F> {
    type Value = Written<B, F>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of tools, or an object that says more of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        B::deserialize(StrDeserializer::new(text)).map(Written::Brief)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        B::deserialize(SeqAccessDeserializer::new(list)).map(Written::Brief)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        F::deserialize(MapAccessDeserializer::new(map)).map(Written::Full)
    }
}
