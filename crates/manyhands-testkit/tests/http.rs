//! The server at a URL, well-behaved and not, as bytes and as a client sees it.
//!
//! Sockets know no paused clock; each step has a limit of its own.

use std::time::Duration;

use manyhands_core::{Arguments, CallContext, CallError, ListKind, Reply, Request, ServerId};
use manyhands_testkit::{Fault, HttpOptions, HttpServer, ScriptedServer};
use manyhands_transport::{ConnectOptions, Connection, Connector, HttpSettings};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a server that says nothing is waited for.
const SILENCE: Duration = Duration::from_millis(300);

fn server(switches: &str) -> ScriptedServer {
    let server = ScriptedServer::new("s").tool(
        "t",
        |_| json!({"content": [{"type": "text", "text": "done"}]}),
    );
    let switches = switches.split(' ').filter(|switch| !switch.is_empty());
    switches.fold(server, |server, switch| {
        server.fault(switch.parse::<Fault>().expect("it is a switch"))
    })
}

fn json_only() -> HttpOptions {
    HttpOptions::default()
        .with_sessions(false)
        .with_event_streams(false)
}

/// Sends one request without a session, and reads what comes.
async fn exchange(http: &HttpServer, line: &str, body: &str) -> String {
    raw(http, &format!("{line} HTTP/1.1\r\n"), body).await
}

/// Sends one request, and reads until the server is silent or has closed the connection.
async fn raw(http: &HttpServer, head: &str, body: &str) -> String {
    let url = http.url();
    let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let length = body.len();
    let request = format!("{head}content-length: {length}\r\n\r\n{body}");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let (mut answer, mut bytes) = (String::new(), vec![0; 1 << 20]);
    while answer.len() < 4 << 20 {
        match timeout(SILENCE, stream.read(&mut bytes)).await {
            Err(_) => return answer + "<open>",
            Ok(Err(_)) => return answer + "<reset>",
            Ok(Ok(0)) => return answer + "<end>",
            Ok(Ok(count)) => answer.push_str(&String::from_utf8_lossy(
                bytes.get(..count).unwrap_or_default(),
            )),
        }
    }
    answer
}

