//! Tests through the public face: a client on the other end of a stream.

mod http;
mod offers;
mod tools;

use manyhands_core::model::{CallToolRequestParams, CallToolResult};
use rmcp::{RoleClient, ServiceExt, service::RunningService};
use serde_json::Value;
use tokio::io::{AsyncWriteExt, duplex, split};

use crate::{DemoServer, Latency, ServeErrorKind};

type Client = RunningService<RoleClient, ()>;

async fn connect(server: DemoServer, latency: Latency) -> Client {
    let (ours, theirs) = duplex(64 * 1024);
    let (read, write) = split(theirs);
    tokio::spawn(server.serve(read, write, latency));
    ().serve(ours).await.unwrap()
}

async fn call(client: &Client, tool: &'static str, arguments: Value) -> CallToolResult {
    let arguments = arguments.as_object().unwrap().clone();
    client
        .call_tool(CallToolRequestParams::new(tool).with_arguments(arguments))
        .await
        .unwrap()
}

/// Calls a tool that has to succeed, and returns its structured content.
async fn ask(client: &Client, tool: &'static str, arguments: Value) -> Value {
    let result = call(client, tool, arguments).await;
    assert_eq!(result.is_error, Some(false), "{tool}: {result:?}");
    let value = result.structured_content.unwrap();
    let text = &result.content.first().unwrap().as_text().unwrap().text;
    assert_eq!(
        serde_json::from_str::<Value>(text).unwrap(),
        value,
        "the text mirrors the content"
    );
    value
}

/// Calls a tool that has to fail, and returns its structured content.
async fn refusal(client: &Client, tool: &'static str, arguments: Value) -> Value {
    let result = call(client, tool, arguments).await;
    assert_eq!(result.is_error, Some(true), "{tool}: {result:?}");
    result.structured_content.unwrap()
}

#[test]
fn every_name_parses_and_an_unknown_one_is_told_the_names() {
    for server in DemoServer::ALL {
        assert_eq!(server.to_string().parse(), Ok(server));
    }
    let error = "github".parse::<DemoServer>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "find a demo server named \"github\": there are slack, calendar, jira and salesforce"
    );
}

#[tokio::test]
async fn a_client_that_leaves_at_once_is_no_error() {
    let served = DemoServer::Jira.serve(tokio::io::empty(), tokio::io::sink(), Latency::none());
    served.await.unwrap();
}

#[tokio::test]
async fn a_client_that_skips_the_handshake_is_an_error_that_names_the_server() {
    let (mut ours, theirs) = duplex(1024);
    let (read, write) = split(theirs);
    let list = b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\n";
    ours.write_all(list).await.unwrap();
    let error = DemoServer::Jira
        .serve(read, write, Latency::none())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ServeErrorKind::Handshake);
    assert!(error.to_string().contains("jira"), "{error}");
}
