//! The demo server "slack": channels and messages.
//!
//! It shows most of what a server can offer: tools that read, a tool that writes, errors that
//! carry a code, resources with a template, and a prompt.

mod store;

use std::{num::NonZeroU8, sync::Mutex, time::Duration};

use manyhands_core::model::{
    ErrorData, Implementation, ListResourceTemplatesResult, ListResourcesResult,
    PaginatedRequestParams, PromptMessage, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate, Role, ServerCapabilities,
    ServerConfig,
};
use rmcp::{
    RoleServer, ServerHandler,
    handler::server::{
        router::{prompt::PromptRouter, tool::ToolRouter},
        wrapper::{Json, Parameters},
    },
    prompt, prompt_handler, prompt_router,
    service::RequestContext,
    tool, tool_handler, tool_router,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use store::{Channel, Memory, Message};

use crate::{
    data::{self, count, matches},
    tool::{ToolError, default_limit, lock},
};

/// The server. One value serves every connection, so that all of them see what was posted.
pub(crate) struct Slack {
    latency: Duration,
    memory: Mutex<Memory>,
    tools: ToolRouter<Self>,
    prompts: PromptRouter<Self>,
}

/// What to search for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchMessages {
    /// Words that must all occur in the text or the author's name, in any case. Without it, every message fits.
    query: Option<String>,
    /// Only this channel, for example "project-x".
    channel: Option<String>,
    /// How many messages to return at most.
    #[serde(default = "default_limit")]
    limit: NonZeroU8,
}

/// What to post, and where.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PostMessage {
    /// Name of the channel to post to, for example "project-x".
    channel: String,
    /// The message.
    text: String,
}

/// Which channel to summarize.
#[derive(Deserialize, JsonSchema)]
struct SummarizeChannel {
    /// Name of the channel, for example "project-x".
    channel: String,
}

/// Messages, newest first.
#[derive(JsonSchema, Serialize)]
struct Messages {
    /// The result in one sentence.
    summary: String,
    /// The messages, newest first.
    messages: Vec<Message>,
}

/// Messages that you have not read.
#[derive(JsonSchema, Serialize)]
struct Unread {
    /// The result in one sentence.
    summary: String,
    /// How many messages are unread.
    unread: usize,
    /// How many of those are urgent.
    urgent: usize,
    /// The messages: urgent ones first, then newest first.
    messages: Vec<Message>,
}

/// Channels, in the order of their names.
#[derive(JsonSchema, Serialize)]
struct Channels {
    /// The channels, in the order of their names.
    channels: Vec<Channel>,
}

#[tool_router]
impl Slack {
    pub(crate) fn new(latency: Duration) -> Self {
        Self {
            latency,
            memory: Mutex::new(data::load(data::SLACK)),
            tools: Self::tool_router(),
            prompts: Self::prompt_router(),
        }
    }

    /// Search chat messages by words, by channel, or both. Returns the newest first.
    #[tool(
        title = "Search messages",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn search_messages(
        &self,
        Parameters(input): Parameters<SearchMessages>,
    ) -> Result<Json<Messages>, ToolError> {
        tokio::time::sleep(self.latency).await;
        let memory = lock(&self.memory)?;
        if let Some(channel) = &input.channel {
            memory.channel(channel)?;
        }
        let query = input.query.unwrap_or_default();
        let messages: Vec<_> = memory
            .newest_first(input.channel.as_deref())
            .filter(|m| matches(&query, &format!("{} {}", m.author, m.text)))
            .take(input.limit.get().into())
            .cloned()
            .collect();
        Ok(Json(Messages {
            summary: count(messages.len(), "message"),
            messages,
        }))
    }

    /// List the channels of the workspace, with what each is about.
    #[tool(
        title = "List channels",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn list_channels(&self) -> Result<Json<Channels>, ToolError> {
        tokio::time::sleep(self.latency).await;
        let channels = lock(&self.memory)?.channels.clone();
        Ok(Json(Channels { channels }))
    }

    /// Get the messages that you have not read yet in all channels, urgent ones first.
    #[tool(
        title = "Get unread messages",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn get_unread(&self) -> Result<Json<Unread>, ToolError> {
        tokio::time::sleep(self.latency).await;
        let memory = lock(&self.memory)?;
        let mut messages: Vec<_> = memory
            .newest_first(None)
            .filter(|m| m.unread)
            .cloned()
            .collect();
        messages.sort_by_key(|m| !m.urgent);
        Ok(Json(Unread::new(messages)))
    }

    /// Post a message to a channel, as you. The demo keeps it in memory until the server stops.
    #[tool(
        title = "Post a message",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn post_message(
        &self,
        Parameters(input): Parameters<PostMessage>,
    ) -> Result<Json<Message>, ToolError> {
        tokio::time::sleep(self.latency).await;
        lock(&self.memory)?.post(input).map(Json)
    }
}

#[prompt_router]
impl Slack {
    /// Summarize what was said in a channel, and what is waiting for an answer.
    #[prompt(title = "Summarize a channel")]
    async fn summarize_channel(
        &self,
        Parameters(input): Parameters<SummarizeChannel>,
    ) -> Result<Vec<PromptMessage>, ErrorData> {
        let log = self
            .log(&input.channel)
            .map_err(|error| ErrorData::invalid_params(error.message().to_owned(), None))?;
        let text = format!(
            "Summarize the channel #{} in at most three sentences. Begin with anything urgent, and \
             end with what is waiting for an answer and from whom.\n\n{log}",
            input.channel
        );
        Ok(vec![PromptMessage::new_text(Role::User, text)])
    }
}

#[tool_handler(router = self.tools)]
#[prompt_handler(router = self.prompts)]
impl ServerHandler for Slack {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("manyhands-demo-slack", env!("CARGO_PKG_VERSION"))
                    .with_title("Slack (demo)"),
            )
            .with_instructions(format!(
                "A chat workspace with fictional messages. Today is {}.",
                data::TODAY
            ))
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = Resource::new("slack://channel/project-x", "project-x")
            .with_title("#project-x")
            .with_description("What was said in #project-x, oldest first.")
            .with_mime_type("text/plain");
        Ok(ListResourcesResult::with_all_items(vec![resource]))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = ResourceTemplate::new("slack://channel/{name}", "channel")
            .with_title("A channel")
            .with_description("What was said in the channel of that name, oldest first.")
            .with_mime_type("text/plain");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        let name = uri.strip_prefix("slack://channel/").unwrap_or_default();
        let log = self
            .log(name)
            .map_err(|error| ErrorData::resource_not_found(error.message().to_owned(), None))?;
        let contents = ResourceContents::text(log, uri).with_mime_type("text/plain");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

impl Slack {
    /// Writes a channel's messages as lines of text, oldest first.
    fn log(&self, channel: &str) -> Result<String, ToolError> {
        let memory = lock(&self.memory)?;
        memory.channel(channel)?;
        let line = |m: &Message| format!("{} {}: {}\n", m.sent_at, m.author, m.text);
        Ok(memory.newest_first(Some(channel)).rev().map(line).collect())
    }
}

impl Unread {
    fn new(messages: Vec<Message>) -> Self {
        let urgent = messages.iter().filter(|m| m.urgent).count();
        let first = messages
            .first()
            .map(|m| format!("; first: {} in #{}: {}", m.author, m.channel, m.text))
            .unwrap_or_default();
        Self {
            summary: format!(
                "{}, {urgent} urgent{first}",
                count(messages.len(), "unread message")
            ),
            unread: messages.len(),
            urgent,
            messages,
        }
    }
}