fn message(id: u32, method: &str) -> String {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    let params = json!({"name": "t", "protocolVersion": "2025-11-25", "_meta": meta});
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// A call without a session.
async fn call(switches: &str, options: HttpOptions) -> (HttpServer, String) {
    let http = HttpServer::start_with(&server(switches), options)
        .await
        .expect("a port is free");
    let answer = exchange(&http, "POST /mcp", &message(7, "tools/call")).await;
    (http, answer)
}

/// Each switch, what then stands in the answer to a call, and what does not.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("http-status", &["HTTP/1.1 500 "], &["done"]),
    (
        "http-status=401",
        &["HTTP/1.1 401 ", "www-authenticate: Bearer"],
        &["done"],
    ),
    (
        "http-status=403",
        &["HTTP/1.1 403 ", "insufficient_scope"],
        &["done"],
    ),
    (
        "http-status=429 http-retry-after=7",
        &["HTTP/1.1 429 ", "\r\nretry-after: 7\r\n"],
        &[],
    ),
    (
        "http-status=400 http-body={\"a\":1}",
        &[
            "HTTP/1.1 400 ",
            "content-type: application/json",
            "\r\n\r\n{\"a\":1}",
        ],
        &["done"],
    ),
    ("http-status=500:list", &["done"], &["500"]),
    ("http-silent", &["<open>"], &["HTTP"]),
    ("http-never-accepts", &["<open>"], &["HTTP"]),
    ("http-not-http", &["SSH-2.0", "<end>"], &["HTTP"]),
    (
        "http-wrong-type",
        &["content-type: text/plain", "done"],
        &["json\r\n"],
    ),
    ("http-html", &["content-type: text/html", "<h1>"], &["done"]),
    (
        "http-accepted",
        &["HTTP/1.1 202 ", "content-length: 0"],
        &["done"],
    ),
    (
        "http-empty",
        &["HTTP/1.1 200 ", "content-length: 0"],
        &["done"],
    ),
    (
        "http-truncated",
        &["content-length: 77\r\n", "{\"jsonrpc", "<end>"],
        &["done"],
    ),
    ("http-resets", &["<reset>"], &["done"]),
    (
        "http-resets-request",
        &["<reset>"],
        &["HTTP/1.1 200", "done"],
    ),
    ("http-drips", &["\r\n1\r\n{\r\n1\r\n\"\r\n"], &["done"]),
    (
        "http-gzip",
        &["content-encoding: gzip", "\u{1f}", "done"],
        &[],
    ),
    ("http-huge-header", &["x-huge: xxxxxxxx"], &["done"]),
    (
        "http-redirect",
        &["HTTP/1.1 307 ", "location: http://127.0.0.1:"],
        &["done"],
    ),
    (
        "http-redirect=same-origin",
        &["location: /moved\r\n"],
        &["done"],
    ),
    ("http-redirect=loop", &["location: /mcp\r\n"], &["done"]),
    (
        "http-stream-ends",
        &["text/event-stream", "\r\n\r\n0\r\n\r\n"],
        &["done"],
    ),
    (
        "http-stream-stops",
        &["id: 1\nretry: 1\ndata:\n\n", "0\r\n\r\n"],
        &["done"],
    ),
    (
        "http-stream-silent",
        &["text/event-stream", "<open>"],
        &["data", "0\r\n\r\n"],
    ),
    (
        "http-stream-giant",
        &["event: message\ndata: xxxxx"],
        &["done"],
    ),
    (
        "http-stream-odd",
        &["event: ping\n", "data: not json\n", "done"],
        &[],
    ),
    ("http-forgets-session", &["HTTP/1.1 404 "], &["done"]),
    ("http-forgets-sessions", &["HTTP/1.1 404 "], &["done"]),
];

