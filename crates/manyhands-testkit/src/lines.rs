//! Newline-delimited messages on a byte stream.

use std::io;

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::{Sink, Stream, StreamExt as _, sink};
use manyhands_transport::MAX_MESSAGE;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::sleep;
use tokio_util::codec::{
    AnyDelimiterCodec, AnyDelimiterCodecError, Encoder, FramedRead, FramedWrite,
};

use crate::outlet::Frame;

/// The lines that a client writes, 16 MiB at most each.
pub(crate) fn incoming(read: impl AsyncRead) -> impl Stream<Item = io::Result<Bytes>> {
    let end = b"\n".to_vec();
    let codec = AnyDelimiterCodec::new_with_max_length(end.clone(), end, MAX_MESSAGE);
    FramedRead::new(read, codec).map(|line| {
        line.map_err(|error| match error {
            AnyDelimiterCodecError::Io(error) => error,
            AnyDelimiterCodecError::MaxChunkLengthExceeded => {
                io::Error::new(io::ErrorKind::InvalidData, "a line longer than 16 MiB")
            }
        })
    })
}

/// Where the server's lines go.
pub(crate) fn outgoing<T: Into<Frame>>(write: impl AsyncWrite) -> impl Sink<T, Error = io::Error> {
    FramedWrite::new(write, Lines)
}

/// Where the server's lines go, slow ones one byte at a time with `pause` between them.
pub(crate) fn dripping(
    write: impl AsyncWrite + Unpin,
    pause: Duration,
) -> impl Sink<Frame, Error = io::Error> {
    sink::unfold(write, move |mut write, frame: Frame| async move {
        let (slow, text) = match frame {
            Frame::Message(text) => (false, text),
            Frame::Slow(text) => (true, text),
            Frame::Open(_) | Frame::End => return Ok(write),
        };
        if slow {
            for byte in text {
                write.write_all(&[byte]).await?;
                write.flush().await?;
                sleep(pause).await;
            }
        } else {
            write.write_all(&text).await?;
        }
        write.write_all(b"\n").await?;
        write.flush().await?;
        Ok(write)
    })
}

struct Lines;

impl<T: Into<Frame>> Encoder<T> for Lines {
    type Error = io::Error;

    fn encode(&mut self, frame: T, buffer: &mut BytesMut) -> io::Result<()> {
        let (text, end): (Bytes, &[u8]) = match frame.into() {
            Frame::Message(text) | Frame::Slow(text) => (text, b"\n"),
            Frame::Open(text) => (text, b""),
            Frame::End => return Ok(()),
        };
        buffer.reserve(text.len() + end.len());
        buffer.put(text);
        buffer.put(end);
        Ok(())
    }
}
