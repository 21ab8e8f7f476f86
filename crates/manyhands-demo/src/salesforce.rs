//! The demo server "salesforce": sales leads and the stage each has reached.

mod store;

use std::{num::NonZeroU8, sync::Mutex, time::Duration};

use manyhands_core::model::{
    ErrorData, Implementation, ListResourceTemplatesResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ResourceContents,
    ResourceTemplate, ServerCapabilities, ServerConfig,
};
use rmcp::{
    RoleServer, ServerHandler,
    handler::server::{
        router::tool::ToolRouter,
        wrapper::{Json, Parameters},
    },
    service::RequestContext,
    tool, tool_handler, tool_router,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use store::{Lead, Memory, Stage};

use crate::{
    data::{self, count},
    tool::{ToolError, default_limit, lock},
};

/// The server. One value serves every connection, so that all of them see what was changed.
pub(crate) struct Salesforce {
    latency: Duration,
    memory: Mutex<Memory>,
    tools: ToolRouter<Self>,
}

/// How many leads to return.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TopLeads {
    /// How many leads to return at most.
    #[serde(default = "default_limit")]
    limit: NonZeroU8,
}

/// Which lead to look at.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetLead {
    /// Identifier of the lead, for example "lead-601".
    id: String,
}

/// The lead to change, and its new stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UpdateLeadStage {
    /// Identifier of the lead, for example "lead-601".
    id: String,
    /// The stage that it has reached.
    stage: Stage,
}

/// Leads, the most valuable first.
#[derive(JsonSchema, Serialize)]
struct Leads {
    /// The result in one sentence.
    summary: String,
    /// The leads, the most valuable first.
    leads: Vec<Lead>,
}

#[tool_router]
impl Salesforce {
    pub(crate) fn new(latency: Duration) -> Self {
        Self {
            latency,
            memory: Mutex::new(data::load(data::SALESFORCE)),
            tools: Self::tool_router(),
        }
    }

    /// List the open leads, the most valuable first, with the stage each has reached and the one before.
    #[tool(
        title = "Top leads",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn top_leads(
        &self,
        Parameters(input): Parameters<TopLeads>,
    ) -> Result<Json<Leads>, ToolError> {
        tokio::time::sleep(self.latency).await;
        let mut leads = lock(&self.memory)?.leads.clone();
        leads.retain(|lead| lead.stage.is_open());
        leads.sort_by_key(|lead| std::cmp::Reverse(lead.value_usd));
        leads.truncate(input.limit.get().into());
        Ok(Json(Leads::new(leads)))
    }

    /// Get one lead by its identifier, open or closed.
    #[tool(
        title = "Get a lead",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn get_lead(
        &self,
        Parameters(input): Parameters<GetLead>,
    ) -> Result<Json<Lead>, ToolError> {
        tokio::time::sleep(self.latency).await;
        lock(&self.memory)?.lead(&input.id).cloned().map(Json)
    }

    /// Move a lead to another stage, in place of the one it has. Doing it twice is the same as once.
    #[tool(
        title = "Update a lead's stage",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn update_lead_stage(
        &self,
        Parameters(input): Parameters<UpdateLeadStage>,
    ) -> Result<Json<Lead>, ToolError> {
        tokio::time::sleep(self.latency).await;
        lock(&self.memory)?.update(&input).map(Json)
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Salesforce {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("manyhands-demo-salesforce", env!("CARGO_PKG_VERSION"))
                    .with_title("Salesforce (demo)"),
            )
            .with_instructions(format!("Fictional sales leads. Today is {}.", data::TODAY))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = ResourceTemplate::new("salesforce://lead/{id}", "lead")
            .with_title("A lead")
            .with_description("One lead as JSON, in the shape that get_lead returns.")
            .with_mime_type("application/json");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        let id = uri.strip_prefix("salesforce://lead/").unwrap_or_default();
        let lead = lock(&self.memory)
            .and_then(|memory| memory.lead(id).cloned())
            .map_err(|error| ErrorData::resource_not_found(error.message().to_owned(), None))?;
        let json = serde_json::to_string(&lead)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let contents = ResourceContents::text(json, uri).with_mime_type("application/json");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

impl Leads {
    fn new(leads: Vec<Lead>) -> Self {
        let top = leads.first().map(Lead::news).unwrap_or_default();
        Self {
            summary: format!("{}{top}", count(leads.len(), "open lead")),
            leads,
        }
    }
}
