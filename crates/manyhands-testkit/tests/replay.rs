//! Sessions with a scripted server, recorded and played back to others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manyhands_core::{Arguments, CallContext, ListKind, Request, ServerId};
use manyhands_testkit::{Fault, Recorder, Relay, Replay, ScriptedServer, Tape};
use manyhands_transport::{ConnectOptions, Connection, Connector};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

async fn connect(connector: &Connector) -> Connection {
    let options = ConnectOptions::new(ServerId::parse("s").expect("it is a letter"));
    let connected = connector.connect(options).await;
    connected.expect("nothing disturbs the handshake")
}

fn call(name: &str, arguments: &Value) -> Request {
    let arguments = Arguments::from_value(arguments).expect("it is an object");
    Request::CallTool {
        name: name.into(),
        arguments,
    }
}

fn session() -> Vec<Request> {
    let (kind, cursor) = (ListKind::Tools, None);
    vec![
        call("count", &json!({"a": 1, "password": "hunter2"})),
        Request::List { kind, cursor },
        call("count", &json!({"a": 1, "password": "hunter2"})),
        call("count", &json!({"a": 2, "b": [true, null]})),
        call("nothing", &json!({})),
    ]
}

/// What every request comes to: the result as it was written, or the error.
async fn replies(connection: &Connection, requests: Vec<Request>) -> Vec<String> {
    let mut replies = Vec::new();
    for request in requests {
        let context = CallContext::default().with_timeout(Duration::from_secs(7));
        replies.push(match connection.request(request, context).await {
            Ok(reply) => reply.raw().get().to_owned(),
            Err(error) => error.to_string(),
        });
    }
    replies
}

/// A server whose answers differ each time.
fn counting() -> ScriptedServer {
    let count = AtomicUsize::new(0);
    ScriptedServer::new("counting").tool("count", move |arguments| {
        let count = count.fetch_add(1, Ordering::Relaxed);
        let text = format!("{count}: {arguments}");
        json!({"content": [{"type": "text", "text": text}], "structuredContent": {"n": 1.0}})
    })
}

/// Records a session; gives what the client saw, and the tape as it comes from a file.
async fn recorded(server: &ScriptedServer) -> (Vec<String>, Tape) {
    let recorder = Recorder::new();
    let relay = Relay::default().with_recorder(recorder.clone());
    let connection = connect(&server.connector_through(relay)).await;
    let seen = replies(&connection, session()).await;
    connection.close().await;
    let tape = Tape::parse(&recorder.tape().to_jsonl());
    (seen, tape.expect("a recorder writes tapes"))
}

#[tokio::test(start_paused = true)]
async fn a_recorded_session_plays_again_whatever_the_ids() {
    for server in [counting(), counting().fault(Fault::ModernOnly)] {
        let (seen, tape) = recorded(&server).await;
        let seen: Vec<String> = seen
            .into_iter()
            .map(|it| it.replace("hunter2", "[hidden]"))
            .collect();
        let replay = Replay::of(&tape);
        let first = connect(&replay.connector()).await;
        assert_eq!(first.info().name, "counting");
        assert_eq!(replies(&first, session()).await, seen);

        // Other ids, since another call comes first; and a new connection starts anew.
        let second = connect(&replay.connector()).await;
        replies(&second, vec![call("new", &json!({}))]).await;
        assert_eq!(replies(&second, session()).await, seen);
        // The last answer to the same request stays.
        assert_eq!(replies(&second, session()).await[0], seen[2]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_on_the_tape_is_refused_with_the_difference() {
    let (_, tape) = recorded(&counting()).await;
    let connection = connect(&Replay::of(&tape).connector()).await;
    let requests = vec![
        call("count", &json!({"a": 2, "b": [false, null]})),
        call("count", &json!({"a": 1, "password": "other", "c": "x"})),
        Request::ReadResource {
            uri: "file:///a".into(),
        },
    ];
    let refused = replies(&connection, requests).await;
    let expected = [
        "no \"tools/call\" like this on the tape: params.arguments.b[0] is true there and false here",
        "no \"tools/call\" like this on the tape: params.arguments.c is missing there and \"x\" here",
        "no \"resources/read\" like this on the tape: the tape has server/discover, initialize, tools/call, tools/list",
    ];
    for (error, expected) in refused.iter().zip(expected) {
        assert!(
            error.contains(expected) && error.contains("-32601"),
            "{error}"
        );
    }
}

/// Sends lines to a replay of a tape, and gives all that comes back.
async fn exchange(tape: &str, lines: &[Value]) -> Vec<Value> {
    let tape = Tape::parse(&format!("{{\"tape\":1}}\n{tape}")).expect("it is a tape");
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let replay = Replay::of(&tape);
    tokio::spawn(async move { replay.serve(server).await });
    let asked: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let sent = client.write_all(asked.as_bytes()).await;
    sent.and(client.shutdown().await).expect("it is read");
    let mut came = String::new();
    let read = timeout(Duration::from_secs(7), client.read_to_string(&mut came)).await;
    read.expect("it ends").expect("it is UTF-8");
    let messages = came.lines().map(serde_json::from_str);
    messages.collect::<Result<_, _>>().expect("it is JSON")
}

const TOLD: &str = r#"
{"at_us":1,"from":"client","message":{"id":1,"method":"slow","params":{"_meta":{"progressToken":"old"}}}}
{"at_us":2,"from":"client","message":{"id":"1","method":"other","params":{"token":"x"}}}
{"at_us":3,"from":"server","message":{"method":"notifications/progress","params":{"progressToken":"old","progress":1}}}
{"at_us":4,"from":"server","message":{"method":"notifications/message","params":{"data":"hello"}}}
{"at_us":5,"from":"server","message":{"id":9,"method":"roots/list"}}
{"at_us":6,"from":"server","line":"chatter"}
{"at_us":7,"from":"server","message":{"id":1,"result":{"slow":1e2}}}
{"at_us":8,"from":"server","message":{"id":"1","error":{"code":1,"message":"no"}}}
{"at_us":9,"from":"client","message":{"id":5,"method":"hangs"}}
"#;

#[tokio::test(start_paused = true)]
async fn what_was_told_meanwhile_comes_before_the_answer() {
    let slow = |id: u32, params: Value| json!({"id": id, "method": "slow", "params": params});
    let token = json!({"_meta": {"progressToken": 70}});
    let hello = json!({"method": "notifications/message", "params": {"data": "hello"}});
    let came = exchange(
        TOLD,
        &[
            slow(31, token),
            slow(32, json!({})),
            json!({"id": 33, "method": "hangs"}),
            json!({"id": 34, "method": "other", "params": {"token": "y"}}),
            json!({"id": 35, "method": "ping"}),
        ],
    )
    .await;
    let progress = json!({"progressToken": 70, "progress": 1});
    let answer = |id: u32| json!({"jsonrpc": "2.0", "id": id, "result": {"slow": 1e2}});
    assert_eq!(
        came,
        [
            json!({"method": "notifications/progress", "params": progress}),
            answer(31),
            answer(32),
            hello,
            json!({"jsonrpc": "2.0", "id": 34, "error": {"code": 1, "message": "no"}}),
            json!({"jsonrpc": "2.0", "id": 35, "result": {}}),
        ]
    );
}
