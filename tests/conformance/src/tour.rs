//! Everything that the catalogue shows, tried once: each tool called, each prompt got, each resource read.

use anyhow::{Result, bail};
use futures_util::future::join_all;
use manyhands::prelude::*;
use serde_json::{Value, json};

use crate::arguments::example;

/// Tries all of it, and gives the first failure. The tools are called at once, as a model does that asks for several.
pub(crate) async fn all(kit: &Toolkit) -> Result<()> {
    let catalogue = kit.catalogue();
    let calls = catalogue.tools().map(|tool| {
        let schema = Value::Object(tool.definition().input_schema.as_ref().clone());
        called(kit, tool.name().to_string(), example(&schema))
    });
    let mut tried = join_all(calls).await;
    for prompt in catalogue.prompts() {
        let got = kit.get_prompt(prompt.name().to_string(), json!({})).await;
        tried.push(got.map(drop).map_err(Into::into));
    }
    for resource in catalogue.resources() {
        let read = kit.read_resource(resource.uri()).await;
        tried.push(read.map(drop).map_err(Into::into));
    }
    tried.into_iter().collect()
}

/// Calls a tool that has to succeed.
pub(crate) async fn called(kit: &Toolkit, name: String, arguments: Value) -> Result<()> {
    let reply = kit.call(&name, arguments).await?;
    if reply.is_error() {
        bail!("`{name}` answered with an error: {}", reply.text());
    }
    Ok(())
}
