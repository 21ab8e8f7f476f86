//! `find_tools`: what fits several queries, in as few words as a model needs to choose.

use manyhands_core::{CallError, CapabilityKind, Printable, ServerId, clip};
use manyhands_registry::{Chosen, ModelApi, Query, Related, describe, estimate};
use serde_json::{Map, Value, json};

use super::{FOUND, MAX_FOUND, MAX_QUERIES, misfit};
use crate::conversation::Conversation;
use crate::report::ServerStatus;

/// How many prompts and resources are told beside the tools.
const RELATED: usize = 5;
/// A prompt or resource that says a smaller share of the query's words is not told.
const SHARE: f32 = 0.3;
/// The tokens of one description in a list; `describe_tool` has the whole.
const TOKENS: usize = 100;

impl Conversation {
    pub(super) async fn find(&self, arguments: &Value, api: ModelApi) -> Result<Value, CallError> {
        let queries = queries(arguments)?;
        let limit = arguments.get("limit").and_then(Value::as_u64);
        let limit = limit.map_or(FOUND, |it| usize::try_from(it).unwrap_or(MAX_FOUND));
        let query = Query::from(queries.clone()).with_limit(limit.clamp(1, MAX_FOUND));
        let scope = self.scope();
        // What a model asks for by itself is told in its result, and is nothing that later lists have to hold.
        let shared = self.toolkit().shared();
        let query = query.with_permit(move |tool| scope.allows(tool));
        let selection = shared.select_by_meaning(&query).await;
        let tools: Vec<Value> = selection
            .chosen
            .iter()
            .map(|it| self.told(it, api))
            .collect();
        let mut found = Map::new();
        if tools.is_empty() {
            let note = "no tool fits; try other words, or one query for each step of the task";
            found.insert("note".to_owned(), note.into());
        }
        found.insert("tools".to_owned(), tools.into());
        let related = self.related(&queries.join("\n"));
        for (key, kind) in [
            ("prompts", CapabilityKind::Prompt),
            ("resources", CapabilityKind::Resource),
        ] {
            let of_kind = related.iter().filter(|it| it.kind == kind);
            let told: Vec<Value> = of_kind.map(related_told).collect();
            if !told.is_empty() {
                found.insert(key.to_owned(), told.into());
            }
        }
        let down = self.down();
        if !down.is_empty() {
            found.insert("unavailable".to_owned(), down.into());
        }
        Ok(found.into())
    }

    fn told(&self, chosen: &Chosen, api: ModelApi) -> Value {
        let tool = &chosen.tool;
        let description = describe(tool, TOKENS, &estimate);
        let mut told = Map::new();
        let mut tell = |key: &str, value: Value| _ = told.insert(key.to_owned(), value);
        tell("name", tool.wire_for(api).into());
        tell("server", tool.name().server().as_str().into());
        tell("description", description.into());
        if let Some(outline) = tool.arguments_outline() {
            tell("arguments", outline.into());
        }
        let shared = self.toolkit().shared();
        if let Some(outage) = shared.outage(tool.name()) {
            tell("unavailable", outage.into());
        }
        told.into()
    }

    fn related(&self, text: &str) -> Vec<Related> {
        let scope = self.scope();
        let catalogue = self.toolkit().catalogue();
        let all = catalogue.related(text, usize::MAX);
        let is_meant = |it: &Related| {
            it.score >= SHARE
                && server_of(&catalogue, it).is_some_and(|it| scope.allows_server(&it))
        };
        all.into_iter().filter(is_meant).take(RELATED).collect()
    }

    /// The servers whose tools may be missing from what was found.
    fn down(&self) -> Vec<Value> {
        let scope = self.scope();
        let report = self.toolkit().report();
        let meant = report.servers.iter();
        let meant = meant.filter(|it| scope.allows_server(&it.id));
        let missing = meant.filter_map(|it| {
            let cause = match &it.status {
                ServerStatus::Starting => "it is still starting; search again in a while",
                status => status.cause()?,
            };
            Some(json!({"server": it.id, "cause": cause}))
        });
        missing.collect()
    }
}

fn server_of(catalogue: &manyhands_registry::Catalogue, related: &Related) -> Option<ServerId> {
    match related.kind {
        CapabilityKind::Prompt => Some(
            catalogue
                .prompt(&related.name)
                .ok()?
                .name()
                .server()
                .clone(),
        ),
        _ => Some(catalogue.resource(&related.name).ok()?.0.clone()),
    }
}

fn related_told(related: &Related) -> Value {
    let key = match related.kind {
        CapabilityKind::Prompt => "name",
        _ => "uri",
    };
    let name = related.wire.as_deref().unwrap_or(&related.name);
    let description = Printable(&clip(&related.description, 4 * TOKENS)).to_string();
    json!({key: name, "description": description})
}

/// The texts that are searched for; a model that gives one text, or names it `query`, is understood.
fn queries(arguments: &Value) -> Result<Vec<String>, CallError> {
    let given = arguments.get("queries").or_else(|| arguments.get("query"));
    let texts = match given {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(texts)) => {
            let texts = texts.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let texts: Vec<String> = texts
        .into_iter()
        .filter(|it| !it.trim().is_empty())
        .collect();
    match texts.len() {
        0 => Err(misfit("find_tools", "it needs a list of texts \"queries\"")),
        1..=MAX_QUERIES => Ok(texts),
        many => Err(misfit(
            "find_tools",
            &format!("it takes {MAX_QUERIES} queries at most, and was given {many}"),
        )),
    }
}
