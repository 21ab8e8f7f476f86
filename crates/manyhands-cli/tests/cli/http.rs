//! A web server on loopback that gives every request the same bytes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// How many requests are answered before the port closes.
const REQUESTS: usize = 64;
/// How long one request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers with this status line, content type and body; gives the URL.
pub(crate) fn answering(status: &str, content_type: &str, body: &str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // The thread ends with the test's process, if its requests do not come to an end before.
    thread::spawn(move || {
        for stream in listener.incoming().take(REQUESTS).flatten() {
            // A client that goes away early has seen enough.
            let _ = answer_one(stream, &answer);
        }
    });
    url
}

/// Reads one request whole, so that closing the connection loses nothing of the answer.
fn answer_one(stream: TcpStream, answer: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
    reader.get_mut().write_all(answer.as_bytes())
}
