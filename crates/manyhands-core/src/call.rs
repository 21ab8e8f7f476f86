//! What is asked of a server, and in which context.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::events::{CallEvent, Listener};
use crate::names::{QualifiedName, ServerId};
use crate::principal::Principal;
use crate::secret::Secret;
use crate::transit::Transit;

/// What kind of thing a server offers under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CapabilityKind {
    /// Called with arguments, does something.
    Tool,
    /// A message template that a person or model fills in.
    Prompt,
    /// Content read by its URI.
    Resource,
}

impl CapabilityKind {
    /// The word for it in messages and JSON keys: `tool`, `prompt` or `resource`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
        }
    }
}

/// One tool, prompt or resource as callers name it: `slack.search_messages`, `files+file:///a.txt`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Capability {
    kind: CapabilityKind,
    name: String,
}

impl Capability {
    /// Names a capability by its kind and its name across all servers.
    pub fn new(kind: CapabilityKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// Whether it is a tool, a prompt or a resource.
    #[must_use]
    pub fn kind(&self) -> CapabilityKind {
        self.kind
    }

    /// Its name across all servers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name across all servers, and nothing else.
    #[must_use]
    pub fn into_name(self) -> String {
        self.name
    }
}

/// A JSON object of arguments. Cheap to clone. Equal objects are equal in whatever order their keys stand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arguments(Arc<Value>);

impl Arguments {
    /// Takes a JSON object, or `null` for none.
    ///
    /// # Errors
    /// [`NotAnObject`] when `value` is a list, text, number or boolean.
    pub fn from_value(value: &Value) -> Result<Self, NotAnObject> {
        value.clone().try_into()
    }

    /// The object.
    #[must_use]
    pub fn as_object(&self) -> &Map<String, Value> {
        self.0.as_object().expect("nothing else is taken")
    }

    /// The object, as a value.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }
}

impl Default for Arguments {
    fn default() -> Self {
        Self::from(Map::new())
    }
}

impl From<Map<String, Value>> for Arguments {
    fn from(object: Map<String, Value>) -> Self {
        Self(Arc::new(Value::Object(object)))
    }
}

impl TryFrom<Value> for Arguments {
    type Error = NotAnObject;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let found = match value {
            Value::Null => return Ok(Self::default()),
            Value::Object(object) => return Ok(object.into()),
            Value::Array(_) => "a list",
            Value::String(_) => "a text",
            Value::Number(_) => "a number",
            Value::Bool(_) => "a boolean",
        };
        Err(NotAnObject { found })
    }
}

/// Arguments that are not a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "read the arguments: expected a JSON object such as {{\"query\": \"outage\"}}, found {found}"
)]
pub struct NotAnObject {
    found: &'static str,
}

/// Which of a server's lists is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ListKind {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
}

impl ListKind {
    /// The field of the result that holds the items.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
        }
    }
}

/// One request to one server, in that server's own names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Request {
    /// `tools/call`
    CallTool {
        /// The tool's name on its server.
        name: Arc<str>,
        /// What it is called with.
        arguments: Arguments,
    },
    /// `prompts/get`
    GetPrompt {
        /// The prompt's name on its server.
        name: Arc<str>,
        /// What it is filled in with.
        arguments: Arguments,
    },
    /// `resources/read`
    ReadResource {
        /// The resource's URI on its server.
        uri: Arc<str>,
    },
    /// `completion/complete`
    Complete {
        /// Whose argument it is.
        of: Completable,
        /// The argument's name.
        argument: String,
        /// What of its value is there already.
        value: String,
        /// The arguments that have their values already.
        settled: Arguments,
    },
    /// One page of a list.
    List {
        /// Which list.
        kind: ListKind,
        /// Where the page begins; none for the first page.
        cursor: Option<String>,
    },
    /// `ping`, or `server/discover` since 2026-07-28: whether the server answers, whatever it is that it answers.
    Probe,
}

/// What has arguments that its server can complete, in that server's own names. The protocol has these two, and whoever
/// makes a request of one has to know all.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has these two")]
pub enum Completable {
    /// A prompt, by its name.
    Prompt(Arc<str>),
    /// A resource template, or a resource, by its URI.
    Resource(Arc<str>),
}

