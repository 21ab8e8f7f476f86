//! `tools`, `prompts` and `resources`: what all servers offer, under one set of names.

use std::process::ExitCode;

use manyhands::{Builder, ServerStatus, Toolkit};
use manyhands_registry::{PromptEntry, ResourceEntry, TemplateEntry, ToolEntry};
use serde_json::{Map, Value, json};

use crate::args::Options;
use crate::commands::call::{print_reply, read_arguments, start_for};
use crate::failure::Failure;
use crate::output;
use crate::{load, progress};

/// Lists all tools.
pub(crate) async fn tools(options: &Options) -> Result<ExitCode, Failure> {
    let kit = started(load::builder(options)?, options).await;
    let catalogue = kit.catalogue();
    if options.json {
        let tools: Vec<Value> = catalogue.tools().map(tool_json).collect();
        output::json(&json!({"tools": tools, "missing": missing_json(&kit)}));
    } else {
        let rows: Vec<_> = catalogue.tools().map(tool_row).collect();
        output::two_columns(&rows);
    }
    say_missing(&kit, options, "tool", catalogue.tools().count());
    kit.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Lists all prompts, or gets one.
pub(crate) async fn prompts(
    options: &Options,
    name: Option<String>,
    arguments: Vec<String>,
) -> Result<ExitCode, Failure> {
    if let Some(name) = name {
        let arguments = read_arguments(&name, &arguments, &Map::new())?;
        let kit = start_for(load::quiet_builder(options)?, &name, options).await?;
        let result = kit.get_prompt(&name, arguments).await;
        kit.close().await;
        return Ok(print_reply(&name, &result?, options));
    }
    let kit = started(load::builder(options)?, options).await;
    let catalogue = kit.catalogue();
    if options.json {
        let prompts: Vec<Value> = catalogue.prompts().map(prompt_json).collect();
        output::json(&json!({"prompts": prompts, "missing": missing_json(&kit)}));
    } else {
        let rows: Vec<_> = catalogue.prompts().map(prompt_row).collect();
        output::two_columns(&rows);
    }
    say_missing(&kit, options, "prompt", catalogue.prompts().count());
    kit.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Lists all resources and templates, or reads one.
pub(crate) async fn resources(options: &Options, uri: Option<String>) -> Result<ExitCode, Failure> {
    if let Some(uri) = uri {
        let kit = start_for(load::quiet_builder(options)?, &uri, options).await?;
        let result = kit.read_resource(&uri).await;
        kit.close().await;
        return Ok(print_reply(&uri, &result?, options));
    }
    let kit = started(load::builder(options)?, options).await;
    let catalogue = kit.catalogue();
    if options.json {
        let resources: Vec<Value> = catalogue.resources().map(resource_json).collect();
        let templates: Vec<Value> = catalogue.templates().map(template_json).collect();
        output::json(
            &json!({"resources": resources, "templates": templates, "missing": missing_json(&kit)}),
        );
    } else {
        let resources = catalogue.resources().map(resource_row);
        let rows: Vec<_> = resources
            .chain(catalogue.templates().map(template_row))
            .collect();
        output::two_columns(&rows);
    }
    let count = catalogue.resources().count() + catalogue.templates().count();
    say_missing(&kit, options, "resource", count);
    kit.close().await;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn started(builder: Builder, options: &Options) -> Toolkit {
    let kit = builder.start();
    progress::all_started(&kit, Some(options.wait.unwrap_or(progress::WAIT))).await;
    kit
}

fn tool_row(tool: &ToolEntry) -> (String, String) {
    let purpose = tool.metadata().purpose;
    let summary = output::summary(purpose.as_ref().map(|it| it.value.as_str()));
    let text = match output::hints(tool.definition()) {
        Some(hint) => format!("{summary} ({hint})"),
        None => summary,
    };
    (output::printable(&tool.name().to_string()), text)
}

fn prompt_row(prompt: &PromptEntry) -> (String, String) {
    let definition = prompt.definition();
    let arguments: Vec<&str> = definition
        .arguments
        .iter()
        .flatten()
        .map(|it| it.name.as_str())
        .collect();
    let summary = output::summary(definition.description.as_deref());
    let takes = if arguments.is_empty() {
        String::new()
    } else {
        format!(" (takes {})", arguments.join(", "))
    };
    (
        output::printable(&prompt.name().to_string()),
        output::printable(&format!("{summary}{takes}")),
    )
}

fn resource_row(resource: &ResourceEntry) -> (String, String) {
    let definition = resource.definition();
    let summary = output::summary(definition.description.as_deref().or(Some(&definition.name)));
    (output::printable(resource.uri()), summary)
}

fn template_row(template: &TemplateEntry) -> (String, String) {
    let definition = template.definition();
    let summary = output::summary(definition.description.as_deref().or(Some(&definition.name)));
    (
        output::printable(template.uri()),
        format!("{summary} (template)"),
    )
}

fn tool_json(tool: &ToolEntry) -> Value {
    let metadata = serde_json::to_value(tool.metadata()).unwrap_or_default();
    let names = json!({"name": tool.name(), "server": tool.name().server(), "wire": tool.wire(), "metadata": metadata});
    described(names, &**tool.definition(), "name")
}

fn prompt_json(prompt: &PromptEntry) -> Value {
    described(
        json!({"name": prompt.name(), "server": prompt.name().server(), "wire": prompt.wire()}),
        &**prompt.definition(),
        "name",
    )
}

fn resource_json(resource: &ResourceEntry) -> Value {
    described(
        json!({"uri": resource.uri(), "server": resource.server()}),
        &**resource.definition(),
        "uri",
    )
}

fn template_json(template: &TemplateEntry) -> Value {
    let names = json!({"uriTemplate": template.uri(), "server": template.server()});
    described(names, &**template.definition(), "uriTemplate")
}

/// Our names first, then the server's definition without its own name.
fn described(names: Value, definition: &impl serde::Serialize, own: &str) -> Value {
    let mut described = names;
    let definition = serde_json::to_value(definition).unwrap_or_default();
    if let (Some(target), Value::Object(fields)) = (described.as_object_mut(), definition) {
        target.extend(fields.into_iter().filter(|(key, _)| key != own));
    }
    described
}

pub(crate) fn missing_json(kit: &Toolkit) -> Value {
    let report = kit.report();
    let missing = report
        .servers
        .iter()
        .filter(|server| server.took.is_none() || server.status.is_failure());
    missing.map(|server| json!({"server": server.id, "state": server.status.word(), "cause": server.status.cause(), "mend": server.status.mend()})).collect()
}

/// Says on stderr which servers are not part of the list.
pub(crate) fn say_missing(kit: &Toolkit, options: &Options, kind: &str, count: usize) {
    let report = kit.report();
    let mut starting = false;
    for server in &report.servers {
        let id = &server.id;
        match &server.status {
            status if status.is_failure() => output::note(&format!("{id} is missing: {server}")),
            ServerStatus::Starting => {
                starting = true;
                output::note(&format!(
                    "{id} is still starting; wait longer with `--wait 60s`"
                ));
            }
            _ => {}
        }
    }
    if report.servers.is_empty() {
        output::note("the configuration lists no servers; add one under `mcpServers`");
    } else if count == 0 && !starting && !options.json {
        output::note(&format!("no server offers a {kind}"));
    }
}
