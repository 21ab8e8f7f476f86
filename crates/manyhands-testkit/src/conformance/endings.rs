//! Checks of how things end: calls, connections, servers.

use std::time::Duration;

use manyhands_core::{CallError, Delivery, ErrorKind, Reply};
use manyhands_transport::ConnectErrorKind;
use serde_json::json;

pub(super) use super::calls::echo;
use super::wired::{SOON, Wired, echoed, soon, try_call};
use crate::fault::Fault;
use crate::server::ScriptedServer;

/// The limit of what is meant to run into it.
const SHORT: Duration = Duration::from_millis(300);
/// How long a slow server takes: longer than that.
const SLOW: Duration = Duration::from_millis(600);

pub(super) fn crashing() -> ScriptedServer {
    echo().fault(Fault::ClosesOnCall)
}

pub(super) fn hanging() -> ScriptedServer {
    echo().fault(Fault::HangsOnCall)
}

pub(super) fn slow() -> ScriptedServer {
    echo().latency(SLOW)
}

pub(super) fn silent() -> ScriptedServer {
    echo().fault(Fault::NeverAnswersHandshake)
}

pub(super) async fn crash_in_call(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    let arguments = json!({});
    // Longer than the wait, so that a deadline cannot stand in for the news.
    let call = try_call(&connection, &arguments, SOON * 2);
    expect_error(
        soon("a call whose server crashed", SOON, call).await?,
        ErrorKind::ConnectionClosed,
        Delivery::Unknown,
    )
}

pub(super) async fn crash_between(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    wired.server.stop();
    soon(
        "a connection whose server crashed",
        SOON,
        connection.closed(),
    )
    .await
    .map(drop)?;
    let call = try_call(&connection, &json!({}), SHORT).await;
    expect_error(call, ErrorKind::Unavailable, Delivery::NotSent)
}

pub(super) async fn hanging_call(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    let arguments = json!({});
    let call = try_call(&connection, &arguments, SHORT);
    expect_error(
        soon("a hanging call", SHORT + SOON, call).await?,
        ErrorKind::DeadlineExceeded,
        Delivery::Unknown,
    )?;
    let cancelled = wired.server.until(|it| it.cancelled() > 0);
    soon("the wait for the cancellation", SOON, cancelled).await
}

pub(super) async fn after_timeout(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    let late = try_call(&connection, &json!({"call": "late"}), SHORT).await;
    expect_error(late, ErrorKind::DeadlineExceeded, Delivery::Unknown)?;
    echoed(&connection, &json!({"call": "next"})).await
}

pub(super) async fn close(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    echoed(&connection, &json!({"before": "closing"})).await?;
    soon("closing", SOON, connection.close()).await?;
    wired.all_ended().await
}

pub(super) async fn last_clone(wired: Wired) -> Result<(), String> {
    let connection = wired.connect().await?;
    let clone = connection.clone();
    drop(connection);
    echoed(&clone, &json!({"over": "the last clone"})).await?;
    drop(clone);
    wired.all_ended().await
}

pub(super) async fn silent_start(wired: Wired) -> Result<(), String> {
    let error = match wired.connect_within(SHORT).await? {
        Ok(_) => return Err("it connected to a server that answers nothing".to_owned()),
        Err(error) => error,
    };
    if error.kind() != ConnectErrorKind::TimedOut {
        return Err(format!("instead of the limit, it failed to {error}"));
    }
    wired.all_ended().await
}

fn expect_error(
    result: Result<Reply, CallError>,
    kind: ErrorKind,
    delivery: Delivery,
) -> Result<(), String> {
    match result {
        Err(error) if (error.kind(), error.delivery()) == (kind, delivery) => Ok(()),
        Err(error) => Err(format!(
            "instead of {kind:?} with delivery {delivery:?}, the call ended with {:?} and {:?}: \
             failed to {error}",
            error.kind(),
            error.delivery(),
        )),
        Ok(reply) => Err(format!(
            "instead of failing, the call was answered with {:?}",
            reply.text()
        )),
    }
}
