//! A server as a file describes it.

use std::time::Duration;

use manyhands_testkit::ScriptedServer;
use serde_json::{Map, Value, json};

/// The server without a file.
pub(crate) fn sample() -> ScriptedServer {
    let text = |text: &str| json!({"content": [{"type": "text", "text": text}]});
    ScriptedServer::new("testkit")
        .tool_definition(
            json!({"name": "echo", "description": "Gives its text back", "inputSchema":
                {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}),
            move |arguments| text(arguments.get("text").and_then(Value::as_str).unwrap_or_default()),
        )
        .tool("whoami", move |_| text("manyhands-testkit"))
}

/// Reads a server from a script.
pub(crate) fn server(script: &str) -> Result<ScriptedServer, String> {
    let script: Value = serde_json::from_str(script).map_err(|error| error.to_string())?;
    let script = object(&script, "the script")?;
    let known = [
        "name",
        "tools",
        "prompts",
        "resources",
        "page_size",
        "latency_ms",
    ];
    known_keys(script, &known, "the script")?;
    let name = script.get("name").unwrap_or(&Value::Null).as_str();
    let mut server = ScriptedServer::new(name.ok_or("name: expected a text")?);
    for (definition, result) in pairs(script, "tools", "result")? {
        server = server.tool_definition(definition, move |_| result.clone());
    }
    for (definition, result) in pairs(script, "prompts", "result")? {
        server = server.prompt(definition, result);
    }
    for (definition, contents) in pairs(script, "resources", "contents")? {
        server = server.resource(definition, contents);
    }
    if let Some(items) = number(script, "page_size")? {
        let items = usize::try_from(items).unwrap_or(usize::MAX);
        server = server.page_size(items);
    }
    if let Some(millis) = number(script, "latency_ms")? {
        server = server.latency(Duration::from_millis(millis));
    }
    Ok(server)
}

/// What a list holds: definitions, each with what comes of it.
fn pairs(
    script: &Map<String, Value>,
    list: &str,
    second: &str,
) -> Result<Vec<(Value, Value)>, String> {
    let items = match script.get(list) {
        None => return Ok(Vec::new()),
        Some(items) => items.as_array().ok_or(format!("{list}: expected a list"))?,
    };
    let pair = |(index, item)| {
        let place = format!("{list}[{index}]");
        let item = object(item, &place)?;
        known_keys(item, &["definition", second], &place)?;
        let part = |key: &str| {
            let part = item.get(key).cloned();
            part.ok_or_else(|| format!("{place}: expected {key}"))
        };
        Ok((part("definition")?, part(second)?))
    };
    items.iter().enumerate().map(pair).collect()
}

fn object<'a>(value: &'a Value, place: &str) -> Result<&'a Map<String, Value>, String> {
    let object = value.as_object();
    object.ok_or_else(|| format!("{place}: expected an object"))
}

fn known_keys(object: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("{place}: {key:?} is none of {}", known.join(", "))),
        None => Ok(()),
    }
}

fn number(script: &Map<String, Value>, key: &str) -> Result<Option<u64>, String> {
    let number = script.get(key).map(|value| {
        let number = value.as_u64();
        number.ok_or_else(|| format!("{key}: expected a whole number"))
    });
    number.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named_by_their_place() {
        for (script, error) in [
            ("[]", "the script: expected an object"),
            ("{}", "name: expected a text"),
            (
                r#"{"name": "s", "tool": []}"#,
                "the script: \"tool\" is none of name, tools, prompts, resources, page_size, latency_ms",
            ),
            (
                r#"{"name": "s", "tools": [{"definition": {}}]}"#,
                "tools[0]: expected result",
            ),
            (
                r#"{"name": "s", "latency_ms": -1}"#,
                "latency_ms: expected a whole number",
            ),
        ] {
            assert_eq!(server(script).unwrap_err(), error, "{script}");
        }
    }
}
