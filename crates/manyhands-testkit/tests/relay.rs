//! What stands between a client and a server: it passes, records and disturbs.

use std::time::Duration;

use manyhands_core::{Arguments, CallContext, CallError, ErrorKind, Reply, Request, ServerId};
use manyhands_testkit::{Fault, Recorder, Relay, ScriptedServer, Side, Storm, relay};
use manyhands_transport::{ConnectOptions, Connection};
use serde_json::json;
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream,
};
use tokio::time::{Instant, timeout};

const LIMIT: Duration = Duration::from_secs(7);

fn server() -> ScriptedServer {
    ScriptedServer::new("s").tool(
        "t",
        |_| json!({"content": [{"type": "text", "text": "done"}]}),
    )
}

async fn connect(server: &ScriptedServer, storm: &Storm) -> Connection {
    let options = ConnectOptions::new(ServerId::parse("s").expect("it is a letter"));
    let connected = server
        .stormy_connector(storm.clone())
        .connect(options)
        .await;
    connected.expect("the storm spares the handshake")
}

async fn call(connection: &Connection) -> Result<Reply, CallError> {
    let (name, arguments) = ("t".into(), Arguments::default());
    let context = CallContext::default().with_timeout(LIMIT);
    connection
        .request(Request::CallTool { name, arguments }, context)
        .await
}

/// Puts a relay between two streams; gives their outer ends, and the relay's end.
fn between(options: Relay) -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<()>) {
    let (client, client_end) = tokio::io::duplex(64);
    let (server, server_end) = tokio::io::duplex(64);
    let task = tokio::spawn(relay(client_end, server_end, options));
    (client, server, task)
}

async fn send(io: &mut DuplexStream, text: &str) {
    io.write_all(text.as_bytes()).await.expect("it is read");
}

async fn line(io: &mut DuplexStream) -> String {
    let mut line = String::new();
    let mut io = BufReader::with_capacity(1, io);
    let read = timeout(LIMIT, io.read_line(&mut line)).await;
    let read = read.expect("something comes");
    read.expect("it is UTF-8");
    line
}

async fn rest(io: &mut DuplexStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = timeout(LIMIT, io.read_to_end(&mut rest)).await;
    read.expect("it ends").expect("it is read");
    rest
}

#[tokio::test(start_paused = true)]
async fn lines_pass_both_ways_and_are_recorded() {
    let recorder = Recorder::new();
    let (mut client, mut server, task) = between(Relay::default().with_recorder(recorder.clone()));
    let long = "x".repeat(1_000) + "\n";
    send(&mut client, "{\"a\":1}\n").await;
    assert_eq!(line(&mut server).await, "{\"a\":1}\n");
    let (_, read) = tokio::join!(send(&mut server, &long), line(&mut client));
    assert_eq!(read, long);

    // The client leaves, and the server still has its say.
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await, b"");
    send(&mut server, "late").await;
    drop(server);
    assert_eq!(rest(&mut client).await, b"late\n");
    timeout(LIMIT, task).await.unwrap().unwrap();
    let sides: Vec<Side> = recorder.tape().entries().iter().map(|it| it.from).collect();
    assert_eq!(sides, [Side::Client, Side::Server, Side::Server]);
}

#[tokio::test(start_paused = true)]
async fn the_relay_ends_with_either_side() {
    let (mut client, server, task) = between(Relay::default());
    drop(server);
    assert_eq!(rest(&mut client).await, b"");
    timeout(LIMIT, task).await.unwrap().unwrap();

    // A server that does not leave after its client is left.
    let (client, mut server, task) = between(Relay::default());
    let start = Instant::now();
    drop(client);
    timeout(LIMIT, task).await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert_eq!(rest(&mut server).await, b"");

    // After a cut there is no such wait.
    let cutting = Relay::default().with_storm(Storm::seeded(1).cut(1.0));
    let (mut client, _server, task) = between(cutting);
    let start = Instant::now();
    send(&mut client, "{}\n").await;
    timeout(LIMIT, task).await.unwrap().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn each_fault_does_what_its_name_says() {
    let through = |storm: Storm| async {
        let (mut client, mut server, task) = between(Relay::default().with_storm(storm));
        let start = Instant::now();
        send(&mut client, "{\"number\":123456}\n").await;
        client.shutdown().await.unwrap();
        let arrived = rest(&mut server).await;
        drop(server);
        timeout(LIMIT, task).await.unwrap().unwrap();
        (arrived, start.elapsed())
    };
    let storm = || Storm::seeded(1);
    let whole = b"{\"number\":123456}\n".to_vec();
    assert_eq!(through(storm()).await.0, whole);
    assert_eq!(through(storm().drop(1.0)).await.0, b"");
    assert_eq!(through(storm().duplicate(1.0)).await.0, whole.repeat(2));
    assert_eq!(through(storm().cut(1.0)).await.0, b"{\"number");
    let (garbled, _) = through(storm().garble(1.0)).await;
    assert_eq!(garbled.len(), whole.len());
    assert!(std::str::from_utf8(&garbled).is_err() && garbled.ends_with(b"\n"));
    let (late, time) = through(storm().delay(1.0, LIMIT / 2)).await;
    assert_eq!(late, whole);
    assert!(!time.is_zero() && time < LIMIT / 2, "{time:?}");
}

/// What ten calls come to in a storm of this seed, and what it did.
async fn calls(seed: u64) -> (Vec<bool>, String) {
    let storm = Storm::seeded(seed).drop(0.2).garble(0.1).duplicate(0.1);
    let storm = storm.delay(0.1, Duration::from_secs(1)).sparing_first(2);
    let connection = connect(&server(), &storm).await;
    let mut answered = Vec::new();
    for _ in 0..10 {
        answered.push(call(&connection).await.is_ok());
    }
    connection.close().await;
    (answered, format!("{:?}", storm.done()))
}

#[tokio::test(start_paused = true)]
async fn a_storm_is_the_same_for_the_same_seed() {
    let (one, again, other) = (calls(11).await, calls(11).await, calls(12).await);
    assert_eq!(one, again);
    assert_ne!(one.0, other.0);
    assert!(one.0.contains(&true) && one.0.contains(&false), "{one:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_a_crash_to_both_sides() {
    let server = server().fault(Fault::ChatterOnStdout);
    let storm = Storm::seeded(1)
        .cut(1.0)
        .only_from(Side::Client)
        .sparing_first(2);
    let connection = connect(&server, &storm).await;
    let error = call(&connection).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionClosed);
    let left = server.until(|it| it.open_connections() == 0);
    timeout(LIMIT, left).await.expect("the server is told");
    assert_eq!((storm.done().cut, server.calls().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn half_a_connection_closes_and_the_other_half_goes_on() {
    let storm = Storm::seeded(1).half_close(1.0).only_from(Side::Server);
    let (mut client, mut server, task) = between(Relay::default().with_storm(storm.clone()));
    send(&mut server, "last\n").await;
    assert_eq!(rest(&mut client).await, b"last\n");
    send(&mut server, "unheard\n").await;
    send(&mut client, "heard\n").await;
    assert_eq!(line(&mut server).await, "heard\n");
    drop(server);
    timeout(LIMIT, task).await.unwrap().unwrap();
    assert_eq!((storm.done().half_closed, storm.done().passed), (1, 1));
}
