//! The scripted server, well-behaved and not, as a client sees it.

use std::time::Duration;

use manyhands_core::{
    Arguments, CallContext, CallError, Delivery, ErrorKind, ListKind, Reply, Request, ServerId,
};
use manyhands_testkit::{Fault, ScriptedServer};
use manyhands_transport::{
    ConnectError, ConnectErrorKind, ConnectOptions, Connection, Connector, MAX_MESSAGE,
};
use serde_json::{Value, json};
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(7);

fn text(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

fn server(fault: Fault) -> ScriptedServer {
    ScriptedServer::new("s")
        .tool("t", |_| text("done"))
        .fault(fault)
}

async fn try_connect(connector: &Connector) -> Result<Connection, ConnectError> {
    let id = ServerId::parse("s").expect("it is a letter");
    let options = ConnectOptions::new(id).with_start_limit(LIMIT);
    connector.connect(options).await
}

async fn connect(server: &ScriptedServer) -> Connection {
    let connected = try_connect(&server.connector()).await;
    connected.expect("nothing disturbs the handshake")
}

/// Waits until the server has seen something, for a minute at most.
async fn until(server: &ScriptedServer, condition: impl Fn(&ScriptedServer) -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), server.until(condition)).await;
    waited.expect("the server sees it");
}

async fn ask(connection: &Connection, request: Request) -> Result<Reply, CallError> {
    let context = CallContext::default().with_timeout(LIMIT);
    connection.request(request, context).await
}

async fn call(connection: &Connection, name: &str) -> Result<Reply, CallError> {
    let (name, arguments) = (name.into(), Arguments::default());
    ask(connection, Request::CallTool { name, arguments }).await
}

async fn list(connection: &Connection, cursor: Option<&str>) -> Result<Reply, CallError> {
    let (kind, cursor) = (ListKind::Tools, cursor.map(str::to_owned));
    ask(connection, Request::List { kind, cursor }).await
}

#[tokio::test(start_paused = true)]
async fn a_server_without_faults_offers_what_it_was_given() {
    let server = ScriptedServer::new("s")
        .prompt(json!({"name": "p"}), json!({"messages": []}))
        .resource(
            json!({"uri": "file:///a", "name": "a"}),
            json!({"uri": "file:///a", "text": "A"}),
        )
        .tool_definition(
            json!({"name": "odd"}),
            |arguments| json!({"content": [], "structuredContent": {"got": arguments}}),
        );
    let connection = connect(&server).await;
    assert_eq!(connection.info().name, "s");
    assert_eq!(connection.info().offers.len(), 3);

    let uri = "file:///a".into();
    let read = ask(&connection, Request::ReadResource { uri }).await;
    assert_eq!(read.unwrap().text(), "A");
    let (name, arguments) = ("p".into(), Arguments::default());
    let prompt = ask(&connection, Request::GetPrompt { name, arguments }).await;
    assert_eq!(prompt.unwrap().parsed()["messages"], json!([]));
    let called = call(&connection, "odd").await.unwrap();
    assert_eq!(called.value(), json!({"got": {}}));
    assert_eq!(server.calls(), [("odd".to_owned(), json!({}))]);
    let listed = list(&connection, None).await.unwrap();
    assert_eq!(listed.parsed()["tools"], json!([{"name": "odd"}]));
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_is_refused() {
    let connection = connect(&ScriptedServer::new("s")).await;
    let error = call(&connection, "nothing").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.delivery()),
        (ErrorKind::Refused, Delivery::Rejected)
    );
    assert!(error.to_string().contains("-32602"), "{error}");
    let uri = "file:///none".into();
    let error = ask(&connection, Request::ReadResource { uri }).await;
    assert!(error.unwrap_err().to_string().contains("-32002"));
}

#[tokio::test(start_paused = true)]
async fn what_is_added_to_a_clone_shows_on_an_open_connection() {
    let server = ScriptedServer::new("s");
    let connection = connect(&server).await;
    let _ = server.clone().tool("late", |_| text("here"));
    assert_eq!(call(&connection, "late").await.unwrap().text(), "here");
}

