//! Newline-delimited messages on a byte stream.

use std::io;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::{Sink, Stream, StreamExt as _};
use manyhands_transport::MAX_MESSAGE;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{
    AnyDelimiterCodec, AnyDelimiterCodecError, Encoder, FramedRead, FramedWrite,
};

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
pub(crate) fn outgoing(write: impl AsyncWrite) -> impl Sink<Bytes, Error = io::Error> {
    FramedWrite::new(write, Lines)
}

struct Lines;

impl Encoder<Bytes> for Lines {
    type Error = io::Error;

    fn encode(&mut self, message: Bytes, buffer: &mut BytesMut) -> io::Result<()> {
        buffer.reserve(message.len() + 1);
        buffer.put(message);
        buffer.put_u8(b'\n');
        Ok(())
    }
}
