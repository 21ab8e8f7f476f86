//! `call`: one tool, by its name across all servers.

use std::process::ExitCode;

use manyhands::{Builder, Reply, ServerId, ServerStatus, Toolkit, clip, nearest};
use manyhands_registry::from_pairs;
use serde_json::{Map, Value, json};

use crate::args::Options;
use crate::failure::{Failure, REFUSED, UNAVAILABLE};
use crate::{load, output, progress};

/// Calls the tool and prints what it answered.
pub(crate) async fn run(
    options: &Options,
    name: String,
    arguments: Vec<String>,
) -> Result<ExitCode, Failure> {
    let kit = start_for(load::quiet_builder(options)?, &name, options).await?;
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
    let schema = match kit.catalogue().tool(name) {
        Ok(tool) => Map::clone(&tool.definition().input_schema),
        // The call itself says best why there is no such tool.
        Err(_) => Map::new(),
    };
    let arguments = read_arguments(name, arguments, &schema)?;
    Ok(print_reply(
        name,
        &kit.call(name, arguments)
            .on_event(progress::shown_to_watchers())
            .await?,
        options,
    ))
}

/// Starts what is needed to resolve the name: its server, or all of them where it points to none.
pub(crate) async fn start_for(
    builder: Builder,
    name: &str,
    options: &Options,
) -> Result<Toolkit, Failure> {
    let server = builder.ids().find(|id| belongs_to(name, id)).cloned();
    let Some(server) = server else {
        if let Some((wanted, _)) = name.split_once('.').filter(|_| !name.contains("://")) {
            return Err(no_such_server(&builder, name, wanted));
        }
        // All servers are asked, to find the names that come nearest.
        let kit = builder.start();
        progress::all_started(&kit, Some(options.wait.unwrap_or(progress::WAIT))).await;
        return Ok(kit);
    };
    let kit = builder.only_for(&server, name).start();
    progress::all_started(&kit, options.wait).await;
    if let Some(limit) = options.wait.filter(|_| is_starting(&kit)) {
        kit.close().await;
        let text = format!(
            "failed to use {name}: its server {server} is still starting after {limit:?}; wait longer with `--wait`"
        );
        return Err(Failure::new(output::printable(&text), UNAVAILABLE));
    }
    Ok(kit)
}

fn is_starting(kit: &Toolkit) -> bool {
    kit.report()
        .servers
        .iter()
        .any(|server| server.status == ServerStatus::Starting)
}

fn no_such_server(builder: &Builder, name: &str, wanted: &str) -> Failure {
    let known: Vec<&str> = builder.ids().map(ServerId::as_str).collect();
    let help = match (
        nearest(wanted, known.iter().copied()).first(),
        known.as_slice(),
    ) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, []) => "the configuration lists no servers".to_owned(),
        (None, known) => format!("there are {}", clip(&known.join(", "), 300)),
    };
    let text = format!(
        "failed to use {}: no server is called {wanted:?}; {help}",
        clip(name, 200)
    );
    Failure::usage(output::printable(&text))
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
    name: &str,
    words: &[String],
    schema: &Map<String, Value>,
) -> Result<Value, Failure> {
    let wrong = |text: String| {
        let name = output::printable(&clip(name, 200));
        Failure::usage(format!("failed to read the arguments of {name}: {text}"))
    };
    if let [only] = words
        && only.trim_start().starts_with(['{', '['])
    {
        let expected =
            "expected key=value pairs, or one JSON object such as {\"query\": \"outage\"}";
        return match serde_json::from_str(only) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err(wrong(format!("{expected}, found a list"))),
            Err(error) => Err(wrong(format!("{error}; {expected}"))),
        };
    }
    from_pairs(schema, words.iter().map(String::as_str))
        .map(Value::from)
        .map_err(|error| wrong(error.reason().to_owned()))
}

/// Prints a reply: its text for people, the whole result for programs.
pub(crate) fn print_reply(name: &str, reply: &Reply, options: &Options) -> ExitCode {
    if let Some(substitution) = reply.substitution().filter(|_| !options.json) {
        output::note(&substitution.to_string());
    }
    if options.json {
        let took = u64::try_from(reply.took().as_millis()).unwrap_or(u64::MAX);
        output::json(&json!({
            "server": reply.server(), "took_ms": took, "is_error": reply.is_error(), "failure": reply.failure(), "result": reply.parsed(),
            "substitution": reply.substitution(),
        }));
    } else if let Some(failure) = reply.failure() {
        let code = failure
            .code
            .as_ref()
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        output::error(&format!(
            "{} says{}: {}",
            output::printable(name),
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