#[tokio::test(start_paused = true)]
async fn a_bad_handshake_is_told_apart_by_its_kind() {
    let refuses = Fault::RefusesHandshake(-32_000, "set API_KEY".to_owned());
    for (fault, kind) in [
        (Fault::NeverAnswersHandshake, ConnectErrorKind::TimedOut),
        (Fault::ClosesAtHandshake, ConnectErrorKind::Exited),
        (refuses, ConnectErrorKind::Incompatible),
    ] {
        let server = server(fault.clone());
        let error = try_connect(&server.connector()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        until(&server, |it| it.open_connections() == 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_ends_the_call_and_leaves_a_trace() {
    let server = server(Fault::ClosesOnCall);
    let connection = connect(&server).await;
    let error = call(&connection, "t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionClosed);
    assert_eq!(server.calls().len(), 1);
    assert_eq!((server.connections(), server.open_connections()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn stop_ends_what_is_open_and_nothing_later() {
    let server = ScriptedServer::new("s").tool("t", |_| text("done"));
    let before = connect(&server).await;
    server.stop();
    before.closed().await;
    let after = connect(&server).await;
    assert_eq!(call(&after, "t").await.unwrap().text(), "done");
    assert_eq!((server.connections(), server.open_connections()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn calls_without_an_answer_end_at_their_deadline() {
    for fault in [
        Fault::HangsOnCall,
        Fault::WrongId,
        Fault::GarbageReply,
        Fault::AnswersInReverse(2),
    ] {
        let server = server(fault.clone());
        let connection = connect(&server).await;
        let start = Instant::now();
        let error = call(&connection, "t").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{fault:?}");
        assert_eq!(start.elapsed(), LIMIT, "{fault:?}");
        until(&server, |it| it.cancelled() == 1).await;
        assert!(list(&connection, None).await.is_ok(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_large_is_told_at_once() {
    let connection = connect(&server(Fault::OversizedReply(MAX_MESSAGE))).await;
    let error = call(&connection, "t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedReply);
    assert!(list(&connection, None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_holds_up_no_other() {
    let server = ScriptedServer::new("s")
        .tool("t", |_| text("done"))
        .latency(Duration::from_secs(3));
    let connection = connect(&server).await;
    let start = Instant::now();
    let (one, two) = tokio::join!(call(&connection, "t"), call(&connection, "t"));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn lists_hang_fail_and_never_end_as_told() {
    let hanging = connect(&server(Fault::HangsOnList(ListKind::Tools))).await;
    let error = list(&hanging, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);

    let failing = connect(&server(Fault::FailsList(ListKind::Tools, -32_603))).await;
    let error = list(&failing, None).await.unwrap_err();
    assert!(error.to_string().contains("-32603"), "{error}");

    let next = |reply: Reply| reply.parsed()["nextCursor"].as_str().map(str::to_owned);
    let endless = connect(&server(Fault::EndlessPages)).await;
    let one = next(list(&endless, None).await.unwrap());
    let two = next(list(&endless, one.as_deref()).await.unwrap());
    assert!(one.is_some() && two.is_some() && one != two);

    let circling = connect(&server(Fault::RepeatsCursor)).await;
    let one = next(list(&circling, None).await.unwrap());
    let two = next(list(&circling, one.as_deref()).await.unwrap());
    assert!(one.is_some() && one == two);
}

#[tokio::test(start_paused = true)]
async fn odd_replies_arrive_where_they_can() {
    let large = connect(&server(Fault::OversizedReply(1 << 20))).await;
    assert_eq!(call(&large, "t").await.unwrap().text().len(), 1 << 20);

    let deep = connect(&server(Fault::DeepReply(20))).await;
    let raw = call(&deep, "t").await.unwrap().raw().get().to_owned();
    assert!(raw.contains(&"[".repeat(20)), "{raw}");

    let noisy = connect(&server(Fault::ChatterOnStdout)).await;
    assert_eq!(call(&noisy, "t").await.unwrap().text(), "done");
    let seen = noisy.diagnostics();
    assert_eq!(seen.stray_sample.as_deref(), Some("Server ready on stdio"));
}

#[tokio::test(start_paused = true)]
async fn a_modern_server_is_met_by_discovery() {
    let server = server(Fault::ModernOnly);
    let connection = connect(&server).await;
    assert_eq!(connection.info().protocol, "2026-07-28");
    assert_eq!(connection.info().name, "s");
    assert_eq!(call(&connection, "t").await.unwrap().text(), "done");
    let listed = list(&connection, None).await.unwrap();
    assert_eq!(listed.parsed()["tools"][0]["name"], "t");
}

#[tokio::test(start_paused = true)]
async fn a_question_back_is_answered_before_the_call_is() {
    let connection = connect(&server(Fault::AsksBack)).await;
    assert_eq!(call(&connection, "t").await.unwrap().text(), "done");
}
