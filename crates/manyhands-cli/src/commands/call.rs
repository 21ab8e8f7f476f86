//! `call`: one tool, by its name across all servers.

use std::process::ExitCode;

use manyhands::{Builder, Reply, ServerId, Toolkit};
use manyhands_registry::from_pairs;
use serde_json::{Map, Value, json};

use crate::args::Options;
use crate::failure::{Failure, REFUSED, exit_code};
use crate::{load, output, progress};

/// Calls the tool and prints what it answered.
pub(crate) async fn run(
    options: &Options,
    name: String,
    arguments: Vec<String>,
) -> Result<ExitCode, Failure> {
    let kit = only_server_of(load::builder(options)?, &name).start();
    let result = call(&kit, options, &name, &arguments).await;
    kit.close().await;
    result
}

async fn call(
    kit: &Toolkit,
    options: &Options,
    name: &str,
    arguments: &[String],
) -> Result<ExitCode, Failure> {
    // The tool's schema is needed before its arguments can be read.
    progress::all_started(kit, options.wait).await;
    let schema = || match kit.catalogue().tool(name) {
        Ok(tool) => Ok(Map::clone(&tool.definition().input_schema)),
        // The call itself says best why there is no such tool.
        Err(_) => Ok(Map::new()),
    };
    let arguments = read_arguments(arguments, schema)?;
    match kit.call(name, arguments).await {
        Ok(reply) => Ok(print_reply(&reply, options)),
        Err(error) if options.json => {
            output::json(&json!({"error": error}));
            Ok(ExitCode::from(exit_code(&error)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Leaves out the servers that the name does not point to, so that they need not start.
pub(crate) fn only_server_of(builder: Builder, name: &str) -> Builder {
    let found = builder.ids().find(|id| belongs_to(name, id)).cloned();
    match found {
        Some(id) => builder.only(&id),
        // With a name that points nowhere, all are needed to find the nearest.
        None => builder,
    }
}

fn belongs_to(name: &str, id: &ServerId) -> bool {
    let of_tool = name
        .split_once('.')
        .is_some_and(|(server, _)| server == id.as_str());
    let scheme = name
        .split_once('+')
        .map(|(scheme, _)| scheme.replace('.', "_"));
    of_tool || scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(id.as_str()))
}

/// Reads one JSON object, or `key=value` pairs by a schema.
pub(crate) fn read_arguments(
    words: &[String],
    schema: impl FnOnce() -> Result<Map<String, Value>, Failure>,
) -> Result<Value, Failure> {
    if let [only] = words
        && only.trim_start().starts_with(['{', '['])
    {
        let value: Value = serde_json::from_str(only).map_err(|error| {
            Failure::usage(format!(
                "failed to read the arguments: {error}; expected one JSON object or key=value pairs"
            ))
        })?;
        return match value {
            Value::Object(_) => Ok(value),
            _ => Err(Failure::usage(
                "failed to read the arguments: expected a JSON object such as {\"query\": \"outage\"}, found a list",
            )),
        };
    }
    from_pairs(&schema()?, words.iter().map(String::as_str))
        .map(Value::from)
        .map_err(|error| Failure::usage(format!("failed to {error}")))
}

/// Prints a reply: its text for people, the whole result for programs.
pub(crate) fn print_reply(reply: &Reply, options: &Options) -> ExitCode {
    if options.json {
        let took = u64::try_from(reply.took().as_millis()).unwrap_or(u64::MAX);
        output::json(&json!({
            "server": reply.server(), "took_ms": took, "is_error": reply.is_error(), "result": reply.parsed(),
        }));
    } else if let Some(failure) = reply.failure() {
        let code = failure
            .code
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        output::error(&format!(
            "{} says{}: {}",
            reply.server(),
            output::printable(&code),
            output::printable(&failure.message)
        ));
    } else {
        print_blocks(reply);
    }
    if reply.is_error() {
        ExitCode::from(REFUSED)
    } else {
        ExitCode::SUCCESS
    }
}

/// Prints what a person wants to see: texts as they are, JSON indented, anything else by what it is.
fn print_blocks(reply: &Reply) {
    let parsed = reply.parsed();
    let messages = parsed
        .get("messages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let messages = messages.filter_map(|message| message.get("content"));
    let content = parsed.get("content").or_else(|| parsed.get("contents"));
    let blocks: Vec<&Value> = content
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .chain(messages)
        .collect();
    if blocks.is_empty() {
        return output::json(&reply.value());
    }
    blocks.into_iter().for_each(print_block);
}

fn print_block(block: &Value) {
    let holder = block.get("resource").unwrap_or(block);
    let field = |name: &str| holder.get(name).and_then(Value::as_str);
    if let Some(text) = field("text") {
        return match serde_json::from_str(text) {
            Ok(json @ (Value::Object(_) | Value::Array(_))) => output::json(&json),
            // A text keeps its lines; everything else that a terminal would obey is shown.
            _ => text
                .lines()
                .for_each(|line| output::line(&output::printable(line))),
        };
    }
    let kind = field("mimeType")
        .or_else(|| field("type"))
        .unwrap_or("content of no type");
    let what = match (field("uri"), field("data").or_else(|| field("blob"))) {
        (Some(uri), None) => uri.to_owned(),
        (_, Some(data)) => format!("{} bytes as base64; --json shows them", data.len()),
        (None, None) => "--json shows it".to_owned(),
    };
    output::line(&output::printable(&format!("[{kind}: {what}]")));
}
