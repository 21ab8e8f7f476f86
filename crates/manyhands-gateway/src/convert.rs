//! The toolkit's entries, replies and errors in the protocol's types.

use std::sync::Arc;

use manyhands_core::model::{
    CallToolResult, CompleteResult, CompletionInfo, ContentBlock, ErrorCode, ErrorData, Prompt,
    Resource, ResourceTemplate, ResultType, Tool,
};
use manyhands_core::{CallError, ErrorKind, Reply};
use manyhands_registry::{
    DESCRIPTION_TOKENS, Origin, PromptEntry, ResourceEntry, TemplateEntry, ToolEntry, describe,
    estimate,
};
use manyhands_toolkit::{Answer, ServerStatus};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::shown::Shown;

/// Where a result says that another tool answered than the one that was called.
const SUBSTITUTION: &str = "manyhands/substitution";

pub(crate) fn tool(entry: &ToolEntry) -> Tool {
    let mut tool = Tool::clone(entry.definition());
    tool.name = entry.wire().to_owned().into();
    let title = entry.metadata().title;
    if let Some(title) = title.filter(|it| it.origin == Origin::Config) {
        tool.title = Some(title.value);
    }
    let description = describe(entry, DESCRIPTION_TOKENS, &estimate);
    tool.description = (!description.is_empty()).then(|| description.into());
    if !tool.input_schema.contains_key("type") {
        // The spec asks for it, some servers leave it out, and strict clients then refuse every tool in the list.
        let schema = Arc::make_mut(&mut tool.input_schema);
        schema.insert("type".to_owned(), Value::from("object"));
    }
    tool
}

pub(crate) fn prompt(entry: &PromptEntry) -> Prompt {
    let mut prompt = Prompt::clone(entry.definition());
    prompt.name = entry.wire().to_owned();
    prompt
}

pub(crate) fn resource(entry: &ResourceEntry) -> Resource {
    let mut resource = Resource::clone(entry.definition());
    resource.uri = entry.uri().to_owned();
    resource
}

pub(crate) fn template(entry: &TemplateEntry) -> ResourceTemplate {
    let mut template = ResourceTemplate::clone(entry.definition());
    template.uri_template = entry.uri().to_owned();
    template
}

/// A tool's result; one that our types do not know is passed on as its JSON text.
pub(crate) fn tool_result(reply: &Reply) -> CallToolResult {
    let mut result: CallToolResult = reply.decode().unwrap_or_else(|_| {
        let content = vec![ContentBlock::text(reply.raw().get().to_owned())];
        if reply.is_error() {
            CallToolResult::error(content)
        } else {
            CallToolResult::success(content)
        }
    });
    complete(&mut result.result_type);
    if let Some(substitution) = reply.substitution() {
        // For models, which read no `_meta`: they would take it for the answer of the tool that they called.
        let text = ContentBlock::text(format!("[{substitution}]"));
        result.content.insert(0, text);
        let meta = result.meta.get_or_insert_default();
        let told = serde_json::to_value(substitution).unwrap_or_default();
        meta.insert(SUBSTITUTION.to_owned(), told);
    }
    result
}

/// Says that a result is whole, as 2026-07-28 wants it and older servers do not; rmcp takes it out for older clients.
pub(crate) fn complete(result_type: &mut Option<ResultType>) {
    result_type.get_or_insert(ResultType::COMPLETE);
}

/// What a call came to, as a result.
pub(crate) fn answer(result: Result<Answer, CallError>) -> CallToolResult {
    match result {
        Ok(Answer::Server(reply)) => tool_result(&reply),
        Ok(Answer::Toolkit(value)) => {
            let mut result = CallToolResult::success(vec![ContentBlock::text(value.to_string())]);
            result.structured_content = Some(value);
            complete(&mut result.result_type);
            result
        }
        Ok(_) => CallToolResult::success(Vec::new()),
        Err(error) => tool_failure(&error),
    }
}

/// A failed call as a result that a model can read, in the one shape of our errors.
pub(crate) fn tool_failure(error: &CallError) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(format!("failed to {error}"))]);
    result.structured_content = serde_json::to_value(error).ok();
    result
}

/// A prompt's or resource's result, or the error in the one shape of ours.
pub(crate) fn decoded<T: DeserializeOwned>(
    result: Result<Reply, CallError>,
) -> Result<T, ErrorData> {
    let reply = result.map_err(|error| protocol_error(&error))?;
    reply
        .decode()
        .map_err(|error| ErrorData::internal_error(format!("failed to {error}"), None))
}

