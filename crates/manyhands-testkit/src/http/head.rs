//! Reads requests of HTTP/1.1, and the answers to them.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// How long the lines before the body may be in all.
const MAX_HEAD: u64 = 64 * 1024;
/// How long a body may be.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query, as it came.
    pub(crate) path: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.find(name)
    }

    /// The path and the query, which is empty where there is none.
    pub(crate) fn split(&self) -> (&str, &str) {
        self.path.split_once('?').unwrap_or((&self.path, ""))
    }
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// What stands between the first line and the body, under names in small letters.
#[derive(Debug, Clone)]
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl Headers {
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads the next request; none where the client has closed the connection.
pub(crate) async fn read(mut input: impl AsyncBufRead + Unpin) -> io::Result<Option<Request>> {
    let Some((first, headers)) = lines(&mut input).await? else {
        return Ok(None);
    };
    let mut words = first.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let body = body(&mut input, &headers).await?.unwrap_or_default();
    Ok(Some(Request {
        method,
        path,
        headers,
        body,
    }))
}

/// Reads an answer, to the end of the connection where its length is not told.
pub(crate) async fn read_response(mut input: impl AsyncBufRead + Unpin) -> io::Result<Response> {
    let Some((first, headers)) = lines(&mut input).await? else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let status = first.split_whitespace().nth(1).map(str::parse);
    let Some(Ok(status)) = status else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let body = match body(&mut input, &headers).await? {
        Some(body) => body,
        None => {
            let mut body = Vec::new();
            let most = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
            input.take(most).read_to_end(&mut body).await?;
            body
        }
    };
    Ok(Response {
        status,
        headers,
        body,
    })
}

/// The lines before a body; none where there is nothing at all.
async fn lines(input: impl AsyncBufRead + Unpin) -> io::Result<Option<(String, Headers)>> {
    let mut lines = input.take(MAX_HEAD);
    let mut first = String::new();
    if lines.read_line(&mut first).await? == 0 {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Some((first, Headers(headers))))
}

/// The body after these headers; none where they tell nothing of one.
async fn body(
    mut input: impl AsyncBufRead + Unpin,
    headers: &Headers,
) -> io::Result<Option<Vec<u8>>> {
    match headers.find("content-length").map(str::parse) {
        Some(Ok(length)) if length <= MAX_BODY => {
            let mut body = vec![0; length];
            input.read_exact(&mut body).await?;
            Ok(Some(body))
        }
        Some(_) => Err(io::ErrorKind::InvalidData.into()),
        None if headers.find("transfer-encoding").is_some() => chunks(input).await.map(Some),
        None => Ok(None),
    }
}

/// A body in chunks, whose length is told piece by piece.
async fn chunks(mut input: impl AsyncBufRead + Unpin) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        (&mut input).take(MAX_HEAD).read_line(&mut line).await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16).map_err(io::Error::other)?;
        let start = body.len();
        if start + length > MAX_BODY {
            return Err(io::ErrorKind::InvalidData.into());
        }
        body.resize(start + length, 0);
        input
            .read_exact(body.get_mut(start..).unwrap_or_default())
            .await?;
        // Each chunk, the empty last one too, ends its line.
        (&mut input)
            .take(2)
            .read_until(b'\n', &mut Vec::new())
            .await?;
        if length == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_are_read_by_length_and_in_chunks() {
        let text = "POST /mcp HTTP/1.1\r\nContent-Length: 2\r\nA: b\r\n\r\n{}\
            POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        let mut input = text.as_bytes();
        let first = read(&mut input).await.unwrap().unwrap();
        assert_eq!(
            (first.path.as_str(), first.header("a")),
            ("/mcp", Some("b"))
        );
        assert_eq!(first.body, b"{}");
        let second = read(&mut input).await.unwrap().unwrap();
        assert_eq!(
            (second.path.as_str(), second.body.as_slice()),
            ("/x", &b"{}"[..])
        );
        let third = read(&mut input).await.unwrap().unwrap();
        assert_eq!((third.method.as_str(), third.body.len()), ("GET", 0));
        assert!(read(&mut input).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_no_request_is_an_error() {
        for text in [
            "\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b",
            "P / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        ] {
            assert!(read(text.as_bytes()).await.is_err(), "{text:?}");
        }
    }
}
