//! The command, as a client starts it: it serves, records what it serves, and plays it back.
//!
//! Real processes know no paused clock; each step has a limit of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use manyhands_core::{Arguments, CallContext, CallError, ErrorKind, Reply, Request, ServerId};
use manyhands_testkit::{HttpServer, ScriptedServer, Side, Tape};
use manyhands_transport::{ConnectOptions, Connection, Connector, HttpSettings, StdioSettings};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const PROGRAM: &str = env!("CARGO_BIN_EXE_manyhands-testkit");

async fn connect(arguments: &[&str]) -> Connection {
    let settings = StdioSettings::new(PROGRAM).with_args(arguments.iter().copied());
    let options = ConnectOptions::new(ServerId::parse("s").expect("it is a letter"));
    let connected = Connector::stdio(settings).connect(options).await;
    connected.expect("the command serves")
}

async fn echo(connection: &Connection, text: &str) -> Result<Reply, CallError> {
    let arguments = Arguments::from_value(&json!({"text": text})).expect("it is an object");
    let name = "echo".into();
    let context = CallContext::default().with_timeout(Duration::from_secs(20));
    connection
        .request(Request::CallTool { name, arguments }, context)
        .await
}

/// The tape, once its writer has written all of it; ten seconds are enough.
async fn tape(file: &Path) -> Option<Tape> {
    for _ in 0..200 {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let tape = Tape::parse(&text).ok();
        if let Some(tape) = tape.filter(|it| !it.entries().is_empty()) {
            return Some(tape);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

#[tokio::test]
async fn a_session_is_recorded_and_played_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("echo.tape");
    let file = path.to_str().unwrap();

    let live = connect(&["record", file, "--", PROGRAM, "serve"]).await;
    assert_eq!(echo(&live, "ä\n").await.unwrap().text(), "ä\n");
    live.close().await;
    let tape = tape(&path).await.expect("it is written at the end");
    let entries = tape.entries();
    assert!(
        entries.len() >= 5 && entries[0].from == Side::Client,
        "{entries:?}"
    );

    let played = connect(&["replay", file]).await;
    assert_eq!(played.info().name, "testkit");
    assert_eq!(echo(&played, "ä\n").await.unwrap().text(), "ä\n");
    let error = echo(&played, "b").await.unwrap_err();
    assert!(
        error.to_string().contains("params.arguments.text"),
        "{error}"
    );
    played.close().await;
}

#[tokio::test]
async fn a_storm_and_a_fault_disturb_what_a_script_serves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.json");
    let tool = json!({"definition": {"name": "echo", "inputSchema": {"type": "object"}},
        "result": {"content": [{"type": "text", "text": "scripted"}]}});
    std::fs::write(&path, json!({"name": "mine", "tools": [tool]}).to_string()).unwrap();
    let file = path.to_str().unwrap();
    let serve = ["serve", "--script", file];

    let storm = [
        "storm",
        "--seed",
        "1",
        "--duplicate=1",
        "--from",
        "server",
        "--",
        PROGRAM,
    ];
    let stormy = connect(&[&storm[..], &serve].concat()).await;
    assert_eq!(stormy.info().name, "mine");
    assert_eq!(echo(&stormy, "x").await.unwrap().text(), "scripted");
    stormy.close().await;

    let storm = ["storm", "--seed=1", "--half-close=1", "--from=client"];
    let halved = connect(&[&storm[..], &["--spare=2", "--", PROGRAM], &serve].concat()).await;
    // The server may answer what it had before its input ended, and then it is gone.
    let _ = echo(&halved, "x").await;
    let error = echo(&halved, "x").await.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");

    let crashing = connect(&[&serve[..], &["--fault", "closes-on-call"]].concat()).await;
    let error = echo(&crashing, "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionClosed);
}

#[tokio::test]
async fn a_storm_rages_while_its_file_is_there_and_over_tcp_ends_with_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storm");
    let http = HttpServer::start(&ScriptedServer::new("s")).await.unwrap();
    let mut proxy = tokio::process::Command::new(PROGRAM)
        .args(["storm", "--seed", "1", "--cut", "1", "--to"])
        .arg(http.address().to_string())
        .arg("--while")
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut address = String::new();
    let mut output = BufReader::new(proxy.stdout.take().unwrap());
    output.read_line(&mut address).await.unwrap();
    let settings = HttpSettings::new(format!("http://{}/mcp", address.trim()));
    let reached = || async {
        let options = ConnectOptions::new(ServerId::parse("s").expect("it is a letter"));
        let connector = Connector::http(settings.clone());
        connector.connect(options).await.is_ok()
    };
    // What is written there is noticed a little later.
    for raging in [false, true, false] {
        if raging {
            std::fs::write(&path, "").unwrap();
        } else {
            let _absent_at_first = std::fs::remove_file(&path);
        }
        let noticed = async { while reached().await == raging {} };
        let noticed = tokio::time::timeout(Duration::from_secs(20), noticed).await;
        assert!(noticed.is_ok(), "raging: {raging}");
    }
    drop(proxy.stdin.take());
    let ended = tokio::time::timeout(Duration::from_secs(20), proxy.wait()).await;
    assert!(ended.expect("it ends").unwrap().success());
}

#[test]
fn mistakes_are_told_with_where_to_look() {
    for (arguments, code, error) in [
        (
            &["serves"][..],
            2,
            "no command serves; see manyhands-testkit --help",
        ),
        (
            &["serve", "--fault", "wrongid"],
            2,
            "did you mean wrong-id?",
        ),
        (
            &["replay", "/no/such/tape"],
            1,
            "failed to read /no/such/tape: ",
        ),
        (
            &["record", "/no/such/tape", "--", "x"],
            1,
            "failed to write /no/such/tape: ",
        ),
    ] {
        let run = Command::new(PROGRAM)
            .args(arguments)
            .stdin(Stdio::null())
            .output();
        let output = run.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(error), "{text}");
        assert_eq!(output.status.code(), Some(code));
    }
}
