//! The demo server "calendar": meetings and the invitations to them.
//!
//! Its `search_messages` has the name of a tool of "slack", so that there is a clash to resolve.

mod store;

use std::{sync::Mutex, time::Duration};

use manyhands_core::model::{
    ErrorData, Implementation, ListResourcesResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource,
    ResourceContents, ServerCapabilities, ServerConfig,
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

use store::{Event, Invitation, Memory};

use crate::{
    data::{self, count, day, matches},
    tool::{ToolError, lock},
};

const TODAY_URI: &str = "calendar://today";

/// The server.
pub(crate) struct Calendar {
    latency: Duration,
    memory: Mutex<Memory>,
    tools: ToolRouter<Self>,
}

/// Which day to look at.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListEvents {
    /// The day, as YYYY-MM-DD. Without it, today, which in this demo is always 2026-03-12.
    date: Option<String>,
}

/// What to search for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchMessages {
    /// Words that must all occur in the text or the sender's name, in any case. Without it, every message fits.
    query: Option<String>,
}

/// The meeting to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateEvent {
    /// What the meeting is about.
    title: String,
    /// Its day, as YYYY-MM-DD. Without it, today, which in this demo is always 2026-03-12.
    date: Option<String>,
    /// When it begins, as HH:MM on a 24-hour clock.
    start: String,
    /// When it ends, as HH:MM on a 24-hour clock; later than `start`.
    end: String,
    /// A room, or how to join. Without it, a video call.
    location: Option<String>,
    /// Names of the people to invite besides you.
    #[serde(default)]
    attendees: Vec<String>,
}

/// The meetings of one day.
#[derive(JsonSchema, Serialize)]
struct Events {
    /// The result in one sentence.
    summary: String,
    /// The day, as YYYY-MM-DD.
    date: String,
    /// The meetings, in the order of their beginning.
    events: Vec<Event>,
}

/// Invitation messages.
#[derive(JsonSchema, Serialize)]
struct Messages {
    /// The result in one sentence.
    summary: String,
    /// The messages, newest first.
    messages: Vec<Invitation>,
}

#[tool_router]
impl Calendar {
    pub(crate) fn new(latency: Duration) -> Self {
        Self {
            latency,
            memory: Mutex::new(data::load(data::CALENDAR)),
            tools: Self::tool_router(),
        }
    }

    /// List the meetings of one day, today unless a date is given, in the order of their beginning.
    #[tool(
        title = "List events",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn list_events(
        &self,
        Parameters(input): Parameters<ListEvents>,
    ) -> Result<Json<Events>, ToolError> {
        tokio::time::sleep(self.latency).await;
        let date = day(input.date.as_deref())?;
        let events = lock(&self.memory)?.on(&date);
        Ok(Json(Events::new(date, events)))
    }

    /// Search the messages that came with meeting invitations. Returns the newest first.
    #[tool(
        title = "Search invitations",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn search_messages(
        &self,
        Parameters(input): Parameters<SearchMessages>,
    ) -> Result<Json<Messages>, ToolError> {
        tokio::time::sleep(self.latency).await;
        let query = input.query.unwrap_or_default();
        let messages: Vec<_> = lock(&self.memory)?
            .invitations
            .iter()
            .rev()
            .filter(|m| matches(&query, &format!("{} {}", m.from, m.text)))
            .cloned()
            .collect();
        Ok(Json(Messages {
            summary: count(messages.len(), "invitation message"),
            messages,
        }))
    }

    /// Create a meeting with you as its organizer. The demo keeps it in memory until the server stops.
    #[tool(
        title = "Create an event",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn create_event(
        &self,
        Parameters(input): Parameters<CreateEvent>,
    ) -> Result<Json<Event>, ToolError> {
        tokio::time::sleep(self.latency).await;
        lock(&self.memory)?.create(input).map(Json)
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for Calendar {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("manyhands-demo-calendar", env!("CARGO_PKG_VERSION"))
                    .with_title("Calendar (demo)"),
            )
            .with_instructions(format!(
                "A calendar with fictional meetings. Today is {}.",
                data::TODAY
            ))
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = Resource::new(TODAY_URI, "today")
            .with_title("Today's meetings")
            .with_description("One line per meeting of today, in the order of their beginning.")
            .with_mime_type("text/plain");
        Ok(ListResourcesResult::with_all_items(vec![resource]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != TODAY_URI {
            let message = format!("no resource {:?}; there is {TODAY_URI}", request.uri);
            return Err(ErrorData::resource_not_found(message, None));
        }
        let memory = lock(&self.memory)
            .map_err(|error| ErrorData::internal_error(error.message().to_owned(), None))?;
        let line = |e: &Event| format!("{}-{} {} ({})\n", e.start, e.end, e.title, e.location);
        let text: String = memory.on(data::TODAY).iter().map(line).collect();
        let contents = ResourceContents::text(text, TODAY_URI).with_mime_type("text/plain");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

impl Events {
    fn new(date: String, events: Vec<Event>) -> Self {
        let meetings: Vec<_> = events
            .iter()
            .map(|event| format!("{} {}", clock(&event.start), event.title))
            .collect();
        let colon = if meetings.is_empty() { "" } else { ": " };
        let number = count(meetings.len(), "meeting");
        Self {
            summary: format!("{number} on {date}{colon}{}", meetings.join("; ")),
            date,
            events,
        }
    }
}

/// Writes "13:30" as "1:30 PM", and "10:00" as "10 AM".
fn clock(time: &str) -> String {
    let (hour, minute) = time.split_once(':').unwrap_or((time, "00"));
    let hour: u8 = hour.parse().unwrap_or_default();
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = (hour + 11) % 12 + 1;
    match minute {
        "00" => format!("{hour} {half}"),
        _ => format!("{hour}:{minute} {half}"),
    }
}