/// The values that fit an argument; none where the argument's server completes nothing.
pub(crate) fn completion(result: Result<Reply, CallError>) -> Result<CompleteResult, ErrorData> {
    let knows_no_such_method =
        |error: &CallError| error.rpc_code() == Some(ErrorCode::METHOD_NOT_FOUND.0.into());
    if result.as_ref().is_err_and(knows_no_such_method) {
        return Ok(CompleteResult::default());
    }
    let mut found: CompleteResult = decoded(result)?;
    if found.completion.values.len() > CompletionInfo::MAX_VALUES {
        // More are not allowed, and strict clients refuse all of them then.
        found.completion.values.truncate(CompletionInfo::MAX_VALUES);
        found.completion.has_more = Some(true);
    }
    complete(&mut found.result_type);
    Ok(found)
}

fn protocol_error(error: &CallError) -> ErrorData {
    let theirs = error.rpc_code().and_then(|code| i32::try_from(code).ok());
    let code = match (theirs.map(ErrorCode), error.kind()) {
        // What the server itself says of a name or of arguments is meant for whoever chose them.
        (Some(code @ (ErrorCode::RESOURCE_NOT_FOUND | ErrorCode::INVALID_PARAMS)), _) => code,
        (_, ErrorKind::NotFound | ErrorKind::InvalidArguments) => ErrorCode::INVALID_PARAMS,
        _ => ErrorCode::INTERNAL_ERROR,
    };
    ErrorData::new(
        code,
        format!("failed to {error}"),
        serde_json::to_value(error).ok(),
    )
}

/// What a model should know of the whole: which servers there are, and which are missing.
pub(crate) fn instructions(shown: &Shown) -> String {
    let report = shown.talk.toolkit().report();
    let is_about = shown.talk.is_about_server();
    let mut text = "Several servers behind one endpoint. Tools and prompts are named server__name, resources server+uri.".to_owned();
    if shown.searches {
        text.push_str(
            " Find what you need by find_tools, and call it by call_tool with the name that you found.",
        );
    }
    let named = |wanted: fn(&ServerStatus) -> bool| {
        let ids = report
            .servers
            .iter()
            .filter(|server| wanted(&server.status) && is_about(&server.id))
            .map(|server| server.id.as_str());
        ids.collect::<Vec<_>>().join(", ")
    };
    let usable = named(|status| {
        use ServerStatus::{Cached, Idle, Ready, Starting};
        matches!(status, Ready | Starting | Idle | Cached)
    });
    let missing = named(ServerStatus::is_failure);
    if !usable.is_empty() {
        text.push_str(&format!(" Servers: {usable}."));
    }
    if !missing.is_empty() {
        text.push_str(&format!(" Not available now: {missing}."));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use manyhands_core::{Inventory, ServerId};
    use manyhands_registry::{Catalogue, Overlays, ToolOverlay};
    use serde_json::json;

    /// A tool as clients see it, of which the configuration says `overlay`.
    fn served(definition: Value, overlay: ToolOverlay) -> Value {
        let id = ServerId::parse("s").unwrap();
        let mut inventory = Inventory::default();
        inventory
            .tools
            .push(Arc::new(serde_json::from_value(definition).unwrap()));
        let overlays = Overlays::default().with_tool("t", overlay);
        let catalogue = Catalogue::new([id.clone()]).with_overlays(&id, overlays);
        let (catalogue, _) = catalogue.with_inventory(&id, &inventory);
        serde_json::to_value(tool(catalogue.tool("s.t").unwrap())).unwrap()
    }

    #[test]
    fn a_schema_without_its_type_gets_it_and_keeps_the_rest() {
        let definition = json!({"name": "t", "inputSchema": {"properties": {"a": {}}}});
        assert_eq!(
            served(definition, ToolOverlay::default()),
            json!({"name": "s__t", "inputSchema": {"properties": {"a": {}}, "type": "object"}})
        );
    }

    #[test]
    fn the_configuration_counts_and_the_rest_is_the_servers() {
        let output = json!({"type": "object", "properties": {"found": {"$ref": "#/$defs/x"}}});
        let definition = json!({
            "name": "t", "title": "Theirs", "description": "Finds.", "inputSchema": {"type": "object"}, "outputSchema": output,
        });
        let said = json!({"title": "Ours", "whenToUse": "Always."});
        let ours = served(definition.clone(), serde_json::from_value(said).unwrap());
        assert_eq!(ours["title"], "Ours");
        assert_eq!(ours["description"], "Finds.\nAlways.\nReturns {found?}.");
        assert_eq!(ours["outputSchema"], output);
        let theirs = served(definition, ToolOverlay::default());
        assert_eq!(theirs["title"], "Theirs");
    }
}
