//! A server made of bytes: for each message of the client it says the next piece of the input. It must not know what
//! the pieces mean.

use std::sync::Arc;
use std::time::Duration;

use manyhands_core::ServerId;
use manyhands_transport::{ConnectOptions, Connector};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::runtime::{Builder, Handle};
use tokio::time::{sleep, timeout};

/// Stands in a piece for the id of the request that it answers.
const ID: u8 = 0x01;
/// Longer than all limits of a start, two calls and a goodbye together; on the paused clock.
const END: Duration = Duration::from_secs(20 * 60);
/// How long what a connection started may take to end.
const REST: Duration = Duration::from_secs(30);

/// What the server does beside saying its pieces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// Whether it answers the handshake as it should, before the first piece.
    pub(crate) greets: bool,
    /// Whether it hangs up once it has said all; else it falls silent.
    pub(crate) hangs_up: bool,
    /// Whether it says all at once instead of one piece for each message.
    pub(crate) babbles: bool,
    /// Whether each piece is put between the braces of an answer to the request.
    pub(crate) answers: bool,
}

pub(crate) fn connector(manners: Manners, pieces: Vec<Vec<u8>>) -> Connector {
    let pieces = Arc::new(pieces);
    Connector::in_process(move |io| {
        let pieces = Arc::clone(&pieces);
        async move {
            // A client that hangs up in the middle is none of the server's business.
            let _ = serve(io, manners, &pieces).await;
        }
    })
}

pub(crate) fn options() -> ConnectOptions {
    ConnectOptions::new(ServerId::parse("fuzz").expect("a legal id"))
}

async fn serve(io: DuplexStream, manners: Manners, pieces: &[Vec<u8>]) -> std::io::Result<()> {
    let (read, mut write) = tokio::io::split(io);
    let mut lines = BufReader::new(read).lines();
    let mut pieces = pieces.iter();
    while let Some(line) = lines.next_line().await? {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        let id = message.get("id").map(Value::to_string);
        if manners.greets && greet(&mut write, &message, id.as_deref()).await? {
            continue;
        }
        let Some(id) = id else { continue };
        let count = if manners.babbles { usize::MAX } else { 1 };
        for piece in pieces.by_ref().take(count) {
            write.write_all(&said(piece, &id, manners)).await?;
        }
        if manners.hangs_up && pieces.len() == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// Answers the handshake, and says whether the message was part of it.
async fn greet(
    write: &mut (impl tokio::io::AsyncWrite + Unpin),
    message: &Value,
    id: Option<&str>,
) -> std::io::Result<bool> {
    let (Some("initialize"), Some(id)) = (message.get("method").and_then(Value::as_str), id) else {
        return Ok(false);
    };
    let result = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"prompts":{},"resources":{}},"serverInfo":{"name":"fuzz","version":"1"}}"#;
    let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
    write.write_all(answer.as_bytes()).await?;
    Ok(true)
}

/// One piece as it goes over the wire.
fn said(piece: &[u8], id: &str, manners: Manners) -> Vec<u8> {
    let mut bytes = Vec::new();
    if manners.answers {
        bytes.extend(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":").bytes());
    }
    for byte in piece {
        match *byte {
            ID => bytes.extend(id.bytes()),
            b'\n' if manners.answers => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    if manners.answers {
        bytes.extend(b"}\n");
    }
    bytes
}

/// Runs a client on a paused clock, and fails when it never ends or leaves tasks behind.
pub(crate) fn paused(client: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing of the system");
    runtime.block_on(async {
        let ended = timeout(END, client).await;
        assert!(ended.is_ok(), "the client hangs");
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let rested = timeout(REST, async {
            while tasks() > 0 {
                sleep(Duration::from_millis(100)).await;
            }
        });
        assert!(rested.await.is_ok(), "{} tasks are left behind", tasks());
    });
}
