//! An endpoint for the tests, at a port of this machine: it plays what it is given, and then makes vectors itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the endpoint does with one request.
pub(crate) enum Play {
    /// Answers with this status, these header lines and this body.
    Answer(u16, &'static str, String),
    /// Says nothing more.
    Hang,
}

/// A request as it came.
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: Value,
}

#[derive(Clone, Default)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    plays: Arc<Mutex<VecDeque<Play>>>,
}

impl Endpoint {
    pub(crate) async fn start(plays: impl IntoIterator<Item = Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Self {
            url: format!("http://{}/v1", listener.local_addr().unwrap()),
            plays: Arc::new(Mutex::new(plays.into_iter().collect())),
            ..Self::default()
        };
        let serving = endpoint.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        endpoint
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap()
    }

    async fn serve(self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            (stream.read_line(&mut head).await.ok()? > 0).then_some(())?;
        }
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("content-length: "))?;
        let mut body = vec![0; length.parse().ok()?];
        stream.read_exact(&mut body).await.ok()?;
        let body: Value = serde_json::from_slice(&body).ok()?;
        let made = made(&body);
        self.asked().push(Asked { head, body });
        let play = self.plays.lock().unwrap().pop_front();
        let (status, headers, body) = match play {
            Some(Play::Answer(status, headers, body)) => (status, headers, body),
            Some(Play::Hang) => std::future::pending().await,
            None => (200, "", made),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await.ok()
    }
}

/// For each text the vector of its length and 1, the last first.
fn made(asked: &Value) -> String {
    let texts = asked["input"].as_array().into_iter().flatten().enumerate();
    let item = |(at, text): (usize, &Value)| json!({"object": "embedding", "index": at, "embedding": [text.as_str().unwrap().len(), 1]});
    let mut data: Vec<Value> = texts.map(item).collect();
    data.reverse();
    json!({"object": "list", "data": data}).to_string()
}
