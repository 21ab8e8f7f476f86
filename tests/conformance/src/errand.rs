//! What a scenario wants done: the tour for nearly all of them, something of its own for the few that say so.

use anyhow::{Context as _, Result};
use manyhands::prelude::*;
use manyhands::{HttpSettings, Member, Reach};
use serde_json::{Value, json};

use crate::account;
use crate::person::Person;
use crate::run::Run;
use crate::tour::{self, called};

/// What the suite's server is called here.
const SERVER: &str = "suite";

pub(crate) async fn run(run: &Run) -> Result<()> {
    let kit = connect(run).await?;
    let done = match run.scenario.as_str() {
        "http-custom-headers" => told_calls(&kit, &run.context).await,
        "json-schema-2020-12-preservation" => echo_a_schema(&kit).await,
        // Its tool is there to be listed, and has nothing behind it.
        "json-schema-ref-no-deref" => Ok(()),
        _ => tour::all(&kit).await,
    };
    kit.close().await;
    done
}

/// The one server, required: a scenario that cannot be connected is an error with its cause.
async fn connect(run: &Run) -> Result<Toolkit> {
    let id = ServerId::parse(SERVER)?;
    let credentials = account::credentials(run)?;
    let settings = HttpSettings::new(&run.url).with_credentials(credentials.clone());
    let reach = Reach::new(Connector::http(settings)).with_credentials(credentials);
    let kit = manyhands::Builder::default()
        .member(Member::new(id, reach))
        .server(SERVER, manyhands::ServerSettings::required)
        .input(Person)
        .connect()
        .await?;
    Ok(kit)
}

/// The calls that the scenario's context names, with the arguments that it gives.
async fn told_calls(kit: &Toolkit, context: &Value) -> Result<()> {
    let calls = context.get("toolCalls").and_then(Value::as_array);
    for call in calls.context("the context names no calls")? {
        let name = call.get("name").and_then(Value::as_str);
        let name = name.context("a call of the context has no name")?;
        let arguments = call.get("arguments").cloned().unwrap_or_else(|| json!({}));
        called(kit, format!("{SERVER}.{name}"), arguments).await?;
    }
    Ok(())
}

/// Sends one tool's schema, as the catalogue has it, to another that shows what arrived.
async fn echo_a_schema(kit: &Toolkit) -> Result<()> {
    let catalogue = kit.catalogue();
    let tool = catalogue.tool(&format!("{SERVER}.json_schema_2020_12_tool"))?;
    let schema = json!({"schema": tool.definition().input_schema});
    called(kit, format!("{SERVER}.json_schema_echo"), schema).await
}
