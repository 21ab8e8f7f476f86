//! The HTTP side, spoken to by hand: what goes over the wire is the contract.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::{DemoServer, Latency, ServeError};

struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
}

async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async { drop(stopped.await) };
    let serving = DemoServer::Salesforce.serve_http(listener, Latency::none(), shutdown);
    let serving = tokio::spawn(serving);
    Server {
        address,
        stop,
        serving,
    }
}

impl Server {
    /// Posts one message and returns the whole answer, head and body.
    async fn post(&self, headers: &str, message: &Value) -> String {
        let body = message.to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        let limit = std::time::Duration::from_secs(10);
        let served = tokio::time::timeout(limit, self.serving).await;
        served.expect("it ends when told to").unwrap().unwrap();
    }
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}
    }})
}

#[tokio::test]
async fn a_client_that_shakes_hands_gets_a_session() {
    let server = start().await;
    let answer = server.post("Host: localhost\r\n", &initialize()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("mcp-session-id"), "{answer}");
    assert!(answer.contains("manyhands-demo-salesforce"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_stateless_client_gets_plain_json_at_the_same_address() {
    let server = start().await;
    let call = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "top_leads", "arguments": {"limit": 1},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}
        }
    }});
    let headers = "Host: 127.0.0.1\r\nMCP-Protocol-Version: 2026-07-28\r\n\
                   Mcp-Method: tools/call\r\nMcp-Name: top_leads\r\n";
    let answer = server.post(headers, &call).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let reply: Value = serde_json::from_str(body).unwrap();
    let lead = &reply["result"]["structuredContent"]["leads"][0];
    assert_eq!(lead["stage"], "Proposal", "{reply}");
    server.stop().await;
}

#[tokio::test]
async fn an_open_event_stream_does_not_delay_the_end() {
    let server = start().await;
    let answer = server.post("Host: localhost\r\n", &initialize()).await;
    let session = answer
        .lines()
        .find(|line| line.starts_with("mcp-session-id"))
        .unwrap();
    let head = format!(
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{session}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    server.stop().await;
}

#[tokio::test]
async fn other_hosts_and_pages_in_browsers_are_refused() {
    let server = start().await;
    for headers in [
        "Host: evil.example\r\n",
        "Host: localhost\r\nOrigin: https://evil.example\r\n",
    ] {
        let answer = server.post(headers, &initialize()).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    server.stop().await;
}
