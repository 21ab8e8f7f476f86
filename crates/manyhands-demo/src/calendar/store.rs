//! What the server "calendar" keeps in memory: meetings and invitations, and what can be done with them.
//!
//! It knows nothing of MCP but the shape of a tool's error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CreateEvent;
use crate::{data::day, tool::ToolError};

/// Everything that the server knows.
#[derive(Deserialize)]
pub(super) struct Memory {
    pub(super) events: Vec<Event>,
    pub(super) invitations: Vec<Invitation>,
}

/// A meeting.
#[derive(Clone, Deserialize, JsonSchema, Serialize)]
pub(super) struct Event {
    /// Identifier, unique in the calendar.
    pub(super) id: String,
    /// What the meeting is about.
    pub(super) title: String,
    /// Its day, as YYYY-MM-DD.
    pub(super) date: String,
    /// When it begins, as HH:MM on a 24-hour clock, local time.
    pub(super) start: String,
    /// When it ends, as HH:MM on a 24-hour clock, local time.
    pub(super) end: String,
    /// A room, or how to join.
    pub(super) location: String,
    /// Who called the meeting.
    pub(super) organizer: String,
    /// Who is invited.
    pub(super) attendees: Vec<String>,
}

/// The message that came with an invitation to a meeting.
#[derive(Clone, Deserialize, JsonSchema, Serialize)]
pub(super) struct Invitation {
    /// Identifier of the message.
    pub(super) id: String,
    /// Identifier of the meeting that it invites to.
    pub(super) event_id: String,
    /// Who sent it.
    pub(super) from: String,
    /// When it came, as an RFC 3339 time in UTC.
    pub(super) received_at: String,
    /// The message itself.
    pub(super) text: String,
}

impl Memory {
    pub(super) fn on(&self, date: &str) -> Vec<Event> {
        let mut events: Vec<_> = self
            .events
            .iter()
            .filter(|event| event.date == date)
            .cloned()
            .collect();
        events.sort_by(|a, b| a.start.cmp(&b.start));
        events
    }

    pub(super) fn create(&mut self, input: CreateEvent) -> Result<Event, ToolError> {
        let date = day(input.date.as_deref())?;
        if !(is_time(&input.start) && is_time(&input.end) && input.start < input.end) {
            return Err(ToolError::permanent(
                "invalid_time",
                "start and end are times like 09:30 on a 24-hour clock, and end is the later one",
            ));
        }
        let event = Event {
            id: format!("evt-{}", 301 + self.events.len()),
            title: input.title,
            date,
            start: input.start,
            end: input.end,
            location: input.location.unwrap_or_else(|| "Video call".to_owned()),
            organizer: "you".to_owned(),
            attendees: input.attendees,
        };
        self.events.push(event.clone());
        Ok(event)
    }
}

fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "00:00" && text < "24:00" && text.get(3..).is_some_and(|minute| minute < "60")
}