#[tokio::test]
async fn each_fault_does_what_its_name_says() {
    let mut wrong = Vec::new();
    let answers = TABLE.iter().map(|row| call(row.0, json_only()));
    let answers = futures_util::future::join_all(answers).await;
    for ((switches, there, not_there), (_, answer)) in TABLE.iter().zip(answers) {
        let seen: String = answer.chars().take(600).collect();
        for text in there.iter().filter(|text| !answer.contains(**text)) {
            wrong.push(format!("{switches} lacks {text:?}: {seen}"));
        }
        for text in not_there.iter().filter(|text| answer.contains(**text)) {
            wrong.push(format!("{switches} has {text:?}: {seen}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn nothing_of_it_happens_without_a_fault() {
    let (_http, well) = call("", json_only()).await;
    for (switches, there, not_there) in TABLE.iter().filter(|row| !row.0.ends_with(":list")) {
        let differs = there.iter().any(|text| !well.contains(text))
            || not_there.iter().any(|text| well.contains(text));
        assert!(differs, "{switches} could not fail: {well}");
    }
}

#[test]
fn each_switch_is_in_a_test() {
    let elsewhere = [
        "http-stream-comments",
        "http-session-id",
        "http-get-ends",
        "http-get-silent",
        "http-delete-silent",
    ];
    let tried = |name: &str| {
        let mut switches = TABLE.iter().flat_map(|row| row.0.split(' '));
        switches.any(|switch| switch.split('=').next() == Some(name))
    };
    let http = Fault::switches().filter(|switch| switch.family == "Http");
    let missing: Vec<&str> = http.map(|it| it.name).filter(|name| !tried(name)).collect();
    assert_eq!(missing, elsewhere);
}

#[tokio::test]
async fn comments_keep_a_stream_open_without_an_answer() {
    let http = HttpServer::start(&server("http-stream-comments=handshake"))
        .await
        .unwrap();
    let asked = message(1, "initialize");
    let answer = timeout(SILENCE * 3, exchange(&http, "POST /mcp", &asked)).await;
    assert!(answer.is_err(), "it ended with {answer:?}");
}

#[tokio::test]
async fn sessions_are_made_named_kept_and_ended() {
    let http = HttpServer::start(&server("")).await.unwrap();
    let answer = exchange(&http, "POST /mcp", &message(1, "initialize")).await;
    assert!(answer.contains("mcp-session-id: session-0\r\n"), "{answer}");
    assert!(answer.contains("event: message\ndata: {"), "{answer}");
    let listed = message(2, "tools/list");
    assert!(
        exchange(&http, "POST /mcp", &listed)
            .await
            .starts_with("HTTP/1.1 400")
    );
    let post = |id| named("POST", id);
    assert!(
        raw(&http, &post("session-9"), &listed)
            .await
            .starts_with("HTTP/1.1 404")
    );
    assert!(
        raw(&http, &post("session-0"), &listed)
            .await
            .contains("\"name\":\"t\"")
    );
    assert_eq!(
        (http.sessions(), http.open_sessions(), http.posts()),
        (1, 1, 4)
    );

    assert!(
        raw(&http, &named("GET", "session-0"), "")
            .await
            .ends_with("<open>")
    );
    assert!(
        raw(&http, &named("DELETE", "session-0"), "")
            .await
            .starts_with("HTTP/1.1 204")
    );
    assert!(
        raw(&http, &named("GET", "session-0"), "")
            .await
            .starts_with("HTTP/1.1 404")
    );
    assert_eq!(
        (http.gets(), http.deletes(), http.open_sessions()),
        (2, 1, 0)
    );
}

fn named(verb: &str, session: &str) -> String {
    format!("{verb} /mcp HTTP/1.1\r\nmcp-session-id: {session}\r\n")
}

#[tokio::test]
async fn streams_and_sessions_misbehave_as_told() {
    let started = |switches: &'static str| async move {
        let http = HttpServer::start(&server(switches)).await.unwrap();
        let answer = exchange(&http, "POST /mcp", &message(1, "initialize")).await;
        (http, answer)
    };
    for (switch, header) in [
        ("http-session-id=empty", "mcp-session-id: \r\n"),
        (
            "http-session-id=spaces",
            "mcp-session-id: session-0, with spaces\r\n",
        ),
        (
            "http-session-id=long",
            "mcp-session-id: session-0-xxxxxxxxxxxx",
        ),
        ("http-session-id=non-ascii", "mcp-session-id: session-0-ünï"),
        ("http-session-id=changing", "mcp-session-id: session-0\r\n"),
    ] {
        let (_http, answer) = started(switch).await;
        assert!(answer.contains(header), "{switch}: {answer:.300}");
    }
    let (http, _) = started("http-session-id=changing").await;
    let again = raw(
        &http,
        &named("POST", "session-0"),
        &message(2, "tools/list"),
    )
    .await;
    assert!(again.contains("mcp-session-id: session-0-"), "{again}");

    let (http, _) = started("http-get-ends").await;
    let stream = raw(&http, &named("GET", "session-0"), "").await;
    assert!(
        stream.contains("text/event-stream") && stream.contains("\r\n\r\n0\r\n\r\n"),
        "{stream}"
    );
    let (http, _) = started("http-get-silent http-delete-silent").await;
    assert_eq!(raw(&http, &named("GET", "session-0"), "").await, "<open>");
    assert_eq!(
        raw(&http, &named("DELETE", "session-0"), "").await,
        "<open>"
    );
}

async fn connect(http: &HttpServer) -> Connection {
    let options = ConnectOptions::new(ServerId::parse("s").expect("it is a letter"));
    let connected = Connector::http(HttpSettings::new(http.url()))
        .connect(options)
        .await;
    connected.expect("it is well")
}

async fn ask(connection: &Connection, request: Request) -> Result<Reply, CallError> {
    let context = CallContext::default().with_timeout(Duration::from_secs(10));
    connection.request(request, context).await
}

#[tokio::test]
async fn every_style_is_understood_by_a_client() {
    let stateless = HttpOptions::default().with_sessions(false);
    for (switches, options, protocol, sessions) in [
        ("", HttpOptions::default(), "2025-11-25", 1),
        ("", stateless.clone(), "2025-11-25", 0),
        ("", json_only(), "2025-11-25", 0),
        ("modern-only", stateless, "2026-07-28", 0),
        ("modern-only", json_only(), "2026-07-28", 0),
    ] {
        let server = server(switches);
        let http = HttpServer::start_with(&server, options).await.unwrap();
        let connection = connect(&http).await;
        assert_eq!(connection.info().protocol, protocol);
        let list = Request::List {
            kind: ListKind::Tools,
            cursor: None,
        };
        assert_eq!(
            ask(&connection, list).await.unwrap().parsed()["tools"][0]["name"],
            "t"
        );
        let arguments = Arguments::from_value(&json!({"n": 1})).unwrap();
        let call = Request::CallTool {
            name: "t".into(),
            arguments,
        };
        assert_eq!(ask(&connection, call).await.unwrap().text(), "done");
        assert_eq!(server.calls(), [("t".to_owned(), json!({"n": 1}))]);
        assert_eq!((http.sessions(), server.asked("tools/call")), (sessions, 1));
        connection.close().await;
        assert_eq!(http.open_sessions(), 0);
    }
}

#[tokio::test]
async fn a_question_over_a_stream_is_answered_by_another_request() {
    for options in [
        HttpOptions::default(),
        HttpOptions::default().with_event_streams(false),
    ] {
        let server = server("asks-back");
        let http = HttpServer::start_with(&server, options).await.unwrap();
        let connection = connect(&http).await;
        let call = Request::CallTool {
            name: "t".into(),
            arguments: Arguments::default(),
        };
        assert_eq!(ask(&connection, call).await.unwrap().text(), "done");
        assert_eq!(server.answered(), 1);
    }
}

#[tokio::test]
async fn a_listener_over_http_hears_what_changes() {
    let server = server("modern-only");
    let http = HttpServer::start(&server).await.unwrap();
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    let params = json!({"notifications": {"toolsListChanged": true}, "_meta": meta});
    let listen =
        json!({"jsonrpc": "2.0", "id": 3, "method": "subscriptions/listen", "params": params});
    let listen = listen.to_string();
    let (answer, ()) = tokio::join!(exchange(&http, "POST /mcp", &listen), async {
        server
            .until(|it| it.asked("subscriptions/listen") == 1)
            .await;
        // The acknowledgement goes out before anything else does.
        tokio::time::sleep(SILENCE / 3).await;
        server.notify("notifications/tools/list_changed", &json!({}));
    });
    let events: Vec<&str> = answer.split("data: ").skip(1).collect();
    assert!(events[0].contains("subscriptions/acknowledged"), "{answer}");
    assert!(events[1].contains("tools/list_changed"), "{answer}");
    assert!(answer.ends_with("<open>"), "{answer}");
    server.until(|it| it.cancelled() == 1).await;
}

#[tokio::test]
async fn what_goes_elsewhere_is_counted() {
    let (http, answer) = call("http-redirect", json_only()).await;
    let location = answer.split("location: ").nth(1).unwrap();
    let place = location
        .split("/mcp")
        .next()
        .unwrap()
        .trim_start_matches("http://");
    let mut stream = TcpStream::connect(place).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    timeout(
        Duration::from_secs(5),
        http.until(|it| it.led_astray() == 1),
    )
    .await
    .unwrap();
    assert_eq!(http.posts(), 1);
}