impl Request {
    /// The JSON-RPC method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::CallTool { .. } => "tools/call",
            Self::GetPrompt { .. } => "prompts/get",
            Self::ReadResource { .. } => "resources/read",
            Self::Complete { .. } => "completion/complete",
            Self::List { kind, .. } => match kind {
                ListKind::Tools => "tools/list",
                ListKind::Prompts => "prompts/list",
                ListKind::Resources => "resources/list",
                ListKind::ResourceTemplates => "resources/templates/list",
            },
            Self::Probe => "ping",
        }
    }

    /// What the request is for, named across all servers; none for a list and a probe.
    #[must_use]
    pub fn capability(&self, server: &ServerId) -> Option<Capability> {
        let qualify =
            |name: &Arc<str>| QualifiedName::new(server.clone(), name.clone()).to_string();
        match self {
            Self::CallTool { name, .. } => {
                Some(Capability::new(CapabilityKind::Tool, qualify(name)))
            }
            Self::GetPrompt { name, .. }
            | Self::Complete {
                of: Completable::Prompt(name),
                ..
            } => Some(Capability::new(CapabilityKind::Prompt, qualify(name))),
            Self::ReadResource { uri }
            | Self::Complete {
                of: Completable::Resource(uri),
                ..
            } => {
                let scheme = server.as_str().replace('_', ".");
                Some(Capability::new(
                    CapabilityKind::Resource,
                    format!("{scheme}+{uri}"),
                ))
            }
            Self::List { .. } | Self::Probe => None,
        }
    }
}

/// One request on its way to the server that answers it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which server.
    pub server: ServerId,
    /// What is asked of it.
    pub request: Request,
    /// On whose behalf, and for how long.
    pub context: CallContext,
}

impl Call {
    /// Asks `server` for `request`, in a context of its own.
    #[must_use]
    pub fn new(server: ServerId, request: Request) -> Self {
        Self {
            server,
            request,
            context: CallContext::default(),
        }
    }
}

/// What a call does to the world: whether doing it twice does more than doing it once.
///
/// Whoever makes the call sets it by policy, or by what a trusted server says of its tool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Effect {
    /// Nobody said: it may change things, and change them again each time.
    #[default]
    Unknown,
    /// It may change things, and a second time changes nothing more.
    Idempotent,
    /// It changes nothing.
    ReadOnly,
}

impl Effect {
    /// Whether doing it twice certainly does no more than doing it once.
    #[must_use]
    pub fn is_harmless_twice(self) -> bool {
        matches!(self, Self::Idempotent | Self::ReadOnly)
    }
}

/// What goes with a call beside its arguments.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallContext {
    /// Ties everything that is written about this call together.
    pub trace: TraceId,
    /// The longest the caller waits, in total; none leaves it to the server's setting.
    pub timeout: Option<Duration>,
    /// How long the server may say nothing at all; none leaves it to the server's setting.
    ///
    /// It begins anew with every sign of progress, and stands still while a person answers a question of the server.
    pub idle_timeout: Option<Duration>,
    /// Is told of progress and log messages that the server sends meanwhile.
    pub listener: Option<Listener>,
    /// Further entries for the request's `_meta`; those that the protocol itself sets win.
    pub meta: Option<Arc<Map<String, Value>>>,
    /// Further headers, where the server is reached over HTTP; those that the protocol itself sets win.
    pub headers: Vec<(String, Secret)>,
    /// On whose behalf; none where the program acts for itself.
    pub principal: Option<Principal>,
    /// Whether the call may be made twice.
    pub effect: Effect,
    /// Which attempt at the call this is, from 1; 0 where nobody counts.
    pub attempt: u32,
    /// Which of its server's replicas takes it, from 0; none leaves that to whoever balances them.
    pub replica: Option<usize>,
    /// What the layers on its way tell each other; none where nobody wants to know.
    pub transit: Option<Transit>,
}

impl CallContext {
    /// Sets the longest the caller waits, in total.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long the server may say nothing at all.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Has `listen` told of progress and log messages that the server sends meanwhile.
    #[must_use]
    pub fn with_listener(mut self, listen: impl Fn(CallEvent) + Send + Sync + 'static) -> Self {
        self.listener = Some(Listener::new(listen));
        self
    }

    /// Says what the call does to the world.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Adds an entry to the request's `_meta`.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let meta = self.meta.get_or_insert_default();
        Arc::make_mut(meta).insert(key.into(), value.into());
        self
    }

    /// Adds a header, for a server that is reached over HTTP.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Identifies one call in errors and logs: a W3C trace id, 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl Default for TraceId {
    fn default() -> Self {
        // The W3C form reserves zero for "invalid".
        Self(fastrand::u128(1..))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_objects_and_null_are_arguments() {
        let given = json!({"z": 1, "a": {"b": []}});
        let read = |value: &Value| Arguments::from_value(value).map(|it| it.as_object().clone());
        assert_eq!(read(&given).map(Value::from), Ok(given.clone()));
        assert_eq!(read(&Value::Null), Ok(Map::new()));
        let error = read(&json!([1])).unwrap_err();
        assert!(error.to_string().ends_with("found a list"), "{error}");
    }
}
