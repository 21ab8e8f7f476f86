//! What the server "jira" keeps in memory: issues and comments, and what can be done with them.
//!
//! It knows nothing of MCP but the shape of a tool's error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AddComment, CreateIssue};
use crate::{data, tool::ToolError};

/// Everything that the server knows.
#[derive(Deserialize)]
pub(super) struct Memory {
    pub(super) issues: Vec<Issue>,
    pub(super) comments: Vec<Comment>,
}

/// A piece of work.
#[derive(Clone, Deserialize, JsonSchema, Serialize)]
pub(super) struct Issue {
    /// Key, for example "PX-142".
    pub(super) key: String,
    /// What is to be done, in one line.
    pub(super) title: String,
    /// What is to be done, at length.
    pub(super) description: String,
    /// How far the work is.
    pub(super) status: Status,
    /// How much it matters.
    pub(super) priority: Priority,
    /// Who works on it; absent if nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) assignee: Option<String>,
}

/// How far the work on an issue is.
#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
pub(super) enum Status {
    #[serde(rename = "To Do")]
    ToDo,
    #[serde(rename = "In Progress")]
    InProgress,
    #[serde(rename = "In Review")]
    InReview,
    Done,
}

/// How much an issue matters.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
pub(super) enum Priority {
    Low,
    #[default]
    Medium,
    High,
}

/// What somebody wrote about an issue.
#[derive(Clone, Deserialize, JsonSchema, Serialize)]
pub(super) struct Comment {
    /// Identifier of the comment.
    pub(super) id: String,
    /// Key of its issue.
    pub(super) issue: String,
    /// Who wrote it.
    pub(super) author: String,
    /// When it was written, as an RFC 3339 time in UTC.
    pub(super) created_at: String,
    /// The comment itself.
    pub(super) text: String,
}

impl Memory {
    pub(super) fn issue(&self, key: &str) -> Result<&Issue, ToolError> {
        self.issues
            .iter()
            .find(|issue| issue.key == key)
            .ok_or_else(|| {
                let message = format!("no issue {key:?}; find its key with search_issues");
                ToolError::permanent("issue_not_found", message)
            })
    }

    /// Writes an issue and its comments as text.
    pub(super) fn brief(&self, key: &str) -> Result<String, ToolError> {
        let issue = self.issue(key)?;
        let comments: String = self
            .comments
            .iter()
            .filter(|comment| comment.issue == key)
            .map(|comment| format!("\n{} wrote: {}", comment.author, comment.text))
            .collect();
        let assignee = issue.assignee.as_deref().unwrap_or("nobody");
        Ok(format!(
            "{key}: {} (priority {:?}, assigned to {assignee})\n{}{comments}",
            issue.title, issue.priority, issue.description
        ))
    }

    pub(super) fn create(&mut self, input: CreateIssue) -> Issue {
        let issue = Issue {
            key: format!("PX-{}", 143 + self.issues.len()),
            title: input.title,
            description: input.description,
            status: Status::ToDo,
            priority: input.priority,
            assignee: None,
        };
        self.issues.push(issue.clone());
        issue
    }

    pub(super) fn comment(&mut self, input: AddComment) -> Result<Comment, ToolError> {
        self.issue(&input.key)?;
        let comment = Comment {
            id: format!("cmt-{}", 501 + self.comments.len()),
            issue: input.key,
            author: "you".to_owned(),
            created_at: format!("{}T09:00:00Z", data::TODAY),
            text: input.text,
        };
        self.comments.push(comment.clone());
        Ok(comment)
    }
}

impl Issue {
    pub(super) fn words(&self) -> String {
        let assignee = self.assignee.as_deref().unwrap_or_default();
        [&self.key, &self.title, &self.description, assignee].join(" ")
    }
}
