//! The demo server "jira": issues and the comments on them.

mod store;

use std::{num::NonZeroU8, sync::Mutex, time::Duration};

use manyhands_core::model::{
    ErrorData, Implementation, PromptMessage, Role, ServerCapabilities, ServerConfig,
};
use rmcp::{
    ServerHandler,
    handler::server::{
        router::{prompt::PromptRouter, tool::ToolRouter},
        wrapper::{Json, Parameters},
    },
    prompt, prompt_handler, prompt_router, tool, tool_handler, tool_router,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use store::{Comment, Issue, Memory, Priority};

use crate::{
    data::{self, count, day, matches},
    tool::{ToolError, default_limit, lock},
};

/// The server.
pub(crate) struct Jira {
    latency: Duration,
    memory: Mutex<Memory>,
    tools: ToolRouter<Self>,
    prompts: PromptRouter<Self>,
}

/// Which comments to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListRecentComments {
    /// The first day to look at, as YYYY-MM-DD. Without it, today, which in this demo is always 2026-03-12.
    since: Option<String>,
    /// How many comments to return at most.
    #[serde(default = "default_limit")]
    limit: NonZeroU8,
}

/// What to search for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchIssues {
    /// Words that must all occur in the key, title, description or assignee, in any case.
    query: String,
}

/// The issue to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateIssue {
    /// What is to be done, in one line.
    title: String,
    /// What is to be done, at length.
    #[serde(default)]
    description: String,
    /// How much it matters.
    #[serde(default)]
    priority: Priority,
}

/// The comment to add.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddComment {
    /// Key of the issue, for example "PX-142".
    key: String,
    /// The comment.
    text: String,
}

/// Which issue to triage.
#[derive(Deserialize, JsonSchema)]
struct TriageIssue {
    /// Key of the issue, for example "PX-142".
    key: String,
}

/// Comments, newest first.
#[derive(JsonSchema, Serialize)]
struct Comments {
    /// The result in one sentence.
    summary: String,
    /// The comments, newest first.
    comments: Vec<Comment>,
}

/// Issues, in the order of their keys.
#[derive(JsonSchema, Serialize)]
struct Issues {
    /// The result in one sentence.
    summary: String,
    /// The issues, in the order of their keys.
    issues: Vec<Issue>,
}

#[tool_router]
impl Jira {
    pub(crate) fn new(latency: Duration) -> Self {
        Self {
            latency,
            memory: Mutex::new(data::load(data::JIRA)),
            tools: Self::tool_router(),
            prompts: Self::prompt_router(),
        }
    }

    /// List the new comments on all issues, by default those of today. Returns the newest first.
    #[tool(
        title = "List recent comments",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn list_recent_comments(
        &self,
        Parameters(input): Parameters<ListRecentComments>,
    ) -> Result<Json<Comments>, ToolError> {
        tokio::time::sleep(self.latency).await;
        let since = day(input.since.as_deref())?;
        let comments: Vec<_> = lock(&self.memory)?
            .comments
            .iter()
            .rev()
            .filter(|comment| comment.created_at >= since)
            .take(input.limit.get().into())
            .cloned()
            .collect();
        Ok(Json(Comments::new(&since, comments)))
    }

    /// Search issues by words in their key, title, description or assignee.
    #[tool(
        title = "Search issues",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn search_issues(
        &self,
        Parameters(input): Parameters<SearchIssues>,
    ) -> Result<Json<Issues>, ToolError> {
        tokio::time::sleep(self.latency).await;
        let issues: Vec<_> = lock(&self.memory)?
            .issues
            .iter()
            .filter(|issue| matches(&input.query, &issue.words()))
            .cloned()
            .collect();
        Ok(Json(Issues {
            summary: count(issues.len(), "issue"),
            issues,
        }))
    }

    /// Create an issue that nobody works on yet. The demo keeps it in memory until the server stops.
    #[tool(
        title = "Create an issue",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn create_issue(
        &self,
        Parameters(input): Parameters<CreateIssue>,
    ) -> Result<Json<Issue>, ToolError> {
        tokio::time::sleep(self.latency).await;
        Ok(Json(lock(&self.memory)?.create(input)))
    }

    /// Comment on an issue, as you. The demo keeps it in memory until the server stops.
    #[tool(
        title = "Add a comment",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn add_comment(
        &self,
        Parameters(input): Parameters<AddComment>,
    ) -> Result<Json<Comment>, ToolError> {
        tokio::time::sleep(self.latency).await;
        lock(&self.memory)?.comment(input).map(Json)
    }
}

#[prompt_router]
impl Jira {
    /// Decide what to do about an issue: how urgent it is, who should take it, what comes first.
    #[prompt(title = "Triage an issue")]
    async fn triage_issue(
        &self,
        Parameters(input): Parameters<TriageIssue>,
    ) -> Result<Vec<PromptMessage>, ErrorData> {
        let brief = lock(&self.memory)
            .and_then(|memory| memory.brief(&input.key))
            .map_err(|error| ErrorData::invalid_params(error.message().to_owned(), None))?;
        let text = format!(
            "Triage this issue. Say how urgent it is and why, who should take it, and what the first \
             step is.\n\n{brief}"
        );
        Ok(vec![PromptMessage::new_text(Role::User, text)])
    }
}

#[tool_handler(router = self.tools)]
#[prompt_handler(router = self.prompts)]
impl ServerHandler for Jira {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("manyhands-demo-jira", env!("CARGO_PKG_VERSION"))
                    .with_title("Jira (demo)"),
            )
            .with_instructions(format!(
                "An issue tracker with fictional issues. Today is {}.",
                data::TODAY
            ))
    }
}

impl Comments {
    fn new(since: &str, comments: Vec<Comment>) -> Self {
        let authors: Vec<_> = comments
            .iter()
            .map(|comment| format!("{} on {}", comment.author, comment.issue))
            .collect();
        let colon = if authors.is_empty() { "" } else { ": " };
        let number = count(comments.len(), "new comment");
        Self {
            summary: format!("{number} since {since}{colon}{}", authors.join("; ")),
            comments,
        }
    }
}
