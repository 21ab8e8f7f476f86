//! What every check needs: a server behind the transport, and requests to it.

use std::fmt::Display;
use std::time::Duration;

use manyhands_core::{Arguments, CallContext, CallError, ListKind, Reply, Request, ServerId};
use manyhands_transport::{ConnectError, ConnectOptions, Connection, Connector};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::server::ScriptedServer;

/// How long anything may take that should be done soon.
pub(super) const SOON: Duration = Duration::from_secs(5);
/// The one tool of every server here.
pub(super) const TOOL: &str = "echo";

/// A server, and how it is reached over the transport under test.
pub(super) struct Wired {
    pub(super) server: ScriptedServer,
    pub(super) connector: Connector,
}

impl Wired {
    pub(super) async fn connect(&self) -> Result<Connection, String> {
        self.connect_within(SOON)
            .await?
            .map_err(|error| format!("it cannot {error}"))
    }

    pub(super) async fn connect_within(
        &self,
        limit: Duration,
    ) -> Result<Result<Connection, ConnectError>, String> {
        let server = ServerId::parse("conformance").map_err(|error| error.to_string())?;
        let options = ConnectOptions::new(server).with_start_limit(limit);
        soon("connecting", limit + SOON, self.connector.connect(options)).await
    }

    /// Waits until the server has seen the end of all its connections.
    pub(super) async fn all_ended(&self) -> Result<(), String> {
        let ended = self.server.until(|it| it.open_connections() == 0);
        soon("the server's end of the connection", SOON, ended).await
    }
}

/// Waits for what should end within `limit`.
pub(super) async fn soon<T>(
    what: &str,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, String> {
    timeout(limit, future)
        .await
        .map_err(|_| format!("{what} did not come to an end within {limit:?}"))
}

/// Calls the tool, for 5 s at most.
pub(super) async fn call(connection: &Connection, arguments: &Value) -> Result<Reply, String> {
    let answer = soon("a call", SOON * 2, try_call(connection, arguments, SOON)).await?;
    answer.map_err(|error| format!("it failed to {error}"))
}

/// Calls the tool, and keeps the error as it is.
pub(super) async fn try_call(
    connection: &Connection,
    arguments: &Value,
    limit: Duration,
) -> Result<Reply, CallError> {
    let request = Request::CallTool {
        name: TOOL.into(),
        arguments: Arguments::from_value(arguments).unwrap_or_default(),
    };
    let context = CallContext::default().with_timeout(limit);
    connection.request(request, context).await
}

/// Calls the tool, and sees to it that the arguments come back as they are.
pub(super) async fn echoed(connection: &Connection, arguments: &Value) -> Result<(), String> {
    let reply = call(connection, arguments).await?;
    same("what came back", arguments, &reply.value())
}

/// The names of the tools that the server lists.
pub(super) async fn tools(connection: &Connection) -> Result<Value, String> {
    let kind = ListKind::Tools;
    let request = Request::List { kind, cursor: None };
    let context = CallContext::default().with_timeout(SOON);
    let reply = soon("a list", SOON * 2, connection.request(request, context)).await?;
    let reply = reply.map_err(|error| format!("it failed to {error}"))?;
    let tools = reply.parsed().get("tools").and_then(Value::as_array);
    let names = tools.into_iter().flatten().map(|tool| tool.get("name"));
    Ok(json!(names.collect::<Vec<_>>()))
}

/// Says how two values differ, in short.
pub(super) fn same(what: &str, sent: &Value, got: &Value) -> Result<(), String> {
    if sent == got {
        return Ok(());
    }
    let (sent, got) = (sent.to_string(), got.to_string());
    let pairs = sent.chars().zip(got.chars());
    let common = pairs.take_while(|(a, b)| a == b).count();
    Err(format!(
        "{what} differs from character {common} on: {} instead of {}",
        around(&got, common),
        around(&sent, common),
    ))
}

/// A few characters of `text`, from a little before `position` on.
fn around(text: &str, position: usize) -> impl Display {
    let part: String = text
        .chars()
        .skip(position.saturating_sub(8))
        .take(24)
        .collect();
    format!("{part:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_where_it_begins() {
        let (sent, got) = (json!("a long text, then é"), json!("a long text, then e"));
        assert_eq!(
            same("it", &sent, &got).unwrap_err(),
            r#"it differs from character 19 on: "t, then e\"" instead of "t, then é\"""#
        );
    }
}
