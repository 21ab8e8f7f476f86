//! What the server "slack" keeps in memory: channels and messages, and what can be done with them.
//!
//! It knows nothing of MCP but the shape of a tool's error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PostMessage;
use crate::{data, tool::ToolError};

/// Everything that the server knows.
#[derive(Deserialize)]
pub(super) struct Memory {
    pub(super) channels: Vec<Channel>,
    pub(super) messages: Vec<Message>,
}

/// A place where messages are posted.
#[derive(Clone, Deserialize, JsonSchema, Serialize)]
pub(super) struct Channel {
    /// Name without the leading `#`.
    pub(super) name: String,
    /// What the channel is about.
    pub(super) topic: String,
    /// How many people are in it.
    pub(super) members: u32,
    /// True if you may read the channel but not post to it.
    pub(super) read_only: bool,
}

/// One message in a channel.
#[derive(Clone, Deserialize, JsonSchema, Serialize)]
pub(super) struct Message {
    /// Identifier, unique in the workspace.
    pub(super) id: String,
    /// Name of its channel, without the leading `#`.
    pub(super) channel: String,
    /// First name of the person who wrote it.
    pub(super) author: String,
    /// When it was sent, as an RFC 3339 time in UTC.
    pub(super) sent_at: String,
    /// The message itself.
    pub(super) text: String,
    /// True if its author marked it as urgent.
    pub(super) urgent: bool,
    /// True if you have not read it yet.
    pub(super) unread: bool,
}

impl Memory {
    pub(super) fn channel(&self, name: &str) -> Result<&Channel, ToolError> {
        self.channels
            .iter()
            .find(|channel| channel.name == name)
            .ok_or_else(|| {
                let names: Vec<_> = self.channels.iter().map(|c| c.name.as_str()).collect();
                let message = format!("no channel {name:?}; there are {}", names.join(", "));
                ToolError::permanent("channel_not_found", message)
            })
    }

    /// Messages are kept in the order of their posting.
    pub(super) fn newest_first(
        &self,
        channel: Option<&str>,
    ) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages
            .iter()
            .rev()
            .filter(move |message| channel.is_none_or(|name| message.channel == name))
    }

    pub(super) fn post(&mut self, input: PostMessage) -> Result<Message, ToolError> {
        if self.channel(&input.channel)?.read_only {
            return Err(ToolError::authorization(
                "channel_read_only",
                format!(
                    "only the people team posts to {}; choose another channel",
                    input.channel
                ),
            ));
        }
        let message = Message {
            id: format!("msg-{}", 101 + self.messages.len()),
            channel: input.channel,
            author: "you".to_owned(),
            sent_at: format!("{}T09:00:00Z", data::TODAY),
            text: input.text,
            urgent: false,
            unread: false,
        };
        self.messages.push(message.clone());
        Ok(message)
    }
}
