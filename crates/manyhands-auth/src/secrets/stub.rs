//! A server of HTTP for the tests, which answers as it is told.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What a request was: its first line, its token and its body.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) token: String,
    pub(super) namespace: String,
    pub(super) body: String,
}

pub(super) type Log = Arc<Mutex<Vec<Asked>>>;

/// A server at a port of this machine that answers by `answer`, and its log.
pub(super) async fn serve(
    answer: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
) -> (String, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let log = Log::default();
    let kept = log.clone();
    let here = address.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(asked) = request(&mut stream).await else {
                continue;
            };
            kept.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(asked.clone());
            let (status, body) = answer(&asked);
            let location = if status == 307 {
                format!("Location: {}\r\n", body.replace("HERE", &here))
            } else {
                String::new()
            };
            let head = format!(
                "HTTP/1.1 {status} x\r\n{location}Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    (address, log)
}

async fn request(stream: &mut tokio::net::TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let header = |name: &str| {
            head.lines()
                .find_map(|line| {
                    let (key, value) = line.split_once(": ")?;
                    key.eq_ignore_ascii_case(name).then(|| value.to_owned())
                })
                .unwrap_or_default()
        };
        if body.len() < header("content-length").parse().unwrap_or(0) {
            continue;
        }
        return Some(Asked {
            line: head.lines().next().unwrap_or_default().to_owned(),
            token: header("x-vault-token"),
            namespace: header("x-vault-namespace"),
            body: body.to_owned(),
        });
    }
}
