//! `describe_tool`: all that is known of one tool.

use manyhands_core::{CallError, Delivery, ErrorKind, Printable, either};
use manyhands_registry::{DESCRIPTION_TOKENS, ModelApi, Unknown, describe, estimate};
use serde_json::{Map, Value};

use crate::conversation::Conversation;
use crate::explain::Cause;

/// The tokens of a description that is asked for by name.
const TOKENS: usize = 5 * DESCRIPTION_TOKENS;

impl Conversation {
    pub(super) fn describe(&self, name: &str, api: ModelApi) -> Result<Value, CallError> {
        let shared = self.toolkit().shared();
        let catalogue = shared.catalogue.load_full();
        let by_wire = catalogue.tool_by_wire_for(api, name);
        let tool = by_wire.or_else(|unknown| catalogue.tool(name).or(Err(unknown)));
        let tool = tool.map_err(|unknown| self.not_described(name, &unknown))?;
        let server = tool.name().server();
        let state = shared.slot(server).map(|it| shared.status(&it));
        let definition = tool.definition();
        let description = describe(tool, TOKENS, &estimate);
        let mut told = Map::new();
        let mut tell = |key: &str, value: Value| _ = told.insert(key.to_owned(), value);
        tell("name", tool.wire_for(api).into());
        tell("server", server.as_str().into());
        tell("description", description.into());
        tell(
            "inputSchema",
            Value::Object((*definition.input_schema).clone()),
        );
        if let Some(output) = &definition.output_schema {
            tell("outputSchema", Value::Object((**output).clone()));
        }
        if let Some(state) = &state {
            tell("serverState", state.word().into());
        }
        if let Some(outage) = shared.outage(tool.name()) {
            tell("unavailable", outage.into());
        }
        let examples = tool.metadata().examples;
        if !examples.is_empty() {
            let examples = examples.iter().map(|it| Value::from(it.value.clone()));
            tell("examples", examples.collect());
        }
        Ok(told.into())
    }

    fn not_described(&self, name: &str, unknown: &Unknown) -> CallError {
        let cause = match self.explain(name).causes.first() {
            None | Some(Cause::NoServer { .. } | Cause::NotOffered { .. }) => {
                "no server offers this tool".to_owned()
            }
            Some(other) => other.to_string(),
        };
        let error = CallError::new(ErrorKind::NotFound, Delivery::NotSent, cause);
        match unknown.nearest() {
            [] => error.with_advice("find its name by find_tools"),
            near => error.with_advice(format!("did you mean {}?", Printable(&either(near)))),
        }
    }
}
