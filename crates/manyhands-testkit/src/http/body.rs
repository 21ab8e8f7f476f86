//! Writes answers of HTTP/1.1: whole ones and event streams.

use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// What stands before a body, without its length.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    status: u16,
    content_type: String,
    headers: String,
}

impl Head {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            content_type: String::new(),
            headers: String::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        // Writing to a text cannot fail.
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    pub(crate) fn typed(mut self, content_type: &str) -> Self {
        self.content_type = content_type.to_owned();
        self
    }

    pub(super) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The lines before a body of this length, or of one whose length is not told.
    pub(super) fn lines(&self, length: Option<usize>) -> Vec<u8> {
        let Self {
            status,
            content_type,
            headers,
        } = self;
        let content_type = match content_type.as_str() {
            "" => String::new(),
            content_type => format!("content-type: {content_type}\r\n"),
        };
        let length = match length {
            Some(length) => format!("content-length: {length}"),
            None => "transfer-encoding: chunked".to_owned(),
        };
        format!(
            "HTTP/1.1 {status} {}\r\n{content_type}{headers}{length}\r\n\r\n",
            reason(*status)
        )
        .into()
    }
}

/// Writes a whole answer at once.
pub(super) async fn whole(
    output: &mut (impl AsyncWrite + Unpin),
    head: &Head,
    body: &[u8],
) -> io::Result<()> {
    let mut bytes = head.lines(Some(body.len()));
    bytes.extend_from_slice(body);
    output.write_all(&bytes).await?;
    output.flush().await
}

/// Writes the next part of a body whose length is not told; an empty one ends it.
pub(super) async fn chunk(output: &mut (impl AsyncWrite + Unpin), part: &[u8]) -> io::Result<()> {
    let mut bytes = format!("{:x}\r\n", part.len()).into_bytes();
    bytes.extend_from_slice(part);
    bytes.extend_from_slice(b"\r\n");
    output.write_all(&bytes).await?;
    output.flush().await
}

/// One event that carries a message.
pub(super) fn event(message: &Bytes) -> Vec<u8> {
    let mut event = b"event: message\n".to_vec();
    for line in message.split(|byte| *byte == b'\n') {
        event.extend_from_slice(b"data: ");
        event.extend_from_slice(line);
        event.push(b'\n');
    }
    event.push(b'\n');
    event
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Some Other Status",
    }
}
