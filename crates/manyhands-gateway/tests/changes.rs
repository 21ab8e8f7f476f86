//! A client is told of changes that its lists do not hold yet, and of no others.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that goes wrong should end where it does"
)]

use std::time::Duration;

use manyhands_core::ServerId;
use manyhands_testkit::ScriptedServer;
use manyhands_toolkit::{Builder, RestartSettings, Settings, Toolkit, WhenDown};
use manyhands_transport::Connector;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::time::{Instant, timeout};

fn server(name: &str) -> ScriptedServer {
    ScriptedServer::new(name).tool("t", |_| json!({"content": []}))
}

/// A server that takes a while to boot.
fn late(delay: Duration) -> Connector {
    let server = server("late");
    Connector::in_process(move |io| {
        let server = server.clone();
        async move {
            tokio::time::sleep(delay).await;
            server.serve(io).await;
        }
    })
}

/// A client that has shaken hands and asked for the tools, and what it hears from then on.
struct Client {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    _write: WriteHalf<DuplexStream>,
}

impl Client {
    async fn listing(kit: Toolkit) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (read, write) = tokio::io::split(theirs);
        tokio::spawn(manyhands_gateway::serve(kit, read, write));
        let (read, mut write) = tokio::io::split(ours);
        let about = json!({"name": "t", "version": "1"});
        let about =
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": about});
        for message in [
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
        ] {
            write
                .write_all(format!("{message}\n").as_bytes())
                .await
                .unwrap();
        }
        Self {
            lines: BufReader::new(read).lines(),
            _write: write,
        }
    }

    /// The next message; none when nothing comes for a minute.
    async fn next(&mut self) -> Option<Value> {
        let line = timeout(Duration::from_secs(60), self.lines.next_line())
            .await
            .ok()?;
        serde_json::from_str(&line.unwrap()?).ok()
    }

    /// How many tools the list has.
    async fn listed(&mut self) -> usize {
        loop {
            let message = self.next().await.unwrap();
            if message["id"] == 2 {
                return message["result"]["tools"].as_array().unwrap().len();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_list_held_already_is_no_news() {
    let id = ServerId::parse("late").unwrap();
    let kit = Builder::default()
        .add(id, late(Duration::from_secs(1)))
        .start();
    let mut client = Client::listing(kit).await;
    assert_eq!(client.listed().await, 1);
    assert_eq!(client.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_up_after_the_list_is_news() {
    let kit = Builder::default()
        .add(
            ServerId::parse("early").unwrap(),
            server("early").connector(),
        )
        .add(
            ServerId::parse("late").unwrap(),
            late(Duration::from_secs(20)),
        )
        .start();
    let mut client = Client::listing(kit).await;
    assert_eq!(client.listed().await, 1);
    let listed = Instant::now();
    assert_eq!(
        client.next().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );
    assert!(
        listed.elapsed() > Duration::from_secs(10),
        "it came after {:?}",
        listed.elapsed()
    );
    assert_eq!(client.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_when_tools_are_hidden_and_when_they_are_back() {
    let (here, gone) = (server("here"), server("gone"));
    let kit = Builder::default()
        .add(ServerId::parse("here").unwrap(), here.connector())
        .add(ServerId::parse("gone").unwrap(), gone.connector())
        .settings(Settings::default().with_when_down(WhenDown::Hide))
        .servers(|it| it.restart(slowly()))
        .connect()
        .await
        .unwrap();
    let mut client = Client::listing(kit.clone()).await;
    assert_eq!(client.listed().await, 2);
    gone.stop();
    let stopped = Instant::now();
    let changed = "notifications/tools/list_changed";
    assert_eq!(client.next().await.unwrap()["method"], changed);
    assert!(stopped.elapsed() < Duration::from_secs(2));
    assert_eq!(kit.hidden_servers().len(), 1);
    assert_eq!(client.next().await.unwrap()["method"], changed);
    assert!(kit.hidden_servers().is_empty());
    assert_eq!(client.next().await, None);
}

/// Restarts that leave a client the time to notice.
fn slowly() -> RestartSettings {
    let wait = Duration::from_secs(30);
    RestartSettings::default().with_backoff(wait, wait)
}
