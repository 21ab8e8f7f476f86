//! Five tools for a model that searches by itself: it finds a tool, looks at it, and calls it, and its list of tools
//! stays these five however many servers there are. It must not know what shape a model API wants.

mod describe;
mod find;

use std::sync::{Arc, LazyLock};

use manyhands_core::model::Tool;
use manyhands_core::{CallError, CapabilityKind, Delivery, ErrorKind, Reply};
use manyhands_registry::{ModelApi, define};
use serde_json::{Map, Value, json};

use crate::ask::Ask;
use crate::conversation::Conversation;
use crate::toolkit::Toolkit;

/// The most texts that are searched for at once.
const MAX_QUERIES: usize = 8;
/// How many tools are found where nothing is said, and the most.
const FOUND: usize = 8;
const MAX_FOUND: usize = 50;

/// What one of these tools answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// A server's reply.
    Server(Reply),
    /// What the toolkit itself had to say.
    Toolkit(Value),
}

/// What one of these tools does.
pub(crate) enum Meta {
    /// It is answered here.
    Here(Result<Value, CallError>),
    /// It is a call of another name.
    Call(Box<Ask>),
}

impl Toolkit {
    /// The tools by which a model finds the others by itself, and calls them: `find_tools`, `describe_tool`,
    /// `call_tool`, `read_resource` and `get_prompt`. [`dispatch`](Self::dispatch) answers them.
    #[must_use]
    pub fn meta_tools(&self, api: ModelApi) -> Vec<Value> {
        let tools = META.iter().map(|tool| {
            let description = tool.description.as_deref().unwrap_or_default();
            define(api, &tool.name, description, &tool.input_schema)
        });
        tools.collect()
    }
}

impl Conversation {
    /// Answers one of the [meta-tools](Toolkit::meta_tools); none where `name` is none of theirs.
    ///
    /// # Errors
    /// [`CallError`] when the arguments do not fit, or as [`Toolkit::call`].
    pub async fn call_meta(
        &self,
        name: &str,
        arguments: &Value,
    ) -> Option<Result<Answer, CallError>> {
        let api = ModelApi::default();
        Some(match self.meta(name, arguments, api).await? {
            Meta::Here(answer) => answer.map(Answer::Toolkit),
            Meta::Call(ask) => (*ask).await.map(Answer::Server),
        })
    }

    /// What one of these tools does; none where `name` is none of theirs.
    pub(crate) async fn meta(&self, name: &str, arguments: &Value, api: ModelApi) -> Option<Meta> {
        let text = |key| text(name, arguments, key);
        let given = || arguments.get("arguments").cloned().unwrap_or_default();
        let called = |kind, key| match text(key) {
            Ok(wanted) => Meta::Call(Box::new(self.asked(kind, wanted, given(), api))),
            Err(error) => Meta::Here(Err(error)),
        };
        Some(match name {
            "find_tools" => {
                // Servers that were started a moment ago would be missing from the first answer.
                self.toolkit().settle().await;
                Meta::Here(self.find(arguments, api).await)
            }
            "describe_tool" => Meta::Here(text("name").and_then(|it| self.describe(&it, api))),
            "call_tool" => called(CapabilityKind::Tool, "name"),
            "get_prompt" => called(CapabilityKind::Prompt, "name"),
            "read_resource" => called(CapabilityKind::Resource, "uri"),
            _ => return None,
        })
    }

    /// A call of what a model names.
    pub(crate) fn asked(
        &self,
        kind: CapabilityKind,
        name: String,
        arguments: Value,
        api: ModelApi,
    ) -> Ask {
        let ask = match kind {
            CapabilityKind::Tool => self.call(name, arguments),
            CapabilityKind::Prompt => self.get_prompt(name, arguments),
            _ => self.read_resource(name),
        };
        ask.by_model_name(api)
    }
}

/// The five tools, as servers define theirs.
#[must_use]
pub fn meta_tools() -> &'static [Arc<Tool>] {
    &META
}

static META: LazyLock<Vec<Arc<Tool>>> = LazyLock::new(|| {
    let name = json!({"type": "string", "description": "The name, as find_tools gave it."});
    let arguments =
        |of: &str| json!({"type": "object", "description": format!("The arguments of the {of}.")});
    let queries = json!({
        "type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_QUERIES,
        "description": "What is wanted, in plain words; one text for each step of a task.",
    });
    let limit = json!({
        "type": "integer", "minimum": 1, "maximum": MAX_FOUND,
        "description": format!("How many tools to return at most. Default: {FOUND}."),
    });
    let tool = |name: &str, reads: bool, said: &str, properties: Value, required: &[&str]| {
        let schema = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        let definition = json!({
            "name": name, "description": said, "inputSchema": schema,
            "annotations": {"readOnlyHint": reads},
        });
        let tool = serde_json::from_value::<Tool>(definition);
        Arc::new(tool.expect("it is one of the five below"))
    };
    vec![
        tool(
            "find_tools",
            true,
            "Finds tools, prompts and resources of all connected servers that fit what is wanted. Begin here: the other tools take \
             the names that this one returns.",
            json!({"queries": queries, "limit": limit}),
            &["queries"],
        ),
        tool(
            "describe_tool",
            true,
            "Returns all that is known of one tool: its description, the schema of its arguments, and whether its server can \
             be used now. Use it before a call whose arguments are not clear.",
            json!({"name": name}),
            &["name"],
        ),
        tool(
            "call_tool",
            false,
            "Calls a tool by its name and returns its result. Arguments that do not fit are answered by what would.",
            json!({"name": name, "arguments": arguments("tool")}),
            &["name"],
        ),
        tool(
            "read_resource",
            true,
            "Reads a resource by its URI, as find_tools gave it. Of a template, put the values in place of the names in braces.",
            json!({"uri": {"type": "string", "description": "The URI of the resource."}}),
            &["uri"],
        ),
        tool(
            "get_prompt",
            true,
            "Gets a prompt: a text that its server wrote for a kind of task, filled in with arguments.",
            json!({"name": name, "arguments": arguments("prompt")}),
            &["name"],
        ),
    ]
});

/// A text among the arguments of one of these tools.
fn text(tool: &str, arguments: &Value, key: &str) -> Result<String, CallError> {
    match arguments.get(key).and_then(Value::as_str) {
        Some(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => Err(misfit(tool, &format!("it needs a text {key:?}"))),
    }
}

/// Says that the arguments of one of these tools do not fit.
fn misfit(tool: &str, what: &str) -> CallError {
    let wanted = META.iter().find(|it| it.name == tool);
    let names = wanted.and_then(|it| it.input_schema.get("properties"));
    let names = names.and_then(Value::as_object).map(Map::keys);
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    CallError::new(ErrorKind::InvalidArguments, Delivery::NotSent, what)
        .with_advice(format!("call it with {}", names.join(", ")))
}
